"""What a file states and what was read of it: shares of pictures, prices, SKUs and sizes, and columns left unused."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import pyarrow as pa

from scene_pipeline.catalog import cells
from scene_pipeline.catalog.products import IMAGE_ROLES
from scene_pipeline.catalog.read import EXTRA_PREFIX, RawCatalog
from scene_pipeline.catalog.validate import Validated

_LENGTHS = ("width", "depth", "height", "length", "diameter", "dimensions")
_SAMPLE = 500
_MIN_FILLED = 5
_NUMBER = re.compile(r"[\d.,]+")
_LENGTH = re.compile(r"\d\s*(?:cm|mm|m|in|inch(?:es)?|ft|[\"″'])(?!\w)|\d\s*[x×]\s*\d", re.IGNORECASE)
_MONEY = re.compile(r"[$€£₹]\s*\d|\d\s*[$€£₹]|\d[\d.,]*\s*(?:EUR|USD|GBP|CHF)\b")
_PICTURE = re.compile(r"^(?:https?:)?//\S+\.(?:jpe?g|png|webp|gif|avif)", re.IGNORECASE)


class Accounted(msgspec.Struct, frozen=True):
    """How many the file states in rows on sale, and how many of them were read."""

    stated: int
    read: int

    @property
    def share(self) -> float:
        """The share read; 1 where none is stated."""
        return self.read / self.stated if self.stated else 1.0


def accounted(raw: RawCatalog, validated: Validated) -> dict[str, Accounted]:
    """Return pictures, prices, SKUs and sizes: the distinct pictures and SKUs, and the cells of prices and sizes."""
    away = {row for table in (validated.rejects, validated.left_out) for row in table["row"].to_pylist()}
    kept = [row not in away for row in raw.table["row"].to_pylist()]
    dropped = Counter(validated.dropped["column"].to_pylist())
    products = validated.products
    images = {image["url"] for row in products["images"].to_pylist() for image in row}
    variants = [variant for row in products["variants"].to_pylist() for variant in row]
    stated_images = {
        _address(url) for name in IMAGE_ROLES for c in _cells(raw, name, kept) for url in cells.parse_images(c)
    }
    stated_skus = {cells.clean_cell(cell) for cell in _cells(raw, "sku_id", kept)} - {None}
    skus = {*products["sku_id"].to_pylist(), *(variant["sku_id"] for variant in variants)}
    priced = sum(1 for _ in _cells(raw, "price", kept))
    sized = sum(1 for name in _LENGTHS for _ in _cells(raw, name, kept))
    based = bool(raw.column_map.image_base)
    read_images = len(stated_images & images) if not based else min(len(images), len(stated_images))
    return {
        "pictures": Accounted(len(stated_images), read_images),
        "prices": Accounted(priced, priced - dropped["price"]),
        "skus": Accounted(len(stated_skus), len(stated_skus & skus)),
        "sizes": Accounted(sized, sized - sum(dropped[name] for name in _LENGTHS)),
    }


def _cells(raw: RawCatalog, name: str, kept: Sequence[bool]) -> Iterable[str]:
    if name not in raw.table.column_names:
        return ()
    return (c for c, keep in zip(raw.table[name].to_pylist(), kept, strict=True) if keep and c and cells.clean_cell(c))


def _address(url: str) -> str:
    return f"https:{url}" if url.startswith("//") else url


def unused_columns(raw: RawCatalog) -> dict[str, str]:
    """Return the shop's columns that are none of ours, with what they seem to hold; empty columns are left out."""
    found = {}
    for name in raw.kept_aside:
        values = [
            value for value in raw.table[EXTRA_PREFIX + name].slice(0, _SAMPLE).to_pylist() if value and value.strip()
        ]
        if values:
            found[name] = seems(values)
    return found


MATTERS = frozenset({"pictures", "prices", "sizes", "text", "HTML text"})
"""What an unused column should not hold: such a column probably belongs in a column map."""


def seems(values: Sequence[str]) -> str:
    """Return what most of a column's values look like."""
    kinds = Counter(map(_kind, values))
    kind, count = kinds.most_common(1)[0]
    return kind if count >= 0.6 * len(values) else "mixed"


def _kind(value: str) -> str:
    text = value.strip()
    if _PICTURE.match(text):
        return "pictures"
    if text.startswith(("http://", "https://", "//")):
        return "addresses"
    if _MONEY.search(text) and len(text) < 30:
        return "prices"
    if _LENGTH.search(text) and len(text) < 60:
        return "sizes"
    if _NUMBER.fullmatch(text):
        return "trade numbers" if cells.parse_gtin(text) and len(text) > 11 else "numbers"
    if "<" in text and ">" in text:
        return "HTML text"
    return "text" if text.count(" ") >= 5 else "words"


def rows_to_check(table: pa.Table, dropped: pa.Table, count: int = 10) -> list[dict[str, str | int]]:
    """Return the rows most worth a look, worst first: row, product and why."""
    lost = Counter(dropped["product_id"].to_pylist())
    names = ("row", "product_id", "product_type", "category", "images", "price", "description_score", "provenance")
    found = []
    for row, product, kind, category, images, price, score, source in zip(
        *(table[name].to_pylist() for name in names), strict=True
    ):
        reasons = {
            f"{lost[product]} cells dropped": 2.0 * min(lost[product], 3),
            "a size was out of range": 3.0 * ("dropped_dimensions" in source),
            "no product type": 2.0 * (kind is None),
            f"'{kind}' is in no category": 1.0 * (kind is not None and category == "uncategorized"),
            "no picture": 1.0 * (not images),
            "no price": 1.0 * (price is None),
        }
        weight = sum(reasons.values()) + (1 - score)
        found.append((weight, row, product, ", ".join(reason for reason, value in reasons.items() if value)))
    worst = sorted(found, key=lambda item: (-item[0], item[1]))[:count]
    return [{"row": row, "product_id": product, "why": why} for _, row, product, why in worst if why]
