"""Daily compaction: move the events of complete days from the store into Parquet, each once, and mark orphans and bots.

A day's file is written completely next to the old one and then replaces it; only then are the events deleted from the
store. If a run is killed in between, the next run finds the events in both places and keeps one of each.
"""

import datetime as dt
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from filelock import FileLock

from scene_pipeline.events.partitions import (
    ACTION_SCHEMA,
    ACTIONS,
    EXPOSURES,
    action_table,
    aligned,
    exposure_batch,
    exposure_writer,
    part_files,
    part_path,
    partition_days,
    read_batches,
)
from scene_pipeline.events.schema import Action, ExposureRow, decode_row
from scene_pipeline.events.store import EventStore, in_batches
from scene_pipeline.files import atomic_path, write_bytes

pc: Any = pyarrow.compute  # its functions are made at run time, unknown to type checkers

BOT_ACTIONS_A_MINUTE = 60
"""A subject with more actions than this in one minute is a bot."""

LIST_DAYS = 31
"""Days after a list was shown in which actions on it are expected: a lookbook is used for weeks."""

TO_JUDGE = "to_judge.json"
"""File in the folder of events with the days whose events were moved and not yet marked."""

BATCH = 4_000


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """The result of a compaction. late: events of days that had been compacted before. bots: subjects.

    adopted: actions of days compacted before that were orphans until their list came in this run.
    """

    days: tuple[dt.date, ...] = ()
    exposures: int = 0
    actions: int = 0
    late: int = 0
    duplicates: int = 0
    orphaned: int = 0
    bots: int = 0
    adopted: int = 0
    kinds: dict[str, int] = field(default_factory=dict)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Lock the folder of events: compaction, erasure and retention never run at the same time.

    Temporary files that a killed run left are removed: they may hold a subject that has been erased since.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        for pattern in ("*/day=*/.*.tmp", "erasures/.*.tmp"):
            for left in folder.glob(pattern):
                left.unlink()
        yield


def compact(store: EventStore, folder: Path, before: dt.date) -> CompactionReport:
    """Move the events of days before `before` into the folder's partitions and return what was found."""
    with exclusive(folder):
        days = tuple(day for day in store.days() if day < before)
        judged = _to_judge(folder, days)
        repeats, late, counts = store.duplicates(), 0, [0, 0]
        for day in days:
            had = part_path(folder, EXPOSURES, day).exists() or part_path(folder, ACTIONS, day).exists()
            with _without_collecting():
                moved, repeated = _compact_day(store, folder, day)
            repeats += repeated
            counts = [total + new for total, new in zip(counts, moved, strict=True)]
            late += sum(moved) if had else 0
        for day in judged:
            _judge(folder, day)
        adopted = _judge_again(folder, judged)
        (folder / TO_JUDGE).unlink(missing_ok=True)
        orphaned, bots, kinds = _findings(folder, days)
    return CompactionReport(days, counts[0], counts[1], late, repeats, orphaned, bots, adopted, kinds)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Pause the garbage collector: decoding makes millions of tuples without cycles, and it would visit all."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _compact_day(store: EventStore, folder: Path, day: dt.date) -> tuple[tuple[int, int], int]:
    """Return ((exposures, actions) moved, repeated events found)."""
    targets = part_path(folder, EXPOSURES, day), part_path(folder, ACTIONS, day)
    known: set[str] = set()
    for target in targets:
        if target.exists():
            known.update(pq.read_table(target, columns=["event_id"])["event_id"].to_pylist())
    last, repeated, exposures = 0, 0, 0
    actions: list[Action] = []
    with atomic_path(targets[0]) as temporary, exposure_writer(temporary) as writer:
        if targets[0].exists():
            for batch in read_batches([targets[0]]):
                writer.write_batch(aligned(batch))
        for batch in in_batches(store, day, BATCH):
            last = batch[-1].sequence
            lists: list[ExposureRow] = []
            for event in map(decode_row, (item.payload for item in batch)):
                if event.event_id in known:
                    repeated += 1
                    continue
                known.add(event.event_id)
                if isinstance(event, Action):
                    actions.append(event)
                else:
                    lists.append(event)
            exposures += len(lists)
            if lists:
                writer.write_batch(exposure_batch(lists))
    table = action_table(actions)
    if targets[1].exists():
        table = pa.concat_tables([pq.read_table(targets[1], schema=ACTION_SCHEMA), table])
    with atomic_path(targets[1]) as temporary:
        pq.write_table(table, temporary)
    store.discard(day, last)
    return (exposures, len(actions)), repeated


