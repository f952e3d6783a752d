"""Read any shop's CSV, .csv.gz or Parquet file into rows of text under our column names, in bounded memory."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from scene_pipeline.catalog.assemble import Assembler
from scene_pipeline.catalog.column_map import ColumnMap
from scene_pipeline.catalog.columns import known_columns, names_columns, plan_columns, read_column_map
from scene_pipeline.catalog.encoding import detect_text, first_bytes, open_bytes
from scene_pipeline.catalog.feeds import recognize_feed
from scene_pipeline.catalog.stored import HeldTable, Rows, StoredTable, write_parts
from scene_pipeline.catalog.xml_feed import FIRST_ITEMS, is_xml, iter_items
from scene_pipeline.errors import CatalogError

DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 4096
MAX_LINE = 8 << 20
MAX_CELL = 1 << 20
MAX_LINES_PER_ROW = 1000
MAX_ROWS_ABOVE = 8
CHUNK_ROWS = 20_000
CHUNK_CHARACTERS = 32 << 20
"""Characters of text after which a chunk ends, even with few rows."""
EXTRA_PREFIX = "extra:"
PROBLEM = "problem"

Item = TypeVar("Item")
Other = TypeVar("Other", bound=Rows)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is stored. For Parquet, encoding and delimiter are "parquet". damaged: see `TextKind`."""

    encoding: str
    delimiter: str
    compressed: bool
    damaged: bool


@dataclass(frozen=True, slots=True)
class RawCatalog(Generic[HeldTable]):
    """A catalog as text.

    `table`, in memory or in a file, has `row` (int64, the file's row, the header being row 1), `problem` (why the row
    cannot be split into the header's columns, or null), our column names, and the shop's other columns as
    "extra:<name>"; all strings. `columns` maps the shop's names to ours; `guesses` are sentences, one per thing that
    was guessed. `profile` is the name of the export format, "" for an unknown one; `column_map` is what a person stated
    about the file.
    """

    path: Path
    table: HeldTable
    dialect: Dialect
    columns: Mapping[str, str]
    guesses: tuple[str, ...]
    profile: str = ""
    column_map: ColumnMap = field(default_factory=ColumnMap)

    @property
    def kept_aside(self) -> list[str]:
        """The shop's columns without a column of ours."""
        return [n.removeprefix(EXTRA_PREFIX) for n in self.table.column_names if n.startswith(EXTRA_PREFIX)]

    def with_table(self, table: Other) -> "RawCatalog[Other]":
        """Return the same catalog with another table."""
        return RawCatalog(self.path, table, self.dialect, self.columns, self.guesses, self.profile, self.column_map)


