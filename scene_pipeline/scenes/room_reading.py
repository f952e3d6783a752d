"""Turn the outputs of the room heads into a reading: things with boxes, layout, materials, light and size."""

import numpy as np

from scene_pipeline.scenes.analysis import PHOTOGRAPHS, RENDERS, UNKNOWN, Box, RoomObject, RoomReading, Surface, Trait
from scene_pipeline.scenes.layout import free_stretches
from scene_pipeline.scenes.room_heads import (
    ARCHITECTURE,
    DIRECTIONS,
    HEIGHT_MIDDLE,
    MATERIALS,
    PATTERNS,
    SHELL,
    SIZE_MIDDLE,
    SOURCES,
    SPAN_MIDDLE,
    TYPES,
    WARMTHS,
    RoomHeads,
)
from scene_pipeline.scenes.thing_colors import with_colors

OVERLAP, AGREES = 0.3, 0.65
"""Intersection over union from which two boxes of a type count as one thing, and from which they are averaged."""

VOTES_FROM = 0.12
"""Score from which a cell's box counts in the average."""

QUALITY_WEIGHT = 0.3
"""Weight of the quality of a cell's box in its score; the rest is that of the type."""

MAX_OBJECTS = 40
CLEAR = 0.5
"""Probability from which a trait has a value other than "unknown"."""

MIN_SURFACE = 0.03
"""Share of the picture from which a material or a pattern is reported."""

MAIN_PART = (0.1, 0.9)
"""Quantiles of a surface's cells, across and down, between which its box lies."""


def read_room(
    heads: RoomHeads, maps: tuple[np.ndarray, ...], lab: np.ndarray, domain: str = PHOTOGRAPHS
) -> RoomReading:
    """Return what one picture shows, by its feature maps and its pixels `lab` [h, w, 3] in CIELAB, a small copy.

    `domain` is what the picture is read as, "photographs" or "renders": certainties were fitted on held-out ones of it.
    """
    cells, whole = heads.outputs(maps, domain)
    fitted = heads.fitted(domain)
    shell = _softmax(cells["shell"])
    materials, patterns = (
        _softmax(cells[name] + fitted[f"{name}.bias"][:, None, None]) for name in ("materials", "patterns")
    )
    traits = {
        name: _trait(_softmax(whole[name] * fitted[f"{name}.slope"]), names)
        for name, names in (("source", SOURCES), ("warmth", WARMTHS), ("light_from", DIRECTIONS))
    }
    size = float(np.exp(whole["size"][0] + SIZE_MIDDLE))
    spread = float(np.exp(heads.weights[f"{RENDERS}.size_spread"]))  # nobody measured the rooms of photographs
    span, parts = np.exp(cells["span"][0] + SPAN_MIDDLE), shell.argmax(axis=0)
    return RoomReading(
        objects=with_colors(find_objects(cells, materials, fitted), lab[::2, ::2], parts == SHELL.index("thing")),
        layout=_shares(shell, SHELL),
        materials=_shares(materials, MATERIALS),
        patterns=_shares(patterns, PATTERNS),
        source=traits["source"],
        warmth=traits["warmth"],
        light_from=traits["light_from"],
        size_m2=round(size, 1),
        size_interval_m2=(round(size / spread, 1), round(size * spread, 1)),
        camera_height_m=round(float(whole["camera"][0] + HEIGHT_MIDDLE), 2),
        present=_present(cells, whole, fitted),
        free=free_stretches(parts, SHELL, span, lab.shape[1] / lab.shape[0]),
        surfaces=_surfaces(materials, MATERIALS),
        patterned=_surfaces(patterns, PATTERNS),
        architecture=_architecture(_sigmoid(whole["architecture"])),
    )


def present_in(heads: RoomHeads, maps: tuple[np.ndarray, ...], domain: str) -> dict[str, float]:
    """Return how surely (0-1) each type of thing is in the picture of some feature maps."""
    return _present(*heads.outputs(maps, domain), heads.fitted(domain))


def type_scores(cells: dict[str, np.ndarray]) -> np.ndarray:
    """Return the score [t, h, w] of each type in each cell, from the type and the quality of the cell's box."""
    return _sigmoid(cells["types"]) ** (1 - QUALITY_WEIGHT) * _sigmoid(cells["quality"]) ** QUALITY_WEIGHT


