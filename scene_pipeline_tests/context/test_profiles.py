"""A profile can be read, corrected and deleted, and stays so when profiles are built again."""

import datetime as dt
import json
from pathlib import Path

import pytest

from scene_pipeline.context.person import Population, Profile
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.errors import ScenePipelineError

A, B = "a" * 32, "b" * 32
TODAY = dt.date(2026, 3, 30)
NOBODY = Population(0.0, {})


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    store = ProfileStore(tmp_path / "profiles")
    store.replace_all([Profile(A, TODAY, 3, {"oak": 2}), Profile(B, TODAY, 1, {"steel": 1})], NOBODY)
    return store


def test_a_profile_is_a_file_that_a_person_can_read(store: ProfileStore) -> None:
    document = json.loads(store.path(A).read_text(encoding="utf-8"))
    assert document["terms"] == {"oak": 2}
    assert store.get(A) == Profile(A, TODAY, 3, {"oak": 2})
    assert store.ids() == [A, B]
    assert store.get("c" * 32) is None


def test_a_correction_survives_the_next_build_and_can_be_taken_back(store: ProfileStore) -> None:
    store.correct(A, "oak", 0.0)
    store.replace_all([Profile(A, TODAY, 9, {"oak": 8})], NOBODY)
    kept = store.get(A)
    assert kept is not None
    assert (kept.purchases, kept.corrections) == (9, {"oak": 0.0})
    assert store.correct(A, "oak", None).corrections == {}
    with pytest.raises(ScenePipelineError, match="'oak' is not corrected"):
        store.correct(A, "oak", None)


def test_a_correction_alone_makes_a_profile_and_stays(store: ProfileStore) -> None:
    person = "c" * 32
    store.correct(person, "style:boho", 1.0)
    store.replace_all([], NOBODY)
    assert store.ids() == [person]


def test_who_is_deleted_is_in_no_file_and_does_not_come_back(store: ProfileStore) -> None:
    assert store.delete(A)
    assert not store.delete(A)
    assert store.get(A) is None
    assert store.replace_all([Profile(A, TODAY, 3, {"oak": 2}), Profile(B, TODAY)], NOBODY) == 1
    holding = [path.name for path in store.folder.rglob("*") if path.is_file() and A.encode() in path.read_bytes()]
    assert holding == []
    assert not store.forget(A), "it is gone already"
    assert not store.forget("a session id of the shop"), "such a subject can have no profile"
    assert store.forget(B)


def test_profiles_without_purchases_any_more_are_removed(store: ProfileStore) -> None:
    store.replace_all([Profile(B, TODAY)], NOBODY)
    assert store.ids() == [B]


@pytest.mark.parametrize("person", ["alice", "../../../etc/passwd", "A" * 32, ""])
def test_only_hmac_ids_name_a_profile(store: ProfileStore, person: str) -> None:
    for use in (store.get, store.delete):
        with pytest.raises(ScenePipelineError, match="HMAC id"):
            use(person)


def test_a_lift_beyond_the_cap_is_refused(store: ProfileStore) -> None:
    with pytest.raises(ScenePipelineError, match="beyond"):
        store.correct(A, "oak", 99.0)


def test_a_damaged_profile_is_named(store: ProfileStore) -> None:
    store.path(A).write_text("{", encoding="utf-8")
    with pytest.raises(ScenePipelineError, match=rf"{A}\.json"):
        store.get(A)
