"""Products behind the port: the fields an index keeps of them, and a person's constraints as a filter of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from scene_pipeline.bundle.layout import PRODUCT_FEATURES
from scene_pipeline.bundle.open import Bundle
from scene_pipeline.color.names import BASIC_COLORS
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.index.faiss_index import ARROW_TYPES, FaissSnapshot
from scene_pipeline.index.port import IndexSchema, Snapshot
from scene_pipeline.index.where import And, AnyOf, Eq, FieldKind, In, Not, Range, Where
from scene_pipeline.matching.filtering import near_colors
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.request import Constraints

FIELDS: Mapping[str, FieldKind] = {
    "category": "text",
    "product_type": "text",
    "brand": "text",
    "price": "number",
    "largest_cm": "number",
    "in_stock": "flag",
    "rooms": "texts",
    "colors": "texts",
}
"""What an index keeps of a product. `brand` is lower-cased; `colors` are the basic colors its main ones are near."""

COLUMNS = ("product_id", "category", "product_type", "brand", "price", "largest_cm", "availability", "rooms")


def schema_for(dimension: int) -> IndexSchema:
    """Return the schema of an index of products."""
    return IndexSchema(dimension, FIELDS)


def where_of(constraints: Constraints) -> Where | None:
    """Return the constraints as a filter, None where there are none.

    Raises ScenePipelineError for a color that is not a basic one: an index keeps names, not CIELAB distances.
    """
    parts: list[Where] = []
    if constraints.min_price is not None or constraints.max_price is not None:
        parts.append(Range("price", constraints.min_price, constraints.max_price))
    if constraints.min_size_cm is not None or constraints.max_size_cm is not None:
        parts.append(Range("largest_cm", constraints.min_size_cm, constraints.max_size_cm))
    if constraints.in_stock:
        parts.append(Eq("in_stock", True))
    if constraints.categories:
        parts.append(In("category", constraints.categories))
    if constraints.without_categories:
        parts.append(Not(In("category", constraints.without_categories)))
    if constraints.brands:
        parts.append(In("brand", tuple(brand.lower() for brand in constraints.brands)))
    if constraints.colors:
        names = tuple(color.strip().lower() for color in constraints.colors)
        for name in names:
            if name not in BASIC_COLORS:
                raise ScenePipelineError(
                    f"color '{name}' cannot be asked of a product index; use one of {', '.join(BASIC_COLORS)}"
                )
        parts.append(AnyOf("colors", names))
    return And(tuple(parts)) if parts else None


def field_values(products: pa.Table, features: ProductFeatures) -> dict[str, Sequence[Any]]:
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
    return values


class ProductSource:
    """A product index as the matcher asks it: rows of the bundle's table, filtered as the index has them now."""

    def __init__(self, bundle: Bundle, snapshot: Snapshot) -> None:
        """Raise ScenePipelineError when the index holds vectors of another encoder."""
        if snapshot.schema.dimension != bundle.index.dimension:
            raise ScenePipelineError(
                f"the product index has {snapshot.schema.dimension} dimensions and the bundle "
                f"{bundle.index.dimension}; sync the index with this bundle"
            )
        self._snapshot = snapshot
        self._rows = {name: row for row, name in enumerate(bundle.products(["product_id"])["product_id"].to_pylist())}

    def candidates(self, query: np.ndarray, k: int, constraints: Constraints) -> np.ndarray:
        """Return the rows of the best `k` products that meet the constraints, ascending.

        What the bundle does not have is left out. Raises ScenePipelineError when nothing is left.
        """
        hits = self._snapshot.search(query, k, where_of(constraints))
        rows = [row for name in hits.ids if (row := self._rows.get(name)) is not None]
        if not rows:
            raise ScenePipelineError("no product of the index meets the constraints; loosen them")
        return np.sort(np.array(rows, np.int64))


def bundle_snapshot(bundle: Bundle) -> FaissSnapshot:
    """Return a bundle's products through the port. The bundle's files are read, none is written."""
    products = bundle.products([*COLUMNS, "content_hash", "sentence"])
    values = field_values(products, ProductFeatures.load(bundle.path / PRODUCT_FEATURES))
    table = pa.table(
        {
            "product_id": products["product_id"],
            "content_hash": products["content_hash"],
            "text": products["sentence"],
            **{name: pa.array(column, ARROW_TYPES[FIELDS[name]]) for name, column in values.items()},
        }
    )
    return FaissSnapshot(bundle.version, schema_for(bundle.index.dimension), bundle.index, table)
