"""The port on files, the default: one folder per version, each with a faiss index like that of a bundle."""

import shutil
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import filelock
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.files import atomic_path, fsync, write_bytes
from scene_pipeline.index.columns import Columns, Mask
from scene_pipeline.index.hybrid import TextOrder, depth_for, fuse_ranks
from scene_pipeline.index.plan import plan_search
from scene_pipeline.index.port import (
    ANY,
    Capabilities,
    Closing,
    Health,
    Hits,
    IndexSchema,
    Records,
    Sealed,
    Snapshot,
    VersionInfo,
    Writer,
    check_expected,
    check_query,
    check_version,
    digest_of,
)
from scene_pipeline.index.ties import cut_at
from scene_pipeline.index.vector_index import VectorIndex
from scene_pipeline.index.vectors import dot_rows
from scene_pipeline.index.where import Where, check_where, where_key

ROWS, RECORD, HISTORY, LOCK = "rows.parquet", "version.json", "PUBLISHED", ".stage.lock"
STAGING = ".staging"
DEEPER, AT_LEAST = 2, 500
"""A coarse index fetches twice as many as requested, at least 500: the number refined decides the worst query."""

_MASKS = 32  # filters whose masks a snapshot keeps


class _Version(msgspec.Struct, frozen=True):
    sequence: int
    count: int
    digest: str
    dimension: int
    fields: dict[str, str]


