"""The sensor that sends alerts: once for each cause, with a link to the run, and again when it is resolved."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
import msgspec

from scene_pipeline.defs.failures import failure_line
from scene_pipeline.defs.resources import AlertChannels, ArtifactStore
from scene_pipeline.monitoring.alerts import Alert, announce, undelivered


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
        """What identifies the alert in every run."""
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
    """Return the alerts of a run, and the causes that it shows to be resolved.

    A failed check is reported with its own text; the step that failed because of it is not reported again. A step that
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
    reported = any(not check.passed and check.blocking for check in run.checks)
    if not reported:
        raised += [
            Alert(f"step:{step}:{run.partition}", "error", f"{step}{where} failed", reason, link)
            for step, reason in run.failures
        ]
    if not run.success and not reported and not run.failures:
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
    """Return what the event log says about a finished run."""
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


class Looked(msgspec.Struct):
    """The sensor's cursor: when the last run was updated that it saw, and those it saw shortly before, id -> when."""

    until: float
    seen: dict[str, float] = {}


OVERLAP_S = 60.0
"""A run may be written later than one with a later time, by another process; so the last minute is read again."""

FIRST_LOOK_S = 3600.0
"""What ended within the hour before the sensor's first look is reported, too."""

TICK_S = 30.0
"""A look ends after so long, well before Dagster ends it; the next one goes on from there."""

PAGE = 200


def unseen_runs(instance: dg.DagsterInstance, looked: Looked) -> list[tuple[dg.DagsterRun, float, float]]:
    """Return the finished runs that were not seen yet, as (run, ended, updated) in the order in which they ended."""
    since = datetime.fromtimestamp(looked.until - OVERLAP_S, UTC)
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE], updated_after=since)
    found = []
    for record in instance.get_run_records(
        wanted, limit=PAGE + len(looked.seen), order_by="update_timestamp", ascending=True
    ):
        updated = record.update_timestamp.replace(tzinfo=record.update_timestamp.tzinfo or UTC).timestamp()
        if record.dagster_run.run_id not in looked.seen:
            found.append((record.dagster_run, record.end_time or updated, updated))
    return sorted(found, key=lambda item: item[1])


def after(looked: Looked, reported: Mapping[str, float], rest: Iterable[float] = ()) -> Looked:
    """Return the cursor after these runs (id -> when updated) were alerted; `rest` is when those were that are left."""
    until = min([max([looked.until, *reported.values()]), *rest])
    seen = {**looked.seen, **reported}
    return Looked(until, {run: when for run, when in seen.items() if when >= until - OVERLAP_S})


def alert_sensor(configured: bool, every_s: int) -> dg.SensorDefinition:
    """Return the sensor that sends the alerts of finished runs; it runs on its own once a channel is configured."""

    @dg.sensor(
        name="alert_on_finished_runs",
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING if configured else dg.DefaultSensorStatus.STOPPED,
        description="Tells people when a run fails or a check warns, once for each cause, and when it is over.",
    )
    def alert_on_finished_runs(
        context: dg.SensorEvaluationContext, store: ArtifactStore, alerts: AlertChannels
    ) -> dg.SensorResult:
        """Announce every run that finished since the last look, in the order in which they ended."""
        end = time.monotonic() + TICK_S
        looked = (
            msgspec.json.decode(context.cursor, type=Looked) if context.cursor else Looked(time.time() - FIRST_LOOK_S)
        )
        channels = alerts.channels()
        sent: list[str] = []
        count = 0
        while time.monotonic() < end and (runs := unseen_runs(context.instance, looked)):
            reported: dict[str, float] = {}
            for run, ended, updated in runs:
                if time.monotonic() >= end:
                    break
                raised, cleared = alerts_of(see_run(context.instance, run), alerts.run_link(run.run_id))
                done = announce(store.path(), channels, raised, cleared, datetime.fromtimestamp(ended, UTC))
                reported[run.run_id] = updated
                sent += [f"{cause} by {channel}" for cause, channel in done.sent]
                for line in done.failed:
                    context.log.warning(line)
            looked = after(looked, reported, (updated for run, _, updated in runs if run.run_id not in reported))
            count += len(reported)
        if not count and undelivered(store.path(), channels):
            done = announce(store.path(), channels, [])
            sent += [f"{cause} by {channel}" for cause, channel in done.sent]
            for line in done.failed:
                context.log.warning(line)
        return dg.SensorResult(
            skip_reason=f"{count} runs looked at, reported: {', '.join(sent) or 'nothing new'}",
            cursor=msgspec.json.encode(looked).decode(),
        )

    return alert_on_finished_runs
