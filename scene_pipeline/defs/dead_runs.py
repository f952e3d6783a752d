"""Mark runs whose process is gone as failed: after a power cut Dagster would show them as running for ever."""

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

HOST = "scene_pipeline/host"
"""The tag that says on which machine a run of the command line is executed."""

_GRPC = ".dagster/grpc_info"  # how Dagster's own launcher reaches the server that started a run
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SLACK_S = 5.0

DEAD = "The run's process is gone (killed, out of memory, or the machine went down); run the job again."


@dataclass(frozen=True, slots=True)
class Worker:
    """The process of a run, and when it was seen first (seconds since the epoch)."""

    pid: int
    seen: float


def is_alive(worker: Worker) -> bool:
    """Tell whether the process still runs on this machine, and is not another one with the same number."""
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's process
        pass
    started = _started(worker.pid)
    return started is None or started <= worker.seen + _SLACK_S


def _started(pid: int) -> float | None:
    """Return when a process began (seconds since the epoch), None where the system does not tell; infinity: ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        lines = Path("/proc/stat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    if fields[0] in "ZX":  # killed, and its exit status was not collected yet
        return float("inf")
    boot = next(float(line.split()[1]) for line in lines if line.startswith("btime"))
    return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def worker_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Worker | None:
    """Return the process of a run of this machine; None for one of another machine, or one that has not begun."""
    info = json.loads(run.tags.get(_GRPC, "{}"))
    if info.get("host") not in _LOCAL and run.tags.get(HOST) != socket.gethostname():
        return None
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        metadata = entry.dagster_event.engine_event_data.metadata if entry.dagster_event else {}
        if "pid" in metadata:
            return Worker(int(str(metadata["pid"].value)), entry.timestamp)
    return None


def mark_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark the runs as failed that are under way but have no process any more, and return their ids."""
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    marked = []
    for run in instance.get_runs(started):
        worker = worker_of(instance, run)
        if worker is None or is_alive(worker):
            continue
        now = instance.get_run_by_id(run.run_id)
        if now is not None and not now.is_finished:  # it may have ended while it was being looked at
            instance.report_run_failed(run, DEAD)
            marked.append(run.run_id)
    return marked


def dead_run_sensor(every_s: int) -> dg.SensorDefinition:
    """Return the sensor that marks dead runs; it runs by itself."""

    @dg.sensor(
        name="mark_dead_runs",
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks runs as failed whose process is gone, so that the next ones do not wait for them.",
    )
    def mark(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Look at the runs that are under way."""
        marked = mark_dead_runs(context.instance)
        return dg.SkipReason(f"marked as failed: {', '.join(marked)}" if marked else "every run has its process")

    return mark
