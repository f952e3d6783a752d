"""The embedded event store: one SQLite file in WAL mode, durable at every acknowledgement."""

import datetime as dt
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from scene_pipeline.errors import EventError
from scene_pipeline.events.schema import Event, content_digest, day_of, encode_event
from scene_pipeline.events.store import GroupWriter, Receipt, StoredEvent, Work

BUSY_S = 30.0

TABLES = """
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, day TEXT NOT NULL, subject TEXT NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_day ON events (day, sequence);
CREATE INDEX IF NOT EXISTS events_by_subject ON events (subject);
CREATE TABLE IF NOT EXISTS known (
    event_id TEXT PRIMARY KEY, day TEXT NOT NULL, digest BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counters VALUES ('duplicates', 0), ('schema', 1);
"""


class SqliteEventStore:
    """An EventStore in one file. Several processes may share it on one machine; not over a network file system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = GroupWriter(self._open, _transaction)

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")
            connection.executescript(TABLES)
        except sqlite3.Error as error:
            raise EventError(f"the event store {self.path} cannot be opened: {error}; move it away") from error
        return connection

    def submit(self, events: Sequence[Event]) -> "Future[Receipt]":
        """See EventStore."""
        rows = [(e.event_id, day_of(e.at).isoformat(), e.subject, encode_event(e), content_digest(e)) for e in events]
        return self._writer.submit(lambda connection: _insert(connection, rows))

    def append(self, events: Sequence[Event]) -> Receipt:
        """See EventStore."""
        return self.submit(events).result()

    def days(self) -> list[dt.date]:
        """See EventStore."""
        return [dt.date.fromisoformat(day) for (day,) in self._read("SELECT DISTINCT day FROM events ORDER BY day")]

    def read(self, day: dt.date, after: int = 0, limit: int = 20_000) -> list[StoredEvent]:
        """See EventStore."""
        rows = self._read(
            "SELECT sequence, payload FROM events WHERE day = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            (day.isoformat(), after, limit),
        )
        return [StoredEvent(sequence, payload) for sequence, payload in rows]

    def discard(self, day: dt.date, up_to: int) -> int:
        """See EventStore."""
        query = "DELETE FROM events WHERE day = ? AND sequence <= ?"
        return self._writer.submit(lambda c: c.execute(query, (day.isoformat(), up_to)).rowcount).result()

    def erase_subject(self, subject: str) -> int:
        """See EventStore. Rewrites the file, since freed pages and the write-ahead log still hold deleted data."""
        if not subject:
            raise EventError("the empty subject cannot be erased; name a subject")
        return self._writer.submit(lambda connection: _erase(connection, subject), exclusive=True).result()

    def drop_before(self, day: dt.date) -> int:
        """See EventStore."""

        def drop(connection: sqlite3.Connection) -> int:
            connection.execute("DELETE FROM known WHERE day < ?", (day.isoformat(),))
            return connection.execute("DELETE FROM events WHERE day < ?", (day.isoformat(),)).rowcount

        return self._writer.submit(drop).result()

    def duplicates(self) -> int:
        """See EventStore."""
        return self._read("SELECT value FROM counters WHERE name = 'duplicates'")[0][0]

    def close(self) -> None:
        """See EventStore."""
        self._writer.close()

    def _read(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        # one connection per read: in WAL mode readers never wait for the writer, and threads share none
        connection = sqlite3.connect(self.path, timeout=BUSY_S)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


def _transaction(connection: sqlite3.Connection, works: Sequence[Work]) -> list[Any]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = [work(connection) for work in works]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return results


def _insert(connection: sqlite3.Connection, rows: Sequence[tuple[str, str, str, bytes, bytes]]) -> Receipt:
    stored = conflicts = 0
    for event_id, day, subject, payload, digest in rows:
        known = connection.execute("INSERT OR IGNORE INTO known VALUES (?, ?, ?)", (event_id, day, digest))
        if known.rowcount:
            connection.execute(
                "INSERT INTO events (event_id, day, subject, payload) VALUES (?, ?, ?, ?)",
                (event_id, day, subject, payload),
            )
            stored += 1
        else:
            before = connection.execute("SELECT digest FROM known WHERE event_id = ?", (event_id,)).fetchone()[0]
            conflicts += before != digest
    repeated = len(rows) - stored - conflicts
    if repeated:
        connection.execute("UPDATE counters SET value = value + ? WHERE name = 'duplicates'", (repeated,))
    return Receipt(stored, repeated, conflicts)


def _erase(connection: sqlite3.Connection, subject: str) -> int:
    erased = connection.execute("DELETE FROM events WHERE subject = ?", (subject,)).rowcount
    connection.execute("VACUUM")
    until = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > until:
            raise EventError("the write-ahead log of the event store is in use; erase again when readers have ended")
        time.sleep(0.05)
    return erased
