"""Make one product from the rows of a group: the parent's texts, the pictures of all, and one variant per form."""

import re
from collections.abc import Sequence
from typing import Any

from scene_pipeline.catalog import cells
from scene_pipeline.catalog.columns import MULTIPLE, attribute_column
from scene_pipeline.catalog.feeds import plain_name
from scene_pipeline.catalog.grouping import PARENT, PICTURE, RULE, VARIANT
from scene_pipeline.catalog.html_text import SEPARATOR
from scene_pipeline.catalog.listed import read_variants
from scene_pipeline.catalog.packed import Pairs, parse_pairs
from scene_pipeline.catalog.products import IMAGE_ROLES, Cell, Known, RowReader

_OWN = (
    "sku_id",
    "price",
    "compare_price",
    "sale_price",
    "colors",
    "dimensions",
    "materials",
    "stock_level",
    "gtin",
    "variant_image",
)
"""A variant's row has at least one of these columns; a row without any only adds a picture."""

_OF_VARIANTS = frozenset(
    {"price", "sale_price", "compare_price", "stock_level", "availability", "variant_image", "gtin"}
)
_MAX_LINES = 60

_GIFT = re.compile(
    r"(?:e-?|digital |geschenk)?gift ?(?:card|voucher|certificate)s?|geschenk(?:karte|gutschein)n?e?|gutscheine?|"
    r"(?:carte|chèque)s?[ -]cadeaux?|cadeaubon(?:nen)?|cadeaukaart(?:en)?|buon[oi] regalo|tarjetas? (?:de )?regalo",
    re.IGNORECASE,
)
_DRAFT = frozenset(
    {"draft", "archived", "inactive", "disabled", "unpublished", "trash", "private", "pending", "hidden", "deleted"}
    | {"discontinued", "entwurf", "brouillon"}
)
_DISPLAY = re.compile(r"\s*\[[A-Z]{1,4}\]\w")
_OPTIONS = {"colors": "color", "dimensions": "size", "materials": "material"}
_FIELDS = (
    *("sku_id", "row", "color", "size", "material", "price", "sale_price", "price_low", "price_high"),
    *("stock_level", "availability", "image"),
)
_NO = frozenset({"false", "0", "-1", "2", "no", "n", "nein", "non", "disabled", "unpublished"})


def left_out_reason(known: Known) -> tuple[str, str, str] | None:
    """Return (column, value, reason) for a row that is not on sale: a draft, unpublished or a gift card; else None."""
    status = (known.get("status") or "").strip()
    if status.lower() in _DRAFT:
        return "status", status, f"the row is {status.lower()}"
    published = (known.get("published") or "").strip()
    if published.lower() in _NO:
        return "published", published, "the row is not published"
    visibility = (known.get("visibility") or "").strip()
    if visibility.lower() == "not visible":
        return "visibility", visibility, "the row is not visible"
    for column in ("gift_card", "type", "title", "category"):
        value = (known.get(column) or "").strip()
        last = value.split(">")[-1].strip()
        if (column == "gift_card" and value.lower() in ("true", "yes", "1")) or _GIFT.fullmatch(last):
            return column, value, "gift cards are no products"
    return None


def is_variant(known: Known, kind: str) -> bool:
    """Return whether a row of a group is a variant that can be bought."""
    if kind in (PARENT, PICTURE, RULE):
        return False
    return kind == VARIANT or any((known.get(name) or "").strip() for name in _OWN)


def merged_cells(rows: Sequence[Known], kinds: Sequence[str]) -> dict[str, str | None]:
    """Return one row's cells for a group: the parent's first, lists and pictures of all the rows."""
    order = sorted(range(len(rows)), key=lambda i: kinds[i] != PARENT)
    merged: dict[str, str | None] = {}
    for name in rows[0]:
        values = [value for i in order if (value := rows[i][name]) and value.strip()]
        if not values:
            merged[name] = None
        elif name in IMAGE_ROLES:
            merged[name] = "\n".join(dict.fromkeys(url for value in values for url in cells.parse_images(value)))
        elif name in MULTIPLE:
            sign = SEPARATOR if name == "detailed_description" else "\n"
            parts = dict.fromkeys(part for value in values for part in value.split(sign))
            merged[name] = sign.join(list(parts)[:_MAX_LINES])
        elif name == "price":
            merged[name] = next(filter(cells.parse_price, values), values[0])
        else:
            merged[name] = values[0]
    if len(rows) > 1 and merged.get("price"):
        priced = next(rows[i] for i in order if (rows[i].get("price") or "") == merged["price"])
        for name in ("sale_price", "compare_price"):
            if name in merged:
                merged[name] = priced[name]
    return merged


