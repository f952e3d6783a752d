"""Compaction moves every event once, judges it, and can be repeated."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from scene_pipeline.events import compaction
from scene_pipeline.events.compaction import compact
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.events.partitions import ACTIONS, EXPOSURES, part_path, partition_days
from scene_pipeline.events.store import EventStore
from scene_pipeline_tests.events.conftest import NOON, action, exposure

DAY = dt.date(2026, 5, 28)
AFTER = DAY + dt.timedelta(days=2)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[EventStore, Path]]:
    store = open_store(tmp_path)
    yield store, events_folder(tmp_path)
    store.close()


def test_a_day_is_moved_whole_and_the_store_forgets_it(opened: tuple[EventStore, Path]) -> None:
    store, folder = opened
    store.append([exposure("r1", subject="anna", seed=3), action("r1", kind="purchase", value=9.5), exposure("r2")])
    report = compact(store, folder, AFTER)
    assert (report.days, report.exposures, report.actions, report.late) == ((DAY,), 2, 1, 0)
    assert store.days() == []
    lists = pq.read_table(part_path(folder, EXPOSURES, DAY)).to_pylist()
    assert [row["event_id"] for row in lists] == ["r1", "r2"]
    assert lists[0]["product_id"] == ["p1", "p2", "p3"]
    assert lists[0]["shown"] == [True, True, False]
    assert lists[0]["factors"] == pytest.approx([0.5, 0.1, 0.5, 0.2, 0.5, 0.3])
    assert lists[0]["support_rank"] == [1, 2, 3]
    assert pq.read_table(part_path(folder, ACTIONS, DAY))["value"].to_pylist() == [9.5]


def test_the_context_of_a_list_is_kept(opened: tuple[EventStore, Path]) -> None:
    store, folder = opened
    where = {"date": "2026-11-28", "country": "GB", "hemisphere": "north", "channel": "web", "personal": True}
    store.append([exposure("r1", **where), exposure("r2")])
    compact(store, folder, AFTER)
    known, unknown = pq.read_table(part_path(folder, EXPOSURES, DAY)).to_pylist()
    assert {name: known[name] for name in where} == where
    assert {name: unknown[name] for name in where} == dict.fromkeys(where, "") | {"personal": False}


def test_a_file_of_before_contexts_were_recorded_is_taken_over(opened: tuple[EventStore, Path]) -> None:
    store, folder = opened
    store.append([exposure("r1")])
    compact(store, folder, AFTER)
    path = part_path(folder, EXPOSURES, DAY)
    later = ["date", "country", "hemisphere", "channel", "personal", "price"]
    pq.write_table(pq.read_table(path).drop_columns(later), path)
    store.append([exposure("r2", country="GB", price=0.25)])
    compact(store, folder, AFTER)
    assert pq.read_table(path)["country"].to_pylist() == ["", "GB"]
    assert pq.read_table(path)["price"].to_pylist() == [0.0, 0.25]
    assert pq.read_table(path)["product_id"].to_pylist() == [["p1", "p2", "p3"]] * 2


def test_a_list_without_products_and_one_with_other_possible_ranks_are_kept(opened: tuple[EventStore, Path]) -> None:
    store, folder = opened
    first, *others = exposure("r1").products
    moved = msgspec.structs.replace(first, propensity=0.75, rank_propensities=((1, 0.75), (2, 0.25)))
    store.append([exposure("r0", products=()), exposure("r1", products=(moved, *others)), exposure("r2", products=())])
    compact(store, folder, AFTER)
    rows = pq.read_table(part_path(folder, EXPOSURES, DAY)).to_pylist()
    assert [row["product_id"] for row in rows] == [[], ["p1", "p2", "p3"], []]
    assert rows[1]["support_product"] == [0, 0, 1, 2]
    assert rows[1]["support_rank"] == [1, 2, 2, 3]
    assert rows[1]["support_probability"] == [0.75, 0.25, 1.0, 1.0]


def test_an_unfinished_day_stays_in_the_store(opened: tuple[EventStore, Path]) -> None:
    store, folder = opened
    store.append([exposure("r1"), exposure("r2", NOON + 86_400)])
    assert compact(store, folder, DAY + dt.timedelta(days=1)).exposures == 1
    assert store.days() == [DAY + dt.timedelta(days=1)]


def test_late_events_join_their_day_and_repeats_do_not(opened: tuple[EventStore, Path]) -> None:
    store, folder = opened
    store.append([exposure("r1")])
    compact(store, folder, AFTER)
    store.append([exposure("r1"), exposure("r2"), action("r1")])
    report = compact(store, folder, AFTER)
    assert (report.late, report.duplicates) == (2, 1)
    assert pq.read_metadata(part_path(folder, EXPOSURES, DAY)).num_rows == 2


def test_killed_before_the_store_forgot_it_keeps_one_of_each(opened: tuple[EventStore, Path], monkeypatch) -> None:
    store, folder = opened
    store.append([exposure("r1"), action("r1")])
    monkeypatch.setattr(type(store), "discard", lambda *_: 0)
    compact(store, folder, AFTER)
    monkeypatch.undo()
    assert compact(store, folder, AFTER).duplicates == 2
    assert pq.read_metadata(part_path(folder, EXPOSURES, DAY)).num_rows == 1
    assert partition_days(folder, ACTIONS) == [DAY]


def test_orphans_and_bots_are_marked(opened: tuple[EventStore, Path]) -> None:
    store, folder = opened
    products = [action("r1", f"p{number}", subject="robot") for number in range(70)]
    store.append([exposure("r1"), *products, action("r1", subject="anna"), action("unknown", subject="anna")])
    report = compact(store, folder, AFTER)
    assert (report.orphaned, report.bots) == (1, 1)
    rows = pq.read_table(part_path(folder, ACTIONS, DAY)).to_pylist()
    assert {row["subject"] for row in rows if row["bot"]} == {"robot"}
    assert {row["request_id"] for row in rows if row["orphan"]} == {"unknown"}


def test_a_run_killed_before_it_judged_is_made_up_for(opened: tuple[EventStore, Path], monkeypatch) -> None:
    store, folder = opened
    store.append([exposure("r1"), *(action("r1", f"p{number}", subject="robot") for number in range(70))])
    store.append([action("unknown", subject="anna")])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compaction, "_judge", killed)
    with pytest.raises(KeyboardInterrupt):
        compact(store, folder, AFTER)
    monkeypatch.undo()
    assert store.days() == []
    compact(store, folder, AFTER)
    rows = pq.read_table(part_path(folder, ACTIONS, DAY)).to_pylist()
    assert {row["subject"] for row in rows if row["bot"]} == {"robot"}
    assert {row["request_id"] for row in rows if row["orphan"]} == {"unknown"}


def test_an_orphan_finds_its_list_when_that_comes_late(opened: tuple[EventStore, Path]) -> None:
    """An action waits for its list on whatever day it was; one whose list never comes stays an orphan."""
    store, folder = opened
    next_day, month = NOON + 86_400, NOON + 40 * 86_400
    store.append(
        [action("r1"), action("r1", "p2", at=next_day), action("r1", "p3", at=month), action("never", at=next_day)]
    )
    after = DAY + dt.timedelta(days=60)
    assert compact(store, folder, after).orphaned == 4
    store.append([exposure("r1")])
    report = compact(store, folder, after)
    assert (report.exposures, report.orphaned, report.adopted) == (1, 0, 1)
    found = {
        (day, row["request_id"]): row["orphan"]
        for day in partition_days(folder, ACTIONS)
        for row in pq.read_table(part_path(folder, ACTIONS, day)).to_pylist()
    }
    tomorrow = DAY + dt.timedelta(days=1)
    assert found == {
        (DAY, "r1"): False,
        (tomorrow, "r1"): False,
        (tomorrow, "never"): True,
        (DAY + dt.timedelta(days=40), "r1"): True,  # longer after its list than a list is used
    }
    store.append([action("r1", "p4", at=next_day)])  # after its list's day was compacted
    assert compact(store, folder, after).orphaned == 1
    rows = pq.read_table(part_path(folder, ACTIONS, tomorrow)).to_pylist()
    assert {(row["product_id"], row["request_id"], row["orphan"]) for row in rows} >= {("p4", "r1", False)}


def test_half_written_files_of_a_killed_run_are_removed(opened: tuple[EventStore, Path]) -> None:
    store, folder = opened
    left = part_path(folder, ACTIONS, DAY).parent / ".part.parquet.abc.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    compact(store, folder, AFTER)
    assert not left.exists()