def read_catalog(
    path: Path,
    column_map: Mapping[str, str] | ColumnMap | Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> RawCatalog[pa.Table]:
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
    return chunks[0].with_table(pa.concat_tables([chunk.table for chunk in chunks]))


def store_catalog(
    path: Path,
    target: Path,
    column_map: Mapping[str, str] | ColumnMap | Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> RawCatalog[StoredTable]:
    """Read a catalog of any size into the Parquet file `target`, with one chunk in memory.

    Errors as for `read_catalog`.
    """
    chunks = iter_catalog(path, column_map)
    first = next(chunks)

    def tables() -> Iterator[pa.Table]:
        rows = 0
        for chunk in chain([first], chunks):
            yield chunk.table
            rows += chunk.table.num_rows
            if progress is not None:
                progress(rows)

    return first.with_table(write_parts(tables(), target, first.table.schema))


def iter_catalog(
    path: Path, column_map: Mapping[str, str] | ColumnMap | Path | None = None, chunk_rows: int = CHUNK_ROWS
) -> Iterator[RawCatalog[pa.Table]]:
    """Yield the catalog in chunks of at most `chunk_rows` rows and about CHUNK_CHARACTERS: memory holds one chunk.

    Errors as for `read_catalog`.
    """
    path = Path(path)
    wanted = read_column_map(column_map)
    if first_bytes(path).startswith(b"PAR1"):
        yield from _iter_parquet(path, wanted, chunk_rows)
        return
    kind = detect_text(path)
    if is_xml(path, kind.compressed):
        yield from _iter_xml(path, wanted, chunk_rows, kind.compressed)
        return
    with open_bytes(path, kind.compressed) as raw:
        text = io.TextIOWrapper(raw, encoding=kind.encoding, errors="replace", newline="")
        lines = _Lines(text, path)
        start = list(islice(lines, 200))
        delimiter, hints = _stated_delimiter(start) or (_find_delimiter(start), 0)
        dialect = Dialect(kind.encoding, delimiter, kind.compressed, kind.damaged)
        records = _records(lines.again(start), delimiter)
        above = hints + _rows_above_header(start[hints:], delimiter, wanted)
        _, first = next(islice(records, above, None), (0, []))
        header = _checked_header(first, path)
        opened: _Table | None = None
        for numbered in _chunks(records, chunk_rows, lambda record: sum(map(len, record[1]))):
            if opened is None:
                opened = _Table(path, header, [row for _, row in numbered[:1000]], wanted, dialect, above - hints)
            yield opened.chunk_of_rows(numbered)
        if opened is None:
            _Table(path, header, [], wanted, dialect)
            raise CatalogError(f"{path}: has a header but no rows; there is nothing to recommend")


class _Table:
    """A file whose header is understood: turns its rows into chunks of a RawCatalog."""

    def __init__(
        self,
        path: Path,
        header: list[str],
        rows: Sequence[Sequence[str | None]],
        wanted: ColumnMap,
        dialect: Dialect,
        above: int = 0,
    ) -> None:
        self.path, self.header, self.dialect = path, header, dialect
        profile = recognize_feed(header, wanted.profile)
        self.plan = plan_columns(header, rows, wanted, path, profile)
        if above:
            guess = f"the header stands below {above} other rows, which are left out"
            self.plan = replace(self.plan, guesses=(guess, *self.plan.guesses))
        self.assembler = Assembler(self.plan)

    def chunk_of_rows(self, numbered: list[tuple[int, list[str]]]) -> RawCatalog[pa.Table]:
        """Return rows of cells as a chunk; a row with more cells than columns gets a problem."""
        width = len(self.header)
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
        columns = dict(zip(self.header, zip(*rows, strict=True), strict=True))
        return self.chunk([row for row, _ in numbered], problems, columns)

    def chunk(
        self,
        numbers: Sequence[int],
        problems: Sequence[str | None],
        columns: Mapping[str, Sequence[str | None]],
    ) -> RawCatalog[pa.Table]:
        """Return columns of cells, by the shop's names, as a chunk."""
        arrays = {"row": pa.array(numbers, pa.int64()), PROBLEM: pa.array(problems, pa.string())}
        arrays |= self.assembler.arrays(columns, len(numbers))
        for name in self.plan.extra:
            arrays[EXTRA_PREFIX + name] = pa.array(columns[name], pa.string())
        plan = self.plan
        profile = plan.profile.name if plan.profile is not None else ""
        return RawCatalog(self.path, pa.table(arrays), self.dialect, plan.used, plan.guesses, profile, plan.column_map)


def _chunks(items: Iterator[Item], rows: int, characters: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Yield lists of at most `rows` items, shorter where they hold much text."""
    chunk: list[Item] = []
    held = 0
    for item in items:
        chunk.append(item)
        held += characters(item)
        if len(chunk) >= rows or held >= CHUNK_CHARACTERS:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


class _Lines:
    """The lines of a text, never longer than MAX_LINE, with the state to find a quotation mark that is never closed."""

    def __init__(self, text: io.TextIOWrapper, path: Path) -> None:
        self.text, self.path = text, path
        self.number = 0
        self.pending: list[str] = []
        self.since_record = 0
        self.record: list[str] = []
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def again(self, lines: Sequence[str]) -> "_Lines":
        """Yield `lines` once more before the next ones."""
        self.pending = list(reversed(lines))
        self.number = self.since_record = 0
        self.record, self.ended = [], False
        return self

    def __next__(self) -> str:
        line = self.pending.pop() if self.pending else self.text.readline(MAX_LINE)
        if not line:
            self.ended = True
            raise StopIteration
        self.number += 1
        if len(line) >= MAX_LINE:
            raise CatalogError(
                f"{self.path}, line {self.number}: is longer than {MAX_LINE >> 20} MiB; this is not a table of products"
            )
        self.since_record += 1
        self.record.append(line)
        if self.since_record > MAX_LINES_PER_ROW:
            raise CatalogError(
                f"{self.path}, line {self.number - MAX_LINES_PER_ROW}: a quotation mark is opened and not closed "
                f"within {MAX_LINES_PER_ROW} lines; close it or double it"
            )
        return line


def _stated_delimiter(lines: Sequence[str]) -> tuple[str, int] | None:
    """Return the delimiter of a first line "sep=;", as Excel writes it, and the number of lines it takes."""
    line = lines[0].rstrip("\r\n").lower() if lines else ""
    return (line[4], 1) if line.startswith("sep=") and line[4:] in DELIMITERS else None


def _rows_above_header(lines: Sequence[str], delimiter: str, wanted: ColumnMap) -> int:
    """Return how many rows stand above the header: titles of a sheet, or the first two lines of an Amazon flat file.

    A row among the first ones is the header where it is one of a known format, holds the names that a column map
    states, or those of an id and a text; where none does, the first row is the header.
    """
    try:
        rows = list(islice((row for row in csv.reader(lines[:50], delimiter=delimiter) if any(row)), MAX_ROWS_ABOVE))
    except csv.Error:
        return 0
    stated = {shop for shop, ours in wanted.columns.items() if ours != "ignore"}
    for i, row in enumerate(rows):
        names = [name.strip() for name in row]
        if recognize_feed(names) or (stated and stated <= set(names)) or names_columns(names):
            return i
    return 0


def _find_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that splits the first lines into the most columns, the same number in most rows."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(lines[:100], delimiter=delimiter) if row]
        except csv.Error:
            continue
        width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
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
        lines.since_record = 0
        lines.record = []
        row += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CatalogError(f"{lines.path}, row {row}: {error}; fix the row or export the file again") from error
        if lines.since_record > 1 and (lines.ended or _is_unclosed("".join(lines.record), delimiter)):
            raise CatalogError(
                f"{lines.path}, row {row}: a quotation mark is opened and never closed; close it or double it"
            )
        if cells and any(cells):
            yield row, cells


def _is_unclosed(record: str, delimiter: str) -> bool:
    """Return whether a record has several lines because a quotation mark was not closed where it should be.

    An inch mark inside a cell (60" W) opens nothing. A mark that closes a cell is followed by a delimiter or the end.
    """
    if record.count('"') % 2 == 0:
        return False
    i, end = 0, len(record)
    while i < end:
        if record[i] != '"':
            places = [place for sign in (delimiter, "\n") if (place := record.find(sign, i)) >= 0]
            i = min(places, default=end - 1) + 1
            continue
        i += 1
        while i < end and not (record[i] == '"' and record[i + 1 : i + 2] != '"'):
            i += 2 if record[i] == '"' else 1
        if record[i + 1 : i + 2] not in ("", delimiter, "\r", "\n"):
            return True
        i += 2
    return False


def _checked_header(header: list[str], path: Path) -> list[str]:
    names = [name.strip() for name in header]
    if not names:
        raise CatalogError(f"{path}: holds only blank lines; a catalog has a header row and a row per product")
    if len(names) > MAX_COLUMNS:
        raise CatalogError(f"{path}: has {len(names):,} columns; at most {MAX_COLUMNS:,} are read")
    seen: Counter[str] = Counter()
    for i, name in enumerate(names):
        seen[name] += 1
        if name and seen[name] > 1:
            if name.lower() in known_columns()["id"] or name.lower() == "id":
                raise CatalogError(f"{path}: column '{name[:60]}' is in the header twice; rename or delete one")
            names[i] = f"{name} #{seen[name]}"
    unnamed = iter(range(len(names)))
    return [name or ("" if next(unnamed) == 0 else f"unnamed {i + 1}") for i, name in enumerate(names)]


def _iter_xml(path: Path, wanted: ColumnMap, chunk_rows: int, compressed: bool) -> Iterator[RawCatalog[pa.Table]]:
    """Yield an XML or RSS feed in chunks; the columns are those of the first items."""
    items = iter_items(path, compressed)
    first = list(islice(items, FIRST_ITEMS))
    if not first:
        raise CatalogError(f"{path}: is XML without <item>, <entry> or <product>; export a product feed")
    header = _checked_header(list(dict.fromkeys(name for item in first for name in item)), path)
    cells = [[item.get(name) for name in header] for item in first[:1000]]
    table = _Table(path, header, cells, wanted, Dialect("xml", "xml", compressed, damaged=False))
    row, rest = 2, chain(first, items)
    for batch in _chunks(rest, chunk_rows, lambda item: sum(map(len, item.values()))):
        columns = {name: [item.get(name) for item in batch] for name in header}
        yield table.chunk(range(row, row + len(batch)), [None] * len(batch), columns)
        row += len(batch)


def _iter_parquet(path: Path, wanted: ColumnMap, chunk_rows: int) -> Iterator[RawCatalog[pa.Table]]:
    opened: _Table | None = None
    try:
        with pq.ParquetFile(path) as file:
            header = _checked_header(list(file.schema_arrow.names), path)
            row = 2
            for batch in file.iter_batches(batch_size=chunk_rows):
                columns = {name: _as_text(batch.column(i), name, path) for i, name in enumerate(header)}
                if opened is None:
                    first = list(zip(*(values[:1000] for values in columns.values()), strict=True))
                    dialect = Dialect("parquet", "parquet", compressed=False, damaged=False)
                    opened = _Table(path, header, first, wanted, dialect)
                yield opened.chunk(range(row, row + batch.num_rows), [None] * batch.num_rows, columns)
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        first_line = str(error).partition("\n")[0]
        raise CatalogError(f"{path}: is not a readable Parquet file ({first_line}); write it again") from error
    if opened is None:
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
