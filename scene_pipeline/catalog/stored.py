"""Tables on disk: read and written by row group, so that memory does not grow with the number of rows."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scene_pipeline.files import atomic_path

MAX_SPILL_FILES = 200
"""Maximum number of files that rows are sorted into at once; each stays open."""


class StoredTable:
    """A Parquet file used like a table: columns are read when used, rows one row group at a time.

    It has the methods of `pa.Table` that the catalog's stages need. A whole column stays in memory as long as the
    caller holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._metadata = pq.read_metadata(path)
        self.schema: pa.Schema = pq.read_schema(path)

    @property
    def num_rows(self) -> int:
        return self._metadata.num_rows

    @property
    def column_names(self) -> list[str]:
        return self.schema.names

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        return self.select([name])[name]

    def select(self, columns: Sequence[str]) -> pa.Table:
        """Return some columns of all rows, in memory."""
        return pq.read_table(self.path, columns=list(columns))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the row groups in order."""
        with pq.ParquetFile(self.path) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=None if columns is None else list(columns))

    def slice(self, offset: int, length: int) -> pa.Table:
        """Return some rows, in memory."""
        return self.take(np.arange(offset, min(offset + length, self.num_rows)))

    def take(self, places: np.ndarray) -> pa.Table:
        """Return the rows at ascending `places`, in memory; only the row groups that hold them are read."""
        parts, start = [self.schema.empty_table()], 0
        with pq.ParquetFile(self.path) as file:
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                own = places[(places >= start) & (places < end)] - start
                if len(own):
                    parts.append(file.read_row_group(group).take(pa.array(own)))
                start = end
        return pa.concat_tables(parts)


Rows = pa.Table | StoredTable
HeldTable = TypeVar("HeldTable", bound=Rows)
"""A table in memory, or one in a file."""


READ_ROWS = 20_000
"""Rows of a table in memory that are read at once."""


def batches(table: Rows, columns: Sequence[str] | None = None, rows: int = READ_ROWS) -> Iterator[pa.Table]:
    """Yield a table in parts: of at most `rows` rows, or the row groups of a file."""
    if isinstance(table, StoredTable):
        yield from table.batches(columns)
        return
    table = table if columns is None else table.select(list(columns))
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows)


def write_parts(tables: Iterable[pa.Table], path: Path, schema: pa.Schema) -> StoredTable:
    """Write tables of `schema` into one file, a row group each, atomically; return it."""
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for table in tables:
            if table.num_rows:
                writer.write_table(table, row_group_size=table.num_rows)
    return StoredTable(path)


def gather(table: Rows, parts: Sequence[np.ndarray]) -> Iterator[pa.Table]:
    """Yield for each part the rows at its places, in the order of the places.

    The parts hold every row of the table once. Rows of a file are sorted into temporary files next to it, unless they
    are in the order of the parts already.
    """
    if not isinstance(table, StoredTable):
        for places in parts:
            in_order = bool(len(places)) and places[-1] - places[0] == len(places) - 1
            yield table.slice(int(places[0]), len(places)) if in_order else table.take(pa.array(places))
    elif all(_follow(places, start) for places, start in zip(parts, _starts(parts), strict=True)):
        yield from _rechunked(table, [len(places) for places in parts])
    else:
        yield from _sorted(table, parts)


def _starts(parts: Sequence[np.ndarray]) -> Iterator[int]:
    start = 0
    for places in parts:
        yield start
        start += len(places)


def _follow(places: np.ndarray, start: int) -> bool:
    return bool(np.array_equal(places, np.arange(start, start + len(places))))


def _rechunked(table: StoredTable, sizes: Sequence[int]) -> Iterator[pa.Table]:
    rest, groups = table.schema.empty_table(), table.batches()
    for size in sizes:
        while rest.num_rows < size:
            rest = pa.concat_tables([rest, next(groups)])
        yield rest.slice(0, size)
        rest = rest.slice(size)


def _sorted(table: StoredTable, parts: Sequence[np.ndarray]) -> Iterator[pa.Table]:
    together = -(-len(parts) // MAX_SPILL_FILES)
    file_of = np.empty(table.num_rows, np.int16)
    for i, places in enumerate(parts):
        file_of[places] = i // together
    with tempfile.TemporaryDirectory(dir=table.path.parent, prefix=".sorting-") as folder:
        paths = [Path(folder) / f"{i}.arrow" for i in range(-(-len(parts) // together))]
        _spill(table, file_of, paths)
        for i, path in enumerate(paths):
            with pa.OSFile(str(path)) as stream:
                rows = pa.ipc.open_stream(stream).read_all()
            path.unlink()
            stand = np.flatnonzero(file_of == i)
            for places in parts[i * together : (i + 1) * together]:
                yield rows.take(pa.array(np.searchsorted(stand, places)))


def _spill(table: StoredTable, file_of: np.ndarray, paths: Sequence[Path]) -> None:
    """Write each row into its file, in the order of the table."""
    writers: list[Any] = [pa.ipc.new_stream(str(path), table.schema) for path in paths]
    try:
        start = 0
        for batch in table.batches():
            own = file_of[start : start + batch.num_rows]
            start += batch.num_rows
            for i in np.unique(own):
                writers[i].write_table(batch.take(pa.array(np.flatnonzero(own == i))))
    finally:
        for writer in writers:
            writer.close()
