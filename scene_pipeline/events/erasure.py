"""Erase a subject everywhere, and drop events older than the retention time.

An erasure is recorded before it begins, and the record is removed when it is complete. If it is killed in between, the
next erasure, compaction or retention run finishes it. What was learned from events is derived again without the
subject.
"""

import datetime as dt
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute
import pyarrow.parquet as pq

from scene_pipeline.errors import EventError
from scene_pipeline.events.compaction import exclusive
from scene_pipeline.events.partitions import ACTIONS, EXPOSURES, part_files, part_path, partition_days, read_batches
from scene_pipeline.events.store import EventStore
from scene_pipeline.files import atomic_path, fsync, write_text
from scene_pipeline.paths import LEARNING_FOLDER

pc: Any = pyarrow.compute  # its functions are made at run time, unknown to type checkers

PENDING = "erasures"
DERIVED = (LEARNING_FOLDER,)
"""Folders next to the events that hold only data derived from them; an erasure or retention run removes them."""


Forget = Callable[[str], bool]
"""Deletes other data of a subject (a profile) and returns whether there was any; may run twice."""


@dataclass(frozen=True, slots=True)
class Removal:
    """The numbers of events and whole days removed, the derived folders that must be made again, and whether a profile
    was deleted.
    """

    events: int
    days: int = 0
    derived: tuple[str, ...] = ()
    profile: bool = False


def erase_subject(store: EventStore, folder: Path, subject: str, forget: Forget) -> Removal:
    """Remove every event of a subject from the store and the partitions, all that was derived from events, and what
    `forget` deletes.
    """
    if not subject:
        raise EventError("the empty subject cannot be erased; name a subject")
    with exclusive(folder):
        note = folder / PENDING / f"{hashlib.sha256(subject.encode()).hexdigest()[:16]}.txt"
        write_text(note, subject)
        return _finish(store, folder, note, forget)


def finish_erasures(store: EventStore, folder: Path, forget: Forget) -> int:
    """Complete the erasures of killed runs and return how many there were."""
    with exclusive(folder):
        notes = sorted((folder / PENDING).glob("*.txt"))
        for note in notes:
            _finish(store, folder, note, forget)
    return len(notes)


def _finish(store: EventStore, folder: Path, note: Path, forget: Forget) -> Removal:
    subject = note.read_text(encoding="utf-8")
    profile = forget(subject)
    erased = store.erase_subject(subject)
    for kind in (EXPOSURES, ACTIONS):
        for path in part_files(folder, kind):
            erased += _rewrite_without(path, subject)
    derived = _remove_derived(folder)
    note.unlink()
    fsync(note.parent)
    return Removal(erased, derived=derived, profile=profile)


def _rewrite_without(path: Path, subject: str) -> int:
    """Rewrite a file without a subject's rows; return how many there were. Without any the file stays as it is."""
    held = pq.read_table(path, columns=["subject"])["subject"]
    count = int(pc.sum(pc.equal(held, subject)).as_py() or 0)
    if not count:
        return 0
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, pq.read_schema(path)) as writer:
        for batch in read_batches([path]):
            writer.write_batch(batch.filter(pc.not_equal(batch["subject"], subject)))
    return count


def drop_before(store: EventStore, folder: Path, day: dt.date) -> Removal:
    """Remove all events of days before `day`, from store and partitions, and what was derived from them."""
    with exclusive(folder):
        dropped, days = store.drop_before(day), set()
        for kind in (EXPOSURES, ACTIONS):
            for old in partition_days(folder, kind):
                if old < day:
                    path = part_path(folder, kind, old)
                    dropped += pq.read_metadata(path).num_rows
                    days.add(old)
                    shutil.rmtree(path.parent)
        derived = _remove_derived(folder) if dropped else ()
    return Removal(dropped, len(days), derived)


def _remove_derived(folder: Path) -> tuple[str, ...]:
    found = tuple(name for name in DERIVED if (folder.parent / name).exists())
    for name in found:
        shutil.rmtree(folder.parent / name)
    return found
