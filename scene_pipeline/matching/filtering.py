"""Decide which products are scored: a person's constraints first, then points for room, style, color and material."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
import pyarrow as pa

from scene_pipeline.color.names import color_of
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.factors import Candidates, palette_fit, room_fit, style_alignment
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.request import Constraints
from scene_pipeline.matching.variants import ProductVariants
from scene_pipeline.scenes.analysis import UNKNOWN
from scene_pipeline.scenes.scene import Scene, plausible_rooms
from scene_pipeline.vocabulary.product_types import TYPE_KINDS

COLOR_DISTANCE = 26.0
"""CIELAB distance (CIE76) up to which a product has the requested color."""

MAIN_SHARE = 0.15
"""Share of a product's picture from which one of its colors is a main one."""


def allowed_products(
    constraints: Constraints,
    features: ProductFeatures,
    categories: Sequence[str],
    brands: Callable[[], pa.ChunkedArray],
    variants: ProductVariants | None = None,
) -> np.ndarray | None:
    """Return a mask [n] of the products that meet all constraints, or None without constraints.

    `categories` are the vocabulary's ids; `brands` returns the products' brands and is called only when needed. Where a
    product has variants, one of them must meet price, size and stock together. Raises ScenePipelineError naming the
    constraint that left nothing, and what it had to choose from.
    """
    mask: np.ndarray | None = None
    met: list[str] = []
    bounds = _bounds(constraints, features)
    if variants is not None:
        bounds = _of_variants(bounds, constraints, variants)
    for name, part in [*((name, part) for name, part, _ in bounds), *_parts(constraints, features, categories, brands)]:
        before = len(part) if mask is None else int(mask.sum())
        mask = part if mask is None else mask & part
        if not mask.any():
            others = f" of the {before:,} with {', '.join(met)}" if met else f" of {before:,}"
            raise ScenePipelineError(f"no product is left once {name} is applied: none{others} has it; loosen it")
        met.append(name)
    return mask


_Bound = tuple[str, np.ndarray, Constraints]
"""A bound on price, size or stock: its name, the products [n] that keep it, and the constraint alone."""


def _bounds(constraints: Constraints, features: ProductFeatures) -> list[_Bound]:
    price, size = features.price, features.largest_cm
    bounds: list[_Bound] = []
    if (low := constraints.min_price) is not None:
        bounds.append((f"a price of at least {low:g}", price >= low, Constraints(min_price=low)))
    if (high := constraints.max_price) is not None:
        bounds.append((f"a price of at most {high:g}", price <= high, Constraints(max_price=high)))
    if (low := constraints.min_size_cm) is not None:
        bounds.append((f"a size of at least {low:g} cm", size >= low, Constraints(min_size_cm=low)))
    if (high := constraints.max_size_cm) is not None:
        bounds.append((f"a size of at most {high:g} cm", size <= high, Constraints(max_size_cm=high)))
    if constraints.in_stock:
        bounds.append(("in stock only", features.availability >= 1.0, Constraints(in_stock=True)))
    return bounds


def _of_variants(bounds: list[_Bound], constraints: Constraints, variants: ProductVariants) -> list[_Bound]:
    """Return the bounds for products with variants: one variant must keep each, and one must keep them all."""
    of_one: list[_Bound] = []
    for name, mask, alone in bounds:
        has, kept = variants.allowed(alone)
        of_one.append((name, np.where(has, kept, mask), alone))
    if len(bounds) > 1:
        has, kept = variants.allowed(constraints)
        of_one.append(("all of that in one variant", ~has | kept, constraints))
    return of_one


def _parts(
    constraints: Constraints,
    features: ProductFeatures,
    categories: Sequence[str],
    brands: Callable[[], pa.ChunkedArray],
) -> list[tuple[str, np.ndarray]]:
    parts: list[tuple[str, np.ndarray]] = []
    if constraints.categories:
        wanted = _category_indices(constraints.categories, categories)
        parts.append((f"categories {', '.join(constraints.categories)}", np.isin(features.category, wanted)))
    if constraints.without_categories:
        unwanted = _category_indices(constraints.without_categories, categories)
        parts.append((f"without {', '.join(constraints.without_categories)}", ~np.isin(features.category, unwanted)))
    if constraints.brands:
        wanted_brands = {brand.lower() for brand in constraints.brands}
        mask = np.array([(brand or "").lower() in wanted_brands for brand in brands().to_pylist()])
        parts.append((f"brand {', '.join(constraints.brands)}", mask))
    if constraints.colors:
        parts.append((f"color {', '.join(constraints.colors)}", near_colors(features, constraints.colors)))
    return parts


def _category_indices(names: Sequence[str], categories: Sequence[str]) -> list[int]:
    known = [*categories, "uncategorized"]
    for name in names:
        if name not in known:
            raise ScenePipelineError(f"category '{name}' is not one of {', '.join(known)}")
    return [categories.index(name) if name in categories else -1 for name in names]


def near_colors(features: ProductFeatures, colors: Sequence[str]) -> np.ndarray:
    """Return which products have a main color within COLOR_DISTANCE of one of `colors`."""
    wanted = np.array([color_of(color) for color in colors], dtype=np.float32)
    distance = np.sqrt(((features.color_lab[:, :, None] - wanted) ** 2).sum(axis=-1)).min(axis=-1)
    return ((distance <= COLOR_DISTANCE) & (features.color_share >= MAIN_SHARE)).any(axis=1)


def kept_back(scene: Scene, features: ProductFeatures, rows: np.ndarray, include: Collection[str] = ()) -> np.ndarray:
    """Return which products [m] are kept out of this scene's list by default, except those that `include` names.

    These are components and supplies in every room, children's things outside a children's room, and outdoor things
    indoors. All of them are let through where nothing else is left: a toy shop sells nothing else.
    """
    analysis = scene.analysis
    room = analysis.room.value if analysis.room_certain else ""
    back = np.zeros(len(rows), dtype=bool)
    for wish, found, home in (
        ("components", features.kind[rows] == TYPE_KINDS.index("component"), None),
        ("supplies", features.kind[rows] == TYPE_KINDS.index("supply"), None),
        ("children", features.for_children[rows], "childrens_room"),
        ("outdoor", features.for_outdoors[rows], "outdoor"),
    ):
        if wish not in include and room != home:
            back |= found
    return np.zeros_like(back) if back.all() else back


def passes(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Return which candidates [m] reach the threshold of points and fit the room well enough.

    Where the room is not certain, they must fit each of the rooms that it may be.
    """
    worth = candidates.vocabulary.scoring.filter
    fit = room_fit(scene, candidates)
    if not scene.analysis.room_certain and scene.analysis.room.value != UNKNOWN:
        plausible = np.isin([room.id for room in candidates.vocabulary.rooms], plausible_rooms(scene.analysis.room))
        fit = candidates.features.room_fit[candidates.at][:, plausible].min(axis=1)
    return (points(scene, candidates) >= worth.threshold) & (fit >= worth.min_room_fit)


def points(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Return the filter points [m] of the candidates, between 0 and the sum of all points (16 as packaged)."""
    features, at, worth = candidates.features, candidates.at, candidates.vocabulary.scoring.filter
    return (
        worth.room * room_fit(scene, candidates)
        + worth.style * style_alignment(scene, candidates)
        + worth.color * palette_fit(scene, candidates)
        + worth.material * features.material_quality[at]
        + worth.availability * features.availability[at]
    )
