"""Assets of learning: events, position bias, candidate weights, their estimate, and the experiment that decides."""

import datetime as dt
import functools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec
from pydantic import Field

from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.defs.asset_metadata import warning_check
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.gates import EvaluationGate
from scene_pipeline.defs.resources import ArtifactStore, EventLog
from scene_pipeline.events.compaction import CompactionReport, compact
from scene_pipeline.events.erasure import drop_before, finish_erasures
from scene_pipeline.events.open import events_folder
from scene_pipeline.experiments import lifecycle
from scene_pipeline.experiments.page import write_page
from scene_pipeline.experiments.verdict import Status, experiment_status
from scene_pipeline.files import sha256_bytes, write_bytes
from scene_pipeline.learning import nightly
from scene_pipeline.paths import CANDIDATE_WEIGHTS, POLICY_ESTIMATE, PROPENSITIES
from scene_pipeline.publishing.learned import promote_learned, seal_learned, smoke_picture
from scene_pipeline.reporting.plots import bar_chart, line_chart

GROUP, OWNERS, TAGS = "learning", ["team:catalog"], {"stage": "learning"}


class EventsConfig(dg.Config):
    """What of the events is kept, and what is suspicious."""

    keep_days: int | None = Field(default=None, ge=1, description="Days events are kept; empty: always.")
    today_too: bool = Field(default=False, description="Compact today's events as well, for trying things out.")
    late_share: float = Field(default=0.01, ge=0, le=1, description="Share of late events that warns.")
    orphan_share: float = Field(default=0.01, ge=0, le=1, description="Share of actions on unknown lists that warns.")


learned_from = functools.partial(dg.asset, group_name=GROUP, owners=OWNERS, tags=TAGS, code_version="1")

EVENT_CHECKS = {
    "late_events": "Few events arrive after their day was compacted.",
    "duplicated_events": "Repeated writes were recognized and kept once.",
    "orphaned_actions": "Actions belong to lists that were logged.",
    "bots": "Subjects that act faster than people do are marked and left out of learning.",
}


def result(document: msgspec.Struct, metadata: Mapping[str, Any]) -> dg.MaterializeResult:
    """Describe a step by its document; its data version is the document's hash."""
    return dg.MaterializeResult(
        metadata=dict(metadata), data_version=dg.DataVersion(sha256_bytes(msgspec.json.encode(document)))
    )


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    tags=TAGS,
    kinds={"sqlite", "parquet"},
    code_version="1",
    check_specs=[dg.AssetCheckSpec(name, asset="events", description=text) for name, text in EVENT_CHECKS.items()],
)
@user_errors_as_failures
def events(store: ArtifactStore, event_log: EventLog, config: EventsConfig) -> dg.MaterializeResult:
    """Exposures and actions of complete days, moved from the store into daily partitions, each once."""
    folder, now = events_folder(store.path()), dt.datetime.now(dt.UTC).date()
    opened = event_log.open(store.path())
    try:
        finish_erasures(opened, folder, ProfileStore.below(store.path()).forget)
        report = compact(opened, folder, now + dt.timedelta(days=1) if config.today_too else now)
        dropped = drop_before(opened, folder, now - dt.timedelta(days=config.keep_days)) if config.keep_days else None
    finally:
        opened.close()
    moved = report.exposures + report.actions
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": moved,
            "days": [day.isoformat() for day in report.days],
            "exposures": report.exposures,
            "actions": report.actions,
            "kinds": dg.MetadataValue.md(bar_chart(report.kinds, "actions by kind")),
            "dropped": dropped.events if dropped else 0,
        },
        check_results=_event_checks(report, moved, config),
    )


