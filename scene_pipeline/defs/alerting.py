"""Sensors that tell people: once for each cause, with a link to the run, and again when it is gone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dagster as dg

from scene_pipeline.defs.resources import AlertChannels, ArtifactStore
from scene_pipeline.defs.results import failure_line
from scene_pipeline.monitoring.alerts import Alert, announce


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """An asset check as a run evaluated it."""

    asset: str
    name: str
    partition: str
    passed: bool
    blocking: bool
    text: str

    @property
    def cause(self) -> str:
        """What is the same, run after run."""
        return f"check:{self.asset}:{self.name}:{self.partition}"


@dataclass(frozen=True, slots=True)
class RunSeen:
    """What a finished run did. failures: (step, reason); succeeded: the steps that did."""

    run_id: str
    job: str
    partition: str
    success: bool
    succeeded: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]
    checks: tuple[CheckSeen, ...]


def alerts_of(run: RunSeen, link: str) -> tuple[list[Alert], list[str]]:
    """Return what a run gives to tell, and the causes that it shows to be gone.

    A failed check is told by its own words; the step that failed because of it is not told a second time. A step that
    succeeded clears its earlier failure, whichever job that was in.
    """
    where = f" ({run.partition})" if run.partition else ""
    raised = [
        Alert(
            cause=check.cause,
            severity="error" if check.blocking else "warning",
            title=f"check {check.name} of {check.asset}{where} failed",
            text=check.text,
            link=link,
        )
        for check in run.checks
        if not check.passed
    ]
    told = any(not check.passed and check.blocking for check in run.checks)
    if not told:
        raised += [
            Alert(f"step:{step}:{run.partition}", "error", f"{step}{where} failed", reason, link)
            for step, reason in run.failures
        ]
    if not run.success and not told and not run.failures:
        raised.append(
            Alert(
                cause=f"run:{run.job}:{run.partition}",
                severity="error",
                title=f"{run.job}{where} failed",
                text="It failed outside its steps; open the run.",
                link=link,
            )
        )
    cleared = [check.cause for check in run.checks if check.passed]
    cleared += [f"step:{step}:{run.partition}" for step in run.succeeded]
    if run.success:
        cleared.append(f"run:{run.job}:{run.partition}")
    if "serving_bundle" in run.succeeded:
        cleared.append("rollback:*")
    return raised, cleared


def see_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunSeen:
    """Return what the event log tells of a finished run."""
    partition = run.tags.get("dagster/partition", "")
    kinds = {
        dg.DagsterEventType.STEP_SUCCESS,
        dg.DagsterEventType.STEP_FAILURE,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    }
    events = [entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=kinds) if entry.dagster_event]
    return RunSeen(
        run_id=run.run_id,
        job=run.job_name,
        partition=partition,
        success=run.status == dg.DagsterRunStatus.SUCCESS,
        succeeded=tuple(event.step_key or "" for event in events if event.is_step_success),
        failures=tuple((event.step_key or "", failure_line(event)[0]) for event in events if event.is_step_failure),
        checks=tuple(_checks(events, partition)),
    )


def _checks(events: Iterable[dg.DagsterEvent], partition: str) -> Iterable[CheckSeen]:
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found = event.asset_check_evaluation_data
            yield CheckSeen(
                asset=found.asset_key.to_user_string(),
                name=found.check_name,
                partition=partition,
                passed=found.passed,
                blocking=found.severity == dg.AssetCheckSeverity.ERROR,
                text=found.description or "no reason was given",
            )


def alert_sensors(configured: bool) -> Sequence[dg.SensorDefinition]:
    """Return the sensors that announce what finished runs tell; they run by themselves once a channel is configured."""
    status = dg.DefaultSensorStatus.RUNNING if configured else dg.DefaultSensorStatus.STOPPED

    def tell(context: dg.RunStatusSensorContext, store: ArtifactStore, alerts: AlertChannels) -> dg.SkipReason | None:
        run = context.dagster_run
        raised, cleared = alerts_of(see_run(context.instance, run), alerts.run_link(run.run_id))
        done = announce(store.path(), alerts.channels(), raised, cleared)
        for line in done.failed:
            context.log.warning(line)
        told = ", ".join(f"{cause} by {channel}" for cause, channel in done.sent)
        return dg.SkipReason(f"told {told}" if told else f"nothing new to tell; known already: {len(done.known)}")

    on_failure = dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.FAILURE,
        name="alert_on_failed_run",
        default_status=status,
        description="Tells people when a run fails: once for each cause, with the reason and a link to the run.",
    )
    on_success = dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="alert_on_checks",
        default_status=status,
        description="Tells people when a check of a run that succeeded warns, and when an earlier trouble is gone.",
    )
    return [on_failure(tell), on_success(tell)]
