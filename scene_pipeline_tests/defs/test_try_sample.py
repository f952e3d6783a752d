"""Who starts with `make ui` finds libraries to pick and one job that does everything."""

from pathlib import Path

import dagster as dg

from scene_pipeline.bundle.layout import current_version
from scene_pipeline.definitions import defs
from scene_pipeline.defs.resources import SceneLibraries
from scene_pipeline.defs.try_sample import register_sensor
from scene_pipeline.sample import sample_libraries

LIBRARIES = sorted(path.name for path in sample_libraries().iterdir() if path.is_dir())


def test_one_job_does_everything_in_runs_of_their_own(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.get_repository_def().get_job("try_the_sample")
        result = job.execute_in_process(
            run_config={"resources": {"store": {"config": {"root": str(tmp_path)}}}}, instance=instance
        )
        assert result.success
        assert sorted(run.job_name for run in instance.get_runs()) == [
            "build_bundle",
            *["score_scenes"] * 2,
            "try_the_sample",
        ]
        assert sorted(instance.get_dynamic_partitions("scene_libraries")) == LIBRARIES
        assert instance.get_latest_materialization_event(dg.AssetKey("serving_bundle")) is not None
    assert current_version(tmp_path)
    assert all((tmp_path / "scenes" / name / "lookbook.html").is_file() for name in LIBRARIES)


def test_libraries_are_registered_without_a_sensor_being_switched_on(tmp_path: Path) -> None:
    sensor = register_sensor(30)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance)
        answer = sensor(context, libraries=SceneLibraries(root="sample"))
        assert isinstance(answer, dg.SensorResult)
        requests = list(answer.dynamic_partitions_requests or ())
        assert [sorted(request.partition_keys) for request in requests] == [LIBRARIES]
        assert not answer.run_requests
        instance.add_dynamic_partitions("scene_libraries", LIBRARIES)
        assert isinstance(sensor(context, libraries=SceneLibraries(root="sample")), dg.SkipReason)
        gone = sensor(context, libraries=SceneLibraries(root=str(tmp_path / "unmounted")))
        assert isinstance(gone, dg.SkipReason)
        assert "cannot be read" in (gone.skip_message or "")
