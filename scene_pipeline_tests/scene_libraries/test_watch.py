"""What a look at the scenes' folder asks for, with what failed before."""

import os
from pathlib import Path

import pytest

from scene_pipeline.scene_libraries.watch import (
    LONGEST_RETRY_S,
    RETRY_S,
    Failed,
    PartitionChanges,
    Watched,
    after_runs,
    fingerprints,
    partition_changes,
    read_watched,
)


@pytest.mark.parametrize(
    ("before", "ends", "after"),
    [
        ({}, [("a", True, 100.0)], {}),
        ({}, [("a", False, 100.0)], {"a": Failed(1, 100 + RETRY_S)}),
        ({"a": Failed(1, 700.0)}, [("a", False, 900.0)], {"a": Failed(2, 900 + 2 * RETRY_S)}),
        ({"a": Failed(3, 700.0)}, [("a", True, 900.0)], {}),
        ({}, [("a", False, 100.0), ("a", True, 200.0)], {}),
        ({"a": Failed(40, 700.0)}, [("a", False, 900.0)], {"a": Failed(41, 900 + LONGEST_RETRY_S)}),
        ({"a": Failed(1, 700.0)}, [("b", False, 900.0)], {"a": Failed(1, 700.0), "b": Failed(1, 900 + RETRY_S)}),
    ],
)
def test_a_failed_library_is_tried_again_later_and_later(
    before: dict[str, Failed], ends: list[tuple[str, bool, float]], after: dict[str, Failed]
) -> None:
    assert after_runs(before, ends) == after


def test_what_is_due_is_scored_although_nothing_changed() -> None:
    assert partition_changes({"a": "1"}, {"a": "1"}, ["a"], [], due={"a"}) == PartitionChanges((), (), ("a",))
    assert partition_changes({"a": "1"}, {"a": "1"}, ["a"], ["a"], due={"a"}) == PartitionChanges((), (), ())
    assert partition_changes({}, {}, [], [], due={"a"}) == PartitionChanges((), (), ())


def test_a_library_that_cannot_be_read_is_left_alone_and_the_others_go_on() -> None:
    found = {"locked": None, "new": "1"}
    assert partition_changes(found, {"locked": "0"}, ["locked"], []) == PartitionChanges(("new",), (), ("new",))
    assert partition_changes({"locked": None}, {}, [], []) == PartitionChanges((), (), ())


def test_the_cursor_of_an_earlier_release_is_read() -> None:
    assert read_watched('{"spring":"abc"}') == Watched(known={"spring": "abc"})
    assert read_watched(None) == Watched()
    assert read_watched('{"known":{"spring":"abc"},"looks":3}') == Watched(known={"spring": "abc"}, looks=3)


def test_fingerprints_stand_hostile_names_and_files_that_go(tmp_path: Path) -> None:
    folder = tmp_path / "spring"
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    (folder / "a\nb.jpg").write_bytes(b"x")
    first = fingerprints(tmp_path)
    assert first is not None
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere")  # as a file that went after it was listed
    second = fingerprints(tmp_path)
    assert second is not None
    assert second["spring"] not in (None, first["spring"])
