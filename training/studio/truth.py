"""What is true of the sample: which product fits which scene, by rule, and where placed products are seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.studio.colors import COLORS
from training.studio.plan import Item
from training.studio.rooms import SIZES, Brief
from training.studio.vocabulary import vocabulary

NEIGHBORS: dict[str, tuple[str, ...]] = {
    "contemporary": ("minimalist",),
    "minimalist": ("contemporary", "scandinavian"),
    "scandinavian": ("minimalist",),
    "mid_century_modern": (),
    "industrial": (),
    "traditional": (),
    "bohemian": (),
}
"""Styles whose products also suit a room of the style; symmetric."""

PLAIN_COLORS: dict[str, str | None] = {
    "natural": "neutral_warm",
    "gold": "warm_tones",
    "silver": "neutral_cool",
    "copper": "earth_tones",
    "bronze": "earth_tones",
    "clear": None,
}
"""Palettes of the colors that are the material's own; clear glass suits every palette."""

ROOM_AFFINITY = 0.7
HARMONY = 0.6
WIDTH_SHARE = 0.6
VISIBLE_SHARE = 0.0004


def palettes(item: Item) -> list[str | None]:
    """Return the palettes of the product's two main colors; None stands for clear glass, which suits any."""
    return [COLORS[name][1] if name in COLORS else PLAIN_COLORS[name] for name in item.made.colors[:2]]


def harmony(first: str, second: str) -> float:
    """Return the harmony of two palettes as the vocabulary states it (symmetric, .4 where it says nothing)."""
    if first == second:
        return 1.0
    records = {record.id: record.harmony for record in vocabulary().palettes}
    return records[first].get(second, records[second].get(first, 0.4))


def suits_room(item: Item, room: str) -> bool:
    """Return whether type and category belong in the room, and the product is not too wide for it."""
    if item.type.rooms and room not in item.type.rooms:
        return False
    category = next(record for record in vocabulary().categories if record.id == item.type.category)
    if category.rooms.get(room, 0.3) < ROOM_AFFINITY and room not in item.type.rooms:
        return False
    size = item.made.thing.size()
    return bool(max(size[0], size[1]) <= WIDTH_SHARE * SIZES[room][0])


def fits(item: Item, brief: Brief) -> bool:
    """Return whether a product fits a scene by the written rules: room, size, style, palette."""
    if not suits_room(item, brief.room):
        return False
    if item.style != brief.style and item.style not in NEIGHBORS[brief.style]:
        return False
    return any(palette is None or harmony(palette, brief.palette) >= HARMONY for palette in palettes(item))


@dataclass(frozen=True)
class Box:
    """A product seen in a scene: its box in shares of width and height, from the upper left corner."""

    sku: str
    x: float
    y: float
    w: float
    h: float


def boxes(seen: np.ndarray, skus: tuple[str, ...]) -> list[Box]:
    """Return the boxes of the products of which enough is seen.

    `seen` (height, width) holds 1 + the index into `skus` of what each pixel shows; other numbers are surroundings.
    """
    height, width = seen.shape
    out = []
    for index, sku in enumerate(skus, start=1):
        rows, columns = np.nonzero(seen == index)
        if len(rows) < VISIBLE_SHARE * seen.size:
            continue
        x0, x1 = columns.min() / width, (columns.max() + 1) / width
        y0, y1 = rows.min() / height, (rows.max() + 1) / height
        out.append(Box(sku, round(x0, 4), round(y0, 4), round(x1 - x0, 4), round(y1 - y0, 4)))
    return out
