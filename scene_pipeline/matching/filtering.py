"""Decide which products are scored: a person's constraints first, then points for room, style, colour and material."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scene_pipeline.color.harmony import palette_harmony
from scene_pipeline.color.names import color_of
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.factors import Candidates, style_alignment
from scene_pipeline.matching.product_features import Traits
from scene_pipeline.scenes.scene import Scene

COLOR_DISTANCE = 26.0
"""CIELAB distance (CIE76) up to which a product's colour is the colour asked for."""

MAIN_SHARE = 0.15
"""Share of a product's picture from which one of its colours is a main one."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a person insists on; empty means no constraint. Prices in the catalogue's currency, sizes in cm.

    A product whose price, size or colour is unknown does not meet a bound on it. `colors` are names of basic colours
    or "#rrggbb"; a product meets them when one of its main colours is near one of them. `diversity` (0-1)
    is how much the list is spread; None is what the vocabulary says. `style` is the style to furnish in, in place of
    what the photograph shows.
    """

    min_price: float | None = None
    max_price: float | None = None
    min_size_cm: float | None = None
    max_size_cm: float | None = None
    in_stock: bool = False
    categories: tuple[str, ...] = ()
    without_categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    diversity: float | None = None
    style: str | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that no product can meet, and a strength that is none."""
        for name, low, high in (
            ("price", self.min_price, self.max_price),
            ("size", self.min_size_cm, self.max_size_cm),
        ):
            if low is not None and high is not None and low > high:
                raise ScenePipelineError(f"the least {name}, {low:g}, is above the highest, {high:g}; exchange them")
        if self.diversity is not None and not 0 <= self.diversity <= 1:
            raise ScenePipelineError(f"diversity is {self.diversity:g}; it must lie between 0 and 1")

    def allowed(
        self, traits: Traits, categories: Sequence[str], brands: Callable[[], pa.ChunkedArray]
    ) -> np.ndarray | None:
        """Return a mask [n] of the products that meet all constraints, or None when there are none.

        `categories` are the vocabulary's ids; `brands` returns the products' brands and is asked only when needed.
        Raises ScenePipelineError naming the constraint that left nothing, and what it had to choose from.
        """
        mask: np.ndarray | None = None
        met: list[str] = []
        for name, part in self._parts(traits, categories, brands):
            before = len(part) if mask is None else int(mask.sum())
            mask = part if mask is None else mask & part
            if not mask.any():
                others = f" of the {before:,} with {', '.join(met)}" if met else f" of {before:,}"
                raise ScenePipelineError(f"no product is left once {name} is applied: none{others} has it; loosen it")
            met.append(name)
        return mask

    def _parts(
        self, traits: Traits, categories: Sequence[str], brands: Callable[[], pa.ChunkedArray]
    ) -> list[tuple[str, np.ndarray]]:
        parts: list[tuple[str, np.ndarray]] = []
        if self.min_price is not None:
            parts.append((f"a price of at least {self.min_price:g}", traits.price >= self.min_price))
        if self.max_price is not None:
            parts.append((f"a price of at most {self.max_price:g}", traits.price <= self.max_price))
        if self.min_size_cm is not None:
            parts.append((f"a size of at least {self.min_size_cm:g} cm", traits.largest_cm >= self.min_size_cm))
        if self.max_size_cm is not None:
            parts.append((f"a size of at most {self.max_size_cm:g} cm", traits.largest_cm <= self.max_size_cm))
        if self.in_stock:
            parts.append(("in stock only", traits.availability >= 1.0))
        if self.categories:
            wanted = _category_indices(self.categories, categories)
            parts.append((f"categories {', '.join(self.categories)}", np.isin(traits.category, wanted)))
        if self.without_categories:
            unwanted = _category_indices(self.without_categories, categories)
            parts.append((f"without {', '.join(self.without_categories)}", ~np.isin(traits.category, unwanted)))
        if self.brands:
            wanted_brands = {brand.lower() for brand in self.brands}
            mask = np.array([(brand or "").lower() in wanted_brands for brand in brands().to_pylist()])
            parts.append((f"brand {', '.join(self.brands)}", mask))
        if self.colors:
            parts.append((f"colour {', '.join(self.colors)}", _near_colors(traits, self.colors)))
        return parts


def _category_indices(names: Sequence[str], categories: Sequence[str]) -> list[int]:
    known = [*categories, "uncategorised"]
    for name in names:
        if name not in known:
            raise ScenePipelineError(f"category '{name}' is not one of {', '.join(known)}")
    return [categories.index(name) if name in categories else -1 for name in names]


def _near_colors(traits: Traits, colors: Sequence[str]) -> np.ndarray:
    """Return which products have a main colour within COLOR_DISTANCE of one of `colors`."""
    wanted = np.array([color_of(color) for color in colors], dtype=np.float32)
    distance = np.sqrt(((traits.color_lab[:, :, None] - wanted) ** 2).sum(axis=-1)).min(axis=-1)
    return ((distance <= COLOR_DISTANCE) & (traits.color_share >= MAIN_SHARE)).any(axis=1)


def passes(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Return which candidates [m] reach the threshold of points and are no negative for the room."""
    worth = candidates.vocabulary.scoring.filter
    fit = candidates.traits.room_fit[candidates.rows] @ scene.rooms
    return (points(scene, candidates) >= worth.threshold) & (fit >= worth.least_room_fit)


def points(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Return the filter points [m] of the candidates, between 0 and the sum of all points (16 as packaged)."""
    traits, rows, worth = candidates.traits, candidates.rows, candidates.vocabulary.scoring.filter
    harmony = palette_harmony(candidates.vocabulary, scene.palettes)
    return (
        worth.room * (traits.room_fit[rows] @ scene.rooms)
        + worth.style * style_alignment(scene, candidates)
        + worth.color * harmony[traits.palette[rows]]
        + worth.material * traits.material_quality[rows]
        + worth.availability * traits.availability[rows]
    )
