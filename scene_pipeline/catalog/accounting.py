"""Compare what a file states with what was read: shares of pictures, prices, SKUs and sizes, and unused columns."""

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from scene_pipeline.catalog import cells
from scene_pipeline.catalog.products import IMAGE_ROLES
from scene_pipeline.catalog.read import EXTRA_PREFIX, RawCatalog
from scene_pipeline.catalog.stored import Rows, batches
from scene_pipeline.catalog.validate import Validated

_LENGTHS = ("width", "depth", "height", "length", "diameter", "dimensions")
_SAMPLE = 500
_MIN_FILLED = 5
_NUMBER = re.compile(r"[\d.,]+")
_LENGTH = re.compile(r"\d\s*(?:cm|mm|m|in|inch(?:es)?|ft|[\"″'])(?!\w)|\d\s*[x×]\s*\d", re.IGNORECASE)
_MONEY = re.compile(r"[$€£₹]\s*\d|\d\s*[$€£₹]|\d[\d.,]*\s*(?:EUR|USD|GBP|CHF)\b")
_PICTURE = re.compile(r"^(?:https?:)?//\S+\.(?:jpe?g|png|webp|gif|avif)", re.IGNORECASE)


class Accounted(msgspec.Struct, frozen=True):
    """Number of values that the file states in rows on sale, and how many of them were read."""

    stated: int
    read: int

    @property
    def share(self) -> float:
        """The share read; 1 where none is stated."""
        return self.read / self.stated if self.stated else 1.0


def accounted(raw: RawCatalog, validated: Validated) -> dict[str, Accounted]:
    """Return counts of pictures, prices, SKUs and sizes.

    Of pictures and SKUs the distinct ones are counted, of prices and sizes the cells.
    """
    dropped = Counter(validated.dropped["column"].to_pylist())
    images, skus = _Distinct(), _Distinct()
    for part in batches(validated.products, ["images", "sku_id", "variants"]):
        images.add(image["url"] for row in part["images"].to_pylist() for image in row)
        skus.add(part["sku_id"].to_pylist())
        skus.add(variant["sku_id"] for row in part["variants"].to_pylist() for variant in row)
    stated_images, stated_skus, counts = _Distinct(), _Distinct(), Counter[str]()
    for part in _rows_on_sale(raw, validated):
        for name in IMAGE_ROLES:
            stated_images.add(_address(url) for cell in _cells(part, name) for url in cells.parse_images(cell))
        stated_skus.add(cells.clean_cell(cell) for cell in _cells(part, "sku_id"))
        counts.update({name: sum(1 for _ in _cells(part, name)) for name in ("price", *_LENGTHS)})
    sized = sum(counts[name] for name in _LENGTHS)
    based = bool(raw.column_map.image_base)
    read_images = stated_images.shared(images) if not based else min(len(images), len(stated_images))
    return {
        "pictures": Accounted(len(stated_images), read_images),
        "prices": Accounted(counts["price"], counts["price"] - dropped["price"]),
        "skus": Accounted(len(stated_skus), stated_skus.shared(skus)),
        "sizes": Accounted(sized, sized - sum(dropped[name] for name in _LENGTHS)),
    }


class _Distinct:
    """Counts distinct texts by their hashes, in eight bytes per text."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []

    def add(self, texts: Iterable[str | None]) -> None:
        self.parts.append(np.unique(np.fromiter((hash(text) for text in texts if text is not None), np.int64)))

    @property
    def values(self) -> np.ndarray:
        self.parts = [np.unique(np.concatenate(self.parts))] if self.parts else []
        return self.parts[0] if self.parts else np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self.values)

    def shared(self, other: "_Distinct") -> int:
        return len(np.intersect1d(self.values, other.values, assume_unique=True))


def _rows_on_sale(raw: RawCatalog, validated: Validated) -> Iterator[pa.Table]:
    """Yield the columns that are counted, without the rows that were refused or left out."""
    away = np.concatenate([table["row"].to_numpy() for table in (validated.rejects, validated.left_out)])
    counted = [n for n in ("row", *IMAGE_ROLES, "sku_id", "price", *_LENGTHS) if n in raw.table.column_names]
    for part in batches(raw.table, counted):
        yield part.filter(pa.array(~np.isin(part["row"].to_numpy(), away)))


def _cells(part: pa.Table, name: str) -> Iterable[str]:
    if name not in part.column_names:
        return ()
    return (cell for cell in part[name].to_pylist() if cell and cells.clean_cell(cell))


def _address(url: str) -> str:
    return f"https:{url}" if url.startswith("//") else url


def unused_columns(raw: RawCatalog) -> dict[str, str]:
    """Return the shop's unused columns with their likely content; empty columns are left out."""
    found = {}
    head = raw.table.slice(0, _SAMPLE)
    for name in raw.kept_aside:
        values = [value for value in head[EXTRA_PREFIX + name].to_pylist() if value and value.strip()]
        if values:
            found[name] = seems(values)
    return found


MATTERS = frozenset({"pictures", "prices", "sizes", "text", "HTML text"})
"""Content that an unused column should not have: such a column probably belongs in a column map."""


def seems(values: Sequence[str]) -> str:
    """Return the likely content of a column, from what most of its values look like."""
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


def rows_to_check(table: Rows, dropped: pa.Table, count: int = 10) -> list[dict[str, str | int]]:
    """Return the rows most worth checking, worst first: row, product and why."""
    lost = Counter(dropped["product_id"].to_pylist())
    worst = heapq.nsmallest(count, _weighed(table, lost), key=lambda item: (-item[0], item[1]))
    return [{"row": row, "product_id": product, "why": why} for _, row, product, why in worst if why]


def _weighed(table: Rows, lost: Counter[str]) -> Iterator[tuple[float, int, str, str]]:
    """Yield (weight, row, product, why) for each product."""
    names = ("row", "product_id", "product_type", "category", "images", "price", "description_score", "provenance")
    for part in batches(table, names):
        for row, product, kind, category, images, price, score, source in zip(
            *(part[name].to_pylist() for name in names), strict=True
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
            yield weight, row, product, ", ".join(reason for reason, value in reasons.items() if value)
