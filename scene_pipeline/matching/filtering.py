"""Decide which products are scored: a person's constraints first, then points for room, style, colour and material."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.factors import Candidates, palette_harmony
from scene_pipeline.matching.scene import Scene
from scene_pipeline.matching.traits import Traits


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a person insists on; empty means no constraint. Prices in the catalogue's currency, sizes in cm.

    A product whose price or size is unknown does not meet a bound on it.
    """

    min_price: float | None = None
    max_price: float | None = None
    max_size_cm: float | None = None
    in_stock: bool = False
    categories: tuple[str, ...] = ()
    without_categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()

    def allowed(
        self, traits: Traits, categories: Sequence[str], brands: Callable[[], pa.ChunkedArray]
    ) -> np.ndarray | None:
        """Return a mask [n] of the products that meet all constraints, or None when there are none.

        `categories` are the vocabulary's ids; `brands` returns the products' brands and is asked only when needed.
        Raises ScenePipelineError naming the constraint that left nothing.
        """
        mask: np.ndarray | None = None
        for name, part in self._parts(traits, categories, brands):
            mask = part if mask is None else mask & part
            if not mask.any():
                raise ScenePipelineError(f"no product is left once {name} is applied; loosen it")
        return mask

    def _parts(
        self, traits: Traits, categories: Sequence[str], brands: Callable[[], pa.ChunkedArray]
    ) -> list[tuple[str, np.ndarray]]:
        parts: list[tuple[str, np.ndarray]] = []
        if self.min_price is not None:
            parts.append((f"a price of at least {self.min_price:g}", traits.price >= self.min_price))
        if self.max_price is not None:
            parts.append((f"a price of at most {self.max_price:g}", traits.price <= self.max_price))
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
        return parts


def _category_indices(names: Sequence[str], categories: Sequence[str]) -> list[int]:
    known = [*categories, "uncategorised"]
    for name in names:
        if name not in known:
            raise ScenePipelineError(f"category '{name}' is not one of {', '.join(known)}")
    return [categories.index(name) if name in categories else -1 for name in names]


def points(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Return the filter points [m] of the candidates, between 0 and the sum of all points (16 as packaged)."""
    traits, rows, worth = candidates.traits, candidates.rows, candidates.vocabulary.scoring.filter
    harmony = palette_harmony(candidates.vocabulary, scene.palettes)
    return (
        worth.room * (traits.room_fit[rows] @ scene.rooms)
        + worth.style * (traits.style_affinity[rows] @ scene.styles)
        + worth.color * harmony[traits.palette[rows]]
        + worth.material * traits.material_quality[rows]
        + worth.availability * traits.availability[rows]
    )
