"""All product types, and how one is built from a style, a palette and a seed."""

from __future__ import annotations

import numpy as np

from training.studio.products import botanicals, functional, furniture, lighting, sculptures, textiles, vases, walls
from training.studio.products.base import Look, Made, ProductType

TYPES: dict[str, ProductType] = {
    kind.id: kind
    for module in (vases, sculptures, lighting, functional, textiles, walls, botanicals, furniture)
    for kind in module.TYPES
}

CATEGORIES: tuple[str, ...] = tuple(dict.fromkeys(kind.category for kind in TYPES.values()))


def build(kind: str, style: str, palette: str, seed: int) -> Made:
    """Return the product of a type; the same four arguments always give the same product."""
    return TYPES[kind].make(Look.of(style, palette, seed))


def draw_type(rng: np.random.Generator, category: str) -> ProductType:
    """Return a type of the category, the usual ones more often."""
    kinds = [kind for kind in TYPES.values() if kind.category == category]
    weights = np.array([kind.weight for kind in kinds])
    return kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
