"""One run at a time writes the tables of an artifacts folder, or of a library: of the daemon or the command line."""

import multiprocessing
import os
import socket
import time
from pathlib import Path

import dagster as dg
import msgspec
from filelock import FileLock

from scene_pipeline.defs.dead_runs import Worker, is_alive
from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import write_bytes
from scene_pipeline.paths import CATALOG_FOLDER, library_folder

WAIT_S = 10.0
"""How long a step waits for another run to end."""

FILE = ".claim.json"
BUILD_GROUPS = frozenset(("catalog", "images", "embeddings", "serving"))
_POLL_S = 0.2
_ELSEWHERE_S = 3600.0  # since its last step began, a run of another machine is taken to be alive

_held: set[Path] = set()


class Claim(msgspec.Struct, frozen=True):
    """The run that writes a folder: its process, and when a step of it began last (seconds since the epoch)."""

    run_id: str
    host: str
    pid: int
    since: float

    def is_alive(self) -> bool:
        """Tell whether the run's process is still there; a claim needs no release, it ends with the process."""
        if self.host == socket.gethostname():
            return is_alive(Worker(self.pid, self.since))
        return time.time() - self.since < _ELSEWHERE_S


def claim_for_step(store: ArtifactStore) -> None:
    """Claim what the asset under way writes; ops and checks write no tables, and claim nothing.

    Raises ScenePipelineError when another run holds it for WAIT_S.
    """
    try:
        context = dg.AssetExecutionContext.get()
    except dg.DagsterInvariantViolationError:  # of a check, or called by hand
        return
    if not context.op_execution_context.has_assets_def:  # of an op
        return
    groups = set(context.assets_def.group_names_by_key.values())
    if groups <= BUILD_GROUPS:
        take(store.path(CATALOG_FOLDER), context.run.run_id)
    elif groups == {"scenes"} and context.has_partition_key:
        take(library_folder(store.path(), context.partition_key), context.run.run_id)


def take(folder: Path, run_id: str) -> None:
    """Claim a folder for a run. Raises ScenePipelineError when another run holds it for WAIT_S."""
    parent = multiprocessing.parent_process()  # of a step's process: the run's, which outlives the step
    pid = os.getpid() if parent is None or parent.pid is None else parent.pid
    own = Claim(run_id, socket.gethostname(), pid, time.time())
    deadline = time.monotonic() + WAIT_S
    folder.mkdir(parents=True, exist_ok=True)
    while (other := _exchange(folder / FILE, own)) is not None:
        if time.monotonic() >= deadline:
            raise ScenePipelineError(
                f"{folder}: run {other.run_id[:8]} (process {other.pid} on {other.host}) is writing it, and still was "
                f"after {WAIT_S:g} s; wait until it has finished and try again"
            )
        time.sleep(_POLL_S)


def release() -> None:
    """Give up the claims of runs that were executed in this process; it lives on and may execute others."""
    for path in _held:
        path.unlink(missing_ok=True)
    _held.clear()


def _exchange(path: Path, own: Claim) -> Claim | None:
    """Write the claim and return None, or return that of a living other run."""
    with FileLock(f"{path}.lock"):
        try:
            other = msgspec.json.decode(path.read_bytes(), type=Claim)
        except (FileNotFoundError, msgspec.DecodeError):
            other = None
        if other is not None and (other.host, other.pid) != (own.host, own.pid) and other.is_alive():
            return other
        write_bytes(path, msgspec.json.encode(own))
    if own.pid == os.getpid():
        _held.add(path)
    return None
