"""Jobs, schedules and sensors: what runs on its own."""

import time
from datetime import UTC, datetime

import dagster as dg
import msgspec

from scene_pipeline.bundle.layout import current_version
from scene_pipeline.defs.resources import ArtifactStore, SceneLibraries
from scene_pipeline.defs.scenes import scene_libraries
from scene_pipeline.errors import BundleError
from scene_pipeline.scene_libraries.folders import unnamed_under
from scene_pipeline.scene_libraries.watch import Watched, after_runs, fingerprints, partition_changes, read_watched

CATALOG_TO_BUNDLE = dg.AssetSelection.groups("catalog", "images", "embeddings", "serving")

build_bundle = dg.define_asset_job(
    "build_bundle",
    selection=CATALOG_TO_BUNDLE,
    description="From the catalog's file to a promoted bundle; only what changed is computed.",
    tags={"scene_pipeline/writes": "bundle"},
)
score_scenes = dg.define_asset_job(
    "score_scenes",
    selection=dg.AssetSelection.groups("scenes"),
    description="Analyses, recommendations and lookbook of one scene library.",
)


def nightly(cron: str, timezone: str) -> dg.ScheduleDefinition:
    """Return the schedule that refreshes the catalog."""
    return dg.ScheduleDefinition(
        name="refresh_catalog",
        job=build_bundle,
        cron_schedule=cron,
        execution_timezone=timezone,
        description="Read the catalog again every night and re-embed what changed.",
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
        """Look at the scenes' folder and request runs."""
        root = libraries.folder()
        found = fingerprints(root)
        if found is None:
            return dg.SkipReason(f"{root} cannot be read; nothing was changed")
        for name in unnamed_under(root):
            context.log.warning(f"{root / name}: its name is not UTF-8, so it cannot be a library; rename it")
        watched = count_runs(context.instance, read_watched(context.cursor), time.time())
        due = {key for key, failed in watched.failed.items() if failed.again_at <= time.time()}
        changes = partition_changes(
            found,
            watched.known,
            context.instance.get_dynamic_partitions(scene_libraries.name or ""),
            _in_flight(context.instance),
            ready=_has_bundle(store),
            due=due,
        )
        known = {key: value for key, value in watched.known.items() if key in found}
        known |= {key: seen for key in changes.score if (seen := found[key]) is not None}
        looks = watched.looks + bool(changes.score)
        requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
        if changes.add:
            requests.append(scene_libraries.build_add_request(list(changes.add)))
        if changes.delete:
            requests.append(scene_libraries.build_delete_request(list(changes.delete)))
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=f"{key}:{found[key]}:{looks}", partition_key=key, tags={"scene_pipeline/library": key}
                )
                for key in changes.score
            ],
            dynamic_partitions_requests=requests,
            cursor=msgspec.json.encode(msgspec.structs.replace(watched, known=known, looks=looks)).decode(),
        )

    return scene_library_sensor


OVERLAP_S = 60.0
"""A run may be written later than one with a later time, by another process; so the last minute is read again."""


def count_runs(instance: dg.DagsterInstance, watched: Watched, now: float) -> Watched:
    """Return `watched` after the runs of libraries that finished since the last look."""
    since = datetime.fromtimestamp((watched.runs_until or now) - OVERLAP_S, UTC)
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    records = instance.get_run_records(dg.RunsFilter(statuses=ended, updated_after=since))
    fresh = {
        record.dagster_run.run_id: (record.dagster_run, record.end_time or now)
        for record in records
        if record.dagster_run.run_id not in watched.runs_seen and "dagster/partition" in record.dagster_run.tags
    }
    ends = [
        (run.tags["dagster/partition"], run.status == dg.DagsterRunStatus.SUCCESS, at)
        for run, at in sorted(fresh.values(), key=lambda item: item[1])
        # A person who stops a library's run wants it to rest; one that is being tried again waits for its next turn.
        if run.status != dg.DagsterRunStatus.CANCELED or run.tags["dagster/partition"] in watched.failed
    ]
    seen = watched.runs_seen | {name: at for name, (_, at) in fresh.items()}
    return msgspec.structs.replace(
        watched,
        failed=after_runs(watched.failed, ends),
        runs_until=now,
        runs_seen={name: at for name, at in seen.items() if at >= now - 2 * OVERLAP_S},
    )


def _has_bundle(store: ArtifactStore) -> bool:
    """Tell whether a bundle is promoted; a damaged one counts, since the run then says what to fix."""
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
