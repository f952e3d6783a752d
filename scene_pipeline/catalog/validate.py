"""Turn rows of text into typed products and rejects, so that every row of the file is accounted for."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec
import pyarrow as pa

from scene_pipeline.catalog import cells
from scene_pipeline.catalog.read import EXTRA_PREFIX, PROBLEM, RawCatalog
from scene_pipeline.catalog.schema import PRODUCTS, REJECTS
from scene_pipeline.errors import CatalogError

MAX_ID = 256
MAX_TEXT = 100_000
VALIDATE_CHUNK = 20_000

_NUMBERS = re.compile(r"\d+")
_TEXT = {
    "title": "title",
    "brand": "brand",
    "collection": "collection",
    "detailed_description": "detailed_description",
    "lead_time": "lead_time",
    "weight": "weight",
    "care_instructions": "care_instructions",
    "meta_description": "meta_description",
    "type": "stated_type",
    "category": "stated_category",
    "subcategory": "stated_subcategory",
    "materials": "stated_materials",
    "colors": "stated_colors",
    "dimensions": "stated_dimensions",
    "price_tier": "stated_price_tier",
}
_LISTS = ("style_tags", "room_tags", "keywords", "search_terms")
_LENGTHS = ("width", "depth", "height", "length", "diameter")
_IMAGES = {
    "primary_image": "primary",
    "lifestyle_images": "lifestyle",
    "detail_images": "detail",
    "swatch_images": "swatch",
}


@dataclass(frozen=True, slots=True)
class Validated:
    """Products (schema PRODUCTS), rejects (schema REJECTS), and how many rows were folded into an identical one."""

    products: pa.Table
    rejects: pa.Table
    folded: int
    rows_in: int

    @property
    def complete(self) -> bool:
        """True: rows in = products + folded + rejects. Raises AssertionError when a row was lost."""
        out = self.products.num_rows + self.folded + self.rejects.num_rows
        assert self.rows_in == out, f"{self.rows_in} rows came in, {out} are accounted for"
        return True


class _RefusedError(Exception):
    """One row is refused: column, value and reason."""

    def __init__(self, column: str | None, value: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


@dataclass(slots=True)
class _State:
    """What is known of the rows before: for each id, where its first product stands in the table, and its digest."""

    table: pa.Table
    damaged: bool
    first: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    folded: int = 0


def validate(raw: RawCatalog, progress: Callable[[int, int], None] | None = None) -> Validated:
    """Type and check every row. A row that fails becomes a reject that names row, column, value and reason.

    Rows of the same id: those that say the same in all columns we know are folded into the first; the others are
    rejected naming both rows. `progress` is called with the rows done and the rows in all. Raises CatalogError when no
    row is left, naming the most frequent reason.
    """
    state = _State(raw.table, raw.dialect.damaged)
    tables = []
    for start in range(0, raw.table.num_rows, VALIDATE_CHUNK):
        tables.append(_validate_chunk(start, state))
        if progress is not None:
            progress(min(start + VALIDATE_CHUNK, raw.table.num_rows), raw.table.num_rows)
    products = pa.concat_tables(tables) if tables else PRODUCTS.empty_table()
    result = Validated(products, pa.Table.from_pylist(state.rejects, REJECTS), state.folded, raw.table.num_rows)
    if not products.num_rows:
        reasons = Counter(reason_kind(reject["reason"]) for reject in state.rejects)
        (reason, count), *_ = reasons.most_common(1)
        raise CatalogError(f"{raw.path}: none of its {result.rows_in:,} rows can be used; {count:,} times: {reason}")
    assert result.complete
    return result


def reason_kind(reason: str) -> str:
    """Return a reject's reason with its numbers written N, so that the same kind of reason counts as one."""
    return _NUMBERS.sub("N", reason)


def _validate_chunk(start: int, state: _State) -> pa.Table:
    """Return the products among VALIDATE_CHUNK rows from `start` on."""
    table = state.table.slice(start, VALIDATE_CHUNK)
    columns = {name: table[name].to_pylist() for name in table.column_names}
    numbers, problems = columns.pop("row"), columns.pop(PROBLEM)
    extra_names = [name for name in columns if name.startswith(EXTRA_PREFIX)]
    extras = [(name.removeprefix(EXTRA_PREFIX), columns.pop(name)) for name in extra_names]
    names, values = list(columns), list(columns.values())
    products = []
    for i, row in enumerate(numbers):
        known = {name: column[i] for name, column in zip(names, values, strict=True)}
        extra = {name: column[i] for name, column in extras if column[i]}
        try:
            if problems[i] is not None:
                raise _RefusedError(None, None, problems[i])
            product = _product(row, known, extra, state.damaged)
            if _is_first(start + i, product["product_id"], known, state):
                products.append(product)
        except _RefusedError as refused:
            state.rejects.append(_reject(row, known.get("id"), refused))
    arrays = [pa.array([product.get(f.name) for product in products], f.type) for f in PRODUCTS]
    return pa.Table.from_arrays(arrays, schema=PRODUCTS)


def _reject(row: int, product_id: str | None, refused: _RefusedError) -> dict[str, Any]:
    value = None if refused.value is None else refused.value[:200]
    return {
        "row": row,
        "product_id": None if product_id is None else product_id.strip()[:MAX_ID] or None,
        "column": refused.column,
        "value": value,
        "reason": refused.reason,
    }


