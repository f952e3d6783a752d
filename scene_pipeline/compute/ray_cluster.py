"""Ray, where it is configured: a cluster by its address, or one on this machine that is gone afterwards."""

import contextlib
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scene_pipeline.compute.shards import Compute, Found, Item, LocalCompute, MakeWorker
from scene_pipeline.errors import ComputeError, one_line
from scene_pipeline.settings import RAY

TRIES = 4
PAUSE_S = 3.0
LISTENS_WITHIN_S = 10.0
SHARD_TRIES = 3  # a worker that dies takes its shard with it: it is given to another, so often

Note = Callable[[str], None]


def _note(line: str) -> None:
    """Standard output belongs to documents."""
    print(line, file=sys.stderr, flush=True)


def import_ray() -> Any:
    """Return the module. Raises ComputeError where the extra is missing."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ComputeError(f"{RAY} is set, but Ray is missing: pip install 'scene-pipeline[ray]'") from error
    return ray


@contextmanager
def compute_of(setting: str, actors: int | None = None, note: Note = _note) -> Iterator[Compute]:
    """Yield what works on shards: this process for an empty setting, else up to `actors` actors (default: one a core).

    Raises ComputeError when the cluster cannot be reached or started.
    """
    if not setting:
        yield LocalCompute()
        return
    with connected(setting, note=note) as ray:
        cores = int(ray.cluster_resources().get("CPU", 1))
        yield RayCompute(ray, min(actors or cores, cores))


@contextmanager
def connected(setting: str, cores: int | None = None, note: Note = _note) -> Iterator[Any]:
    """Yield Ray, connected. A cluster that was started here is stopped; one at an address is left alone."""
    ray = import_ray()
    if setting == "auto":
        started = not _running(ray)
    else:
        started = False
        _connect(ray, setting)
    folder = start_local(ray, cores, note) if started else None
    try:
        yield ray
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)  # its last processes may still be writing their logs


def _running(ray: Any) -> bool:
    """Connect to the cluster that runs on this machine; say whether there is one."""
    try:
        ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
    except ConnectionError:
        return False
    return True


def _connect(ray: Any, address: str) -> None:
    """Connect to a cluster. Raises ComputeError; at once where nothing listens: Ray itself tries for 30 seconds."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        if parts.hostname and parts.port:
            socket.create_connection((parts.hostname, parts.port), LISTENS_WITHIN_S).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # whatever Ray says of it
        raise ComputeError(f"{RAY}: no Ray cluster answers at {address} ({one_line(error, 300)})") from error


def loopback_only() -> None:
    """Have clusters that this process starts listen on 127.0.0.1 alone.

    Ray puts the machine's address in its place and listens everywhere, unless it believes that there are no clusters on
    this system; it has no public setting for that.
    """
    from ray._private import ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False


def start_local(ray: Any, cores: int | None = None, note: Note = _note) -> Path:
    """Start a cluster on this machine that listens on 127.0.0.1 alone; return its folder, which the caller removes.

    On a loaded machine its parts give up after 15 seconds: it is tried again, with the reason printed. Raises
    ComputeError after TRIES.
    """
    loopback_only()
    reason = ""
    for attempt in range(1, TRIES + 1):
        # a socket's path may have 107 bytes, so that it lies as near the root as it can
        folder = tempfile.mkdtemp(prefix="scene-ray-", dir="/tmp")
        try:
            ray.init(
                num_cpus=cores or os.cpu_count(),
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
                object_store_memory=200 * 2**20,
                _node_ip_address="127.0.0.1",
                _temp_dir=folder,
            )
            return Path(folder)
        except Exception as error:  # Ray raises many kinds when its parts do not start
            reason = raylet_reason(Path(folder)) or one_line(error, 300)
            with contextlib.suppress(Exception):
                ray.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
            note(f"Ray did not start (try {attempt} of {TRIES}): {reason}")
            time.sleep(PAUSE_S * attempt)
    raise ComputeError(f"Ray did not start in {TRIES} tries: {reason}; free memory or processor time, or unset {RAY}")


def raylet_reason(folder: Path) -> str:
    """Return the last line that says why Ray's parts did not start, from their logs; empty where there is none."""
    found = ""
    for name in ("gcs_server.out", "gcs_server.err", "raylet.out", "raylet.err"):
        for path in folder.glob(f"session_2*/logs/{name}"):
            lines = path.read_text("utf-8", errors="replace").splitlines()
            said = [line for line in lines if " E " in line or " C " in line or "rror" in line or "atal" in line]
            found = f"{name}: {said[-1].strip()[:300]}" if said else found
    return found


class RayCompute:
    """Actors, each of which makes a worker once and takes shards until there are none."""

    def __init__(self, ray: Any, actors: int) -> None:
        """Work with up to `actors` actors of a connected Ray."""
        self._ray, self._actors = ray, max(1, actors)

    @property
    def name(self) -> str:
        """See Compute."""
        return f"Ray, {self._actors} actors"

    def run(
        self, make_worker: MakeWorker[Item, Found], shards: Mapping[str, Item], done: Callable[[str, Found], None]
    ) -> None:
        """See Compute. A shard whose actor dies is given to a new one, SHARD_TRIES times in all."""
        ray = self._ray
        todo = list(shards.items())[::-1]
        tries: dict[str, int] = {}
        actor_class = ray.remote(num_cpus=1, max_restarts=0)(_ShardActor)
        idle = [actor_class.remote(make_worker) for _ in range(min(self._actors, len(todo)))]
        running: dict[Any, tuple[str, Item, Any]] = {}
        try:
            while todo or running:
                while todo and idle:
                    name, shard = todo.pop()
                    actor = idle.pop()
                    running[actor.work.remote(shard)] = (name, shard, actor)
                ready, _ = ray.wait(list(running), num_returns=1)
                name, shard, actor = running.pop(ready[0])
                try:
                    found = ray.get(ready[0])
                except ray.exceptions.RayActorError as error:
                    tries[name] = tries.get(name, 1) + 1
                    if tries[name] > SHARD_TRIES:
                        said = f"its worker died {SHARD_TRIES} times"
                        raise ComputeError(f"shard {name}: {said} ({one_line(error, 300)})") from error
                    todo.append((name, shard))
                    idle.append(actor_class.remote(make_worker))
                    continue
                except ray.exceptions.RayTaskError as error:
                    raise error.cause from error
                idle.append(actor)
                done(name, found)
        finally:
            for actor in [*idle, *(actor for _, _, actor in running.values())]:
                ray.kill(actor)


class _ShardActor:
    """A worker in a process of its own."""

    def __init__(self, make_worker: MakeWorker[Any, Any]) -> None:
        self._worker = make_worker()

    def work(self, shard: Any) -> Any:
        """Return what comes of a shard."""
        return self._worker(shard)
