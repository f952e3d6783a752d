"""Connections to PostgreSQL with the settings a search needs, each read back after it was set."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from pgvector.psycopg import register_vector
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from scene_pipeline.errors import ProductIndexError

Connection = psycopg.Connection[TupleRow]

SETTINGS = {
    # the default stops after ef_search rows, whatever a filter leaves of them; strict_order drops what it finds late
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.max_scan_tuples": "20000",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "plan_cache_mode": "force_custom_plan",  # a plan for every filter does not know how many rows pass this one
    "extra_float_digits": "3",
}


def connect(url: str) -> Connection:
    """Return a connection in autocommit mode. Raises ProductIndexError."""
    try:
        connection = psycopg.connect(url, autocommit=True)
        register_vector(connection)
        return connection
    except psycopg.Error as error:
        raise unreachable(error) from error


def unreachable(error: Exception) -> ProductIndexError:
    """Return an error that says why the database does not answer."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ProductIndexError(f"the product index in PostgreSQL does not answer: {reason}; check its address")


def apply(connection: Connection, settings: dict[str, str]) -> None:
    """Set and read back. Raises ProductIndexError for a setting that is not what it was set to.

    PostgreSQL takes any value for a setting of a library that it has not loaded, and when it loads it, puts the default
    in place of a wrong one with no more than a warning: the library is loaded first.
    """
    connection.execute("SELECT '[1]'::halfvec(1)")
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        if row is None or row[0] != value:
            raise ProductIndexError(
                f"PostgreSQL says {name} is {row[0] if row else 'unknown'} after it was set to {value}; "
                "pgvector 0.8 or newer is needed"
            )


class Sessions:
    """A pool of connections that search."""

    def __init__(self, url: str, most: int = 8) -> None:
        """Connect to `url`; up to `most` connections are kept. Raises ProductIndexError."""
        connect(url).close()  # says at once, and once, what the pool would only log while it tries again
        self._pool = ConnectionPool(
            url, min_size=1, max_size=most, configure=_configure, kwargs={"autocommit": True}, open=True, timeout=30
        )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection in one read-only transaction that sees one state of the database."""
        try:
            with self._pool.connection() as connection:
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                try:
                    yield connection
                finally:
                    if not connection.broken:
                        connection.execute("ROLLBACK")
        except psycopg.OperationalError as error:
            raise unreachable(error) from error

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


def _configure(connection: Connection) -> None:
    register_vector(connection)
    apply(connection, SETTINGS)


def one(connection: Connection, query: Any, values: Any = ()) -> TupleRow | None:
    """Return the first row of a query."""
    return connection.execute(query, values).fetchone()
