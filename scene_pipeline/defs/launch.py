"""Run the assets in this process, as the command line does; with DAGSTER_HOME set the runs show in the UI."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock

from scene_pipeline.bundle.layout import writer_lock
from scene_pipeline.defs.claims import release
from scene_pipeline.defs.dead_runs import HOST
from scene_pipeline.defs.failures import failure_line
from scene_pipeline.defs.requests import BuildRequest, ContextRequest, ScoringRequest, run_config
from scene_pipeline.defs.resources import AlertChannels
from scene_pipeline.defs.scenes import scene_libraries
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.monitoring.channels import Channel
from scene_pipeline.settings import DAGSTER_HOME, text

WAIT_S = 10.0
"""How long a build waits for another one of the same artifacts."""


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """Yield the instance of DAGSTER_HOME, or a temporary one if it is not set."""
    if text(DAGSTER_HOME):
        with open_home() as kept:
            yield kept
    else:
        with dg.DagsterInstance.ephemeral() as forgotten:
            yield forgotten


def open_home() -> dg.DagsterInstance:
    """Open the instance of DAGSTER_HOME, one process at a time: Dagster fails if two create its tables at once.

    So `make demo` and `make ui` may be started together.
    """
    home = Path(text(DAGSTER_HOME))
    if not home.is_dir():
        return dg.DagsterInstance.get()  # which says what is wrong with it
    with FileLock(home / ".opening.lock"):
        return dg.DagsterInstance.get()


def run_bundle_build(definitions: dg.Definitions, on: dg.DagsterInstance, wanted: BuildRequest) -> None:
    """Materialize everything up to a promoted bundle.

    Raises ScenePipelineError with the line of what failed, and BundleError when another build of the same artifacts is
    under way: two would write each other's tables.
    """
    with writer_lock(wanted.artifacts, WAIT_S):
        execute(definitions, "build_bundle", on, run_config(wanted))


def run_library_scoring(definitions: dg.Definitions, on: dg.DagsterInstance, wanted: ScoringRequest) -> None:
    """Score one library, registering it as a partition. Raises ScenePipelineError with the line of what failed."""
    name = wanted.library.name
    on.add_dynamic_partitions(scene_libraries.name or "", [name])
    execute(definitions, "score_scenes", on, run_config(wanted), partition=name)


def run_context_learning(definitions: dg.Definitions, on: dg.DagsterInstance, wanted: ContextRequest) -> None:
    """Learn season, trends and profiles. Raises ScenePipelineError with the line of what failed."""
    execute(definitions, "learn_context", on, run_config(wanted))


def alert_channels(definitions: dg.Definitions) -> list[Channel]:
    """Return the channels that alerts go to, as the environment configures them."""
    alerts = (definitions.resources or {})["alerts"]
    assert isinstance(alerts, AlertChannels)
    return alerts.channels()


def execute(
    definitions: dg.Definitions, job: str, on: dg.DagsterInstance, config: dict[str, Any], partition: str | None = None
) -> None:
    """Execute a job in this process.

    Raises ScenePipelineError with the line of what failed, KeyboardInterrupt when SIGINT or SIGTERM ended the run.
    """
    try:
        result = definitions.resolve_job_def(job).execute_in_process(
            run_config=config,
            instance=on,
            partition_key=partition,
            tags={HOST: socket.gethostname()},
            raise_on_error=False,
        )
    finally:
        release()
    if was_stopped(result):
        raise KeyboardInterrupt
    if not result.success:
        raise ScenePipelineError(_what_failed(result))


def was_stopped(result: dg.ExecuteInProcessResult) -> bool:
    """Tell whether SIGINT or SIGTERM ended the run, in a step or between two."""
    ends = [event.job_failure_data for event in result.all_events if event.is_job_failure]
    reasons = [end.failure_reason for end in ends if end.failure_reason is not None]
    return any(reason.value == "UNEXPECTED_TERMINATION" for reason in reasons)


def _what_failed(result: dg.ExecuteInProcessResult) -> str:
    """Return the line of the failure: that of a check, of an error a person can fix, or of a fault in the program."""
    for event in result.all_events:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            if not check.passed and check.blocking:
                return f"{check.asset_key.to_user_string()}, check {check.check_name}: {check.description}"
    for event in result.all_events:
        if event.is_step_failure:
            line, for_people = failure_line(event)
            fault = f"asset {event.step_key} failed: {line} (this is a fault of the program; please report it)"
            return line if for_people else fault
    return "the run failed before its first step"