def _event_checks(report: CompactionReport, moved: int, config: EventsConfig) -> list[dg.AssetCheckResult]:
    """Return how many events were late, repeated, without a list or a robot's; each warns."""
    verdicts = {
        "late_events": (report.late <= config.late_share * max(moved, 1), report.late),
        "duplicated_events": (True, report.duplicates),
        "orphaned_actions": (report.orphaned <= config.orphan_share * max(report.actions, 1), report.orphaned),
        "bots": (report.bots == 0, report.bots),
    }
    return [
        warning_check(
            name,
            passed,
            f"{figure:,} of {moved:,} events moved" if name != "bots" else f"{figure:,} subjects",
            figure=figure,
        )
        for name, (passed, figure) in verdicts.items()
    ]


@learned_from(deps=[events], kinds={"json"})
@user_errors_as_failures
def propensities(store: ArtifactStore) -> dg.MaterializeResult:
    """How likely each place of a list is looked at, from the exploration in the log; refused without exploration."""
    found = nightly.estimate_propensities(events_folder(store.path()))
    nightly.save(found, store.path(PROPENSITIES))
    points = [(str(rank), value) for rank, value in sorted(found.examination.items())]
    plot = dg.MetadataValue.md(line_chart(points, "examination by place"))
    return result(
        found,
        {
            "lists": found.lists,
            "clicks": found.clicks,
            "price_of_exploration": f"{found.price:.2%} of the expected score",
            "refused": found.refused,
            "plot": plot,
        },
    )


@dg.asset(
    deps=[propensities, "serving_bundle"], group_name=GROUP, owners=OWNERS, tags=TAGS, kinds={"json"}, code_version="1"
)
@user_errors_as_failures
def candidate_weights(store: ArtifactStore) -> dg.MaterializeResult:
    """Weights of the factors as people's debiased choices have them, drawn to those in force; or why there are none."""
    bundle = open_bundle(store.path(), verify=False)
    prior = bundle.vocabulary.scoring.weights_for(bundle.manifest.image_encoder["id"])
    found = nightly.learn_weights(events_folder(store.path()), nightly.load_propensities(store.path()), prior)
    nightly.save(found, store.path(CANDIDATE_WEIGHTS))
    return result(
        found,
        {
            "improves": found.improves,
            "step": found.step,
            "held_out_gain": f"{found.gain:.4f} ({found.gain_low:.4f} to {found.gain_high:.4f}) nats a list",
            "lists": found.lists,
            "scenes": found.scenes,
            "refused": found.refused,
            "weights": dg.MetadataValue.json(found.weights),
            "plot": dg.MetadataValue.md(bar_chart(found.weights, "learned weights")),
        },
    )


@learned_from(deps=[candidate_weights], kinds={"json"})
@user_errors_as_failures
def policy_estimate(store: ArtifactStore) -> dg.MaterializeResult:
    """What the candidate weights would have earned on the logged lists, or a refusal in place of a guess."""
    candidate = nightly.load_candidate(store.path())
    known = nightly.load_propensities(store.path())
    found = nightly.estimate_policy(events_folder(store.path()), known, candidate.weights)
    nightly.save(found, store.path(POLICY_ESTIMATE))
    bars = {name: value for name, (value, _, _) in found.estimates.items()}
    return result(
        found,
        {
            "estimates": dg.MetadataValue.json({name: list(value) for name, value in found.estimates.items()}),
            "on_policy": found.on_policy[0],
            "effective_sample": found.effective_sample,
            "refused": found.refused,
            "plot": dg.MetadataValue.md(bar_chart(bars, "estimated rewards per shown product")),
        },
    )


@learned_from(deps=[policy_estimate], kinds={"html"})
@user_errors_as_failures
def experiment(store: ArtifactStore) -> dg.MaterializeResult:
    """The running experiment as it stands: one sentence, one page, and a verdict that holds at every look."""
    found = lifecycle.running(store.path())
    if found is None:
        return dg.MaterializeResult(metadata={"experiment": "none is running; scene-pipeline experiment start FILE"})
    status = look(store.path(), found)
    points = [(look.day.isoformat(), look.value or 0.0) for look in status.arms[0].looks]
    return result(
        status,
        {
            "experiment": status.name,
            "verdict": status.verdict,
            "sentence": " ".join(arm.sentence for arm in status.arms),
            "units": dg.MetadataValue.json(status.units),
            "page": dg.MetadataValue.path(found.folder / lifecycle.PAGE),
            "plot": dg.MetadataValue.md(line_chart(points, f"{status.arms[0].arm} against {status.control}", (0.0,))),
        },
    )


