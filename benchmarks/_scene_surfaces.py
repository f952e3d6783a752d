"""What rooms are made of: materials, patterns and light, as read and as rendered or labeled."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.claims import Claim, at_least
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.scenes.analysis import RoomReading
from scene_pipeline.scenes.room_heads import MATERIALS, PATTERNS
from training.room.fit import covers

MIN_TRUE = 3
"""Pictures that must show a material or a pattern for its F1 to count."""

LIGHT = ("source", "from", "warmth")
"""The parts of the light in the labels."""

Named = tuple[set[str], set[str]]
"""The materials and the patterns of one picture."""


def rendered_surface_claims(matcher: SceneMatcher, folder: Path, rooms: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Return the claims on materials and patterns that cover some of rendered rooms."""
    pairs = []
    for room in rooms:
        layers = np.asarray(Image.open(folder / "layers" / f"{Path(room['image']).stem}.png"))
        true = covering(layers[..., 1], MATERIALS), covering(layers[..., 2], PATTERNS)
        pairs.append((named(matcher.analyze(folder / room["image"]).analysis.reading), true))
    return _claims(pairs, f"renders, {folder.name}", (0.70, 0.75))


def labeled_surface_claims(matcher: SceneMatcher, folder: Path, labels: Mapping[str, Any]) -> list[Claim]:
    """Return the claims on materials and patterns of labeled photographs; their light goes to standard error."""
    pairs, light = [], []
    for name, facts in labels.items():
        reading = matcher.analyze(folder / name).analysis.reading
        pairs.append((named(reading), (set(facts["materials"]), set(facts["patterns"]))))
        found = (reading.source, reading.light_from, reading.warmth) if reading else ()
        light.append([trait.value == facts[part] for trait, part in zip(found, LIGHT, strict=False)] or [False] * 3)
    shares = dict(zip(LIGHT, np.mean(light, axis=0).round(3).tolist(), strict=True))
    print(f"light of {len(light)} labeled photographs, share right: {json.dumps(shares)}", file=sys.stderr)
    return _claims(pairs, f"{len(pairs)} labeled photographs", (0.55, 0.55))


def named(reading: RoomReading | None) -> Named:
    """Return the materials and the patterns that a reading names."""
    if reading is None:
        return set(), set()
    return {item.name for item in reading.surfaces}, {item.name for item in reading.patterned}


def covering(layer: np.ndarray, names: Sequence[str]) -> set[str]:
    """Return the names, without the first, that cover as much of a layer [h, w] as is reported."""
    there = covers(layer, len(names))
    return {name for name, covered in zip(names[1:], there[1:], strict=True) if covered}


def macro_f1(pairs: Sequence[tuple[set[str], set[str]]], names: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Return the F1 and the number of true pictures of each name, of pairs (found, true); rare names are left out."""
    figures = {}
    for name in names:
        hit = sum(name in found and name in true for found, true in pairs)
        either = sum((name in found) + (name in true) for found, true in pairs)
        count = sum(name in true for _, true in pairs)
        if count >= MIN_TRUE:
            figures[name] = (2 * hit / either, count)
    return figures


def _claims(pairs: list[tuple[Named, Named]], against: str, bounds: tuple[float, float]) -> list[Claim]:
    claims = []
    for part, (what, names) in enumerate((("materials", MATERIALS[1:]), ("patterns", PATTERNS[1:]))):
        figures = macro_f1([(found[part], true[part]) for found, true in pairs], names)
        shown = {name: [round(f1, 2), n] for name, (f1, n) in figures.items()}
        print(f"{what}, F1 and n, {against}: {json.dumps(shown)}", file=sys.stderr)
        if figures:
            mean = float(np.mean([f1 for f1, _ in figures.values()]))
            claims.append(at_least(f"{what}, macro-F1", mean, bounds[part], unit="F1", against=against, n=len(pairs)))
    return claims