class FaissSnapshot(Closing):
    """A VectorIndex with the products of its rows."""

    def __init__(self, version: str, schema: IndexSchema, index: VectorIndex, table: pa.Table) -> None:
        """`table` has product_id, content_hash, text and the schema's fields, one row per vector."""
        self._version, self._schema = version, schema
        self._index, self._table = index, table
        self._ids: list[str] = table["product_id"].to_pylist()
        self._columns = Columns(
            len(self._ids), schema.fields, {name: table[name].to_pylist() for name in schema.fields}
        )
        self._by_id = np.argsort(np.array(self._ids, dtype=object), kind="stable")
        self._place = np.argsort(self._by_id)  # the place of each row in the order of ids
        self._rows: dict[str, int] | None = None
        self._texts: TextOrder | None = None
        self._masks: OrderedDict[bytes, tuple[Mask, int]] = OrderedDict()

    @property
    def version(self) -> str:
        """See Snapshot."""
        return self._version

    @property
    def schema(self) -> IndexSchema:
        """See Snapshot."""
        return self._schema

    def search(
        self, query: npt.NDArray[np.floating], k: int, where: Where | None = None, text: str | None = None
    ) -> Hits:
        """See Snapshot."""
        row = check_query(query, k, self._schema)
        allowed, passing = self._allowed(where)
        depth = k if text is None else depth_for(k)
        places, inner = cut_at(lambda wanted: self._best(row, wanted, allowed), depth, passing)
        rows = self._by_id[places]
        shape = (len(self._index), self._index.dimension)
        exact = passing == 0 or plan_search(self._index.plan, shape, passing, max(len(rows), 1)).way != "coarse"
        if text is not None:
            rows, inner = self._fused(row, rows, k, allowed, text)
        return Hits(tuple(self._ids[int(at)] for at in rows), inner, exact, passing)

    def exact_inner(self, ids: Sequence[str], query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the inner products [m] of products with `query` by their 16-bit vectors, not by codes of 8 bits."""
        rows = np.array([self._row_of(identity) for identity in ids], np.int64)
        return dot_rows(np.asarray(self._index.vectors[rows], np.float32), query)

    def _best(
        self, query: npt.NDArray[np.float32], wanted: int, allowed: Mask | None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        depth = wanted if self._index.plan.exact else max(DEEPER * wanted, AT_LEAST)
        rows, inner = self._index.search(query, depth, allowed)
        return self._place[rows[:wanted]], inner[:wanted]

    def _fused(
        self, query: npt.NDArray[np.float32], near: npt.NDArray[Any], k: int, allowed: Mask | None, text: str
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        if self._texts is None:
            self._texts = TextOrder(self._table["text"].to_pylist())
        said = self._texts.best(text, depth_for(k), allowed)
        fused = fuse_ranks([[self._ids[at] for at in near], [self._ids[at] for at in said]], k)
        rows = np.array([self._row_of(identity) for identity in fused], np.int64)
        inner = self._index.decode(rows) @ query if len(rows) else np.empty(0, np.float32)
        return rows, inner.astype(np.float32)

    def _row_of(self, identity: str) -> int:
        if self._rows is None:
            self._rows = {name: row for row, name in enumerate(self._ids)}
        return self._rows.get(identity, -1)

    def fetch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """See Snapshot."""
        rows = [row for identity in ids if (row := self._row_of(identity)) >= 0]
        return self._table.take(pa.array(rows, pa.int64())).to_pylist()

    def count(self, where: Where | None = None) -> int:
        """See Snapshot."""
        return self._allowed(where)[1]

    def health(self) -> Health:
        """See Snapshot."""
        return Health(True, f"version {self._version}, {len(self._ids):,} products in memory")

    def close(self) -> None:
        """See Snapshot."""

    def _allowed(self, where: Where | None) -> tuple[Mask | None, int]:
        if where is None:
            return None, len(self._ids)
        check_where(where, self._schema.fields)
        key = where_key(where)
        known = self._masks.get(key)
        if known is None:
            mask = self._columns.mask(where)
            known = (mask, int(np.count_nonzero(mask)))
            self._masks[key] = known
            if len(self._masks) > _MASKS:
                self._masks.pop(next(iter(self._masks)), None)
        return known


class FaissProductIndex(Closing):
    """Versions as folders below `root`. A second writer, also in another process, is refused at once."""

    capabilities = Capabilities("faiss", "fused", "BM25 (k1 1.2, b .75), fused by reciprocal rank")

    def __init__(self, root: Path) -> None:
        """Use the folder `root`; it is made when the first version is staged."""
        self._root = root

    def stage(self, version: str, schema: IndexSchema) -> Writer:
        """See ProductIndex."""
        check_version(version)
        if (self._root / version).exists():
            raise ProductIndexError(f"{self._root}: version '{version}' exists already; choose another name")
        self._root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self._root / LOCK)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise ProductIndexError(f"{self._root}: another version is being staged; wait for it") from error
        shutil.rmtree(self._root / STAGING, ignore_errors=True)  # of a process that was killed
        return _FaissWriter(self._root, version, schema, lock)

    def publish(self, version: str, expect: str | None = ANY) -> None:
        """See ProductIndex."""
        self._record(version)
        with filelock.FileLock(self._root / ".publish.lock"):
            history = self._history()
            check_expected(history[-1] if history else None, expect)
            if not history or history[-1] != version:
                self._write_history([*history, version])

    def rollback(self) -> str:
        """See ProductIndex."""
        with filelock.FileLock(self._root / ".publish.lock"):
            history = self._history()
            if len(history) < 2:
                raise ProductIndexError(f"{self._root}: no version was published before; publish one by name")
            self._write_history(history[:-1])
            return history[-2]

    def versions(self) -> list[VersionInfo]:
        """See ProductIndex."""
        history = self._history()
        current = history[-1] if history else None
        found = [(self._record(path.parent.name), path.parent.name) for path in self._root.glob(f"*/{RECORD}")]
        return [
            VersionInfo(name, name == current, record.count, record.digest)
            for record, name in sorted(found, key=lambda pair: pair[0].sequence)
        ]

    def drop(self, version: str) -> None:
        """See ProductIndex. A snapshot that is open keeps its files until it is closed."""
        self._record(version)
        with filelock.FileLock(self._root / ".publish.lock"):
            history = self._history()
            if history and history[-1] == version:
                raise ProductIndexError(f"version '{version}' is the current one; publish another before dropping it")
            self._write_history([name for name in history if name != version])
            (self._root / version / RECORD).unlink()
            shutil.rmtree(self._root / version)

    def open(self, version: str | None = None) -> Snapshot:
        """See ProductIndex."""
        history = self._history()
        name = version or (history[-1] if history else None)
        if name is None:
            raise ProductIndexError(f"{self._root}: no version is published yet; stage and publish one")
        record = self._record(name)
        folder = self._root / name
        return FaissSnapshot(name, _schema(record), VectorIndex.open(folder), pq.read_table(folder / ROWS))

    def close(self) -> None:
        """See ProductIndex."""

    def _record(self, version: str) -> _Version:
        return read_record(self._root, check_version(version))

    def _history(self) -> list[str]:
        path = self._root / HISTORY
        return path.read_text("utf-8").split() if path.exists() else []

    def _write_history(self, versions: Sequence[str]) -> None:
        # A version published, rolled back and published again is listed twice; direct repetitions are listed once.
        kept = [name for at, name in enumerate(versions) if not at or versions[at - 1] != name]
        write_bytes(self._root / HISTORY, "".join(f"{name}\n" for name in kept).encode())


class _FaissWriter(Closing):
    """Keeps products in memory until they are sealed, then writes a folder and moves it into place."""

    def __init__(self, root: Path, version: str, schema: IndexSchema, lock: filelock.BaseFileLock) -> None:
        self._root, self._name, self._schema, self._lock = root, version, schema, lock
        self._hashes: dict[str, str] = {}
        self._where: dict[str, tuple[int, int]] = {}  # part and row of each product
        self._parts: list[Records] = []
        self._written = self._deleted = 0
        self._sequence = 0
        self._begin()

    def _begin(self) -> None:
        """Start from the newest sealed version, if it has the same schema."""
        found = [(read_record(self._root, path.parent.name), path.parent) for path in self._root.glob(f"*/{RECORD}")]
        if not found:
            return
        self._sequence = max(record.sequence for record, _ in found) + 1
        alike = [(record, folder) for record, folder in found if _schema(record) == self._schema]
        if not alike:
            return
        _, folder = max(alike, key=lambda pair: pair[0].sequence)
        table = pq.read_table(folder / ROWS)
        vectors = np.load(folder / "vectors.npy", mmap_mode="r")
        names = {name: table[name].to_pylist() for name in table.column_names}
        fields = {name: names[name] for name in self._schema.fields}
        self._add(
            Records(names["product_id"], names["content_hash"], vectors, names["text"], fields), range(len(table))
        )

    def hashes(self) -> Mapping[str, str]:
        """See Writer."""
        return self._hashes

    def upsert(self, records: Records) -> int:
        """See Writer."""
        records.check(self._schema)
        changed = records.changed(self._hashes)
        self._add(records, changed)
        self._written += len(changed)
        return len(changed)

    def _add(self, records: Records, rows: Iterable[int]) -> None:
        for row in rows:
            self._hashes[records.ids[row]] = records.hashes[row]
            self._where[records.ids[row]] = (len(self._parts), row)
        self._parts.append(records)

    def delete(self, ids: Iterable[str]) -> int:
        """See Writer."""
        gone = [identity for identity in ids if self._hashes.pop(identity, None) is not None]
        for identity in gone:
            del self._where[identity]
        self._deleted += len(gone)
        return len(gone)

    def seal(self) -> Sealed:
        """See Writer."""
        if not self._hashes:
            raise ProductIndexError(f"version '{self._name}' holds no product; upsert some before sealing it")
        ids = sorted(self._hashes)
        places = [self._where[identity] for identity in ids]
        vectors = np.empty((len(ids), self._schema.dimension), np.float16)
        for part in {part for part, _ in places}:
            here = [at for at, place in enumerate(places) if place[0] == part]
            vectors[here] = self._parts[part].vectors[[places[at][1] for at in here]]
        folder = self._root / STAGING
        folder.mkdir()
        VectorIndex.build(vectors).write(folder)
        with atomic_path(folder / ROWS) as temporary:
            pq.write_table(self._table(ids, places), temporary, compression="zstd")
        digest = digest_of(self._hashes)
        record = _Version(self._sequence, len(ids), digest, self._schema.dimension, dict(self._schema.fields))
        write_bytes(folder / RECORD, msgspec.json.encode(record))
        folder.replace(self._root / self._name)
        fsync(self._root)
        self.close()
        return Sealed(self._name, len(ids), digest, self._written, self._deleted)

    def _table(self, ids: Sequence[str], places: Sequence[tuple[int, int]]) -> pa.Table:
        columns: dict[str, pa.Array] = {
            "product_id": pa.array(ids, pa.string()),
            "content_hash": pa.array([self._hashes[identity] for identity in ids], pa.string()),
            "text": pa.array([self._parts[part].texts[row] for part, row in places], pa.string()),
        }
        for name, kind in self._schema.fields.items():
            values = [self._parts[part].fields[name][row] for part, row in places]
            columns[name] = pa.array(values, ARROW_TYPES[kind])
        return pa.table(columns)

    def close(self) -> None:
        """See Writer."""
        if self._lock.is_locked:
            shutil.rmtree(self._root / STAGING, ignore_errors=True)
            self._lock.release()


ARROW_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "number": pa.float64(),
    "flag": pa.bool_(),
}


def read_record(root: Path, version: str) -> _Version:
    """Return the record of a version. Raises ProductIndexError where there is none."""
    path = root / version / RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Version)
    except FileNotFoundError as error:
        raise ProductIndexError(f"{root}: has no sealed version '{version}'") from error
    except (OSError, msgspec.DecodeError) as error:
        raise ProductIndexError(f"{path}: cannot be read ({error}); drop the version and stage it again") from error


def _schema(record: _Version) -> IndexSchema:
    return IndexSchema(record.dimension, record.fields)  # pyright: ignore[reportArgumentType]