def look(artifacts: Path, found: lifecycle.Registered) -> Status:
    """Take the status of an experiment, and write it and its page."""
    status = experiment_status(events_folder(artifacts), found.design, found.started)
    write_bytes(found.folder / lifecycle.STATUS, msgspec.json.format(msgspec.json.encode(status), indent=1))
    write_page(found.folder / lifecycle.PAGE, found.design, status)
    return status


learn_from_use = dg.define_asset_job(
    "learn_from_use",
    selection=dg.AssetSelection.assets(events, propensities, candidate_weights, policy_estimate, experiment),
    description="Compact events, learn from them, and look at the running experiment.",
)


class DecisionConfig(dg.Config):
    """A decided experiment."""

    name: str = Field(description="The experiment.")
    verdict: str = Field(description="promote, withdraw or undecided.")
    arm: str = Field(default="", description="The arm that is promoted.")


@dg.op(name="apply_decision")
@user_errors_as_failures
def apply_decision(
    context: dg.OpExecutionContext, config: DecisionConfig, store: ArtifactStore, gate: EvaluationGate
) -> None:
    """End the experiment; a winning arm's bundle is promoted, and weights without one are sealed into one first."""
    found = lifecycle.find(store.path(), config.name)
    decision = config.verdict
    if config.verdict == "promote":
        arm = found.design.arms[config.arm]
        version = arm.bundle
        if version is None and arm.weights is not None:
            labels = (gate.truth, gate.scenes)
            version = seal_learned(store.path(), arm.weights, smoke_picture(), labels, gate.checks())
        if version is not None:
            promote_learned(store.path(), version, config.name)
            decision = f"promoted {config.arm} as bundle {version}"
        else:
            decision = f"{config.arm} won; set what it changes by hand"
    lifecycle.stop(store.path(), config.name, time.time(), decision)
    context.log.info(f"experiment {config.name}: {decision}")


@dg.job(description="End a decided experiment and promote what won.", tags={"scene_pipeline/writes": "bundle"})
def decide_experiment() -> None:
    """Apply a verdict."""
    apply_decision()


def decision_sensor(every_s: int) -> dg.SensorDefinition:
    """Return the sensor that ends decided experiments; it is off until a person turns it on."""

    @dg.sensor(
        name="decide_experiment_by_verdict",
        job_name=decide_experiment.name,
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Ends the running experiment once its verdict is promote, withdraw or undecided.",
    )
    def decide_experiment_by_verdict(store: ArtifactStore) -> dg.RunRequest | dg.SkipReason:
        found = lifecycle.running(store.path())
        if found is None or not (found.folder / lifecycle.STATUS).exists():
            return dg.SkipReason("no running experiment has been looked at")
        status = msgspec.json.decode((found.folder / lifecycle.STATUS).read_bytes(), type=Status)
        if status.verdict in ("running", "blocked"):
            return dg.SkipReason(f"experiment {status.name} is {status.verdict}")
        config = {"name": status.name, "verdict": status.verdict, "arm": status.winner}
        run_config = {"ops": {"apply_decision": {"config": config}}}
        return dg.RunRequest(run_key=f"{status.name}:{status.verdict}", run_config=run_config)

    return decide_experiment_by_verdict


def nightly_learning(timezone: str, cron: str) -> dg.ScheduleDefinition:
    """Return the schedule of learning; it is off until a person turns it on."""
    return dg.ScheduleDefinition(
        name="nightly_learning",
        job=learn_from_use,
        cron_schedule=cron,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Learn once a night from what people did with the lists they were shown.",
    )
