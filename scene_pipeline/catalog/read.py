"""Read any shop's CSV, .csv.gz or Parquet file into rows of text under our column names, in bounded memory."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scene_pipeline.catalog.columns import ColumnPlan, load_column_map, plan_columns
from scene_pipeline.catalog.encoding import detect_text, first_bytes, open_bytes
from scene_pipeline.errors import CatalogError

DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 4096
MAX_LINE = 8 << 20
MAX_CELL = 1 << 20
MAX_LINES_PER_ROW = 1000
EXTRA_PREFIX = "extra:"
PROBLEM = "problem"

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. Parquet: encoding and delimiter are "parquet". damaged: see `TextKind`."""

    encoding: str
    delimiter: str
    compressed: bool
    damaged: bool


@dataclass(frozen=True, slots=True)
class RawCatalog:
    """A catalog as text.

    `table` has `row` (int64, the file's row, the header being row 1), `problem` (why the row cannot be split into the
    header's columns, or null), our column names, and the shop's other columns as "extra:<name>"; all strings.
    `columns` maps the shop's names to ours; `guesses` are sentences, one per thing that was guessed.
    """

    path: Path
    table: pa.Table
    dialect: Dialect
    columns: Mapping[str, str]
    guesses: tuple[str, ...]

    @property
    def kept_aside(self) -> list[str]:
        """The shop's columns that are none of ours."""
        return [n.removeprefix(EXTRA_PREFIX) for n in self.table.column_names if n.startswith(EXTRA_PREFIX)]


def read_catalog(
    path: Path, column_map: Mapping[str, str] | Path | None = None, progress: Callable[[int], None] | None = None
) -> RawCatalog:
    """Read a whole catalog. `progress` is called with the rows read so far, after each chunk.

    Raises CatalogError in one line: missing, empty or binary file, header missing, repeated or without id and
    description, no rows, a line or cell too large, a quotation mark never closed.
    """
    chunks, rows = [], 0
    for chunk in iter_catalog(path, column_map):
        chunks.append(chunk)
        rows += chunk.table.num_rows
        if progress is not None:
            progress(rows)
    first = chunks[0]
    table = pa.concat_tables([chunk.table for chunk in chunks])
    return RawCatalog(first.path, table, first.dialect, first.columns, first.guesses)


def iter_catalog(
    path: Path, column_map: Mapping[str, str] | Path | None = None, chunk_rows: int = 50_000
) -> Iterator[RawCatalog]:
    """Yield the catalog in chunks of at most `chunk_rows` rows: the memory is that of one chunk. Errors as above."""
    path = Path(path)
    wanted = load_column_map(column_map)
    if first_bytes(path).startswith(b"PAR1"):
        yield from _iter_parquet(path, wanted, chunk_rows)
        return
    kind = detect_text(path)
    with open_bytes(path, kind.compressed) as raw:
        text = io.TextIOWrapper(raw, encoding=kind.encoding, errors="replace", newline="")
        lines = _Lines(text, path)
        start = list(islice(lines, 200))
        delimiter, hints = _stated_delimiter(start) or (_find_delimiter(start), 0)
        dialect = Dialect(kind.encoding, delimiter, kind.compressed, kind.damaged)
        records = _records(lines.again(start), delimiter)
        _, first = next(islice(records, hints, None), (0, []))
        header = _checked_header(first, path)
        plan: ColumnPlan | None = None
        while numbered := list(islice(records, chunk_rows)):
            if plan is None:
                plan = plan_columns(header, [row for _, row in numbered[:1000]], wanted, path)
            yield RawCatalog(path, _table(numbered, header, plan), dialect, plan.used, plan.guesses)
        if plan is None:
            plan_columns(header, [], wanted, path)
            raise CatalogError(f"{path}: has a header but no rows; there is nothing to recommend")


class _Lines:
    """The lines of a text, never longer than MAX_LINE, with the state that finds a quotation mark never closed."""

    def __init__(self, text: io.TextIOWrapper, path: Path) -> None:
        self.text, self.path = text, path
        self.number = 0
        self.pending: list[str] = []
        self.since_record = 0
        self.quotes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def again(self, lines: Sequence[str]) -> "_Lines":
        """Hand out `lines` once more before going on."""
        self.pending = list(reversed(lines))
        self.number = self.since_record = self.quotes = 0
        return self

    def __next__(self) -> str:
        line = self.pending.pop() if self.pending else self.text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) >= MAX_LINE:
            raise CatalogError(
                f"{self.path}, line {self.number}: is longer than {MAX_LINE >> 20} MiB; this is not a table of products"
            )
        self.since_record += 1
        self.quotes += line.count('"')
        if self.since_record > MAX_LINES_PER_ROW:
            raise CatalogError(
                f"{self.path}, line {self.number - MAX_LINES_PER_ROW}: a quotation mark is opened and not closed "
                f"within {MAX_LINES_PER_ROW} lines; close it or double it"
            )
        return line