def variant_of(reader: RowReader, row: int, known: Known) -> dict[str, Any]:
    """Return one variant (schema VARIANT) of a row of a group."""
    known = reader.usable(row, known, needs_id=False)
    cell = Cell(reader, row, cells.clean_cell(known.get("id")), known)
    prices = cell.prices()
    pictures = cells.parse_images(known.get("variant_image")) or cells.parse_images(known.get("primary_image"))
    image = None
    if pictures:
        image, problem = cell.address(pictures[0])
        image = None if problem else image
    size = cells.clean_cell(known.get("dimensions")) or " × ".join(
        value
        for axis in ("length", "width", "depth", "height", "diameter")
        if (value := cells.clean_cell(known.get(axis)))
    )
    options = _named_options(known.get("title"))
    return {
        "sku_id": cells.clean_cell(known.get("sku_id")) or cells.clean_cell(known.get("id")),
        "row": row,
        "color": _one_line(known.get("colors")) or options.get("color"),
        "size": size or options.get("size"),
        "material": _one_line(known.get("materials")) or options.get("material"),
        "price": prices["price"],
        "sale_price": prices["sale_price"],
        "price_low": prices["price_low"],
        "price_high": prices["price_high"],
        "stock_level": cell.number("stock_level", 0, 1e12),
        "availability": cell.availability(),
        "image": image,
    }


def listed_variants(parent: Known, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the variants that a parent lists and that have no row (see `listed`); fill those that have one."""
    by_sku = {variant["sku_id"]: variant for variant in found}
    listed = []
    for pairs in read_variants(parent.get("children")):
        sku = next((value for name, value in pairs if name.lower() == "sku"), None)
        options = _options(pairs)
        if sku is None and not options:
            continue
        variant = by_sku.get(sku) if sku else None
        if variant is None:
            listed.append({**dict.fromkeys(_FIELDS), "sku_id": sku, **options})
        else:
            variant |= {name: value for name, value in options.items() if not variant[name]}
    return listed


def _options(pairs: Pairs) -> dict[str, str]:
    """Return color, size and material of a variant's attributes."""
    return {
        _OPTIONS[known[0]]: value for name, value in pairs if (known := attribute_column(name)) and known[0] in _OPTIONS
    }


def _named_options(title: str | None) -> dict[str, str]:
    """Return the options in a variant's name, as BigCommerce writes it: "[S]Color=Natural,[RT]Size=Large"."""
    return _options(parse_pairs(title)) if title and _DISPLAY.match(title) else {}


def with_variants(product: dict[str, Any], variants: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a product with its variants, and with the price range, stock and SKU that follow from them."""
    lows = [v["price_low"] for v in (*variants, product) if v["price_low"] is not None]
    highs = [v["price_high"] for v in (*variants, product) if v["price_high"] is not None]
    stocks = [v["stock_level"] for v in variants if v["stock_level"] is not None]
    known = {v["availability"] for v in variants}
    rank = ("in_stock", "preorder", "out_of_stock")
    stated = product.get("stated_colors") or ""
    colors = dict.fromkeys(variant["color"] for variant in variants if variant["color"])
    more = [color for color in colors if plain_name(color) not in plain_name(stated)]
    product["stated_colors"] = "\n".join(filter(None, (stated, *more))) or None
    product |= {
        "price_low": min(lows, default=None),
        "price_high": max(highs, default=None),
        "stock_level": sum(stocks) if stocks else product["stock_level"],
        "availability": next((word for word in rank if word in known), product["availability"]),
        "variants": [
            {k: v for k, v in variant.items() if k not in ("price_low", "price_high")} for variant in variants
        ],
    }
    return product


def _one_line(cell: str | None) -> str | None:
    """Return a cell of several lines as one, without repeats."""
    if not cell:
        return None
    parts = {plain_name(part): part.strip() for part in reversed(cell.split("\n")) if part.strip()}
    return cells.clean_cell(", ".join(reversed(parts.values())))
