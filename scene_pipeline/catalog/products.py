"""Type the cells of one row: an unusable cell is dropped, and only a missing id or text rejects the row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin

import msgspec

from scene_pipeline.catalog import cells
from scene_pipeline.catalog.column_map import ColumnMap
from scene_pipeline.catalog.html_text import text_of
from scene_pipeline.catalog.links import product_link

MAX_ID = 256
MAX_TEXT = 100_000

Known = Mapping[str, str | None]

NO_HOST = "the picture's path has no host; state its base address as image_base in the column map"

_LENGTHS = ("width", "depth", "height", "length", "diameter")
_TEXTS = ("title", "description", "detailed_description", "care_instructions", "meta_description")
_TEXT = {
    "brand": "brand",
    "collection": "collection",
    "lead_time": "lead_time",
    "weight": "weight",
    "care_instructions": "care_instructions",
    "meta_description": "meta_description",
    "detailed_description": "detailed_description",
    "type": "stated_type",
    "category": "stated_category",
    "subcategory": "stated_subcategory",
    "materials": "stated_materials",
    "colors": "stated_colors",
    "dimensions": "stated_dimensions",
    "price_tier": "stated_price_tier",
}
_LISTS = ("style_tags", "room_tags", "keywords", "search_terms")
_LINES = frozenset({"stated_materials", "stated_colors", "stated_dimensions", "detailed_description"})
IMAGE_ROLES = {
    "primary_image": "primary",
    "lifestyle_images": "lifestyle",
    "detail_images": "detail",
    "swatch_images": "swatch",
}


class RowRefusedError(Exception):
    """One row is refused: column, value and reason."""

    def __init__(self, column: str | None, value: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


@dataclass(slots=True)
class RowReader:
    """Reads rows of one file.

    sku_may_stand_in: the SKU replaces a missing id, as in exports of known formats. dropped: the unusable cells. gtins:
    the number of trade numbers that a spreadsheet damaged; gtin: the first of them.
    """

    column_map: ColumnMap
    damaged: bool
    sku_may_stand_in: bool = False
    dropped: list[dict[str, Any]] = field(default_factory=list)
    gtins: int = 0
    gtin: str = ""

    def product(self, row: int, known: Known, extra: dict[str, str]) -> dict[str, Any]:
        """Return the columns of PRODUCTS for one row, without its variants. Raises RowRefusedError."""
        known = self.usable(row, known)
        description, title = self.text(row, known)
        identity = self.identity(known, title, description)
        product: dict[str, Any] = {
            "product_id": identity,
            "sku_id": cells.clean_cell(known.get("sku_id")) or identity,
            "row": row,
            "title": title,
            "description": description,
            "gtin": self.trade_number(known.get("gtin")),
            "variants": [],
        }
        for source, target in _TEXT.items():
            if source in known:
                value = known[source]
                product[target] = text_of(value) or None if value and target in _LINES else cells.clean_cell(value)
                if product[target] and cells.clean_cell(product[target]) is None:
                    product[target] = None
        cell = Cell(self, row, identity, known)
        product["images"] = cell.images()
        for name in _LISTS:
            product[name] = cell.items(name, cells.parse_words)
        for name in _LENGTHS:
            product[f"stated_{name}_cm"] = cell.typed(name, cells.parse_length_cm, "is not a length")
        product |= cell.prices()
        product["stock_level"] = cell.number("stock_level", 0, 1e12)
        product["quality_score"] = cell.number("quality_score", 0, 1e6)
        product["customer_rating"] = cell.rating()
        reviews = cell.number("review_count", 0, 1e12)
        product["review_count"] = None if reviews is None else int(reviews)
        product["availability"] = cell.availability()
        stated = cells.clean_cell(known.get("availability"))
        if stated and product["availability"] is None:
            extra = {**extra, "availability": stated}
        product["extra"] = msgspec.json.encode(extra, order="sorted").decode() if extra else "{}"
        return product

    def usable(self, row: int, known: Known, needs_id: bool = True) -> dict[str, str | None]:
        """Return the cells without those that cannot be read as text; each of these is dropped with its reason.

        Raises RowRefusedError where the id is such a cell, unless the row needs none: a variant uses its product's id.
        """
        kept = dict(known)
        for name, value in known.items():
            if value is None:
                continue
            reason = ""
            if len(value) > MAX_TEXT:
                reason = f"is longer than {MAX_TEXT:,} characters"
            elif "\x00" in value:
                reason = "holds a NUL character"
            elif self.damaged and "�" in value:
                reason = "holds bytes that are no text in the file's encoding"
            if reason:
                shown = value[:200].replace("\x00", "�")
                if name == "id" and needs_id:
                    raise RowRefusedError(name, shown, reason)
                self.drop(row, cells.clean_cell(known.get("id")), name, shown, reason)
                kept[name] = None
        return kept

    def text(self, row: int, known: Known) -> tuple[str, str | None]:
        """Return (description, title); the title, else the long text, replaces a missing one."""
        title = _text(known.get("title"))
        title = " ".join(title.split()) if title else None
        description = _text(known.get("description")) or title or _text(known.get("detailed_description"))
        if description is None:
            lost = next((d for d in reversed(self.dropped) if d["row"] == row and d["column"] == "description"), None)
            if lost is not None:
                self.dropped.remove(lost)
                raise RowRefusedError("description", lost["value"], lost["reason"])
            raise RowRefusedError("description", known.get("description"), "the description is missing")
        return description, title

    def identity(self, known: Known, title: str | None, description: str) -> str:
        """Return the id; where the file has none, or a spreadsheet damaged it, the id is a hash of the texts."""
        stated = cells.clean_cell(known.get("id"))
        if stated is not None and cells.damaged_gtin(stated) and "gtin" not in known:
            self.trade_number(stated)
            stated = None
        elif stated is None and "id" in known and not (self.sku_may_stand_in and cells.clean_cell(known.get("sku_id"))):
            raise RowRefusedError("id", known.get("id"), "the id is missing")
        stated = stated or cells.clean_cell(known.get("sku_id"))
        if stated is None:
            texts = "\x00".join((title or "", description))
            return f"text-{sha256(texts.encode()).hexdigest()[:16]}"
        if len(stated) > MAX_ID:
            raise RowRefusedError("id", stated, f"the id is longer than {MAX_ID} characters")
        return stated

    def trade_number(self, text: str | None) -> str | None:
        """Return a trade number, or None; count those that a spreadsheet damaged."""
        if text and cells.damaged_gtin(text):
            self.gtins += 1
            self.gtin = self.gtin or text.strip()
            return None
        return cells.parse_gtin(text)

    def drop(self, row: int, product_id: str | None, column: str, value: str | None, reason: str) -> None:
        """Record a cell that cannot be used."""
        self.dropped.append(
            {"row": row, "product_id": product_id, "column": column, "value": (value or "")[:200], "reason": reason}
        )


@dataclass(slots=True)
class Cell:
    """Types the cells of one row."""

    reader: RowReader
    row: int
    product_id: str | None
    known: Known

    def drop(self, name: str, value: str | None, reason: str) -> None:
        """Record that a cell of this row cannot be used."""
        self.reader.drop(self.row, self.product_id, name, value, reason)

    def typed(self, name: str, parse: Callable[[str], Any], reason: str) -> Any:
        """Return the result of `parse` for a cell; None for an empty or unusable cell."""
        cell = self.known.get(name)
        text = cells.clean_cell(cell) if cell else None
        if text is None:
            return None
        value = parse(text)
        if value is None:
            self.drop(name, text, reason)
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        """Return a number between two bounds."""
        value = self.typed(name, cells.parse_number, "is not a number")
        if value is not None and not low <= value <= high:
            self.drop(name, self.known[name], f"must lie between {low:g} and {high:g}")
            return None
        return value

    def prices(self) -> dict[str, Any]:
        """Return price, sale_price, price_low, price_high and currency.

        Where a compare-at price is above the price, it becomes the price, and the price becomes the sale price. 0 is
        not a price; where it means "no sale" it is not reported.
        """
        found: dict[str, tuple[float, float] | None] = {}
        for name in ("price", "sale_price", "compare_price"):
            stated = self.known.get(name)
            unset = not stated or (name != "price" and cells.parse_number(stated) == 0)
            value = None if unset else self.typed(name, cells.parse_price, "is not a price")
            if value is not None and value[1] > 1e9:
                self.drop(name, self.known[name], "must lie between 0 and 1e+09")
                value = None
            found[name] = value
        price, sale, compare = found["price"], found["sale_price"], found["compare_price"]
        if compare is not None and price is not None and compare[0] > price[1] and sale is None:
            price, sale = compare, price
        paid = sale or price
        stated = self.known.get("price") or self.known.get("sale_price")
        currency = (
            (cells.parse_currency(stated) if stated else None)
            or cells.parse_currency(self.known.get("currency"))
            or self.reader.column_map.currency
            or None
        )
        return {
            "price": price[0] if price else None,
            "sale_price": sale[0] if sale else None,
            "price_low": paid[0] if paid else None,
            "price_high": paid[1] if paid else None,
            "currency": currency if paid else None,
        }

    def rating(self) -> float | None:
        """Return a rating out of 5: "4.5", "4,5", "4.5/5", "4.5 out of 5" or "90%"."""
        text = cells.clean_cell(self.known.get("customer_rating"))
        if text is None:
            return None
        value = cells.parse_number(text.replace(" out of ", "/").partition("/")[0])
        if value is None:
            self.drop("customer_rating", text, "is not a number")
            return None
        value = value / 20 if text.endswith("%") else value
        if not 0 <= value <= 5:
            self.drop("customer_rating", text, "must lie between 0 and 5")
            return None
        return value

    def availability(self) -> str | None:
        """Return the availability stated, or None for words not known."""
        text = cells.clean_cell(self.known.get("availability"))
        return cells.parse_availability(text) if text else None

    def items(self, name: str, parse: Callable[[str], list[str]]) -> list[str]:
        """Return the items of a list cell.

        A JSON list can contain half a character (a lone surrogate), which is not allowed in text.
        """
        text = self.known.get(name)
        if not text:
            return []
        items = parse(text)
        if "\\" in text and any("\ud800" <= char <= "\udfff" for item in items for char in item):
            reason = "holds half of a character (\\ud800 to \\udfff); write the whole character"
            self.drop(name, text, reason)
            return []
        return items

    def images(self) -> list[dict[str, str]]:
        """Return the pictures; the first of several in the primary column, or of the gallery, is the primary one."""
        images: list[dict[str, str]] = []
        for column, role in IMAGE_ROLES.items():
            for stated in self.items(column, cells.parse_images):
                url, problem = self.address(stated)
                if problem is not None:
                    self.drop(column, stated, problem)
                elif all(image["url"] != url for image in images):
                    first = not images and role in ("primary", "detail")
                    own = "primary" if first else "detail" if role == "primary" else role
                    images.append({"role": own, "url": url})
        return images

    def address(self, stated: str) -> tuple[str, str | None]:
        """Return a picture's complete address, and the reason for its refusal or None."""
        base = self.reader.column_map.image_base
        if stated.startswith("//") and len(stated) > 2:
            stated = f"https:{stated}"
        if base and "://" not in stated:
            stated = urljoin(base if base.endswith("/") else f"{base}/", stated.lstrip("/"))
        problem = cells.image_problem(stated)
        return stated, NO_HOST if problem and "absolute" in problem and stated.startswith("/") else problem


def content_hash(product: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the row's values; its place in the file and empty cells do not count.

    Of the columns that only came along, the link alone is used: a time stamp among them makes no other product.
    """
    product = {**product, "extra": product_link(product)}
    values = [(key, value) for key, value in product.items() if key != "row" and value is not None and value != []]
    if product["variants"]:
        values = [(key, value) for key, value in values if key != "variants"]
        values.append(("variants", [{**variant, "row": 0} for variant in product["variants"]]))
    return sha256(msgspec.json.encode(values)).hexdigest()


def _text(cell: str | None) -> str | None:
    """Return a cell's text as lines, or None where it is empty."""
    if not cell:
        return None
    text = text_of(cell)
    return text if text and cells.clean_cell(text) is not None else None
