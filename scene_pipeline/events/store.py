"""The port of event stores, and the one writer thread through which all adapters write in groups."""

import datetime as dt
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from scene_pipeline.errors import EventError
from scene_pipeline.events.schema import Event, decode_event

MAX_PENDING = 10_000
"""Maximum number of waiting writes; above it a store refuses more, so that a slow disk cannot fill the memory."""

GROUP = 512
"""Maximum number of writes in one transaction: they share one flush to disk."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of appending events: when a receipt is returned, all are on disk except conflicts.

    A conflict is an event whose id is known with another content; it is not stored.
    """

    stored: int
    duplicates: int
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An encoded event with its sequence number, which orders it by arrival."""

    sequence: int
    payload: bytes

    @property
    def event(self) -> Event:
        """The decoded event. Raises EventError for one that cannot be read."""
        return decode_event(self.payload)


class EventStore(Protocol):
    """Keeps events until they are compacted. Safe to share between threads; idempotent by event id.

    Ids stay known after compaction: a repeated write is a duplicate until `drop_before` drops its day.
    """

    def submit(self, events: Sequence[Event]) -> "Future[Receipt]":
        """Queue events; the future is done when they are on disk. Raises EventStoreBusyError when too many wait."""
        ...

    def append(self, events: Sequence[Event]) -> Receipt:
        """Write events and return when they are on disk."""
        ...

    def days(self) -> list[dt.date]:
        """Return the UTC days that have events, ascending."""
        ...

    def read(self, day: dt.date, after: int = 0, limit: int = 20_000) -> list[StoredEvent]:
        """Return up to `limit` events of a day with a sequence above `after`, ascending."""
        ...

    def discard(self, day: dt.date, up_to: int) -> int:
        """Delete the events of a day up to a sequence number (their ids stay known) and return how many."""
        ...

    def erase_subject(self, subject: str) -> int:
        """Delete every event of a subject, so that no byte stays in the store's files; return how many."""
        ...

    def drop_before(self, day: dt.date) -> int:
        """Delete events and known ids of days before `day` and return how many events were dropped."""
        ...

    def duplicates(self) -> int:
        """Return how many repeated writes were recognized."""
        ...

    def close(self) -> None:
        """Finish the waiting writes and release the store."""
        ...


class EventStoreBusyError(EventError):
    """More writes wait than a store accepts; try again later."""


def in_batches(store: EventStore, day: dt.date, size: int = 20_000) -> Iterator[list[StoredEvent]]:
    """Yield the events of a day in batches, ascending by sequence."""
    after = 0
    while batch := store.read(day, after, size):
        yield batch
        after = batch[-1].sequence


Work = Callable[[Any], Any]


class GroupWriter:
    """Runs writes one after another on a thread of its own; waiting writes share one transaction.

    `connect` opens the connection on that thread; `transaction` runs several works with it, all or none, and returns
    their results. `exclusive` works run alone, outside any transaction.
    """

    def __init__(self, connect: Callable[[], Any], transaction: Callable[[Any, Sequence[Work]], list[Any]]) -> None:
        self._connect = connect
        self._transaction = transaction
        self._queue: queue.Queue[tuple[Work, bool, Future[Any]] | None] = queue.Queue(MAX_PENDING)
        self._lock = threading.Lock()
        self._closed = False
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="event-writer", daemon=True)
        self._thread.start()
        opened.result()

    def submit(self, work: Work, *, exclusive: bool = False) -> "Future[Any]":
        """Queue a write. Raises EventStoreBusyError when MAX_PENDING wait, EventError after `close`."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise EventError("the event store is closed; open it again to write")
            try:
                self._queue.put_nowait((work, exclusive, future))
            except queue.Full:
                raise EventStoreBusyError(f"{MAX_PENDING:,} writes of events wait; try again later") from None
        return future

    def close(self) -> None:
        """Finish the waiting writes and end the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self, opened: "Future[None]") -> None:
        try:
            connection = self._connect()
        except BaseException as error:
            opened.set_exception(error)
            return
        opened.set_result(None)
        try:
            self._serve(connection)
        finally:
            connection.close()

    def _serve(self, connection: Any) -> None:
        held: tuple[Work, bool, Future[Any]] | None = None
        while True:
            item = held or self._queue.get()
            held = None
            if item is None:
                return
            group, stop = [item], False
            while not item[1] and len(group) < GROUP:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    stop = True
                    break
                if following[1]:
                    held = following
                    break
                group.append(following)
            self._finish(connection, group)
            if stop and held is None:
                return

    def _finish(self, connection: Any, group: Sequence[tuple[Work, bool, "Future[Any]"]]) -> None:
        try:
            if group[0][1]:
                results = [group[0][0](connection)]
            else:
                results = self._transaction(connection, [work for work, _, _ in group])
        except BaseException as error:
            for _, _, future in group:
                future.set_exception(error)
            return
        for (_, _, future), result in zip(group, results, strict=True):
            future.set_result(result)
