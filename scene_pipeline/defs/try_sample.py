"""The first minute in the UI: one job that does everything on the sample, and libraries that are registered at once."""

from collections.abc import Callable

import dagster as dg

from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.launch import run_bundle_build, run_library_scoring
from scene_pipeline.defs.requests import BuildRequest, ScoringRequest
from scene_pipeline.defs.resources import SAMPLE, ArtifactStore, LookbookLinks, SceneLibraries
from scene_pipeline.defs.scenes import scene_libraries
from scene_pipeline.scene_libraries.folders import libraries_under, list_libraries


def sample_job(definitions: Callable[[], dg.Definitions]) -> dg.JobDefinition:
    """Return the job that builds the sample's bundle and scores its libraries, each in a run of its own.

    `definitions` gives those that the job itself is part of.
    """

    @dg.op(name="build_and_score_the_sample")
    @user_errors_as_failures
    def build_and_score(
        context: dg.OpExecutionContext, store: ArtifactStore, lookbooks: LookbookLinks
    ) -> dg.Output[None]:
        """Build the sample's bundle, register its libraries and score them."""
        root = store.path()
        sample = BuildRequest(root, SAMPLE, columns="", language="auto", encoder="compact", vocabulary="")
        run_bundle_build(definitions(), context.instance, sample)
        libraries = list_libraries(SceneLibraries(root=SAMPLE).folder())
        for folder in libraries:
            run_library_scoring(definitions(), context.instance, ScoringRequest(root, folder))
        pages = "\n".join(f"- [{folder.name}]({lookbooks.link(folder.name)})" for folder in libraries)
        return dg.Output(None, metadata={"lookbooks": dg.MetadataValue.md(pages)})

    @dg.job(
        description="Everything, on the catalog and photographs that ship: bundle, two libraries, their lookbooks. "
        "It writes to the artifacts folder in force and takes a minute on two cores.",
        tags={"scene_pipeline/writes": "bundle"},
    )
    def try_the_sample() -> None:
        """Do everything on the sample."""
        build_and_score()

    return try_the_sample


def register_sensor(every_s: int) -> dg.SensorDefinition:
    """Return the sensor that registers libraries and starts nothing; it runs by itself, so that one can be picked."""

    @dg.sensor(
        name="register_scene_libraries",
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Registers new scene libraries as partitions, so that they can be picked; starts no run.",
    )
    def register_scene_libraries(
        context: dg.SensorEvaluationContext, libraries: SceneLibraries
    ) -> dg.SensorResult | dg.SkipReason:
        """Register the libraries that have no partition yet."""
        found = libraries_under(libraries.folder())
        if found is None:
            return dg.SkipReason(f"{libraries.folder()} cannot be read; nothing was changed")
        new = sorted(set(found) - set(context.instance.get_dynamic_partitions(scene_libraries.name or "")))
        if not new:
            return dg.SkipReason("all libraries are registered")
        return dg.SensorResult(dynamic_partitions_requests=[scene_libraries.build_add_request(new)])

    return register_scene_libraries
