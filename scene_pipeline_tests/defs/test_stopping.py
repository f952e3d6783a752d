"""SIGTERM and Ctrl-C end a build in seconds, in one line, with nothing promoted; the next run goes on from there."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from scene_pipeline.bundle.layout import current_version
from scene_pipeline.defs.failures import STOPPED, RunStoppedError, failure_line, user_errors_as_failures
from scene_pipeline.defs.launch import was_stopped
from scene_pipeline_tests.defs.dagster_dev import wait
from scene_pipeline_tests.defs.slow_shop import SlowServer, slow_shop

PRODUCTS = 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("policy", [None, dg.RetryPolicy(max_retries=2, delay=30)])
def test_a_stopped_step_is_not_tried_again_and_is_no_fault_of_the_program(
    number: signal.Signals, policy: dg.RetryPolicy | None
) -> None:
    begun: list[str] = []

    @dg.asset(retry_policy=policy)
    @user_errors_as_failures
    def first() -> None:
        begun.append("first")
        os.kill(os.getpid(), number)
        time.sleep(5)

    @dg.asset
    @user_errors_as_failures
    def other() -> None:
        begun.append("other")

    started = time.monotonic()
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([first, other], instance=instance, raise_on_error=False)
    assert begun == ["first"]
    assert time.monotonic() - started < 5
    assert was_stopped(result)
    assert [failure_line(event) for event in result.all_events if event.is_step_failure] == [(STOPPED, True)]


def test_a_step_that_fails_is_still_tried_again_and_was_not_stopped() -> None:
    tries: list[int] = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    @user_errors_as_failures
    def fails() -> None:
        tries.append(1)
        raise RuntimeError("by itself")

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([fails], instance=instance, raise_on_error=False)
    assert len(tries) == 2
    assert not was_stopped(result)
    assert issubclass(RunStoppedError, dg.DagsterExecutionInterruptedError)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_stopped_while_it_loads_ends_with_the_same_status(
    number: signal.Signals, tmp_path: Path
) -> None:
    """The first seconds of a build are imports, some of which run text: Python alone would end by the signal then."""
    (tmp_path / "loading.py").write_text(f"import os\nexec('os.kill(os.getpid(), {int(number)})\\nwhile True: pass')\n")
    (tmp_path / "halt.py").write_text(
        "import signal, sys\nfrom scene_pipeline import cli\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in what a shell runs behind the prompt
        "cli.app.command('halt')(lambda: __import__('loading'))\n"
        "sys.argv[1:] = ['halt']\ncli.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "halt"],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (ended.returncode, ended.stderr) == (130, f"scene-pipeline: {STOPPED}\n")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Path, SlowServer]]:
    with slow_shop(tmp_path, PRODUCTS) as server:
        yield tmp_path, server


def start(shop: Path, server: SlowServer) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "scene_pipeline.cli", "build", "--catalog", str(shop / "catalog.csv")]
    return subprocess.Popen(
        [*command, "--allow-host", server.address, "--artifacts", str(shop / "artifacts")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_build_stops_among_its_pictures_and_goes_on_from_there(
    number: signal.Signals, shop: tuple[Path, SlowServer]
) -> None:
    folder, server = shop
    process = start(folder, server)
    journal = folder / "artifacts" / "images" / "journal.jsonl"
    wait(lambda: journal.exists() and len(journal.read_text().splitlines()) > 9, 120, 0.05)
    stopped = time.monotonic()
    os.killpg(process.pid, number)  # as a terminal and systemd do
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - stopped < 10
    lines = [line for line in said.splitlines() if line and "compact encoder" not in line]
    if number == signal.SIGKILL:
        assert (process.returncode, lines) == (-signal.SIGKILL, [])
    else:
        assert process.returncode in (130, 143)
        assert lines == [f"scene-pipeline: {STOPPED}"]
    assert current_version(folder / "artifacts") is None
    if number != signal.SIGKILL:  # the next run has most to put right after a kill
        return
    done = set(server.requested)
    server.requested.clear()
    server.delay = 0.0
    process = start(folder, server)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert current_version(folder / "artifacts") is not None
    assert len(server.requested) <= PRODUCTS - 10
    assert len(done & set(server.requested)) < len(done)
