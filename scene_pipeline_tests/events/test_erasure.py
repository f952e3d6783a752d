"""No byte of an erased subject stays, and old days go."""

import datetime as dt
from pathlib import Path

import pytest

from benchmarks.events import holds
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.errors import EventError
from scene_pipeline.events.compaction import compact
from scene_pipeline.events.erasure import drop_before, erase_subject, finish_erasures
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.events.partitions import ACTIONS, EXPOSURES, partition_days
from scene_pipeline.events.sqlite import SqliteEventStore
from scene_pipeline.events.store import EventStore
from scene_pipeline_tests.events.conftest import NOON, action, exposure

DAY = dt.date(2026, 5, 28)
SUBJECT = "f00dfeed" * 4


def filled(artifacts: Path) -> EventStore:
    """Return a store with two compacted days and one open one, a third of the events of SUBJECT."""
    store = open_store(artifacts)
    for day in range(3):
        for number in range(30):
            who, at = (SUBJECT if number % 3 == 0 else f"other-{number}"), NOON + 86_400 * day
            request = f"r-{day}-{number}"
            # a caller's own id of an action may name a person
            acted = action(request, at=at, subject=who, action_id=f"{who}-{request}")
            store.append([exposure(request, at, who), acted])
    compact(store, events_folder(artifacts), DAY + dt.timedelta(days=2))
    (artifacts / "learning").mkdir()
    (artifacts / "learning" / "weights.json").write_text("{}")
    return store


def forgetting(artifacts: Path) -> ProfileStore:
    """Return profiles of which one is of SUBJECT."""
    profiles = ProfileStore.below(artifacts)
    profiles.correct(SUBJECT, "oak", 1.0)
    return profiles


def holding(artifacts: Path, text: str) -> list[str]:
    """Return the files below `artifacts` that hold a text in any byte, or in any cell of what Parquet compresses."""
    return [path.name for path in artifacts.rglob("*") if path.is_file() and holds(path, text)]


def test_a_subject_is_erased_from_every_file(tmp_path: Path) -> None:
    store, profiles = filled(tmp_path), forgetting(tmp_path)
    assert sorted(holding(tmp_path, SUBJECT)).count("part.parquet") == 4, "two days of exposures and of actions"
    removal = erase_subject(store, events_folder(tmp_path), SUBJECT, profiles.forget)
    assert (removal.events, removal.derived, removal.profile) == (60, ("learning",), True)
    assert profiles.get(SUBJECT) is None
    assert holding(tmp_path, SUBJECT) == []
    assert holding(tmp_path, "other-1")
    assert not (tmp_path / "learning").exists()
    store.close()
    with pytest.raises(EventError, match="empty subject"):
        erase_subject(store, events_folder(tmp_path), "", profiles.forget)


def test_an_interrupted_erasure_is_finished_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, forget = filled(tmp_path), forgetting(tmp_path).forget

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(SqliteEventStore, "erase_subject", killed)
    with pytest.raises(KeyboardInterrupt):
        erase_subject(store, events_folder(tmp_path), SUBJECT, forget)
    monkeypatch.undo()
    assert finish_erasures(store, events_folder(tmp_path), forget) == 1
    assert holding(tmp_path, SUBJECT) == []
    assert finish_erasures(store, events_folder(tmp_path), forget) == 0
    store.close()


def test_days_before_a_date_are_dropped(tmp_path: Path) -> None:
    store = filled(tmp_path)
    removal = drop_before(store, events_folder(tmp_path), DAY + dt.timedelta(days=2))
    assert (removal.events, removal.days) == (120, 2)
    assert partition_days(events_folder(tmp_path), EXPOSURES) == partition_days(events_folder(tmp_path), ACTIONS) == []
    assert store.days() == [DAY + dt.timedelta(days=2)]
    store.close()
