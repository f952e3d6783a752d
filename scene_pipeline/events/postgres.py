"""The shared event store: the same port on Postgres, for several servers. Needs the extra `postgres` (psycopg)."""

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from scene_pipeline.errors import EventError
from scene_pipeline.events.schema import Event, content_digest, day_of, encode_event
from scene_pipeline.events.store import GroupWriter, Receipt, StoredEvent, Work

TABLES = """
CREATE TABLE IF NOT EXISTS scene_events (
    sequence BIGSERIAL PRIMARY KEY, event_id TEXT NOT NULL, day DATE NOT NULL, subject TEXT NOT NULL,
    payload BYTEA NOT NULL
);
CREATE INDEX IF NOT EXISTS scene_events_by_day ON scene_events (day, sequence);
CREATE INDEX IF NOT EXISTS scene_events_by_subject ON scene_events (subject);
CREATE TABLE IF NOT EXISTS scene_events_known (event_id TEXT PRIMARY KEY, day DATE NOT NULL, digest BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS scene_events_counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO scene_events_counters VALUES ('duplicates', 0) ON CONFLICT DO NOTHING;
"""

LOCK = 0x5CE7E
"""Advisory lock of writers: no sequence number becomes visible before all smaller ones."""


class PostgresEventStore:
    """An EventStore in a Postgres database; `url` is its connection string."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._writer = GroupWriter(self._open, _transaction)

    def _open(self) -> Any:
        connection = self._connect()
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            connection.execute(TABLES)
        return connection

    def _connect(self) -> Any:
        try:
            import psycopg
        except ImportError as error:
            raise EventError("Postgres needs psycopg: pip install 'scene-pipeline[postgres]'") from error
        try:
            return psycopg.connect(self._url, autocommit=True)
        except psycopg.Error as error:
            reason = str(error).splitlines()[0]
            raise EventError(f"the Postgres event store cannot be opened: {reason}; check its address") from error

    def submit(self, events: Sequence[Event]) -> "Future[Receipt]":
        """See EventStore."""
        rows = [(e.event_id, day_of(e.at), e.subject, encode_event(e), content_digest(e)) for e in events]
        return self._writer.submit(lambda connection: _insert(connection, rows))

    def append(self, events: Sequence[Event]) -> Receipt:
        """See EventStore."""
        return self.submit(events).result()

    def days(self) -> list[dt.date]:
        """See EventStore."""
        return [day for (day,) in self._read("SELECT DISTINCT day FROM scene_events ORDER BY day")]

    def read(self, day: dt.date, after: int = 0, limit: int = 20_000) -> list[StoredEvent]:
        """See EventStore."""
        rows = self._read(
            "SELECT sequence, payload FROM scene_events WHERE day = %s AND sequence > %s ORDER BY sequence LIMIT %s",
            (day, after, limit),
        )
        return [StoredEvent(sequence, bytes(payload)) for sequence, payload in rows]

    def discard(self, day: dt.date, up_to: int) -> int:
        """See EventStore."""
        query = "DELETE FROM scene_events WHERE day = %s AND sequence <= %s"
        return self._writer.submit(lambda c: c.execute(query, (day, up_to)).rowcount).result()

    def erase_subject(self, subject: str) -> int:
        """See EventStore. The table is rewritten; the operator must erase the server's log archive and backups."""
        if not subject:
            raise EventError("the empty subject cannot be erased; name a subject")

        def erase(connection: Any) -> int:
            erased = connection.execute("DELETE FROM scene_events WHERE subject = %s", (subject,)).rowcount
            connection.execute("VACUUM FULL scene_events")
            return erased

        return self._writer.submit(erase, exclusive=True).result()

    def drop_before(self, day: dt.date) -> int:
        """See EventStore."""

        def drop(connection: Any) -> int:
            connection.execute("DELETE FROM scene_events_known WHERE day < %s", (day,))
            return connection.execute("DELETE FROM scene_events WHERE day < %s", (day,)).rowcount

        return self._writer.submit(drop).result()

    def duplicates(self) -> int:
        """See EventStore."""
        return self._read("SELECT value FROM scene_events_counters WHERE name = 'duplicates'")[0][0]

    def close(self) -> None:
        """See EventStore."""
        self._writer.close()

    def _read(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._connect() as connection:
            return connection.execute(query, values).fetchall()


def _transaction(connection: Any, works: Sequence[Work]) -> list[Any]:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        return [work(connection) for work in works]


def _insert(connection: Any, rows: Sequence[tuple[str, dt.date, str, bytes, bytes]]) -> Receipt:
    stored = conflicts = 0
    for event_id, day, subject, payload, digest in rows:
        known = connection.execute(
            "INSERT INTO scene_events_known VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (event_id, day, digest)
        )
        if known.rowcount:
            connection.execute(
                "INSERT INTO scene_events (event_id, day, subject, payload) VALUES (%s, %s, %s, %s)",
                (event_id, day, subject, payload),
            )
            stored += 1
        else:
            query = "SELECT digest FROM scene_events_known WHERE event_id = %s"
            conflicts += bytes(connection.execute(query, (event_id,)).fetchone()[0]) != digest
    repeated = len(rows) - stored - conflicts
    if repeated:
        connection.execute("UPDATE scene_events_counters SET value = value + %s WHERE name = 'duplicates'", (repeated,))
    return Receipt(stored, repeated, conflicts)
