"""A product index in PostgreSQL: staging, publishing by a pointer row, live prices and stock."""

from collections import OrderedDict
from collections.abc import Iterable

import psycopg
from psycopg import sql

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.pgvector.sessions import Connection, Sessions, connect, one
from scene_pipeline.index.pgvector.snapshot import Counts, PgvectorSnapshot
from scene_pipeline.index.pgvector.tables import LIVE, MAX_DIMENSION, SETUP
from scene_pipeline.index.pgvector.writer import PgvectorWriter, locked, unlock
from scene_pipeline.index.port import (
    ANY,
    Capabilities,
    Closing,
    IndexSchema,
    Snapshot,
    VersionInfo,
    Writer,
    check_expected,
    check_version,
)

LOCK_TIMEOUT = "5s"


class PgvectorProductIndex(Closing):
    """Versions of products in the first schema of the connection's search path."""

    capabilities = Capabilities(
        "postgresql + pgvector",
        "native",
        "ts_rank_cd over to_tsvector('simple'), fused by reciprocal rank",
        tuple(LIVE),
        "PostgreSQL 18, pgvector 0.8",
    )

    def __init__(self, url: str) -> None:
        """Connect to `url` and make the tables where they are missing. Raises ProductIndexError."""
        self._url = url
        _set_up(url)
        self._sessions = Sessions(url)
        self._counts: Counts = OrderedDict()

    def stage(self, version: str, schema: IndexSchema) -> Writer:
        """See ProductIndex."""
        check_version(version)
        if schema.dimension > MAX_DIMENSION:
            raise ProductIndexError(f"vectors of {schema.dimension} numbers; pgvector indexes up to {MAX_DIMENSION}")
        connection = connect(self._url)
        try:
            return PgvectorWriter(connection, version, schema)
        except BaseException:
            unlock(connection)
            connection.close()
            raise

    def publish(self, version: str, expect: str | None = ANY) -> None:
        """See ProductIndex."""
        with self._writing() as connection, connection.transaction():
            current = self._locked_pointer(connection)
            check_expected(self._name(connection, current), expect)
            seq = self._seq(connection, check_version(version))
            if seq != current:
                connection.execute("UPDATE scene_index_pointer SET seq = %s", (seq,))
                connection.execute("INSERT INTO scene_index_published (seq) VALUES (%s)", (seq,))

    def rollback(self) -> str:
        """See ProductIndex."""
        with self._writing() as connection, connection.transaction():
            self._locked_pointer(connection)
            last = connection.execute(
                "SELECT position, seq FROM scene_index_published ORDER BY position DESC LIMIT 2"
            ).fetchall()
            if len(last) < 2:
                raise ProductIndexError("no version was published before; publish one by name")
            connection.execute("DELETE FROM scene_index_published WHERE position = %s", (last[0][0],))
            connection.execute("UPDATE scene_index_pointer SET seq = %s", (last[1][1],))
            name = self._name(connection, last[1][1])
            assert name is not None
            return name

    def versions(self) -> list[VersionInfo]:
        """See ProductIndex."""
        with self._sessions.reading() as connection:
            rows = connection.execute(
                "SELECT v.version, v.seq IS NOT DISTINCT FROM p.seq, v.count, v.digest FROM scene_index_versions v, "
                "scene_index_pointer p WHERE v.sealed ORDER BY v.seq"
            ).fetchall()
        return [VersionInfo(*row) for row in rows]

    def drop(self, version: str) -> None:
        """See ProductIndex. Rows that another version has stay."""
        with self._writing() as connection, locked(connection), connection.transaction():
            connection.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
            current = self._locked_pointer(connection)
            seq = self._seq(connection, check_version(version))
            if seq == current:
                raise ProductIndexError(f"version '{version}' is the current one; publish another before dropping it")
            _drop(connection, seq)

    def open(self, version: str | None = None) -> Snapshot:
        """See ProductIndex."""
        query = (
            "SELECT v.seq, v.version, v.dimension, v.fields FROM scene_index_versions v, scene_index_pointer p "
            "WHERE v.sealed AND (v.version = %(version)s OR %(version)s IS NULL AND v.seq = p.seq)"
        )
        with self._sessions.reading() as connection:
            row = one(connection, query, {"version": version})
        if row is None:
            missing = "no version is published yet; stage and publish one" if version is None else ""
            raise ProductIndexError(missing or f"there is no sealed version '{version}'")
        return PgvectorSnapshot(self._sessions, row[0], row[1], IndexSchema(row[2], row[3]), self._counts)

    def update_live(self, changes: Iterable[tuple[str, float | None, bool | None]]) -> int:
        """Set what products cost and whether they are in stock now, in every version; return how many were set.

        Each change is (product id, price, in stock); None leaves what the version says.
        """
        rows = list(changes)
        with self._writing() as connection, connection.transaction():
            connection.cursor().executemany(
                "INSERT INTO scene_index_live (product_id, price, in_stock) VALUES (%s, %s, %s) "
                "ON CONFLICT (product_id) DO UPDATE SET price = excluded.price, in_stock = excluded.in_stock, "
                "updated_at = now()",
                rows,
            )
        return len(rows)

    def clear_live(self) -> int:
        """Forget all live prices and stock: the versions' own hold again. Return how many there were."""
        with self._writing() as connection:
            return connection.execute("DELETE FROM scene_index_live").rowcount

    def close(self) -> None:
        """See ProductIndex."""
        self._sessions.close()

    def _writing(self) -> Connection:
        return connect(self._url)

    def _locked_pointer(self, connection: Connection) -> int | None:
        row = one(connection, "SELECT seq FROM scene_index_pointer FOR UPDATE")
        return row[0] if row else None

    def _name(self, connection: Connection, seq: int | None) -> str | None:
        row = one(connection, "SELECT version FROM scene_index_versions WHERE seq = %s", (seq,))
        return row[0] if row else None

    def _seq(self, connection: Connection, version: str) -> int:
        row = one(connection, "SELECT seq FROM scene_index_versions WHERE version = %s AND sealed", (version,))
        if row is None:
            raise ProductIndexError(f"there is no sealed version '{version}'")
        return row[0]


def _set_up(url: str) -> None:
    try:
        with psycopg.connect(url, autocommit=True) as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('scene_index set-up'))")
            if not one(connection, "SELECT 1 FROM pg_extension WHERE extname = 'vector'"):
                connection.execute("CREATE EXTENSION vector")
            connection.execute(SETUP)
    except psycopg.Error as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ProductIndexError(
            f"the product index in PostgreSQL cannot be set up: {reason}; check the address, and that the extension "
            "vector is installed"
        ) from error


def _drop(connection: Connection, seq: int) -> None:
    row = one(connection, "DELETE FROM scene_index_versions WHERE seq = %s RETURNING collection", (seq,))
    assert row is not None
    connection.execute("DELETE FROM scene_index_published WHERE seq = %s", (seq,))
    table = sql.Identifier(row[0])
    if one(connection, "SELECT 1 FROM scene_index_versions WHERE collection = %s", (row[0],)) is None:
        connection.execute(sql.SQL("DROP TABLE {}").format(table))
        return
    unseen = sql.SQL(
        "DELETE FROM {} r WHERE NOT EXISTS (SELECT 1 FROM scene_index_versions v WHERE v.collection = %s "
        "AND v.seq >= r.born AND (r.died IS NULL OR v.seq < r.died))"
    ).format(table)
    connection.execute(unseen, (row[0],))
