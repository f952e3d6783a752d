"""Ray: actors give what this process gives, and a worker that dies costs its shard another try."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from scene_pipeline.compute import ray_cluster as ray_cluster_module
from scene_pipeline.compute.ray_cluster import RayCompute, raylet_reason
from scene_pipeline.errors import ComputeError, ScenePipelineError

ROOT = Path(__file__).parents[2]


class Doubling:
    def __call__(self, shard: int) -> int:
        return shard * 2


class Failing:
    def __call__(self, shard: int) -> int:
        if shard == 3:
            raise ScenePipelineError("shard 3 holds nothing")
        return shard


class DyingOnce:
    """Dies at its first shard ever, as when the machine takes its memory back."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __call__(self, shard: int) -> int:
        if not self._mark.exists():
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return shard


class Dying:
    def __call__(self, shard: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return shard


def test_actors_do_all_shards(ray_cluster: Any) -> None:
    found: dict[str, int] = {}
    RayCompute(ray_cluster, 2).run(Doubling, {str(number): number for number in range(9)}, found.__setitem__)
    assert found == {str(number): 2 * number for number in range(9)}


def test_an_error_of_a_worker_is_raised_as_it_was(ray_cluster: Any) -> None:
    with pytest.raises(ScenePipelineError, match="shard 3 holds nothing"):
        RayCompute(ray_cluster, 2).run(Failing, {str(n): n for n in range(5)}, lambda name, found: None)


def test_a_shard_whose_worker_dies_is_done_by_another(ray_cluster: Any, tmp_path: Path) -> None:
    from functools import partial

    found: dict[str, int] = {}
    RayCompute(ray_cluster, 1).run(partial(DyingOnce, tmp_path / "mark"), {"a": 1, "b": 2}, found.__setitem__)
    assert found == {"a": 1, "b": 2}


def test_a_shard_that_always_kills_its_worker_is_named(ray_cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster_module, "SHARD_TRIES", 1)
    with pytest.raises(ComputeError, match="shard bad: its worker died 1 times"):
        RayCompute(ray_cluster, 1).run(Dying, {"bad": 1}, lambda name, found: None)


def test_a_running_cluster_is_used_and_listens_on_this_machine_alone(ray_cluster: Any) -> None:
    own = {process.pid for process in psutil.process_iter(["name"]) if process.info["name"] in ("raylet", "gcs_server")}
    assert own
    for pid in own:
        for connection in psutil.Process(pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip in ("127.0.0.1", "::1", "::ffff:127.0.0.1"), connection


def test_an_address_without_a_cluster_is_an_error_at_once() -> None:
    # in a process of its own: a failed client leaves Ray in a state in which no actor can be started
    code = "from scene_pipeline.compute.ray_cluster import connected\nwith connected('ray://127.0.0.1:1'): pass"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "ComputeError" in found.stderr
    assert "no Ray cluster answers at" in found.stderr
    assert "Connection refused" in found.stderr  # Ray's own client would try again for 30 seconds


def test_the_reason_of_a_raylet_is_found_in_its_log(tmp_path: Path) -> None:
    logs = tmp_path / "session_2026-01-01" / "logs"
    logs.mkdir(parents=True)
    assert raylet_reason(tmp_path) == ""
    (logs / "raylet.out").write_text("[2026 I 1] starting\n[2026-01-01 00:00:00 C 12] node timed out\n[x I 2] bye\n")
    assert raylet_reason(tmp_path) == "raylet.out: [2026-01-01 00:00:00 C 12] node timed out"
