"""Jobs and schedules that look after what is stored: full verification, retention, and going back to a sound bundle."""

import time

import dagster as dg
from pydantic import Field

from scene_pipeline.bundle.layout import bundle_folder
from scene_pipeline.bundle.manifest import read_manifest
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.resources import AlertChannels, ArtifactStore, QualityMonitor, SceneLibraries
from scene_pipeline.monitoring.alerts import Alert, announce
from scene_pipeline.monitoring.history import read_history
from scene_pipeline.monitoring.retention import Retention, clean, plan_cleaning
from scene_pipeline.monitoring.rollback import RollbackDecision, decide_rollback, sound_versions, withdraw
from scene_pipeline.reporting.previews import markdown_rows
from scene_pipeline.scene_libraries.folders import libraries_under

WRITES_BUNDLE = {"scene_pipeline/writes": "bundle"}

verify_artifacts = dg.define_asset_job(
    "verify_artifacts",
    selection=dg.AssetSelection.assets("verification"),
    description="Hash and read everything stored again: bundles, pictures and vectors.",
)


class CleaningConfig(dg.Config):
    """What is removed, and when. None keeps it for ever."""

    refused_bundles_days: float | None = Field(default=14, ge=0, description="Days a refused bundle is kept.")
    runs_kept: int = Field(default=20, ge=1, description="Runs of each library kept for comparing.")
    vanished_libraries_days: float | None = Field(
        default=90, ge=0, description="Days the outputs of a library are kept whose scenes are gone."
    )
    pictures_days: float | None = Field(
        default=None, ge=0, description="Days an unused picture is kept; empty: always."
    )
    dry_run: bool = Field(default=False, description="Only say what would be removed.")


@dg.op(name="remove_what_is_not_needed")
@user_errors_as_failures
def clean_up(
    context: dg.OpExecutionContext, config: CleaningConfig, store: ArtifactStore, libraries: SceneLibraries
) -> dg.Output[None]:
    """Apply the retention rules; if the scenes folder cannot be read, no library counts as gone."""
    found = libraries_under(libraries.folder())
    rules = Retention(
        refused_bundles_days=config.refused_bundles_days,
        runs_kept=config.runs_kept,
        pictures_days=config.pictures_days,
        vanished_libraries_days=config.vanished_libraries_days,
    )
    doomed = plan_cleaning(store.path(), rules, None if found is None else frozenset(found), time.time())
    freed = 0 if config.dry_run else clean(doomed)
    context.log.info(f"{len(doomed)} removed, {freed:,} bytes freed{' (dry run)' if config.dry_run else ''}")
    rows = [{"path": str(item.path.relative_to(store.path())), "bytes": item.bytes, "why": item.why} for item in doomed]
    return dg.Output(
        None,
        metadata={
            "removed": 0 if config.dry_run else len(doomed),
            "bytes_freed": freed,
            "planned": dg.MetadataValue.md(markdown_rows(rows[:50]) or "nothing"),
        },
    )


@dg.job(description="Remove refused bundles, old runs and outputs of vanished libraries.", tags=WRITES_BUNDLE)
def clean_artifacts() -> None:
    """Apply the retention rules."""
    clean_up()


class WithdrawConfig(dg.Config):
    """Which bundle is withdrawn, and what serves instead."""

    withdraw: str = Field(description="The version that serves now and is to be withdrawn.")
    promote: str = Field(description="The earlier version that serves instead.")
    reason: str = Field(description="Why: it is shown in the alert and when the same content is built again.")


@dg.op(name="withdraw_bundle")
@user_errors_as_failures
def withdraw_bundle(
    context: dg.OpExecutionContext, config: WithdrawConfig, store: ArtifactStore, alerts: AlertChannels
) -> None:
    """Promote the earlier version, and report it as the serving bundle, so that libraries are scored with it again."""
    promoted = withdraw(store.path(), RollbackDecision(config.withdraw, config.promote, config.reason))
    manifest = read_manifest(bundle_folder(store.path(), promoted))
    context.log_event(
        dg.AssetMaterialization(
            "serving_bundle",
            description=f"rolled back from {config.withdraw}: {config.reason}",
            metadata={
                "version": promoted,
                "rolled_back_from": config.withdraw,
                "dagster/row_count": manifest.counts["products"],
            },
            tags={"dagster/data_version": manifest.data_version},
        )
    )
    alert = Alert(
        cause=f"rollback:{config.withdraw}",
        severity="error",
        title=f"bundle {config.withdraw} was rolled back to {promoted}",
        text=f"{config.reason}. Its content is not promoted again until the catalog or the encoder changes.",
        link=alerts.run_link(context.run_id),
    )
    for line in announce(store.path(), alerts.channels(), [alert]).failed:
        context.log.warning(line)


@dg.job(description="Withdraw the promoted bundle and serve an earlier one.", tags=WRITES_BUNDLE)
def roll_back_bundle() -> None:
    """Go back to an earlier bundle."""
    withdraw_bundle()


def rollback_sensor(every_s: int) -> dg.SensorDefinition:
    """Return the sensor that rolls a degraded bundle back; it is off until a person turns it on."""

    @dg.sensor(
        name="roll_back_degraded_bundle",
        job_name=roll_back_bundle.name,
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Rolls the promoted bundle back when its scorings break a threshold marked `rolls_back`.",
    )
    def roll_back_degraded_bundle(store: ArtifactStore, monitor: QualityMonitor) -> dg.RunRequest | dg.SkipReason:
        current, kept = sound_versions(store.path())
        decision = decide_rollback(current, kept, read_history(store.path()), monitor.thresholds())
        if decision is None:
            return dg.SkipReason(f"bundle {current or 'none'} breaks no threshold that rolls back")
        config = {"withdraw": decision.withdraw, "promote": decision.promote, "reason": decision.reason}
        return dg.RunRequest(
            run_key=f"{decision.withdraw}->{decision.promote}",
            run_config={"ops": {"withdraw_bundle": {"config": config}}},
        )

    return roll_back_degraded_bundle


def weekly(timezone: str, verify_cron: str, clean_cron: str) -> list[dg.ScheduleDefinition]:
    """Return the schedules of verification and retention."""
    return [
        dg.ScheduleDefinition(
            name="weekly_verification",
            job=verify_artifacts,
            cron_schedule=verify_cron,
            execution_timezone=timezone,
            description="Hash and read everything stored again once a week.",
        ),
        dg.ScheduleDefinition(
            name="weekly_retention",
            job=clean_artifacts,
            cron_schedule=clean_cron,
            execution_timezone=timezone,
            description="Apply the retention rules once a week.",
        ),
    ]
