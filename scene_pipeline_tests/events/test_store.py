"""One contract that every event store keeps."""

import datetime as dt
import threading
from pathlib import Path

import pytest

from scene_pipeline.errors import EventError
from scene_pipeline.events.open import open_store
from scene_pipeline.events.postgres import PostgresEventStore
from scene_pipeline.events.sqlite import SqliteEventStore
from scene_pipeline.events.store import EventStore, EventStoreBusyError, GroupWriter, Receipt, in_batches
from scene_pipeline_tests.events.conftest import NOON, action, exposure

DAY = dt.date(2026, 5, 28)
NEXT_DAY = NOON + 86_400


def test_events_come_back_in_the_order_of_arrival(store: EventStore) -> None:
    written = [exposure("r1"), action("r1"), exposure("r2", NEXT_DAY)]
    assert store.append(written) == Receipt(3, 0)
    assert store.days() == [DAY, DAY + dt.timedelta(days=1)]
    assert [item.event for item in store.read(DAY)] == written[:2]


def test_a_repeated_event_is_a_duplicate_even_after_compaction(store: EventStore) -> None:
    store.append([exposure("r1"), action("r1")])
    assert store.append([action("r1"), action("r1", kind="like")]) == Receipt(1, 1)
    last = store.read(DAY)[-1].sequence
    assert store.discard(DAY, last) == 3
    assert store.append([exposure("r1")]) == Receipt(0, 1)
    assert store.days() == []
    assert store.duplicates() == 2


def test_batches_hold_every_event_once(store: EventStore) -> None:
    store.append([exposure(f"r{number}") for number in range(7)])
    batches = list(in_batches(store, DAY, size=3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert len({item.sequence for batch in batches for item in batch}) == 7


def test_discarding_keeps_what_arrived_later(store: EventStore) -> None:
    store.append([exposure("r1")])
    seen = store.read(DAY)[-1].sequence
    store.append([exposure("r2")])
    store.discard(DAY, seen)
    assert [item.event.request_id for item in store.read(DAY)] == ["r2"]


def test_erasing_takes_one_subject_and_no_other(store: EventStore) -> None:
    store.append([exposure("r1", subject="anna"), action("r1", subject="anna"), exposure("r2", subject="ben")])
    assert store.erase_subject("anna") == 2
    assert store.erase_subject("anna") == 0
    assert [item.event.subject for item in store.read(DAY)] == ["ben"]
    with pytest.raises(EventError, match="empty subject"):
        store.erase_subject("")


def test_dropping_forgets_days_and_their_ids(store: EventStore) -> None:
    store.append([exposure("old"), exposure("new", NEXT_DAY)])
    assert store.drop_before(DAY + dt.timedelta(days=1)) == 1
    assert store.append([exposure("old"), exposure("new", NEXT_DAY)]) == Receipt(1, 1)


def test_threads_write_together_without_loss_or_double(store: EventStore) -> None:
    def write(start: int) -> None:
        for number in range(start, start + 20):
            store.append([exposure(f"r{number}")])

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [item.event.request_id for item in store.read(DAY)]
    assert sorted(ids) == sorted({f"r{number}" for number in range(50)})
    assert store.duplicates() == 30


def test_a_closed_store_refuses_writes(store: EventStore) -> None:
    store.close()
    with pytest.raises(EventError, match="closed"):
        store.append([exposure("r1")])


def test_sqlite_keeps_no_byte_of_an_erased_subject(tmp_path: Path) -> None:
    store = SqliteEventStore(tmp_path / "events.sqlite")
    for number in range(200):
        store.append([exposure(f"r{number}", subject="f00dfeed" * 4 if number % 3 else "other")])
    store.erase_subject("f00dfeed" * 4)
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    store.close()
    assert files
    assert not [data for data in files if b"f00dfeed" in data]


def test_sqlite_survives_reopening_and_says_what_is_no_store(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.append([exposure("r1")])
    store.close()
    again = open_store(tmp_path)
    assert again.append([exposure("r1")]) == Receipt(0, 1)
    again.close()
    (tmp_path / "broken.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(EventError, match=r"broken\.sqlite cannot be opened"):
        SqliteEventStore(tmp_path / "broken.sqlite")


def test_postgres_that_cannot_be_reached_is_one_line() -> None:
    with pytest.raises(EventError, match="cannot be opened"):
        PostgresEventStore("postgresql://127.0.0.1:9/none")


class _Connection:
    def close(self) -> None: ...


def test_a_writer_refuses_when_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scene_pipeline.events.store.MAX_PENDING", 2)
    gate, started = threading.Event(), threading.Event()

    def blocked(_: object) -> None:
        started.set()
        gate.wait(10)

    writer = GroupWriter(_Connection, lambda connection, works: [work(connection) for work in works])
    first = writer.submit(blocked)
    started.wait(10)
    waiting = [writer.submit(lambda _: 1), writer.submit(lambda _: 2)]
    with pytest.raises(EventStoreBusyError, match="try again later"):
        writer.submit(lambda _: 3)
    gate.set()
    first.result(10)
    assert [future.result(10) for future in waiting] == [1, 2]
    writer.close()


def test_an_id_with_another_content_is_a_conflict_and_a_later_retry_is_none(store: EventStore) -> None:
    store.append([action("r1", action_id="e1", at=NOON)])
    assert store.append([action("r1", action_id="e1", at=NOON + 5)]) == Receipt(0, 1)
    assert store.append([action("r1", action_id="e1", kind="like", at=NOON)]) == Receipt(0, 0, 1)
    assert len(store.read(DAY)) == 1
