"""Jobs, schedules and sensors: what runs without anybody asking."""

import dagster as dg
import msgspec

from scene_pipeline.bundle.layout import current_version
from scene_pipeline.defs.resources import ArtifactStore, SceneLibraries
from scene_pipeline.defs.scenes import scene_libraries
from scene_pipeline.errors import BundleError
from scene_pipeline.scene_libraries.watch import fingerprints, library_changes

CATALOG_TO_BUNDLE = dg.AssetSelection.groups("catalog", "images", "embeddings", "serving")

build_bundle = dg.define_asset_job(
    "build_bundle",
    selection=CATALOG_TO_BUNDLE,
    description="From the catalogue's file to a promoted bundle; only what changed is computed.",
    tags={"scene_pipeline/writes": "bundle"},
)
score_scenes = dg.define_asset_job(
    "score_scenes",
    selection=dg.AssetSelection.groups("scenes"),
    description="Analyses, recommendations and lookbook of one scene library.",
)


def nightly(cron: str, timezone: str) -> dg.ScheduleDefinition:
    """Return the schedule that refreshes the catalogue."""
    return dg.ScheduleDefinition(
        name="refresh_catalog",
        job=build_bundle,
        cron_schedule=cron,
        execution_timezone=timezone,
        description="Read the catalogue again every night and re-embed what changed.",
    )


def library_sensor(every_s: int) -> dg.SensorDefinition:
    """Return the sensor that looks at the scenes' folder every `every_s` seconds."""

    @dg.sensor(
        name="scene_library_sensor",
        job=score_scenes,
        minimum_interval_seconds=every_s,
        description="Registers new scene libraries, scores new and changed ones, forgets those that vanished.",
    )
    def scene_library_sensor(
        context: dg.SensorEvaluationContext, libraries: SceneLibraries, store: ArtifactStore
    ) -> dg.SensorResult | dg.SkipReason:
        """Look at the scenes' folder and ask for runs."""
        root = libraries.folder()
        found = fingerprints(root)
        if found is None:
            return dg.SkipReason(f"{root} cannot be read; nothing was changed")
        known = msgspec.json.decode(context.cursor, type=dict[str, str]) if context.cursor else {}
        changes = library_changes(
            found,
            known,
            context.instance.get_dynamic_partitions(scene_libraries.name or ""),
            _in_flight(context.instance),
            ready=_has_bundle(store),
        )
        seen = {key: value for key, value in known.items() if key in found} | {key: found[key] for key in changes.score}
        requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
        if changes.add:
            requests.append(scene_libraries.build_add_request(list(changes.add)))
        if changes.delete:
            requests.append(scene_libraries.build_delete_request(list(changes.delete)))
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{key}:{found[key]}", partition_key=key, tags={"scene_pipeline/library": key})
                for key in changes.score
            ],
            dynamic_partitions_requests=requests,
            cursor=msgspec.json.encode(seen).decode(),
        )

    return scene_library_sensor


def _has_bundle(store: ArtifactStore) -> bool:
    """Tell whether a bundle is promoted; a damaged one counts, since the run then says what to mend."""
    try:
        return current_version(store.path()) is not None
    except BundleError:
        return True


def _in_flight(instance: dg.DagsterInstance) -> set[str]:
    """Return the libraries with a run that is waiting or under way."""
    unfinished = [
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ]
    runs = instance.get_runs(dg.RunsFilter(job_name=score_scenes.name, statuses=unfinished))
    return {run.tags["dagster/partition"] for run in runs if "dagster/partition" in run.tags}


def rescore(every_s: int) -> dg.AutomationConditionSensorDefinition:
    """Return the sensor that scores libraries again when the bundle's content changed."""
    return dg.AutomationConditionSensorDefinition(
        "rescore_on_new_bundle",
        target=dg.AssetSelection.groups("scenes"),
        minimum_interval_seconds=every_s,
        description="Scores every library again when the content of the bundle has changed.",
    )


def watch_quality(every_s: int) -> dg.AutomationConditionSensorDefinition:
    """Return the sensor that takes the quality figures after every scoring and every build."""
    return dg.AutomationConditionSensorDefinition(
        "watch_quality",
        target=dg.AssetSelection.assets("quality"),
        minimum_interval_seconds=every_s,
        description="Takes the quality figures after every scoring and every build, and holds them against thresholds.",
    )
