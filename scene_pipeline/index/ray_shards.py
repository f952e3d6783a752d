"""Shards of a product index as Ray actors, each in a process of its own that is restarted when it dies."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scene_pipeline.errors import ComputeError
from scene_pipeline.index.port import Hits, IndexSchema
from scene_pipeline.index.sharded import DEADLINE_S, ShardedSnapshot, ShardSearcher
from scene_pipeline.index.where import Where

START_S = 120
"""How long a shard's process may take to start and open its part."""


class RayShard:
    """A shard in an actor. Ray restarts the actor when its process dies, and never repeats a call."""

    def __init__(self, ray: Any, folder: Path) -> None:
        """Start the actor; `rows` waits for it."""
        # a shard reserves no core: it mostly waits, and a full cluster would never start it
        actor_class = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=0)(_ShardActor)
        self._ray, self.name = ray, folder.name
        self.actor = actor_class.remote(str(folder))
        try:
            self.rows: int = ray.get(self.actor.ping.remote(), timeout=START_S)
        except ray.exceptions.GetTimeoutError as error:
            raise ComputeError(f"shard {self.name} did not start within {START_S} s; give the cluster room") from error

    def search(self, query: npt.NDArray[np.float32], k: int, where: Where | None) -> "Future[Hits]":
        """See Shard."""
        return self._requested(self.actor.search.remote(query, k, where))

    def ping(self) -> "Future[Any]":
        """See Shard."""
        return self._requested(self.actor.ping.remote())

    def _requested(self, reference: Any) -> "Future[Any]":
        future = reference.future()
        future.reference = reference
        return future

    def cancel(self, future: "Future[Any]") -> None:
        """See Shard."""
        self._ray.cancel(future.reference)  # pyright: ignore[reportAttributeAccessIssue]


class _ShardActor:
    def __init__(self, folder: str) -> None:
        self._searcher = ShardSearcher(Path(folder))

    def search(self, query: npt.NDArray[np.float32], k: int, where: Where | None) -> Hits:
        """Return the best `k` of the shard."""
        return self._searcher.search(query, k, where)

    def ping(self) -> int:
        """Return the number of products."""
        return self._searcher.ping()

    def pid(self) -> int:
        """Return the process's id."""
        import os

        return os.getpid()


@contextmanager
def ray_shards(
    ray: Any, folders: Sequence[Path], schema: IndexSchema, deadline_s: float = DEADLINE_S
) -> Iterator[ShardedSnapshot]:
    """Yield a snapshot over shards as actors of a connected Ray; the actors end with it."""
    shards = [RayShard(ray, folder) for folder in folders]
    try:
        yield ShardedSnapshot("sharded", schema, shards, deadline_s)
    finally:
        for shard in shards:
            ray.kill(shard.actor)