def find_objects(
    cells: dict[str, np.ndarray], materials: np.ndarray, fitted: dict[str, np.ndarray]
) -> tuple[RoomObject, ...]:
    """Return the things whose score stands out, the surest first, one for boxes that overlap.

    `objects.least` [t] is the score from which a type is reported; certainty is a logistic of the score's logit. A box
    is the average of those that other cells give for the same thing, weighted by their squared scores.
    """
    scores, edges = type_scores(cells), np.exp(np.clip(cells["edges"], -7, 1))
    _, height, width = scores.shape
    slope, bias = fitted["objects.certainty"]
    found: list[RoomObject] = []
    for kind in np.flatnonzero(scores.max(axis=(1, 2)) >= fitted["objects.least"]):
        least = fitted["objects.least"][kind]
        rows, columns = np.nonzero(scores[kind] >= min(least, VOTES_FROM))
        order = np.argsort(-scores[kind, rows, columns], kind="stable")
        rows, columns = rows[order], columns[order]
        own, (left, top, right, bottom) = scores[kind, rows, columns], edges[:, rows, columns]
        x, y = (columns + 0.5) / width, (rows + 0.5) / height
        boxes = np.clip(np.stack([x - left, y - top, x + right, y + bottom], axis=1), 0, 1)
        free = own >= least
        while free.any():
            best = int(free.argmax())
            shared = overlaps(boxes[best], boxes)
            same = shared >= AGREES
            same[best], free[best] = True, False
            free &= shared < OVERLAP
            box: Box = tuple(np.average(boxes[same], axis=0, weights=own[same] ** 2).round(4).tolist())
            made = materials[1:, rows[best], columns[best]]
            material = MATERIALS[1 + int(made.argmax())] if made.max() >= CLEAR else UNKNOWN
            sure = _sigmoid(slope * _logit(own[best]) + bias)
            found.append(RoomObject(TYPES[kind], box, round(float(sure), 3), material))
    return tuple(sorted(found, key=lambda item: -item.certainty)[:MAX_OBJECTS])


def _present(
    cells: dict[str, np.ndarray], whole: dict[str, np.ndarray], fitted: dict[str, np.ndarray]
) -> dict[str, float]:
    """Return how surely each type is in the picture, from its best cell and from the picture as a whole."""
    best = _logit(type_scores(cells).max(axis=(1, 2)))
    cell, picture, bias = fitted["present.certainty"]
    sure = _sigmoid(cell * best + picture * whole["present"] + bias)
    return {name: round(float(value), 3) for name, value in zip(TYPES, sure, strict=True)}


def overlap(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes."""
    return float(overlaps(np.array(first), np.array([second]))[0])


def overlaps(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return intersection over union [m] of a box [4] and others [m, 4]."""
    shared = np.prod(np.maximum(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return shared / np.maximum(areas - shared, 1e-9)


def _shares(probabilities: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    """Return the share of the picture of each name, by its best cells."""
    counts = np.bincount(probabilities.argmax(axis=0).ravel(), minlength=len(names))
    return {name: round(float(count / counts.sum()), 4) for name, count in zip(names, counts, strict=True) if count}


def _surfaces(probabilities: np.ndarray, names: tuple[str, ...]) -> tuple[Surface, ...]:
    """Return the surface of each name except the first ("none" or "plain"), the largest first."""
    best = probabilities.argmax(axis=0)
    height, width = best.shape
    found = []
    for number, name in enumerate(names[1:], start=1):
        own = best == number
        count = int(np.count_nonzero(own))
        if count < MIN_SURFACE * best.size:
            continue
        (left, right), (top, bottom) = (_main_part(own.sum(axis=axis), count) for axis in (0, 1))
        box: Box = (left / width, top / height, (right + 1) / width, (bottom + 1) / height)
        found.append(Surface(name, round(count / best.size, 4), tuple(np.round(box, 4).tolist())))
    return tuple(sorted(found, key=lambda item: -item.share))


def _main_part(counts: np.ndarray, count: int) -> tuple[int, int]:
    """Return the first and the last place between which the main part of `count` cells lies."""
    low, high = np.searchsorted(np.cumsum(counts), [share * count for share in MAIN_PART])
    return int(low), int(min(high, len(counts) - 1))


def _architecture(probabilities: np.ndarray) -> tuple[Trait, ...]:
    named = [
        Trait(name, round(float(sure), 3))
        for name, sure in zip(ARCHITECTURE, probabilities, strict=True)
        if sure >= CLEAR
    ]
    if named:
        return tuple(sorted(named, key=lambda item: -item.certainty))
    best = int(probabilities.argmax())
    sure = float(1 - probabilities[best])
    if sure >= 1 - CLEAR / 2:
        return (Trait("plain", round(sure, 3)),)
    return (Trait(UNKNOWN, round(sure, 3), f"{ARCHITECTURE[best]} may be there, with {probabilities[best]:.0%}"),)


def _trait(probabilities: np.ndarray, names: tuple[str, ...]) -> Trait:
    best = int(probabilities.argmax())
    sure = round(float(probabilities[best]), 3)
    if sure < CLEAR:
        return Trait(UNKNOWN, sure, f"{names[best]} is the likeliest, with {sure:.0%}")
    return Trait(names[best], sure)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def _softmax(x: np.ndarray) -> np.ndarray:
    power = np.exp(x - x.max(axis=0, keepdims=True))
    return power / power.sum(axis=0, keepdims=True)
