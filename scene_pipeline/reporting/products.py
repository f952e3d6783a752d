"""What lists show of a product beside its score: title, price with currency, size in one unit, and the shop's page."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from scene_pipeline.bundle.open import Bundle
from scene_pipeline.catalog.links import product_link
from scene_pipeline.matching.result import Recommendation
from scene_pipeline.vocabulary.lexicon import CM_PER_UNIT

COLUMNS = ("product_id", "title", "sentence", "price", "currency", "extra", "dimensions", "image_sha256", "brand")

_NUMBER = r"\d+(?:\.\d+)?"
_LENGTH = rf"(?:[WDHLØ] )?{_NUMBER}(?:–{_NUMBER})?"
_UNIT = r"(?:mm|cm|m|in|ft)"
_SIZE = re.compile(rf"\b{_LENGTH}(?: {_UNIT})?(?: × {_LENGTH}(?: {_UNIT})?)* {_UNIT}(?=[,.;)]|$)")  # no "3 in white"
_AXIS_SIGN = {"width": "W", "depth": "D", "height": "H", "length": "L", "diameter": "Ø"}


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """A product as lists show it. price: of the product; a variant may have its own. size, currency: "" unknown.

    subtitle: what the product is, where the title is but a name. link: the shop's page of it, http or https only.
    """

    title: str
    subtitle: str = ""
    price: float | None = None
    currency: str = ""
    size: str = ""
    link: str | None = None
    image_sha256: str | None = None
    brand: str = ""

    def money(self, item: Recommendation) -> str:
        """Return what the product, or the variant shown of it, costs: "1,290.00 EUR"; "" where that is unknown."""
        return money(item.price(self.price), self.currency)


def money(amount: float | None, currency: str) -> str:
    """Return an amount with its currency, "" for none."""
    return "" if amount is None else f"{amount:,.2f} {currency}".rstrip()


def shown_products(bundle: Bundle, ids: Iterable[str]) -> dict[str, ShownProduct]:
    """Return product_id -> how it is shown. All sizes are in the unit that most products of the catalog state."""
    table = bundle.products(COLUMNS)
    unit = length_unit(table["sentence"])
    rows = table.filter(pc.field("product_id").isin(sorted(set(ids)))).to_pylist()
    return {row["product_id"]: shown_product(row, unit) for row in rows}


def shown_product(row: Mapping[str, Any], unit: str) -> ShownProduct:
    """Return a row of a product table as it is shown, its lengths in `unit`."""
    sentence = in_unit((row.get("sentence") or "").rstrip("."), unit)
    title = row.get("title")
    return ShownProduct(
        title=in_unit(title, unit) if title else sentence,
        subtitle=sentence if title else "",
        price=row.get("price"),
        currency=row.get("currency") or "",
        size=_size(row.get("dimensions") or (), unit),
        link=product_link(row),
        image_sha256=row.get("image_sha256"),
        brand=row.get("brand") or "",
    )


def length_unit(sentences: pa.ChunkedArray) -> str:
    """Return the unit that a catalog's sizes are shown in: "in" where most sentences state inches or feet."""
    return (
        "in" if _count(sentences, r"\d (?:in|ft)(?:[,.]|$)") > _count(sentences, r"\d (?:mm|cm|m)(?:[,.]|$)") else "cm"
    )


def _count(texts: pa.ChunkedArray, pattern: str) -> int:
    options = pc.MatchSubstringOptions(pattern)
    return pc.call_function("match_substring_regex", [texts], options).to_pylist().count(True)


def in_unit(text: str, unit: str) -> str:
    """Return a text with the sizes that it states, as a product's sentence writes them, in another unit.

    "Oak table, 8 × 7 ft" in cm is "Oak table, 244 × 213 cm". What is in the same system of units stays as it is.
    """
    return _SIZE.sub(lambda found: _converted(found[0], unit), text)


def _converted(size: str, unit: str) -> str:
    lengths = [re.fullmatch(rf"(.*?)(?: ({_UNIT}))?", part) for part in size.split(" × ")]
    stated = lengths[-1][2] if lengths[-1] else ""
    units = [(length[2] or stated) if length else stated for length in lengths]
    if all((name in ("in", "ft")) == (unit == "in") for name in units):
        return size
    parts = [
        re.sub(_NUMBER, lambda number, name=name: _rounded(float(number[0]) * CM_PER_UNIT[name], unit), length[1])
        for length, name in zip(lengths, units, strict=True)
        if length
    ]
    return f"{' × '.join(parts)} {unit}"


def _rounded(cm: float, unit: str) -> str:
    """Return a length in cm as a number of `unit`: whole centimeters from 10 on, else to a tenth."""
    value = cm / CM_PER_UNIT[unit]
    return f"{value:.0f}" if unit == "cm" and value >= 10 else f"{value:.1f}".removesuffix(".0")


def _size(dimensions: Iterable[Mapping[str, Any]], unit: str) -> str:
    parts = []
    for one in dimensions:
        if one["part"] == 0:
            low, high = (_rounded(one[name], unit) for name in ("low_cm", "high_cm"))
            sign = f"{_AXIS_SIGN[one['axis']]} " if one["axis"] else ""
            parts.append(f"{sign}{low}" if low == high else f"{sign}{low}–{high}")
    return f"{' × '.join(parts)} {unit}" if parts else ""