def _stated_delimiter(lines: Sequence[str]) -> tuple[str, int] | None:
    """Return the delimiter that a first line "sep=;" states, as Excel writes it, and how many lines that takes."""
    line = lines[0].rstrip("\r\n").lower() if lines else ""
    return (line[4], 1) if line.startswith("sep=") and line[4:] in DELIMITERS else None


def _find_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that splits the first lines into the most columns, the same number in most rows."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(lines[:100], delimiter=delimiter) if row]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 1
        if width > 1:
            agree = sum(len(row) == width for row in rows) / len(rows)
            score = agree * (1 + min(width, 20) / 100) if agree > 0.5 else agree / 2
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (row of the file, cells); blank rows count as rows of the file and are not yielded."""
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(lines, delimiter=delimiter)
    row = 0
    while True:
        lines.since_record = lines.quotes = 0
        row += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CatalogError(f"{lines.path}, row {row}: {error}; fix the row or export the file again") from error
        if lines.since_record > 1 and lines.quotes % 2:
            raise CatalogError(
                f"{lines.path}, row {row}: a quotation mark is opened and never closed; close it or double it"
            )
        if cells and any(cells):
            yield row, cells


def _checked_header(header: list[str], path: Path) -> list[str]:
    names = [name.strip() for name in header]
    if not names:
        raise CatalogError(f"{path}: holds only blank lines; a catalog has a header row and a row per product")
    if len(names) > MAX_COLUMNS:
        raise CatalogError(f"{path}: has {len(names):,} columns; at most {MAX_COLUMNS:,} are read")
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise CatalogError(f"{path}: column '{name[:60]}' is in the header twice; rename or delete one")
        seen.add(name)
    unnamed = iter(range(len(names)))
    return [name or ("" if next(unnamed) == 0 else f"unnamed {i + 1}") for i, name in enumerate(names)]


def _table(numbered: list[tuple[int, list[str]]], header: Sequence[str], plan: ColumnPlan) -> pa.Table:
    width = len(header)
    problems: list[str | None] = [None] * len(numbered)
    rows: list[list[str] | list[str | None]] = []
    for i, (_, cells) in enumerate(numbered):
        if len(cells) == width:
            rows.append(cells)
        elif len(cells) < width:
            rows.append([*cells, *[None] * (width - len(cells))])
        else:
            if any(cell.strip() for cell in cells[width:]):
                problems[i] = f"has {len(cells)} cells where the header has {width}"
            rows.append(cells[:width])
    columns = list(zip(*rows, strict=True))
    return _named([row for row, _ in numbered], problems, dict(zip(header, columns, strict=True)), plan)


def _named(
    numbers: Sequence[int],
    problems: Sequence[str | None],
    columns: Mapping[str, Sequence[str | None]],
    plan: ColumnPlan,
) -> pa.Table:
    arrays = {"row": pa.array(numbers, pa.int64()), PROBLEM: pa.array(problems, pa.string())}
    for shop, ours in plan.used.items():
        arrays[ours] = pa.array(columns[shop], pa.string())
    for name in plan.extra:
        arrays[EXTRA_PREFIX + name] = pa.array(columns[name], pa.string())
    return pa.table(arrays)


def _iter_parquet(path: Path, wanted: Mapping[str, str], chunk_rows: int) -> Iterator[RawCatalog]:
    try:
        with pq.ParquetFile(path) as file:
            header = _checked_header(list(file.schema_arrow.names), path)
            plan: ColumnPlan | None = None
            row = 2
            for batch in file.iter_batches(batch_size=chunk_rows):
                columns = {name: _as_text(batch.column(i), name, path) for i, name in enumerate(header)}
                if plan is None:
                    first = zip(*(values[:1000] for values in columns.values()), strict=True)
                    plan = plan_columns(header, [list(cells) for cells in first], wanted, path)
                numbers = range(row, row + batch.num_rows)
                row += batch.num_rows
                dialect = Dialect("parquet", "parquet", compressed=False, damaged=False)
                table = _named(numbers, [None] * batch.num_rows, columns, plan)
                yield RawCatalog(path, table, dialect, plan.used, plan.guesses)
    except (pa.ArrowException, OSError) as error:
        first_line = str(error).partition("\n")[0]
        raise CatalogError(f"{path}: is not a readable Parquet file ({first_line}); write it again") from error
    if plan is None:
        raise CatalogError(f"{path}: has columns but no rows; there is nothing to recommend")


def _as_text(column: pa.Array, name: str, path: Path) -> list[str | None]:
    """Return a Parquet column as the text a CSV would hold; lists and structs become JSON."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is_bytes(kind):
        try:
            if _is_bytes(kind):
                column = column.cast(pa.binary()).cast(pa.string())
            return column.to_pylist()
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise CatalogError(f"{path}: column '{name}' holds bytes, not text; write it as UTF-8 text") from error
    nested = pa.types.is_nested(kind)
    return [
        None if value is None else json.dumps(value, ensure_ascii=False, default=str) if nested else str(value)
        for value in column.to_pylist()
    ]


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