def _judge(folder: Path, day: dt.date) -> None:
    """Mark actions whose list is unknown as orphans, and actions of subjects that act too fast as bots'."""
    target = part_path(folder, ACTIONS, day)
    table = pq.read_table(target, schema=ACTION_SCHEMA)
    lists = part_files(folder, EXPOSURES, day - dt.timedelta(days=LIST_DAYS), day)
    wanted = pc.unique(table["request_id"])
    known = [
        batch["event_id"].filter(pc.is_in(batch["event_id"], value_set=wanted))
        for batch in read_batches(lists, ["event_id"])
    ]
    orphan = pc.invert(pc.is_in(table["request_id"], value_set=pa.chunked_array(known, pa.string())))
    bot = pc.is_in(table["subject"], value_set=pa.array(_bots(table), pa.string()))
    for name, column in (("orphan", orphan), ("bot", bot)):
        table = table.set_column(table.schema.get_field_index(name), name, column)
    with atomic_path(target) as temporary:
        pq.write_table(table, temporary)


def _to_judge(folder: Path, days: tuple[dt.date, ...]) -> tuple[dt.date, ...]:
    """Record that these days need marking, and return them with the unmarked days that a killed run recorded."""
    note = folder / TO_JUDGE
    left = msgspec.json.decode(note.read_bytes(), type=list[dt.date]) if note.exists() else []
    known = (day for day in left if part_path(folder, ACTIONS, day).exists())  # the others were not moved, or dropped
    found = tuple(sorted({*days, *known}))
    if found:
        write_bytes(note, msgspec.json.encode(found))
    return found


def _judge_again(folder: Path, moved: tuple[dt.date, ...]) -> int:
    """Mark the days again whose orphans may belong to new lists; return how many orphans found their list."""
    found = 0
    for day in partition_days(folder, ACTIONS):
        if day in moved or not any(dt.timedelta(0) <= day - one <= dt.timedelta(days=LIST_DAYS) for one in moved):
            continue
        if before := _orphans(folder, day):
            _judge(folder, day)
            found += before - _orphans(folder, day)
    return found


def _orphans(folder: Path, day: dt.date) -> int:
    return int(pc.sum(pq.read_table(part_path(folder, ACTIONS, day), columns=["orphan"])["orphan"]).as_py() or 0)


def _bots(table: pa.Table) -> list[str]:
    named = table.filter(pc.not_equal(table["subject"], ""))
    if not named.num_rows:
        return []
    minute = pa.array((named["at"].to_numpy() // 60).astype(np.int64))
    counts = pa.table({"subject": named["subject"], "minute": minute}).group_by(["subject", "minute"])
    each = counts.aggregate([([], "count_all")])
    return pc.unique(each.filter(pc.greater(each["count_all"], BOT_ACTIONS_A_MINUTE))["subject"]).to_pylist()


def _findings(folder: Path, days: tuple[dt.date, ...]) -> tuple[int, int, dict[str, int]]:
    orphaned, bots, kinds = 0, set(), {}
    for day in days:
        table = pq.read_table(part_path(folder, ACTIONS, day), columns=["orphan", "bot", "subject", "kind"])
        orphaned += int(pc.sum(table["orphan"]).as_py() or 0)
        bots.update(table.filter(table["bot"])["subject"].to_pylist())
        for item in table["kind"].value_counts().to_pylist():
            kinds[item["values"]] = kinds.get(item["values"], 0) + item["counts"]
    return orphaned, len(bots), kinds
