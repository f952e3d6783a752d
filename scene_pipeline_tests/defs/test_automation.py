"""What the sensor decides, as a table, and what a look at the scenes' folder finds."""

import os
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import msgspec
import pytest

from scene_pipeline.definitions import defs
from scene_pipeline.defs.automation import library_sensor
from scene_pipeline.defs.resources import ArtifactStore, SceneLibraries
from scene_pipeline.defs.scenes import scene_libraries
from scene_pipeline.scene_libraries.watch import (
    Failed,
    PartitionChanges,
    fingerprints,
    partition_changes,
    read_watched,
)

scene_library_sensor = library_sensor(30)
NOTHING = PartitionChanges((), (), ())


@pytest.mark.parametrize(
    ("found", "known", "existing", "in_flight", "expected"),
    [
        # a new library is registered and scored
        ({"a": "1"}, {}, [], [], PartitionChanges(("a",), (), ("a",))),
        # nothing changed
        ({"a": "1"}, {"a": "1"}, ["a"], [], NOTHING),
        # a picture changed
        ({"a": "2"}, {"a": "1"}, ["a"], [], PartitionChanges((), (), ("a",))),
        # a library with a run under way is left alone: its change is found at the next look
        ({"a": "2"}, {"a": "1"}, ["a"], ["a"], NOTHING),
        # a vanished library is forgotten, but not under a run
        ({}, {"a": "1"}, ["a"], [], PartitionChanges((), ("a",), ())),
        ({}, {"a": "1"}, ["a"], ["a"], NOTHING),
        # a folder that cannot be read deletes nothing (an unmounted disk once looked like an empty one)
        (None, {"a": "1"}, ["a", "b"], [], NOTHING),
        # registered by the command line, never scored by the sensor: scored once
        ({"a": "1"}, {}, ["a"], [], PartitionChanges((), (), ("a",))),
    ],
)
def test_library_changes(
    found: dict[str, str] | None,
    known: dict[str, str],
    existing: list[str],
    in_flight: list[str],
    expected: PartitionChanges,
) -> None:
    assert partition_changes(found, known, existing, in_flight) == expected


def test_without_a_bundle_a_library_is_registered_and_scored_later() -> None:
    """A run without a bundle would only fail, and the library would count as seen."""
    assert partition_changes({"a": "1"}, {}, [], [], ready=False) == PartitionChanges(("a",), (), ())
    assert partition_changes({"a": "1"}, {}, ["a"], []) == PartitionChanges((), (), ("a",))


def test_fingerprints_follow_the_pictures(tmp_path: Path) -> None:
    (tmp_path / "spring").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.jpg").write_bytes(b"x")
    picture = tmp_path / "spring" / "a.jpg"
    picture.write_bytes(b"one")
    (tmp_path / "spring" / "notes.txt").write_text("no picture")
    first = fingerprints(tmp_path)
    assert first is not None
    assert list(first) == ["spring"]
    assert fingerprints(tmp_path) == first
    os.utime(picture, ns=(1, 1))
    assert fingerprints(tmp_path) != first
    assert fingerprints(tmp_path / "nowhere") is None


