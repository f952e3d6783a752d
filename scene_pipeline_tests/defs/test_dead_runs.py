"""A run whose process was killed is marked as failed and reported; one that works on is left alone."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from scene_pipeline.defs.dead_runs import DEAD, HOST, Worker, dead_run_sensor, is_alive, mark_dead_runs, worker_of
from scene_pipeline_tests.defs.dagster_dev import wait

SLEEPER = """
import sys, time
import dagster as dg
from scene_pipeline.defs.launch import execute

@dg.asset
def sleeps():
    open(sys.argv[1], "w").close()
    time.sleep(600)

defs = dg.Definitions(assets=[sleeps], jobs=[dg.define_asset_job("night", [sleeps])])
with dg.DagsterInstance.get() as instance:
    execute(defs, "night", instance, {})
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return tmp_path


def test_a_killed_run_is_marked_and_a_living_one_is_not(home: Path) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    try:
        # One after the other: two processes that make the tables of a new DAGSTER_HOME at once can fail.
        processes.extend(_sleeping_run(home / name) for name in ("one", "two"))
        with dg.DagsterInstance.get() as instance:
            assert mark_dead_runs(instance) == []
            processes[0].send_signal(signal.SIGKILL)
            wait(lambda: _killed(processes[0].pid), 10, 0.05)
            (dead,) = mark_dead_runs(instance)  # before anybody has waited for the process, and after
            processes[0].wait()
            assert mark_dead_runs(instance) == []
            runs = {run.run_id: run for run in instance.get_runs()}
            assert runs.pop(dead).status == dg.DagsterRunStatus.FAILURE
            assert [run.status for run in runs.values()] == [dg.DagsterRunStatus.STARTED]
            (event,) = instance.all_logs(dead, of_type=dg.DagsterEventType.RUN_FAILURE)
            assert event.dagster_event is not None
            assert event.dagster_event.message == DEAD
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _sleeping_run(started: Path) -> subprocess.Popen[bytes]:
    """Start a run in a process of its own and return when it works."""
    log = started.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-c", SLEEPER, str(started)], stdout=output, stderr=output)

    def works() -> bool:
        assert process.poll() is None, log.read_text()[-2000:]
        return started.exists()

    wait(works, 300, 0.1)
    return process


def _killed(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_another_process_with_the_same_number_is_not_taken_for_the_run_s() -> None:
    assert is_alive(Worker(os.getpid(), time.time()))
    assert not is_alive(Worker(os.getpid(), time.time() - 1e6))  # after a restart of the machine
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not is_alive(Worker(ended.pid, time.time()))


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        ({HOST: socket.gethostname()}, True),
        ({HOST: "another"}, False),
        ({".dagster/grpc_info": '{"host": "localhost", "socket": "/tmp/x"}'}, True),
        ({".dagster/grpc_info": '{"host": "pod-7", "port": 3030}'}, False),
        ({}, False),
    ],
)
def test_runs_of_other_machines_are_left_alone(tags: dict[str, str], ours: bool) -> None:
    @dg.asset
    def anything() -> None:
        pass

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([anything], instance=instance, tags=tags)
        (run,) = instance.get_runs()
        assert (worker_of(instance, run) is not None) == ours


def test_the_sensor_runs_by_itself() -> None:
    sensor = dead_run_sensor(30)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    with dg.DagsterInstance.ephemeral() as instance:
        answer = sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == "every run has its process"
