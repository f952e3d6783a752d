"""A shop's own order lines: read from CSV or Parquet through a column map, kept as arrays."""

import csv
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from scene_pipeline.errors import ScenePipelineError

COLUMNS = ("date", "product", "person", "order", "quantity", "action")
REQUIRED = ("date", "product")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
ACTION_WEIGHTS: Mapping[str, float] = {"purchase": 1.0, "add_to_cart": 0.5, "like": 0.5, "pin": 0.5, "click": 0.1}
"""How much of a purchase another action counts for; actions not named here do not count."""


@dataclass(frozen=True, slots=True)
class Sales:
    """Order lines or events, one per row, by date.

    `day` [m] proleptic ordinals; `product` [m] positions in `products`; `person` [m] positions in `persons`, -1 for
    nobody known; `buyer` [m] the person, or else the order; `weight` [m] how much of a purchase it is (1).
    """

    day: np.ndarray
    product: np.ndarray
    products: tuple[str, ...]
    person: np.ndarray
    persons: tuple[str, ...]
    buyer: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.day)

    def where(self, mask: np.ndarray) -> "Sales":
        """Return the lines of a mask [m]; products and persons keep their positions."""
        names = ("day", "product", "person", "buyer", "weight")
        return replace(self, **{name: getattr(self, name)[mask] for name in names})

    def before(self, on: dt.date) -> "Sales":
        """Return the lines of the days before `on`: what is known on that day."""
        return self.where(self.day < on.toordinal())


def joined(sales: Sequence[Sales]) -> Sales:
    """Return the lines of several sources together, by date; equal ids name the same product or person in all."""
    products = {name: at for at, name in enumerate(dict.fromkeys(name for part in sales for name in part.products))}
    persons = {name: at for at, name in enumerate(dict.fromkeys(name for part in sales for name in part.persons))}
    columns: dict[str, list[np.ndarray]] = {"day": [], "product": [], "person": [], "buyer": [], "weight": []}
    orders = len(persons)
    for part in sales:
        person = np.array([*(persons[name] for name in part.persons), -1], dtype=np.int64)[part.person]
        unknown, order = np.unique(part.buyer, return_inverse=True)
        columns["day"].append(part.day)
        columns["product"].append(np.array([products[name] for name in part.products], dtype=np.int64)[part.product])
        columns["person"].append(person)
        columns["buyer"].append(np.where(person >= 0, person, orders + order))
        columns["weight"].append(part.weight)
        orders += len(unknown)
    every = {name: np.concatenate(parts) for name, parts in columns.items()}
    by_day = np.argsort(every["day"], kind="stable")
    return Sales(products=tuple(products), persons=tuple(persons), **{name: of[by_day] for name, of in every.items()})


def read_sales(path: Path, column_map: Mapping[str, str] | None = None) -> Sales:
    """Read order lines from a CSV or Parquet file.

    Our columns are `date` and `product` (the catalog's sku_id), and where present `person` (an HMAC id), `order`,
    `quantity` and `action`; `column_map` maps the shop's names to them. Lines of a quantity that is not positive are
    returns and are left out, as are actions that ACTION_WEIGHTS does not name. Raises ScenePipelineError naming file
    and column, or the row.
    """
    table = _read_table(path)
    names = dict(column_map or {})
    unknown = sorted(set(names.values()) - set(COLUMNS))
    if unknown:
        raise ScenePipelineError(f"{path}: the column map names {', '.join(unknown)}; ours are {', '.join(COLUMNS)}")
    absent = sorted(set(names) - set(table.column_names))
    if absent:
        raise ScenePipelineError(f"{path}: has no column {', '.join(absent)}; it has {', '.join(table.column_names)}")
    table = table.rename_columns([names.get(name, name) for name in table.column_names])
    missing = [name for name in REQUIRED if name not in table.column_names]
    if missing:
        raise ScenePipelineError(
            f"{path}: has no column {' and '.join(missing)}; map the shop's own name to it in the column map"
        )
    return sales_of(table, str(path))


def _read_table(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            header = stream.readline()
        delimiter = csv.Sniffer().sniff(header, ",;\t|").delimiter if header.strip() else ","
        columns = next(csv.reader([header.strip()], delimiter=delimiter), [])
        texts = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=True, null_values=[""]
        )
        parsing = pyarrow.csv.ParseOptions(delimiter=delimiter)
        return pyarrow.csv.read_csv(path, parse_options=parsing, convert_options=texts)
    except (OSError, pa.ArrowInvalid, csv.Error) as error:
        raise ScenePipelineError(f"{path}: cannot be read as sales ({error}); give a CSV or Parquet file") from error


def sales_of(table: pa.Table, source: str) -> Sales:
    """Return the sales of a table with our columns; `source` names it in errors."""
    days = _days(table["date"], source)
    quantity = _numbers(table, "quantity", source)
    weight = np.ones(len(days))
    if "action" in table.column_names:
        actions = table["action"].cast(pa.string()).to_pylist()
        weight = np.array([ACTION_WEIGHTS.get(action or "", 0.0) for action in actions])
    kept = np.flatnonzero((weight > 0) & ~(quantity <= 0))
    kept = kept[np.argsort(days[kept], kind="stable")]
    product, products = _codes(table["product"], source, "product")
    person, persons = np.full(len(days), -1), ()
    if "person" in table.column_names:
        person, persons = _codes(table["person"], source)
    order = _codes(table["order"], source)[0] if "order" in table.column_names else np.arange(len(days))
    buyer = np.where(person >= 0, person, len(persons) + order)
    return Sales(days[kept], product[kept], products, person[kept], persons, buyer[kept], weight[kept])


def _days(column: pa.ChunkedArray, source: str) -> np.ndarray:
    """Return the proleptic ordinals of dates, or of texts that begin like 2026-11-28."""
    if column.null_count:
        raise ScenePipelineError(f"{source}: the column date is empty in {column.null_count} rows; fill or remove them")
    if not pa.types.is_temporal(column.type):
        texts = [str(value)[:10] for value in column.to_pylist()]
        bad = next((row for row, text in enumerate(texts) if not _DATE.fullmatch(text)), None)
        if bad is not None:
            raise ScenePipelineError(f"{source}, row {bad + 2}: date '{texts[bad]}' is not like 2026-11-28")
        values = np.array(texts)
    else:
        values = column.to_numpy()
    try:
        days = values.astype("datetime64[D]")
    except ValueError as error:
        raise ScenePipelineError(f"{source}: the column date has an impossible day ({error}); correct it") from error
    return days.astype(np.int64) + dt.date(1970, 1, 1).toordinal()


def _numbers(table: pa.Table, name: str, source: str) -> np.ndarray:
    if name not in table.column_names:
        return np.ones(table.num_rows)
    try:
        values = table[name].cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise ScenePipelineError(f"{source}: the column {name} is not all numbers ({error})") from error
    return np.where(np.isnan(values), 1.0, values)


def _codes(column: pa.ChunkedArray, source: str, required: str = "") -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the position of each value in the distinct values, -1 where there is none, and those values."""
    if required and column.null_count:
        raise ScenePipelineError(f"{source}: the column {required} is empty in {column.null_count} rows")
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, tuple(encoded.dictionary.to_pylist())
