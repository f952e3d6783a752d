"""The port on Lance: a table on disk or in an object store, with versions as tags. Needs the extra `lance`.

Every search compares all products that pass the filter: Lance's own vector index is not built. Filters are expressions
of pyarrow.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import filelock
import lance
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scene_pipeline.errors import ProductIndexError, one_line
from scene_pipeline.index.hybrid import depth_for, fuse_ranks, lower_words
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
from scene_pipeline.index.ties import Best, cut_at
from scene_pipeline.index.where import And, AnyOf, Eq, In, Not, Range, Where, check_where

MARK = "\x1f"
"""Put around each of several texts, which are stored in Lance as one text."""

_COMPUTE: Any = pc  # most functions are made at import, unknown to type checkers
_TYPES = {"text": pa.string(), "texts": pa.string(), "number": pa.float64(), "flag": pa.bool_()}
_VERSIONS = pa.schema(
    [
        ("version", pa.string()), ("sequence", pa.int64()), ("lance_version", pa.int64()), ("count", pa.int64()),
        ("digest", pa.string()), ("dimension", pa.int32()), ("fields", pa.string()),
    ]
)  # fmt: skip


def expression(where: Where) -> pc.Expression:
    """Return a filter as an expression of pyarrow: values stay values."""
    if isinstance(where, Not):
        return ~_COMPUTE.coalesce(expression(where.part), pc.scalar(False))  # an unknown value does not count as true
    if isinstance(where, Eq):
        return pc.field(where.field) == pc.scalar(where.value)
    if isinstance(where, In):
        return pc.field(where.field).isin(list(where.values)) if where.values else _never()
    if isinstance(where, AnyOf):
        found = [_COMPUTE.match_substring(pc.field(where.field), _joined([value])) for value in where.values]
        return _any(found)
    if isinstance(where, Range):
        held = pc.field(where.field).is_valid()
        if where.low is not None:
            held &= pc.field(where.field) >= float(where.low)
        if where.high is not None:
            held &= pc.field(where.field) <= float(where.high)
        return held
    parts = [expression(part) for part in where.parts]
    if not isinstance(where, And):
        return _any(parts)
    found = pc.field("product_id").is_valid()
    for part in parts:
        found &= part
    return found


def _any(parts: Sequence[pc.Expression]) -> pc.Expression:
    found = _never()
    for part in parts:
        found |= part
    return found


def _never() -> pc.Expression:
    return pc.field("product_id").is_null()


def _joined(values: Sequence[str] | None) -> str | None:
    if values is None:
        return None
    if any(MARK in value for value in values):
        raise ProductIndexError("a text with the control character 0x1f cannot be kept in Lance; remove it")
    return "".join(f"{MARK}{value}{MARK}" for value in values)


class LanceSnapshot(Closing):
    """A version of a table; it never changes."""

    def __init__(self, version: str, schema: IndexSchema, dataset: lance.LanceDataset) -> None:
        """`dataset` is checked out at the version."""
        self._version, self._schema, self._dataset = version, schema, dataset

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
        passing = self.count(where)
        passes = None if where is None else expression(where)

        def search(depth: int) -> Best:
            if not depth:
                return np.empty(0, object), np.empty(0, np.float32)
            found = self._scan(
                ["product_id", "_distance"],
                filter=passes,
                prefilter=True,  # a filter after the search would leave fewer than k, or none
                nearest={"column": "vector", "q": row, "k": depth, "metric": "dot", "use_index": False},
            )
            inner = 1 - found["_distance"].to_numpy()
            return found["product_id"].to_numpy(zero_copy_only=False), inner.astype(np.float32)

        found = cut_at(search, k if text is None else depth_for(k), passing)
        if text is not None:
            found = self._fused(row, found, k, (passes, text))
        return Hits(
            tuple(found[0].tolist()), found[1], True, passing, shortfall=max(min(k, passing) - len(found[0]), 0)
        )

    def _fused(
        self, query: npt.NDArray[np.float32], near: Best, k: int, requested: tuple[pc.Expression | None, str]
    ) -> Best:
        passes, text = requested
        inner = dict(zip(near[0].tolist(), near[1].tolist(), strict=True))
        said: list[str] = []
        if words := lower_words(text):
            found = self._scan(
                ["product_id", "vector", "_score"],
                filter=passes,
                prefilter=True,
                full_text_query={"columns": ["text"], "query": " ".join(words)},
                limit=depth_for(k),
            )
            ids = found["product_id"].to_pylist()
            scores = found["_score"].to_pylist()
            said = [ids[at] for at in sorted(range(len(ids)), key=lambda at: (-scores[at], ids[at]))]
            vectors = np.array(found["vector"].to_pylist(), np.float32).reshape(len(ids), self._schema.dimension)
            inner |= dict(zip(ids, (vectors @ query).tolist(), strict=True))
        ids = fuse_ranks([near[0].tolist(), said], k)
        return np.array(ids, dtype=object), np.array([inner[identity] for identity in ids], np.float32)

    def _scan(self, columns: list[str], **more: Any) -> pa.Table:
        try:
            return self._dataset.scanner(columns=columns, disable_scoring_autoprojection=True, **more).to_table()
        except (OSError, ValueError) as error:
            raise ProductIndexError(f"version '{self._version}' cannot be read: {one_line(error)}") from error

    def fetch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """See Snapshot."""
        names = ["product_id", "content_hash", "text", *self._schema.fields]
        rows = self._scan(names, filter=pc.field("product_id").isin(list(ids))).to_pylist() if ids else []
        for name, kind in self._schema.fields.items():
            for row in rows if kind == "texts" else ():
                row[name] = None if row[name] is None else row[name].strip(MARK).split(MARK * 2) if row[name] else []
        found = {row["product_id"]: row for row in rows}
        return [found[identity] for identity in ids if identity in found]

    def count(self, where: Where | None = None) -> int:
        """See Snapshot."""
        check_where(where, self._schema.fields)
        try:
            return self._dataset.count_rows(filter=None if where is None else expression(where))
        except (OSError, ValueError) as error:
            raise ProductIndexError(f"version '{self._version}' cannot be read: {one_line(error)}") from error

    def health(self) -> Health:
        """See Snapshot."""
        try:
            return Health(True, f"version {self._version}, {self.count():,} products, searched exactly")
        except ProductIndexError as error:
            return Health(False, str(error))

    def close(self) -> None:
        """See Snapshot."""


class LanceProductIndex(Closing):
    """Versions below `root`: one table per schema, one of versions, and one row with the published versions.

    On disk a lock keeps a second writer out. An object store has no lock: schedule only one writer.
    """

    capabilities = Capabilities("lance", "native", "BM25 of Lance's inverted index, fused by reciprocal rank")

    def __init__(self, root: str) -> None:
        """Use the folder or object-store prefix `root`."""
        self._root = root.rstrip("/")
        self._local = "://" not in root

    def stage(self, version: str, schema: IndexSchema) -> Writer:
        """See ProductIndex."""
        check_version(version)
        lock = self._lock()
        try:
            rows = self._rows()
            if any(row["version"] == version for row in rows):
                raise ProductIndexError(f"{self._root}: version '{version}' exists already; choose another name")
            return _LanceWriter(self, version, schema, (rows, lock))
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def _lock(self) -> filelock.BaseFileLock | None:
        if not self._local:
            return None
        Path(self._root).mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(Path(self._root) / ".stage.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise ProductIndexError(f"{self._root}: another version is being staged; wait for it") from error
        return lock

    def publish(self, version: str, expect: str | None = ANY) -> None:
        """See ProductIndex."""
        self._row(check_version(version))
        state, history = self._history()
        check_expected(history[-1] if history else None, expect)
        if not history or history[-1] != version:
            self._write_history(state, [*history, version])

    def rollback(self) -> str:
        """See ProductIndex."""
        state, history = self._history()
        if len(history) < 2:
            raise ProductIndexError(f"{self._root}: no version was published before; publish one by name")
        self._write_history(state, history[:-1])
        return history[-2]

    def versions(self) -> list[VersionInfo]:
        """See ProductIndex."""
        _, history = self._history()
        current = history[-1] if history else None
        return [
            VersionInfo(row["version"], row["version"] == current, row["count"], row["digest"]) for row in self._rows()
        ]

    def drop(self, version: str) -> None:
        """See ProductIndex. Its files are deleted, except those of other versions."""
        row = self._row(check_version(version))
        state, history = self._history()
        if history and history[-1] == version:
            raise ProductIndexError(f"version '{version}' is the current one; publish another before dropping it")
        lock = self._lock()
        try:
            self._write_history(state, [name for name in history if name != version])
            lance.dataset(self.uri("versions")).delete(pc.field("version") == version)
            schema = schema_of(row)
            dataset = lance.dataset(self.uri(schema.digest))
            dataset.tags.delete(version)
            if any(schema_of(other) == schema for other in self._rows()):
                dataset.cleanup_old_versions(older_than=timedelta(0), error_if_tagged_old_versions=False)
            elif self._local:
                shutil.rmtree(self.uri(schema.digest))
        finally:
            if lock is not None:
                lock.release()

    def open(self, version: str | None = None) -> Snapshot:
        """See ProductIndex."""
        _, history = self._history()
        name = version or (history[-1] if history else None)
        if name is None:
            raise ProductIndexError(f"{self._root}: no version is published yet; stage and publish one")
        row = self._row(name)
        schema = schema_of(row)
        return LanceSnapshot(name, schema, lance.dataset(self.uri(schema.digest), version=row["lance_version"]))

    def close(self) -> None:
        """See ProductIndex."""

    def uri(self, name: str) -> str:
        """Return the address of a table."""
        return f"{self._root}/{name}.lance"

    def record(self, row: Mapping[str, Any]) -> None:
        """Record a sealed version."""
        lance.write_dataset(pa.Table.from_pylist([dict(row)], _VERSIONS), self.uri("versions"), mode="append")

    def _rows(self) -> list[dict[str, Any]]:
        dataset = _opened(self.uri("versions"))
        rows = [] if dataset is None else dataset.to_table().to_pylist()
        return sorted(rows, key=lambda row: row["sequence"])

    def _row(self, version: str) -> dict[str, Any]:
        for row in self._rows():
            if row["version"] == version:
                return row
        raise ProductIndexError(f"{self._root}: has no sealed version '{version}'")

    def _history(self) -> tuple[int, list[str]]:
        dataset = _opened(self.uri("published"))
        if dataset is None:
            return 0, []
        (row,) = dataset.to_table().to_pylist()
        return row["state"], row["history"].split()

    def _write_history(self, state: int, history: Sequence[str]) -> None:
        """Write the published versions if nobody has done so since `state`. Names of versions have no quotes."""
        if _opened(self.uri("published")) is None:
            table = pa.table({"state": pa.array([0], pa.int64()), "history": [""]})
            lance.write_dataset(table, self.uri("published"), mode="create")
        names = " ".join(check_version(name) for name in history)
        dataset = lance.dataset(self.uri("published"))
        try:
            done = dataset.update({"state": str(state + 1), "history": f"'{names}'"}, where=f"state = {state}")
        except OSError as error:  # two commits at once
            raise ProductIndexError(f"{self._root}: somebody else published; compare and publish again") from error
        if not done["num_rows_updated"]:
            raise ProductIndexError(f"{self._root}: somebody else published; compare and publish again")


class _LanceWriter(Closing):
    """Changes at the head of a table. Readers use tags, so nobody sees changes before they are sealed."""

    def __init__(
        self,
        index: LanceProductIndex,
        version: str,
        schema: IndexSchema,
        state: tuple[Sequence[Mapping[str, Any]], filelock.BaseFileLock | None],
    ) -> None:
        rows, self._lock = state
        self._index, self._name, self._schema = index, version, schema
        self._sequence = max((row["sequence"] for row in rows), default=0) + 1
        self._written = self._deleted = 0
        self._hashes: dict[str, str] = {}
        self._dataset = _opened(index.uri(schema.digest))
        alike = [row for row in rows if schema_of(row) == schema]
        if self._dataset is not None and alike:
            newest = alike[-1]["lance_version"]
            if self._dataset.version != newest:  # a writer gave up or was killed
                older = self._dataset.checkout_version(newest)
                older.restore()
                self._dataset = lance.dataset(index.uri(schema.digest))
            table = self._dataset.to_table(columns=["product_id", "content_hash"])
            self._hashes = dict(zip(table["product_id"].to_pylist(), table["content_hash"].to_pylist(), strict=True))
        elif self._dataset is not None:
            self._dataset.delete("true")

    def hashes(self) -> Mapping[str, str]:
        """See Writer."""
        return self._hashes

    def upsert(self, records: Records) -> int:
        """See Writer."""
        records.check(self._schema)
        changed = records.changed(self._hashes)
        if changed:
            part = records.take(changed)
            self._remove([identity for identity in part.ids if identity in self._hashes])
            uri = self._index.uri(self._schema.digest)
            mode = "append" if self._dataset is not None else "create"
            self._dataset = lance.write_dataset(_table(part, self._schema), uri, mode=mode)
            self._hashes.update(zip(part.ids, part.hashes, strict=True))
        self._written += len(changed)
        return len(changed)

    def delete(self, ids: Iterable[str]) -> int:
        """See Writer."""
        gone = [identity for identity in ids if self._hashes.pop(identity, None) is not None]
        self._remove(gone)
        self._deleted += len(gone)
        return len(gone)

    def _remove(self, ids: Sequence[str]) -> None:
        if ids and self._dataset is not None:
            self._dataset.delete(pc.field("product_id").isin(list(ids)))

    def seal(self) -> Sealed:
        """See Writer."""
        if not self._hashes or self._dataset is None:
            raise ProductIndexError(f"version '{self._name}' holds no product; upsert some before sealing it")
        if any(index.name == "text_idx" for index in self._dataset.describe_indices()):
            self._dataset.optimize.optimize_indices()
        else:
            self._dataset.create_scalar_index("text", "INVERTED")
        dataset = lance.dataset(self._index.uri(self._schema.digest))
        if self._name in dataset.tags.list():  # of a writer killed between this and the next step
            dataset.tags.delete(self._name)
        dataset.tags.create(self._name, dataset.version)
        digest = digest_of(self._hashes)
        self._index.record(
            {
                "version": self._name,
                "sequence": self._sequence,
                "lance_version": dataset.version,
                "count": len(self._hashes),
                "digest": digest,
                "dimension": self._schema.dimension,
                "fields": json.dumps(dict(self._schema.fields)),
            }
        )
        self.close()
        return Sealed(self._name, len(self._hashes), digest, self._written, self._deleted)

    def close(self) -> None:
        """See Writer."""
        if self._lock is not None:
            self._lock.release()


def schema_of(row: Mapping[str, Any]) -> IndexSchema:
    """Return the schema of a sealed version."""
    return IndexSchema(row["dimension"], json.loads(row["fields"]))


def _table(records: Records, schema: IndexSchema) -> pa.Table:
    flat = np.ascontiguousarray(records.vectors, np.float16).reshape(-1)
    columns: dict[str, pa.Array] = {
        "product_id": pa.array(records.ids, pa.string()),
        "content_hash": pa.array(records.hashes, pa.string()),
        "text": pa.array(records.texts, pa.string()),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(flat), schema.dimension),
    }
    for name, kind in schema.fields.items():
        values = records.fields[name]
        columns[name] = pa.array(map(_joined, values) if kind == "texts" else values, _TYPES[kind])
    return pa.table(columns)


def _opened(uri: str) -> lance.LanceDataset | None:
    try:
        return lance.dataset(uri)
    except (FileNotFoundError, ValueError) as error:
        if "not found" in str(error).lower() or isinstance(error, FileNotFoundError):
            return None
        raise ProductIndexError(f"{uri}: cannot be opened: {one_line(error)}") from error
