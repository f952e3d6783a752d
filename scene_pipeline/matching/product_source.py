"""Products in a product index: the fields it stores, and a person's constraints as a filter on them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from scene_pipeline.bundle.layout import PRODUCT_FEATURES
from scene_pipeline.bundle.open import Bundle
from scene_pipeline.color.names import BASIC_COLORS, color_of
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.index.faiss_index import ARROW_TYPES, FaissSnapshot
from scene_pipeline.index.port import IndexSchema, Snapshot
from scene_pipeline.index.where import And, AnyOf, Eq, FieldKind, In, Not, Or, Range, Where
from scene_pipeline.matching.filtering import COLOR_DISTANCE, MAIN_SHARE, near_colors
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.request import Constraints
from scene_pipeline.matching.variants import ProductVariants

FIELDS: Mapping[str, FieldKind] = {
    "category": "text",
    "product_type": "text",
    "brand": "text",
    "price": "number",
    "largest_cm": "number",
    "in_stock": "flag",
    "rooms": "texts",
    "colors": "texts",
    "color_cells": "texts",
    "has_variants": "flag",
    "variant_price_low": "number",
    "variant_price_high": "number",
    "variant_cm_low": "number",
    "variant_cm_high": "number",
    "variant_in_stock": "flag",
}
"""What an index keeps of a product. `brand` is lower-cased; `colors` are the basic colors its main ones are near, and
`color_cells` the cells of CIELAB that those lie in. The fields of variants are the lowest and highest value over a
product's variants, unknown without variants.
"""

CELL = 10.0
"""Side of a cell of CIELAB: a color by its numbers is looked up in the cells around it."""

SCHEMA_COLUMNS = ("product_id", "category", "product_type", "brand", "price", "largest_cm", "availability", "rooms")


def schema_for(dimension: int) -> IndexSchema:
    """Return the schema of an index of products."""
    return IndexSchema(dimension, FIELDS)


def where_of(constraints: Constraints) -> Where | None:
    """Return the constraints as a filter, None where there are none.

    All that meet the constraints pass it. A few that do not meet them may pass too, and `ProductSource` removes these:
    a product of which no single variant keeps price, size and stock together, and one whose color is a little too far
    from a color by its numbers. Raises ScenePipelineError for a color that is neither a name nor "#rrggbb".
    """
    parts: list[Where] = []
    own, of_variants = _bounds(constraints)
    if own:
        alone = And((Eq("has_variants", False), *own))
        parts.append(Or((alone, And(tuple(of_variants)))))
    if constraints.categories:
        parts.append(In("category", constraints.categories))
    if constraints.without_categories:
        parts.append(Not(In("category", constraints.without_categories)))
    if constraints.brands:
        parts.append(In("brand", tuple(brand.lower() for brand in constraints.brands)))
    if constraints.colors:
        names = tuple(color.strip().lower() for color in constraints.colors)
        basic = tuple(name for name in names if name in BASIC_COLORS)
        near = sorted({cell for name in names if name not in BASIC_COLORS for cell in _cells_around(color_of(name))})
        leaves = (AnyOf("colors", basic), AnyOf("color_cells", tuple(near)))
        parts.append(Or(tuple(leaf for leaf in leaves if leaf.values)))
    return And(tuple(parts)) if parts else None


def _bounds(constraints: Constraints) -> tuple[list[Where], list[Where]]:
    """Return the bounds on price, size and stock as a product keeps them, and as one of its variants may."""
    own: list[Where] = []
    of_variants: list[Where] = []
    for field, of_variant, low, high in (
        ("price", "variant_price", constraints.min_price, constraints.max_price),
        ("largest_cm", "variant_cm", constraints.min_size_cm, constraints.max_size_cm),
    ):
        if low is not None or high is not None:
            own.append(Range(field, low, high))
            of_variants += [Range(f"{of_variant}_high", low=low), Range(f"{of_variant}_low", high=high)]
    if constraints.in_stock:
        own.append(Eq("in_stock", True))
        of_variants.append(Eq("variant_in_stock", True))
    return own, of_variants


def _cells_around(lab: Sequence[float]) -> list[str]:
    """Return the cells of which a part lies within COLOR_DISTANCE of a color."""
    reach = int(np.ceil(COLOR_DISTANCE / CELL))
    own = np.floor(np.asarray(lab) / CELL).astype(int)
    steps = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = own + steps
    nearest = np.clip(np.asarray(lab), cells * CELL, (cells + 1) * CELL)
    return _cell_names(cells[np.linalg.norm(nearest - lab, axis=1) <= COLOR_DISTANCE])


def _cell_names(cells: np.ndarray) -> list[str]:
    return [" ".join(map(str, cell)) for cell in cells.tolist()]


def field_values(
    products: pa.Table, features: ProductFeatures, variants: ProductVariants | None
) -> dict[str, Sequence[Any]]:
    """Return the values of FIELDS for a table with COLUMNS, row by row as `features`."""
    values: dict[str, Sequence[Any]] = {
        name: products[name].to_pylist() for name in ("category", "product_type", "price", "rooms")
    }
    sizes = products["largest_cm"].to_pylist()
    values["largest_cm"] = [None if size is None else float(size) for size in sizes]
    values["brand"] = [None if brand is None else brand.lower() for brand in products["brand"].to_pylist()]
    stock = products["availability"].to_pylist()
    values["in_stock"] = [None if state is None else state == "in_stock" for state in stock]
    names = list(BASIC_COLORS)
    near = np.stack([near_colors(features, (name,)) for name in names], axis=1)
    values["colors"] = [[names[at] for at in np.flatnonzero(row)] for row in near]
    main = features.color_share >= MAIN_SHARE
    cells = np.floor(features.color_lab / CELL).astype(int)
    values["color_cells"] = [sorted(set(_cell_names(row[kept]))) for row, kept in zip(cells, main, strict=True)]
    return values | _variant_values(variants, products.num_rows)


def _variant_values(variants: ProductVariants | None, n: int) -> dict[str, Sequence[Any]]:
    if variants is None:
        unknown = dict.fromkeys((name for name in FIELDS if name.startswith("variant_")), [None] * n)
        return {**unknown, "has_variants": [False] * n}
    spans = variants.spans()
    has = spans["count"] > 0
    numbers = {
        f"variant_{name}": [None if np.isnan(value) else float(value) for value in spans[name]]
        for name in ("price_low", "price_high", "cm_low", "cm_high")
    }
    stock = [bool(value >= 1) if known else None for value, known in zip(spans["stock"], has, strict=True)]
    return {**numbers, "variant_in_stock": stock, "has_variants": has.tolist()}


class ProductSource:
    """A product index as the matcher uses it: rows of the bundle's table, filtered by what the index holds now."""

    def __init__(self, bundle: Bundle, snapshot: Snapshot) -> None:
        """Raise ScenePipelineError when the index holds vectors of another encoder."""
        if snapshot.schema.dimension != bundle.index.dimension:
            raise ScenePipelineError(
                f"the product index has {snapshot.schema.dimension} dimensions and the bundle "
                f"{bundle.index.dimension}; sync the index with this bundle"
            )
        self._snapshot = snapshot
        self._features = ProductFeatures.load(bundle.path / PRODUCT_FEATURES)
        self._variants = ProductVariants.of(bundle, self._features)
        self._rows = {name: row for row, name in enumerate(bundle.products(["product_id"])["product_id"].to_pylist())}

    def candidates(self, query: np.ndarray, k: int, constraints: Constraints) -> np.ndarray:
        """Return the rows of the best `k` products that meet the constraints, ascending.

        What the bundle does not have is left out. Raises ScenePipelineError when nothing is left.
        """
        hits = self._snapshot.search(query, k, where_of(constraints))
        rows = [row for name in hits.ids if (row := self._rows.get(name)) is not None]
        kept = self._kept(np.sort(np.array(rows, np.int64)), constraints)
        if not len(kept):
            raise ScenePipelineError("no product of the index meets the constraints; loosen them")
        return kept

    def _kept(self, rows: np.ndarray, constraints: Constraints) -> np.ndarray:
        """Return the rows without those that `where_of` lets through and the constraints do not."""
        if any(color.strip().lower() not in BASIC_COLORS for color in constraints.colors):
            rows = rows[near_colors(self._features, constraints.colors)[rows]]
        if self._variants is not None and _bounds(constraints)[0]:
            has, kept = self._variants.allowed(constraints)
            rows = rows[(~has | kept)[rows]]
        return rows


def bundle_snapshot(bundle: Bundle) -> FaissSnapshot:
    """Return a bundle's products as a snapshot. The bundle's files are read; none is written."""
    products = bundle.products([*SCHEMA_COLUMNS, "content_hash", "sentence"])
    features = ProductFeatures.load(bundle.path / PRODUCT_FEATURES)
    values = field_values(products, features, ProductVariants.of(bundle, features))
    table = pa.table(
        {
            "product_id": products["product_id"],
            "content_hash": products["content_hash"],
            "text": products["sentence"],
            **{name: pa.array(column, ARROW_TYPES[FIELDS[name]]) for name, column in values.items()},
        }
    )
    return FaissSnapshot(bundle.version, schema_for(bundle.index.dimension), bundle.index, table)
