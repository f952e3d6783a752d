"""Pictures to train on: packshots and rooms at small sizes, with labels and captions; a killed run resumes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.studio import rooms, variety
from training.studio.colors import WALLS
from training.studio.facts import Facts, detailed, facts
from training.studio.furnishing import Limit, Supplied, Supply, as_built
from training.studio.geometry import Thing
from training.studio.packshot import photograph
from training.studio.products.registry import CATEGORIES, build, draw_type
from training.studio.render import film, save, shoot
from training.studio.rooms import ROOMS, Brief
from training.studio.styles import STYLES
from training.studio.vocabulary import palette_for
from training.studio.wording import finish_captions, packshot_captions, room_captions


def endless_supply(style: str, palette: str, rng: np.random.Generator) -> tuple[Supply, list[str]]:
    """Return a supply of new products of a style, mostly in its palette, and the list its nouns are noted in."""
    nouns: list[str] = []

    def supply(kinds: tuple[str, ...], limit: Limit) -> Supplied | None:
        for _ in range(5):
            kind = kinds[int(rng.integers(len(kinds)))]
            shade = palette if rng.random() < 0.8 else palette_for(style, rng)
            made = build(kind, style, shade, int(rng.integers(1 << 30)))
            if limit.holds(made.thing.size()):
                nouns.append(made.noun)
                return Supplied(kind, made)
        return None

    return supply, nouns


def other_shapes(rng: np.random.Generator) -> Callable[[Thing], Thing]:
    """Return a function that gives each thing a shape outside the families that products and furniture come in."""

    def reshape(thing: Thing) -> Thing:
        return thing.tapered(float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.25, 0.35)))

    return reshape


@dataclass(frozen=True)
class Draw:
    """How pictures are drawn: a seed, a height in pixels, whether things come in shapes never trained on, and how many
    times as often as usual cloth and paper have a pattern.
    """

    seed: int
    size: int
    held_out_shapes: bool = False
    patterned: float = 1

    def reshape(self, rng: np.random.Generator) -> Callable[[Thing], Thing]:
        """Return what gives the things of a picture their shape."""
        return other_shapes(rng) if self.held_out_shapes else as_built


@dataclass(frozen=True)
class Shot:
    """A picture with its labels; rooms also have, per pixel, what is seen (see `facts`) and how far it is."""

    pixels: np.ndarray
    labels: dict[str, Any]
    facts: Facts | None = None


def packshot(index: int, draw: Draw) -> Shot:
    """Return picture and labels of packshot number `index`; categories take turns."""
    seed, size = draw.seed, draw.size
    rng = np.random.default_rng([seed, 1, index])
    kind = draw_type(rng, CATEGORIES[index % len(CATEGORIES)])
    style = list(STYLES)[int(rng.integers(len(STYLES)))]
    palette = list(WALLS)[int(rng.integers(len(WALLS)))]
    made = build(kind.id, style, palette, int(rng.integers(1 << 30)))
    thing = draw.reshape(rng)(made.thing)
    pixels = photograph(thing, kind, size, 12, int(rng.integers(1 << 30)), overhead=bool(rng.random() < 0.5))
    labels = {
        "category": kind.category,
        "type": kind.id,
        "noun": made.noun,
        "color": made.colors[0] if made.colors else "",
        "colors": list(made.colors),
        "material": made.materials[0] if made.materials else "",
        "materials": list(made.materials),
        "style": style,
        "palette": palette,
        "captions": packshot_captions(made, kind.category, style),
    }
    return Shot(pixels, labels)


def room(index: int, draw: Draw) -> Shot:
    """Return picture and labels of room number `index`; rooms and styles take turns."""
    seed, size = draw.seed, draw.size
    rng = np.random.default_rng([seed, 2, index])
    kind = ROOMS[index % len(ROOMS)]
    style = list(STYLES)[(index // len(ROOMS)) % len(STYLES)]
    palette = palette_for(style, rng)
    supply, nouns = endless_supply(style, palette, rng)
    brief = Brief(kind, style, palette, int(rng.integers(1 << 30)), float(rng.uniform(0.85, 1.35)))
    built = variety.patterned(rooms.build(brief, supply, draw.reshape(rng)), rng, draw.patterned)
    built, light = variety.lit(built, rng)
    stage = variety.reframed(built.stage, rng)
    width = round(size * (1.0, 1.25, 1.4)[int(rng.integers(3))])
    stage, products = detailed(built, stage)
    picture, seen = shoot(stage, (width, size), 4, depth=6, seed=index)
    key = float(rng.uniform(0.22, 0.5) if light["source"] == "lamps" else rng.uniform(0.42, 0.75))
    found = facts(built, stage, products, seen)
    labels = {
        "room": kind,
        "style": style,
        "palette": palette,
        "products": nouns,
        "captions": [*room_captions(kind, style, palette, nouns, rng), *finish_captions(kind, style, built.look)],
        "light": {**light, "key": round(key, 3)},
        **found.record,
    }
    return Shot(film(picture, key), labels, found)


MAKERS: dict[str, Callable[[int, Draw], Shot]] = {"packshot": packshot, "room": room}


def order(packshots: int, count: int) -> Iterator[tuple[str, int]]:
    """Yield (kind, index) so that both kinds grow in step and an early stop leaves a balanced set."""
    total = packshots + count
    done = {"packshot": 0, "room": 0}
    for step in range(total):
        kind = "packshot" if done["packshot"] * total <= step * packshots and done["packshot"] < packshots else "room"
        if done["room"] >= count:
            kind = "packshot"
        yield kind, done[kind]
        done[kind] += 1


def save_layers(found: Facts, folder: Path, stem: str) -> None:
    """Write what is seen at each pixel as `stem.png` and the depth in millimeters as `stem-depth.png`."""
    folder.mkdir(exist_ok=True)
    Image.fromarray(found.layers).save(folder / f"{stem}.png")
    depth = np.clip(found.depth * 1000, 0, 65535).astype(np.uint16)
    Image.fromarray(depth).save(folder / f"{stem}-depth.png")


def make(out: Path, packshots: int, count: int, draw: Draw) -> None:
    """Write `packshots` and `count` rooms as JPEG with `labels.jsonl` into `out`; what is there already is kept."""
    for kind in MAKERS:
        (out / f"{kind}s").mkdir(parents=True, exist_ok=True)
    labels_path = out / "labels.jsonl"
    known = set()
    if labels_path.exists():
        known = {json.loads(line)["image"] for line in labels_path.read_text().splitlines()}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress, labels_path.open("a") as stream:
        task = progress.add_task("pictures", total=packshots + count)
        for kind, index in order(packshots, count):
            name = f"{kind}s/{draw.seed:05d}-{index:06d}.jpg"
            if name not in known:
                shot = MAKERS[kind](index, draw)
                save(shot.pixels, out / name, 92)
                if shot.facts is not None:
                    save_layers(shot.facts, out / "layers", Path(name).stem)
                stream.write(json.dumps({"image": name, "kind": kind, **shot.labels}) + "\n")
                stream.flush()
            progress.advance(task)
