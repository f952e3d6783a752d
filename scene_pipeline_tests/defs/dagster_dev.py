"""`dagster dev`, web server and daemon, in a folder of its own: what a team runs, started and asked from a program."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorType, TickStatus

from scene_pipeline_tests.conftest import free_port

ROOT = Path(__file__).parents[2]
PATIENCE_S = 900.0
"""What is waited for comes within seconds on a calm machine; this only ends a test that waits in vain."""
T = TypeVar("T")
_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
)


@dataclass(frozen=True)
class DagsterDev:
    """A running instance. `url` is its web server, `home` its DAGSTER_HOME, `process` the command itself."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to all of it: the command, web server, daemon, code servers and run workers."""
        for pid in session_of(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data of a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def start_sensors(self, names: Sequence[str]) -> None:
        """Turn sensors on, as the switch in the UI does."""
        for name in names:
            answer = self.ask(
                "mutation($s: SensorSelector!){startSensor(sensorSelector:$s){__typename ...on PythonError{message}}}",
                s={**_REPOSITORY, "sensorName": name},
            )
            assert answer["startSensor"]["__typename"] == "Sensor", answer

    def start_schedule(self, name: str) -> None:
        """Turn a schedule on, as the switch in the UI does."""
        self.ask(
            "mutation($s: ScheduleSelector!){startSchedule(scheduleSelector:$s){__typename}}",
            s={**_REPOSITORY, "scheduleName": name},
        )

    def stop_schedule(self, name: str) -> None:
        """Turn a schedule off, and again while a tick that was under way writes the old state back."""

        def off() -> bool:
            found = self.ask(
                "query($s: ScheduleSelector!){scheduleOrError(scheduleSelector:$s)"
                "{...on Schedule{scheduleState{id status}}}}",
                s={**_REPOSITORY, "scheduleName": name},
            )
            state = found["scheduleOrError"]["scheduleState"]
            if state["status"] == "RUNNING":
                self.ask("mutation($id: String!){stopRunningSchedule(id:$id){__typename}}", id=state["id"])
                self.looked()
            return state["status"] == "STOPPED"

        self.wait(off)

    def launch(self, job: str, run_config: Mapping[str, Any] | None = None) -> str:
        """Launch a job, as the launchpad does, and return the run's id."""
        answer = self.ask(
            "mutation($p: ExecutionParams!){launchRun(executionParams:$p){__typename "
            "...on LaunchRunSuccess{run{runId}} ...on PythonError{message} "
            "...on RunConfigValidationInvalid{errors{message}}}}",
            p={
                "selector": {**_REPOSITORY, "jobName": job},
                "runConfigData": json.dumps(run_config or {}),
                "mode": "default",
            },
        )
        assert answer["launchRun"]["__typename"] == "LaunchRunSuccess", answer
        return answer["launchRun"]["run"]["runId"]

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Yield the instance behind it, for reading."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            yield instance

    def runs(self, job: str | None = None) -> list[dg.DagsterRun]:
        """Return the runs, oldest first; of one job, or all."""
        with self.instance() as instance:
            return list(reversed(instance.get_runs(dg.RunsFilter(job_name=job))))

    def wait(self, look: Callable[[], T | None], timeout_s: float = PATIENCE_S) -> T:
        """Return the first true value of `look`. Raises AssertionError at once when the command has ended."""

        def alive() -> T | None:
            assert self.process.poll() is None, (self.home / "dagster.log").read_text()[-2000:]
            return look()

        return wait(alive, timeout_s)

    def finished(self, run_id: str, timeout_s: float = PATIENCE_S) -> dg.DagsterRun:
        """Wait for a run to end and return it."""
        return self.wait(
            lambda: next((r for r in self.runs() if r.run_id == run_id and r.is_finished), None), timeout_s
        )

    def looked(self, times: int = 2) -> None:
        """Wait until every sensor that is on has looked so many times, each look begun after this call."""
        since = time.time()
        with self.instance() as instance:
            sensors = [
                state
                for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
                if state.is_running
            ]

            def counts() -> bool:
                return all(
                    sum(
                        tick.timestamp > since and tick.status != TickStatus.STARTED
                        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, after=since)
                    )
                    >= times
                    for state in sensors
                )

            assert sensors
            self.wait(counts)

    def settle(self) -> None:
        """Wait until no run is waiting or under way, and every sensor has looked twice since without starting one."""

        def idle() -> bool:
            return not any(run.status in _UNFINISHED for run in self.runs())

        while True:
            self.wait(idle)
            known = len(self.runs())
            self.looked()
            if idle() and len(self.runs()) == known:
                return


_REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "scene_pipeline.definitions"}


@contextmanager
def dagster_dev(home: Path, settings: Mapping[str, str]) -> Iterator[DagsterDev]:
    """Run `dagster dev` with deploy/dagster.yaml and these environment variables, and stop it at the end."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "deploy" / "dagster.yaml", home / "dagster.yaml")
    port = free_port()
    environment = {**os.environ, **settings, "DAGSTER_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "dagster", "dev", "-m", "scene_pipeline.definitions", "-h", "127.0.0.1"]
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in a shell's background job; children would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with (home / "dagster.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "-p", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        dev = DagsterDev(f"http://127.0.0.1:{port}", home, process)
        wait(lambda: _loaded(dev))
        yield dev
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
        for pid in session_of(process.pid):  # also what it left behind
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def session_of(leader: int) -> list[int]:
    """Return the living processes of a session, by the process that opened it."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX" and int(fields[3]) == leader:
                found.append(int(stat.parent.name))
    return found


def wait(look: Callable[[], T | None], timeout_s: float = PATIENCE_S, pause_s: float = 0.5) -> T:
    """Return the first true value of `look`. Raises AssertionError after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(pause_s)
    raise AssertionError(f"nothing after {timeout_s:g} s")


def _loaded(dev: DagsterDev) -> bool:
    assert dev.process.poll() is None, (dev.home / "dagster.log").read_text()[-2000:]
    try:
        answer = dev.ask("{repositoriesOrError{...on RepositoryConnection{nodes{name}}}}")
    except (OSError, urllib.error.URLError):
        return False
    return bool(answer["repositoriesOrError"].get("nodes"))
