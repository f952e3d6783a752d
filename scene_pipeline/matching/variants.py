"""The variants of a bundle's products, and which one suits a scene: color that fits, size that fits, in stock."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from scene_pipeline.bundle.open import Bundle
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.request import Constraints
from scene_pipeline.matching.standing import Sides

VARIANTS = "variants"
"""The column of the product table (`catalog/schema.py`, VARIANT)."""

NEAR = 12.0
"""CIELAB distance within which two colors look alike: a difference below it decides nothing."""

_SHOWN = ("sku_id", "color", "size", "material", "price", "sale_price", "availability", "image")
_STOCK = {"in_stock": 1.0, "preorder": 0.5, "out_of_stock": 0.0}


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a product, as the catalog states it. image: its address, or None."""

    sku_id: str | None
    color: str | None = None
    size: str | None = None
    material: str | None = None
    price: float | None = None
    sale_price: float | None = None
    availability: str | None = None
    image: str | None = None

    @property
    def label(self) -> str:
        """What sets it apart: "Black, 200 x 300 cm"."""
        return ", ".join(text for text in (self.color, self.size, self.material) if text)

    @property
    def paid(self) -> float | None:
        """What a customer pays."""
        return self.price if self.sale_price is None else self.sale_price


class ProductVariants:
    """The variants of all products, flattened: those of row i are starts[i] to starts[i + 1].

    paid [v] and longest_cm [v] are NaN where nothing states them; stock [v] is 1 in stock, .5 on order or unknown, 0
    sold out; lab [v, 3] is NaN where no color is known.
    """

    def __init__(self, column: pa.ListArray, features: ProductFeatures) -> None:
        """Read a column of the type list<VARIANT>; what a variant does not state is its product's."""
        self._cells = column.flatten()
        counts = _lengths(column)
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        self._product = np.repeat(np.arange(len(counts)), counts)
        price, sale = (_numbers(self._cells.field(name)) for name in ("price", "sale_price"))
        paid = np.where(np.isnan(sale), price, sale)
        self.paid = np.where(np.isnan(paid), features.price[self._product], paid)
        longest = _longest(self._cells.field("size_cm"))
        self.longest_cm = np.where(np.isnan(longest), features.largest_cm[self._product], longest)
        self.stock = self._stock(features)
        self.lab = _triples(self._cells.field("color_lab"))

    @classmethod
    def of(cls, bundle: Bundle, features: ProductFeatures) -> "ProductVariants | None":
        """Return the variants of a bundle's products, or None where no product has any."""
        if VARIANTS not in bundle.products_schema().names:
            return None
        column = bundle.products([VARIANTS])[VARIANTS].combine_chunks()
        assert isinstance(column, pa.ListArray)
        return cls(column, features) if len(column.flatten()) else None

    def __len__(self) -> int:
        return len(self._product)

    def allowed(self, constraints: Constraints) -> tuple[np.ndarray, np.ndarray]:
        """Return which products [n] have variants, and which have one that meets price, size and stock together."""
        kept = np.bincount(self._product[self._keep(constraints)], minlength=len(self.starts) - 1)
        return self.starts[1:] > self.starts[:-1], kept > 0

    def spans(self) -> dict[str, np.ndarray]:
        """Return of each product [n] the lowest and highest price and size in cm, the best stock, and their count.

        NaN where nothing states them.
        """
        n = len(self.starts) - 1
        found = {"count": np.diff(self.starts), "stock": np.full(n, np.nan)}
        np.fmax.at(found["stock"], self._product, self.stock)
        for name, values in (("price", self.paid), ("cm", self.longest_cm)):
            for side, bound in (("low", np.fmin), ("high", np.fmax)):
                found[f"{name}_{side}"] = np.full(n, np.nan)
                bound.at(found[f"{name}_{side}"], self._product, values)
        return found

    def choose(self, row: int, lab: np.ndarray, constraints: Constraints, room: Sides | None = None) -> Variant | None:
        """Return the variant of product `row` that suits best, or None where it has none.

        lab: float [n, 3], the colors to meet in CIELAB; may be empty. room: the sides of the free stretch for it, where
        known. Variants that keep the constraints come first, then those in stock, then the nearest color (differences
        below NEAR decide nothing, unknown colors come last), then the largest that fits the room, else the smallest,
        then the lower price, then the order of the catalog.
        """
        first, last = int(self.starts[row]), int(self.starts[row + 1])
        if first == last:
            return None
        own = slice(first, last)
        kept = self._keep(constraints, own)
        size = _size_step(self._cells[own].field("size_cm").to_pylist(), room)
        order = np.lexsort((self.paid[own], size, _color_step(self.lab[own], lab), self.stock[own] <= 0, ~kept))
        return _shown(self._cells[first + int(order[0])].as_py())

    def _keep(self, constraints: Constraints, part: slice = slice(None)) -> np.ndarray:
        paid, longest = self.paid[part], self.longest_cm[part]
        kept = np.ones(len(paid), dtype=bool)
        if constraints.min_price is not None:
            kept &= paid >= constraints.min_price
        if constraints.max_price is not None:
            kept &= paid <= constraints.max_price
        if constraints.min_size_cm is not None:
            kept &= longest >= constraints.min_size_cm
        if constraints.max_size_cm is not None:
            kept &= longest <= constraints.max_size_cm
        if constraints.in_stock:
            kept &= self.stock[part] >= 1
        return kept

    def _stock(self, features: ProductFeatures) -> np.ndarray:
        stated = self._cells.field("availability").to_pylist()
        known = np.array([_STOCK.get(word, np.nan) for word in stated], dtype=np.float32)
        level = _numbers(self._cells.field("stock_level"))
        unknown = np.where(features.availability[self._product] >= 1, 1.0, 0.5)
        by_level = np.where(np.isnan(level), unknown, level > 0)
        return np.where(np.isnan(known), by_level, known).astype(np.float32)


