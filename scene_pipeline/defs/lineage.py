"""Which column of a catalog table comes from which of the table before: what the UI draws as column lineage."""

from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from scene_pipeline.catalog.schema import CATEGORIZED, ENRICHED, PRODUCTS

_STATED = ("type", "category", "subcategory", "materials", "colors", "dimensions", "price_tier")
_AXES = ("width", "depth", "height", "length", "diameter")
_PICTURES = ("primary_image", "lifestyle_images", "detail_images", "swatch_images")
_TEXTS = ("title", "description", "detailed_description")

RENAMED: Mapping[str, Sequence[str]] = {
    "product_id": ("id",),
    "images": _PICTURES,
    **{f"stated_{name}": (name,) for name in _STATED},
    **{f"stated_{name}_cm": (name,) for name in _AXES},
    **dict.fromkeys(("row", "content_hash", "extra"), ()),
    "price_low": ("price", "sale_price", "compare_price"),
    "price_high": ("price", "sale_price", "compare_price"),
    "currency": ("currency", "price"),
    "variants": ("sku_id", "colors", "dimensions", "materials", "price", "sale_price", "stock_level", "variant_image"),
}
"""Column of `products` -> columns of the file, where they are not of one name."""

ENRICHED_FROM: Mapping[str, Sequence[str]] = {
    "sentence": (*_TEXTS, "stated_type", "stated_materials", "stated_colors", "stated_dimensions"),
    "product_type": (*_TEXTS, "stated_type"),
    "materials": (*_TEXTS, "stated_materials"),
    "colors": (*_TEXTS, "stated_colors"),
    "color_lab": (*_TEXTS, "stated_colors"),
    "palette": (*_TEXTS, "stated_colors"),
    "finishes": _TEXTS,
    "set_count": _TEXTS,
    "dimensions": (*_TEXTS, "stated_dimensions", *(f"stated_{axis}_cm" for axis in _AXES)),
    **{f"{axis}_cm": (*_TEXTS, "stated_dimensions", f"stated_{axis}_cm") for axis in _AXES if axis != "length"},
    "largest_cm": (*_TEXTS, "stated_dimensions", *(f"stated_{axis}_cm" for axis in _AXES)),
    "rooms": (*_TEXTS, "room_tags"),
    "outdoor": _TEXTS,
    "styles": (*_TEXTS, "style_tags"),
    "description_score": _TEXTS,
    "description_score_parts": _TEXTS,
    "provenance": _TEXTS,
}
"""Column that `enriched_products` adds -> columns of `products`."""

CATEGORIZED_FROM: Mapping[str, Sequence[str]] = {
    "category": ("product_type", "sentence"),
    "category_confidence": ("product_type", "sentence"),
    "category_reason": ("product_type", "sentence"),
    "size_class": ("largest_cm", "product_type"),
    "price_tier": ("price", "stated_price_tier"),
}
"""Column that `categorized_products` adds -> columns of `enriched_products`."""


def products_lineage(known: Iterable[str]) -> dg.TableColumnLineage:
    """Return the lineage of `products`; `known` are our names of the columns that the file has."""
    there = set(known)
    return lineage(
        {
            name: [("raw_catalog", column) for column in RENAMED.get(name, (name,)) if column in there]
            for name in PRODUCTS.names
        }
    )


def enriched_lineage() -> dg.TableColumnLineage:
    """Return the lineage of `enriched_products`."""
    return _added("products", PRODUCTS.names, {name: ENRICHED_FROM[name] for name in _new(ENRICHED, PRODUCTS)})


def categorized_lineage() -> dg.TableColumnLineage:
    """Return the lineage of `categorized_products`."""
    new = {name: CATEGORIZED_FROM[name] for name in _new(CATEGORIZED, ENRICHED)}
    return _added("enriched_products", ENRICHED.names, new)


def lineage(columns: Mapping[str, Sequence[tuple[str, str]]]) -> dg.TableColumnLineage:
    """Return column -> (asset, column) pairs as the lineage that the UI draws."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=column) for asset, column in origins]
            for name, origins in columns.items()
        }
    )


def _new(after: Iterable, before: Iterable) -> list[str]:
    names = {field.name for field in before}
    return [field.name for field in after if field.name not in names]


def _added(asset: str, kept: Sequence[str], new: Mapping[str, Sequence[str]]) -> dg.TableColumnLineage:
    """Return the lineage of a table that keeps the columns of the one before and adds new ones."""
    origins = {**{name: (name,) for name in kept}, **new}
    return lineage({name: [(asset, column) for column in columns] for name, columns in origins.items()})
