"""Run workers and all of `dagster dev` are killed for real: the next build promotes, and people are alerted once.

It takes minutes and is run by `make e2e`, which sets SCENE_PIPELINE_E2E.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from scene_pipeline.bundle.layout import current_version
from scene_pipeline.defs.dead_runs import worker_of
from scene_pipeline_tests.defs.dagster_dev import DagsterDev, dagster_dev, wait
from scene_pipeline_tests.defs.receiver import Receiver
from scene_pipeline_tests.defs.slow_shop import SlowServer, slow_shop

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("SCENE_PIPELINE_E2E"), reason="takes minutes; run by `make e2e`"),
]

PRODUCTS = 160
NEXT_BUILD_S = 300.0
"""From a kill until the next build has promoted."""

KILLS = [
    (signal.SIGTERM, "product_images"),
    (signal.SIGKILL, "product_images"),
    (signal.SIGKILL, "image_embeddings"),  # while it holds the slot of the pool `gpu`
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Path, SlowServer]]:
    with slow_shop(tmp_path, PRODUCTS) as server:
        yield tmp_path, server


def settings(shop: Path, receiver: Receiver) -> dict[str, str]:
    return {
        "SCENE_PIPELINE_ARTIFACTS": str(shop / "artifacts"),
        "SCENE_PIPELINE_CATALOG": str(shop / "catalog.csv"),
        "SCENE_PIPELINE_SENSOR_SECONDS": "5",
        **receiver.settings,
    }


def launch(dev: DagsterDev, server: SlowServer) -> str:
    return dev.launch("build_bundle", {"ops": {"product_images": {"config": {"allow_hosts": [server.address]}}}})


def launch_two(dev: DagsterDev, step: str, server: SlowServer) -> tuple[str, str]:
    """Launch a run that will be long in a step, and one that waits behind it."""
    server.delay = 3.0 if step == "product_images" else 0.0
    first = launch(dev, server)
    with dev.instance() as instance:
        dev.wait(lambda: getattr(instance.get_run_by_id(first), "status", None) == dg.DagsterRunStatus.STARTED)
    return first, launch(dev, server)


def reach(dev: DagsterDev, run_id: str, step: str, server: SlowServer) -> int:
    """Wait until a run is in the middle of a step and return the process id of its worker."""
    with dev.instance() as instance:

        def begun() -> bool:
            entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START)
            run = instance.get_run_by_id(run_id)
            assert run is not None
            assert not run.is_finished, "the run ended before it was killed"
            return any(entry.dagster_event and entry.dagster_event.step_key == step for entry in entries)

        wait(begun, pause_s=0.1)
        if step == "product_images":
            dev.wait(lambda: len(server.requested) > 20)
        run = instance.get_run_by_id(run_id)
        assert run is not None
        worker = worker_of(instance, run)
    assert worker is not None
    return worker.pid


def follows(dev: DagsterDev, dead: str, waiting: str, killed_at: float, shop: Path) -> None:
    """Check that the killed run has failed and the one that waited behind it promotes in time."""
    left = NEXT_BUILD_S - (time.monotonic() - killed_at)
    assert dev.finished(waiting, left).status == dg.DagsterRunStatus.SUCCESS
    assert current_version(shop / "artifacts") is not None
    assert dev.finished(dead, 1).status == dg.DagsterRunStatus.FAILURE


def reported_once(dev: DagsterDev, receiver: Receiver, dead: str) -> None:
    """Check that people were alerted of the run once by each channel, and once that it is over."""
    dev.wait(lambda: receiver.hooks("resolved") and len(receiver.mails) >= 2)
    dev.settle()
    (raised,) = receiver.hooks("raised")
    assert raised["link"].endswith(dead)
    (resolved,) = receiver.hooks("resolved")
    assert resolved["cause"] == raised["cause"]
    assert [path for path, _ in receiver.posts].count("/slack") == 2
    assert len(receiver.mails) == 2


@pytest.mark.parametrize(("number", "step"), KILLS)
def test_a_killed_run_worker_is_followed_by_the_next_build(
    number: signal.Signals, step: str, shop: tuple[Path, SlowServer], receiver: Receiver, tmp_path: Path
) -> None:
    folder, server = shop
    with dagster_dev(tmp_path / "home", settings(folder, receiver)) as dev:
        dead, waiting = launch_two(dev, step, server)
        worker = reach(dev, dead, step, server)
        os.kill(worker, number)
        killed_at = time.monotonic()
        assert current_version(folder / "artifacts") is None
        server.delay = 0.0
        follows(dev, dead, waiting, killed_at, folder)
        reported_once(dev, receiver, dead)


@pytest.mark.parametrize(("number", "step"), KILLS)
def test_after_all_of_dagster_was_killed_the_next_build_follows(
    number: signal.Signals, step: str, shop: tuple[Path, SlowServer], receiver: Receiver, tmp_path: Path
) -> None:
    folder, server = shop
    with dagster_dev(tmp_path / "home", settings(folder, receiver)) as dev:
        dead, waiting = launch_two(dev, step, server)
        reach(dev, dead, step, server)
        dev.kill(number)
        dev.process.wait(60)
    assert current_version(folder / "artifacts") is None
    server.delay = 0.0
    killed_at = time.monotonic()
    with dagster_dev(tmp_path / "home", settings(folder, receiver)) as dev:
        follows(dev, dead, waiting, killed_at, folder)
        reported_once(dev, receiver, dead)
