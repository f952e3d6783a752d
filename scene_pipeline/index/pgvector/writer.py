"""Stage a version in PostgreSQL: rows that nobody sees until the version is published."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping

import psycopg
from pgvector import HalfVector
from psycopg import sql
from psycopg.types.json import Jsonb

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.pgvector.sessions import Connection, one
from scene_pipeline.index.pgvector.tables import BUILD_MEMORY, build_memory, create_hnsw, create_rows, table_of
from scene_pipeline.index.port import Closing, IndexSchema, Records, Sealed, digest_of

LOCK = "hashtext('scene_index ' || current_schema())"
_BATCH = 5_000
_COPY_TYPES = {"text": "text", "texts": "text[]", "number": "float8", "flag": "bool"}


class PgvectorWriter(Closing):
    """Rows `born` in a version that is not sealed yet. The connection holds an advisory lock: one writer at a time."""

    def __init__(self, connection: Connection, version: str, schema: IndexSchema) -> None:
        """Take the lock and clear what a killed writer left. Raises ProductIndexError."""
        self._connection, self._name, self._schema = connection, version, schema
        self._table = sql.Identifier(table_of(schema))
        self._written = self._deleted = 0
        self._open = False
        lock(connection)
        clear_unsealed(connection)
        if one(connection, "SELECT 1 FROM scene_index_versions WHERE version = %s", (version,)):
            raise ProductIndexError(f"version '{version}' exists already; choose another name")
        with connection.transaction():
            connection.execute(create_rows(schema))
            row = one(
                connection,
                "INSERT INTO scene_index_versions VALUES (nextval('scene_index_seq'), %s, %s, %s, %s, 0, '', false) "
                "RETURNING seq",
                (version, table_of(schema), schema.dimension, Jsonb(dict(schema.fields))),
            )
        assert row is not None
        self._seq: int = row[0]
        self._open = True
        query = sql.SQL("SELECT product_id, content_hash FROM {} WHERE died IS NULL").format(self._table)
        self._hashes: dict[str, str] = dict(connection.execute(query).fetchall())

    def hashes(self) -> Mapping[str, str]:
        """See Writer."""
        return self._hashes

    def upsert(self, records: Records) -> int:
        """See Writer."""
        records.check(self._schema)
        changed = records.changed(self._hashes)
        for start in range(0, len(changed), _BATCH):
            part = records.take(changed[start : start + _BATCH])
            with self._connection.transaction():
                self._end([identity for identity in part.ids if identity in self._hashes])
                self._copy(part)
            self._hashes.update(zip(part.ids, part.hashes, strict=True))
        self._written += len(changed)
        return len(changed)

    def _copy(self, records: Records) -> None:
        names = list(self._schema.fields)
        columns = ["product_id", "content_hash", "text", "born", "vector", *(f"f_{name}" for name in names)]
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            self._table, sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with self._connection.cursor().copy(statement) as copy:
            kinds = [_COPY_TYPES[self._schema.fields[name]] for name in names]
            copy.set_types(["text", "text", "text", "int8", "halfvec", *kinds])
            values = [records.fields[name] for name in names]
            for row, identity in enumerate(records.ids):
                vector = HalfVector(records.vectors[row])
                fields = [
                    float(column[row]) if kind == "float8" and column[row] is not None else column[row]
                    for column, kind in zip(values, kinds, strict=True)
                ]
                copy.write_row((identity, records.hashes[row], records.texts[row], self._seq, vector, *fields))

    def delete(self, ids: Iterable[str]) -> int:
        """See Writer."""
        gone = [identity for identity in ids if self._hashes.pop(identity, None) is not None]
        with self._connection.transaction():
            self._end(gone)
        self._deleted += len(gone)
        return len(gone)

    def _end(self, ids: list[str]) -> None:
        """End the life of rows: those of this very version are removed."""
        if not ids:
            return
        own = sql.SQL("DELETE FROM {} WHERE product_id = ANY(%s) AND born = %s").format(self._table)
        self._connection.execute(own, (ids, self._seq))
        older = sql.SQL("UPDATE {} SET died = %s WHERE product_id = ANY(%s) AND died IS NULL").format(self._table)
        self._connection.execute(older, (self._seq, ids))

    def seal(self) -> Sealed:
        """See Writer."""
        if not self._hashes:
            raise ProductIndexError(f"version '{self._name}' holds no product; upsert some before sealing it")
        digest = digest_of(self._hashes)
        self._build()
        self._connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(self._table))
        self._connection.execute(
            "UPDATE scene_index_versions SET sealed = true, count = %s, digest = %s WHERE seq = %s",
            (len(self._hashes), digest, self._seq),
        )
        self._open = False
        self.close()
        return Sealed(self._name, len(self._hashes), digest, self._written, self._deleted)

    def _build(self) -> None:
        """Build the vector index where it is missing, in memory enough for its graph or the most that is allowed."""
        wanted = min(build_memory(self._schema, len(self._hashes)), BUILD_MEMORY)
        self._connection.execute(
            "SELECT set_config('maintenance_work_mem', %s || 'kB', false) "
            "WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < %s",
            (str(wanted // 1024), wanted),
        )
        self._connection.execute(create_hnsw(self._schema))

    def close(self) -> None:
        """See Writer."""
        if self._connection.closed:
            return
        if self._open:
            self._open = False
            clear_unsealed(self._connection)
        unlock(self._connection)
        self._connection.close()


def lock(connection: Connection) -> None:
    """Take the lock of writers. Raises ProductIndexError when another connection has it."""
    row = one(connection, f"SELECT pg_try_advisory_lock({LOCK})")  # pyright: ignore[reportArgumentType]
    if row is None or not row[0]:
        raise ProductIndexError("another version is being staged in this database; wait for it")


def unlock(connection: Connection) -> None:
    """Give the lock back at once: of a connection that is only closed the server takes it some time later."""
    with contextlib.suppress(psycopg.Error):  # a connection that is lost has no lock
        connection.execute("SELECT pg_advisory_unlock_all()")


@contextlib.contextmanager
def locked(connection: Connection) -> Iterator[None]:
    """Hold the lock of writers inside the block. Raises ProductIndexError when another connection has it."""
    lock(connection)
    try:
        yield
    finally:
        unlock(connection)


def clear_unsealed(connection: Connection) -> None:
    """Undo versions that were never sealed: of writers that gave up or were killed."""
    left = connection.execute("SELECT seq, collection FROM scene_index_versions WHERE NOT sealed").fetchall()
    for seq, collection in left:
        table = sql.Identifier(collection)
        with connection.transaction():
            connection.execute(sql.SQL("DELETE FROM {} WHERE born = %s").format(table), (seq,))
            connection.execute(sql.SQL("UPDATE {} SET died = NULL WHERE died = %s").format(table), (seq,))
            connection.execute("DELETE FROM scene_index_versions WHERE seq = %s", (seq,))