def _is_first(place: int, identity: str, known: dict[str, str | None], state: _State) -> bool:
    """Say whether a row is the first of its id; False: it says the same as the first and is folded into it.

    A row that says something else is refused, naming both rows and what differs.
    """
    values = _comparable(known)
    digest = sha256("\x00".join(values).encode()).digest()
    first_place, first_digest = state.first.setdefault(identity, (place, digest))
    if first_place == place:
        return True
    if first_digest == digest:
        state.folded += 1
        return False
    first = {name: state.table[name][first_place].as_py() for name in known}
    pairs = zip(known, _comparable(first), values, strict=True)
    differing = [name for name, before, now in pairs if before != now]
    first_row, row = state.table["row"][first_place], state.table["row"][place]
    reason = f"row {row} repeats the id of row {first_row} with another {', '.join(differing[:4])}"
    raise _RefusedError("id", identity, reason)


def _comparable(known: dict[str, str | None]) -> list[str]:
    return [" ".join(value.split()) if value else "" for value in known.values()]


def _check_text(known: dict[str, str | None], damaged: bool) -> None:
    for name, value in known.items():
        if value is None:
            continue
        if len(value) > MAX_TEXT:
            raise _RefusedError(name, value, f"is longer than {MAX_TEXT:,} characters")
        if "\x00" in value:
            raise _RefusedError(name, value.replace("\x00", "�"), "holds a NUL character")
        if damaged and "�" in value:
            raise _RefusedError(name, value, "holds bytes that are no text in the file's encoding")


def _required(known: dict[str, str | None], name: str) -> str:
    value = cells.clean_cell(known.get(name))
    if value is None:
        raise _RefusedError(name, known.get(name), f"the {name} is missing")
    return value


def _product(row: int, known: dict[str, str | None], extra: dict[str, str], damaged: bool) -> dict[str, Any]:
    _check_text(known, damaged)
    identity = _required(known, "id")
    if len(identity) > MAX_ID:
        raise _RefusedError("id", identity, f"the id is longer than {MAX_ID} characters")
    description = _required(known, "description")
    product: dict[str, Any] = {
        "product_id": identity,
        "sku_id": cells.clean_cell(known.get("sku_id")) or identity,
        "row": row,
        "description": description,
        "images": _images(known),
    }
    for source, target in _TEXT.items():
        if source in known:
            product[target] = cells.clean_cell(known[source])
    for name in _LISTS:
        product[name] = _items(known, name, cells.parse_words)
    for name in _LENGTHS:
        product[f"stated_{name}_cm"] = _typed(known, name, cells.parse_length_cm, "is not a length")
    for name, low, high in (("price", 0, 1e9), ("sale_price", 0, 1e9), ("stock_level", 0, 1e12)):
        product[name] = _number(known, name, low, high)
    product["quality_score"] = _number(known, "quality_score", 0, 1e6)
    product["customer_rating"] = _rating(known)
    reviews = _number(known, "review_count", 0, 1e12)
    product["review_count"] = None if reviews is None else int(reviews)
    availability = cells.clean_cell(known.get("availability"))
    product["availability"] = cells.parse_availability(availability) if availability else None
    if availability and product["availability"] is None:
        extra = {**extra, "availability": availability}
    product["extra"] = msgspec.json.encode(extra, order="sorted").decode() if extra else "{}"
    product["content_hash"] = _content_hash(product)
    return product


def _content_hash(product: dict[str, Any]) -> str:
    """Return the SHA-256 of what the row states; where it stands in the file and empty cells do not count."""
    values = [(key, value) for key, value in product.items() if key != "row" and value is not None and value != []]
    return sha256(msgspec.json.encode(values)).hexdigest()


def _items(known: dict[str, str | None], name: str, parse: Callable[[str], list[str]]) -> list[str]:
    """Return the items of a list cell. A list in JSON can spell half a character (\\ud800), which no text may hold."""
    text = known.get(name)
    if not text:
        return []
    items = parse(text)
    if "\\" in text and any("\ud800" <= char <= "\udfff" for item in items for char in item):
        raise _RefusedError(name, text, "holds half of a character (\\ud800 to \\udfff); write the whole character")
    return items


def _images(known: dict[str, str | None]) -> list[dict[str, str]]:
    images = []
    for column, role in _IMAGES.items():
        for url in _items(known, column, cells.parse_images):
            problem = cells.image_problem(url)
            if problem is not None:
                raise _RefusedError(column, url, problem)
            images.append({"role": role, "url": url})
    return images


def _typed(known: dict[str, str | None], name: str, parse: Callable[[str], float | None], reason: str) -> float | None:
    cell = known.get(name)
    text = cells.clean_cell(cell) if cell else None
    if text is None:
        return None
    value = parse(text)
    if value is None:
        raise _RefusedError(name, text, reason)
    return value


def _number(known: dict[str, str | None], name: str, low: float, high: float) -> float | None:
    value = _typed(known, name, cells.parse_number, "is not a number")
    if value is not None and not low <= value <= high:
        raise _RefusedError(name, known[name], f"must lie between {low:g} and {high:g}")
    return value


def _rating(known: dict[str, str | None]) -> float | None:
    """Return a rating out of 5: "4.5", "4,5", "4.5/5", "4.5 out of 5" or "90%"."""
    text = cells.clean_cell(known.get("customer_rating"))
    if text is None:
        return None
    head = text.replace(" out of ", "/").partition("/")[0]
    value = cells.parse_number(head)
    if value is None:
        raise _RefusedError("customer_rating", text, "is not a number")
    if text.endswith("%"):
        value /= 20
    if not 0 <= value <= 5:
        raise _RefusedError("customer_rating", text, "must lie between 0 and 5")
    return value