def _color_step(lab: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return how far colors [m, 3] are from the nearest wanted one, in steps of NEAR; infinity where unknown."""
    wanted = np.asarray(wanted, dtype=np.float64).reshape(-1, 3)
    if not len(wanted):
        return np.where(np.isnan(lab[:, 0]), np.inf, 0.0)
    distance = np.linalg.norm(lab[:, None] - wanted, axis=2).min(axis=1)
    return np.where(np.isnan(distance), np.inf, distance // NEAR)


def _size_step(sizes: Sequence[Sequence[float] | None], room: Sides | None) -> np.ndarray:
    """Return the order in which variants fit a room: the largest that fits first, then the smallest that does not.

    Their two longest sides count, turned either way. Unknown sizes come last; without a room all are alike.
    """
    steps = np.zeros(len(sizes))
    if room is None:
        return steps
    free = sorted(room, reverse=True)
    for i, size in enumerate(sizes):
        sides = sorted(size or (), reverse=True)[:2]
        fits = all(side <= limit for side, limit in zip(sides, free, strict=False))
        area = math.prod(sides)
        steps[i] = (-area if fits else area) if sides else np.inf
    return steps


def _shown(cells: dict[str, Any]) -> Variant:
    return Variant(**{name: cells[name] for name in _SHOWN})


def _numbers(column: pa.Array) -> np.ndarray:
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _lengths(column: pa.ListArray) -> np.ndarray:
    return column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)


def _longest(column: pa.ListArray) -> np.ndarray:
    """Return the largest of each list [v], NaN where there is none."""
    longest = np.full(len(column), np.nan)
    parents = column.value_parent_indices().to_numpy(zero_copy_only=False)
    np.fmax.at(longest, parents, column.flatten().to_numpy(zero_copy_only=False))
    return longest


def _triples(column: pa.ListArray) -> np.ndarray:
    """Return lists of three numbers as [v, 3], NaN where there is none."""
    found = np.full((len(column), 3), np.nan, dtype=np.float32)
    lengths = _lengths(column)
    has = np.repeat(lengths == 3, lengths)
    found[lengths == 3] = column.flatten().to_numpy(zero_copy_only=False)[has].reshape(-1, 3)
    return found
