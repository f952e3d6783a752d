"""Choose which variant of a recommended product to show: the color that fits the room, the size that fits, in stock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Variant = Mapping[str, Any]
"""A variant as the product table holds it (`catalog/schema.py`, VARIANT)."""

NEAR = 12.0
"""CIELAB distance within which two colors look alike: a difference below it decides nothing."""


@dataclass(frozen=True, slots=True)
class VariantLimits:
    """What a shopper has fixed. max_price: in the catalog's currency; max_cm: the longest side that fits; in_stock:
    only variants that can be had now."""

    max_price: float | None = None
    max_cm: float | None = None
    in_stock: bool = False


def choose_variant(
    variants: Sequence[Variant], scene_lab: np.ndarray, limits: VariantLimits | None = None
) -> Variant | None:
    """Return the variant that suits a scene best, or None: there is none, or none keeps the limits.

    scene_lab: float [n, 3], the scene's main colors in CIELAB, most important first; may be empty. Among the variants
    that keep the limits those in stock come first, then the color nearest to one of the scene's (differences below NEAR
    decide nothing, unknown colors come last), then the lower price, then the order of the catalog.
    """
    limits = limits or VariantLimits()
    kept = [variant for variant in variants if _keeps(variant, limits)]
    if not kept:
        return None
    scene = np.asarray(scene_lab, dtype=np.float64).reshape(-1, 3)
    return min(kept, key=lambda variant: (not has_stock(variant), _color_step(variant, scene), _paid(variant)))


def has_stock(variant: Variant) -> bool:
    """Say whether a variant can be had: its stock is above 0, or it is said to be in stock, or nothing is known."""
    if variant.get("availability") == "out_of_stock":
        return False
    stock = variant.get("stock_level")
    return stock is None or stock > 0


def _keeps(variant: Variant, limits: VariantLimits) -> bool:
    paid, sizes = _paid(variant), variant.get("size_cm")
    if limits.in_stock and not has_stock(variant):
        return False
    if limits.max_price is not None and not paid <= limits.max_price:
        return False
    return limits.max_cm is None or not sizes or max(sizes) <= limits.max_cm


def _paid(variant: Variant) -> float:
    """Return what a customer pays, or infinity where no price is known."""
    price = variant.get("sale_price")
    price = variant.get("price") if price is None else price
    return float("inf") if price is None else price


def _color_step(variant: Variant, scene: np.ndarray) -> float:
    """Return how far a variant's color is from the scene's nearest, in steps of NEAR; infinity where it is unknown."""
    lab = variant.get("color_lab")
    if lab is None or not len(lab):
        return float("inf")
    if not len(scene):
        return 0.0
    distances = np.linalg.norm(scene - np.asarray(lab, dtype=np.float64), axis=1)
    return float(distances.min() // NEAR)