def test_the_sensor_registers_scores_and_forgets(tmp_path: Path) -> None:
    for name in ("spring", "summer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(b"x")
    libraries = SceneLibraries(root=str(tmp_path))
    store = ArtifactStore(root=str(tmp_path / "artifacts"))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("scene_libraries", ["winter"])
        early = scene_library_sensor(dg.build_sensor_context(instance=instance), libraries=libraries, store=store)
        assert isinstance(early, dg.SensorResult)
        assert not early.run_requests
        assert read_watched(early.cursor).known == {}
        promoted = "20261101T000000Z-00000001"
        (tmp_path / "artifacts" / "bundles" / promoted).mkdir(parents=True)
        (tmp_path / "artifacts" / "bundles" / "CURRENT").write_text(promoted)
        context = dg.build_sensor_context(instance=instance)
        result = scene_library_sensor(context, libraries=libraries, store=store)
        assert isinstance(result, dg.SensorResult)
        assert [request.partition_key for request in result.run_requests or ()] == ["spring", "summer"]
        assert list(result.dynamic_partitions_requests or ()) == [
            scene_libraries.build_add_request(["spring", "summer"]),
            scene_libraries.build_delete_request(["winter"]),
        ]
        again = scene_library_sensor(
            dg.build_sensor_context(instance=instance, cursor=result.cursor), libraries=libraries, store=store
        )
        assert isinstance(again, dg.SensorResult)
        assert not again.run_requests


def test_a_look_that_was_had_before_is_requested_for_again(tmp_path: Path) -> None:
    """A picture moved out and back with its old time, a library that vanished and came back: Dagster remembers a run
    key for ever, so a key that says only what is there never runs again."""
    picture = tmp_path / "spring" / "b.jpg"
    picture.parent.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (picture.parent / name).write_bytes(b"x")
    promoted = "20261101T000000Z-00000001"
    (tmp_path / "artifacts" / "bundles" / promoted).mkdir(parents=True)
    (tmp_path / "artifacts" / "bundles" / "CURRENT").write_text(promoted)
    libraries, store = SceneLibraries(root=str(tmp_path)), ArtifactStore(root=str(tmp_path / "artifacts"))
    cursor, keys = None, []
    with dg.DagsterInstance.ephemeral() as instance:

        def look() -> int:
            nonlocal cursor
            context = dg.build_sensor_context(instance=instance, cursor=cursor)
            result = scene_library_sensor(context, libraries=libraries, store=store)
            assert isinstance(result, dg.SensorResult)
            cursor = result.cursor
            keys.extend(request.run_key for request in result.run_requests or ())
            return len(result.run_requests or ())

        assert (look(), look()) == (1, 0)
        aside = picture.rename(tmp_path / "b.jpg")
        assert (look(), look()) == (1, 0)
        aside.rename(picture)  # as it was, times and all
        assert (look(), look()) == (1, 0)
        gone = picture.parent.rename(tmp_path / ".gone")
        assert look() == 0
        gone.rename(picture.parent)
        assert (look(), look()) == (1, 0)
        for number in range(2):  # it fails, and is tried again when its time has come
            run = dg.DagsterRun("score_scenes", f"{number:036}", status=dg.DagsterRunStatus.FAILURE)
            instance.add_run(run.with_tags({"dagster/partition": "spring"}))
            assert look() == 0
            watched = read_watched(cursor)
            assert watched.failed["spring"].times == number + 1
            due = msgspec.structs.replace(watched, failed={"spring": Failed(number + 1, 0.0)})
            cursor = msgspec.json.encode(due).decode()
            assert look() == 1
    assert len(keys) == len(set(keys)) == 6


def test_names_that_are_no_utf_8_and_folders_that_cannot_be_read_do_not_end_the_sensor(tmp_path: Path) -> None:
    for name in ("spring", os.fsdecode(b"caf\xe9")):
        (tmp_path / name).mkdir()
        (tmp_path / name / os.fsdecode(b"\xe9.jpg")).write_bytes(b"x")
    with dg.DagsterInstance.ephemeral() as instance:
        answer = scene_library_sensor(
            dg.build_sensor_context(instance=instance),
            libraries=SceneLibraries(root=str(tmp_path)),
            store=ArtifactStore(root=str(tmp_path)),
        )
    assert isinstance(answer, dg.SensorResult)
    assert list(answer.dynamic_partitions_requests or ()) == [scene_libraries.build_add_request(["spring"])]


def test_the_sensor_leaves_everything_alone_when_the_folder_is_gone(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("scene_libraries", ["winter"])
        answer = scene_library_sensor(
            dg.build_sensor_context(instance=instance),
            libraries=SceneLibraries(root=str(tmp_path / "unmounted")),
            store=ArtifactStore(root=str(tmp_path)),
        )
    assert isinstance(answer, dg.SkipReason)
    assert "cannot be read; nothing was changed" in (answer.skip_message or "")


def materialized(instance: dg.DagsterInstance, asset: str, version: str, partition: str | None = None) -> None:
    """Report that an asset was materialized with this data version."""
    instance.report_runless_asset_event(
        dg.AssetMaterialization(asset, partition=partition, tags={"dagster/data_version": version})
    )


def requested(result: dg.EvaluateAutomationConditionsResult) -> Mapping[str, list[str]]:
    """Return asset -> partitions that a tick asks for, of the scenes' assets."""
    names = ("scene_analyses", "recommendations", "lookbook", "workbook")
    found = {
        name: sorted(key for key in result.get_requested_partitions(dg.AssetKey(name)) if key is not None)
        for name in names
    }
    return {name: keys for name, keys in found.items() if keys}


def test_libraries_are_scored_again_when_and_only_when_the_bundle_s_content_changed() -> None:
    """A bundle that was only made again starts nothing; a new library is the library sensor's to see."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("scene_libraries", ["spring", "summer"])
        materialized(instance, "serving_bundle", "1")
        cursor = None

        def tick() -> Mapping[str, list[str]]:
            nonlocal cursor
            selection = dg.AssetSelection.groups("scenes")
            result = dg.evaluate_automation_conditions(defs, instance, selection, cursor=cursor)
            cursor = result.cursor
            return requested(result)

        assert tick() == {}
        for library in ("spring", "summer"):
            for asset in ("scene_analyses", "recommendations", "lookbook", "workbook"):
                materialized(instance, asset, f"{library} 1", library)
        assert tick() == {}
        materialized(instance, "serving_bundle", "1")
        assert tick() == {}
        materialized(instance, "serving_bundle", "2")
        every = ("scene_analyses", "recommendations", "lookbook", "workbook")
        assert tick() == {asset: ["spring", "summer"] for asset in every}
        assert tick() == {}
        materialized(instance, "recommendations", "by hand", "spring")
        assert tick() == {}
        instance.add_dynamic_partitions("scene_libraries", ["autumn"])
        materialized(instance, "serving_bundle", "3")
        assert tick() == {asset: ["spring", "summer"] for asset in every}, "autumn was never scored"
        for asset in every:
            materialized(instance, asset, "autumn 1", "autumn")
        assert tick() == {}
