"""Search products in several shards, within a deadline; the answer names the shards that were not searched.

A shard that does not answer in time or fails is quarantined: it gets no query until it has answered a ping, since each
call to a process that is restarting would wait for the deadline again. Until then its part is missing, and the answers
say so.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from scene_pipeline.errors import ProductIndexError, one_line
from scene_pipeline.files import sha256_bytes
from scene_pipeline.index.faiss_index import FaissProductIndex, FaissSnapshot
from scene_pipeline.index.port import Closing, Health, Hits, IndexSchema, Records, check_query
from scene_pipeline.index.where import Where, check_where

DEADLINE_S = 2.0
PING_EVERY_S = 0.2
SPARE = 64
"""How many more than k candidates are scored with 16-bit floats, so that 8-bit codes do not decide the order."""


class Shard(Protocol):
    """A part of the products, searched without waiting. Both calls may raise what `Future.result` may."""

    @property
    def name(self) -> str:
        """The shard's name."""
        ...

    @property
    def rows(self) -> int:
        """How many products it holds."""
        ...

    def search(self, query: npt.NDArray[np.float32], k: int, where: Where | None) -> "Future[Hits]":
        """Request the best `k` that pass."""
        ...

    def ping(self) -> "Future[Any]":
        """Request a sign of life."""
        ...

    def cancel(self, future: "Future[Any]") -> None:
        """Cancel a request whose answer is no longer needed."""
        ...


class ShardSearcher:
    """The products of one shard, in the process that holds them."""

    def __init__(self, folder: Path, version: str | None = None) -> None:
        """Open a shard's folder, which `write_shards` has written."""
        opened = FaissProductIndex(folder).open(version)
        assert isinstance(opened, FaissSnapshot)
        self.snapshot = opened

    def search(self, query: npt.NDArray[np.float32], k: int, where: Where | None = None) -> Hits:
        """Return the best `k` with inner products in 16-bit floats, which do not depend on the shard of a product."""
        hits = self.snapshot.search(query, k + SPARE, where)
        inner = self.snapshot.exact_inner(hits.ids, query)
        order = np.lexsort((np.array(hits.ids, dtype=object), -inner))[:k]
        return Hits(tuple(hits.ids[at] for at in order), inner[order], hits.exact, hits.passing)

    def ping(self) -> int:
        """Return the number of products."""
        return self.snapshot.count()


def shard_of(identity: str, shards: int) -> int:
    """Return the shard of a product, by the hash of its id."""
    return int(sha256_bytes(identity.encode())[:8], 16) % shards


def write_shards(records: Records, schema: IndexSchema, root: Path, shards: int, version: str = "v1") -> list[Path]:
    """Write and publish the products as `shards` indexes below `root`; return their folders."""
    rows: dict[int, list[int]] = {number: [] for number in range(shards)}
    for row, identity in enumerate(records.ids):
        rows[shard_of(identity, shards)].append(row)
    folders = [root / f"shard-{number:03}" for number in range(shards)]
    if not all(rows.values()):
        raise ProductIndexError(f"{len(records)} products do not fill {shards} shards; take fewer")
    for number, folder in enumerate(folders):
        index = FaissProductIndex(folder)
        with index.stage(version, schema) as writer:
            writer.upsert(records.take(rows[number]))
            writer.seal()
        index.publish(version)
    return folders


@dataclass
class _State:
    """The state of a shard: whether it is quarantined, and its unanswered ping."""

    quarantined: bool = False
    ping: "Future[Any] | None" = None
    pinged_at: float = 0.0
    reason: str = ""


@dataclass
class ShardedSnapshot(Closing):
    """Shards as one snapshot. May be shared between threads."""

    version: str
    schema: IndexSchema
    shards: Sequence[Shard]
    deadline_s: float = DEADLINE_S
    _states: dict[str, _State] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Start with no shard quarantined."""
        self._states = {shard.name: _State() for shard in self.shards}
        self._rows = sum(shard.rows for shard in self.shards)

    def search(
        self,
        query: npt.NDArray[np.floating],
        k: int,
        where: Where | None = None,
        text: str | None = None,
        deadline_s: float | None = None,
    ) -> Hits:
        """Return the best of the shards that answer within the deadline; `coverage` and `missing` say what is left out.

        Raises ProductIndexError for a text, which shards do not search, and when no shard answers.
        """
        if text is not None:
            raise ProductIndexError("shards do not search texts; ask without one, or ask an index that is not sharded")
        row = check_query(query, k, self.schema)
        check_where(where, self.schema.fields)
        until = time.monotonic() + (self.deadline_s if deadline_s is None else deadline_s)
        self._look_at_quarantined()
        requested: dict[Future[Hits], Shard] = {}
        for shard in self.shards:
            if not self._states[shard.name].quarantined:
                requested[shard.search(row, k, where)] = shard
        answers = self._collect(requested, until)
        if not answers:
            raise ProductIndexError(f"no shard answered within the deadline: {self.health().detail}")
        return self._merged(answers, k)

    def _collect(self, requested: Mapping["Future[Hits]", Shard], until: float) -> dict[str, tuple[Shard, Hits]]:
        answers: dict[str, tuple[Shard, Hits]] = {}
        waiting = dict(requested)
        while waiting and (left := until - time.monotonic()) > 0:
            ready, _ = wait(waiting, timeout=left, return_when=FIRST_COMPLETED)
            for future in ready:
                shard = waiting.pop(future)
                try:
                    answers[shard.name] = (shard, future.result())
                except Exception as error:  # a dead process, or the connection to it, may raise anything
                    self._quarantine(shard, f"{type(error).__name__}: {one_line(error, 120)}")
        for future, shard in waiting.items():
            shard.cancel(future)
            self._quarantine(shard, "no answer within the deadline")
        return answers

    def _merged(self, answers: Mapping[str, tuple[Shard, Hits]], k: int) -> Hits:
        hits = [found for _, found in answers.values()]
        ids = np.array([name for found in hits for name in found.ids], dtype=object)
        inner = np.concatenate([found.inner for found in hits])
        order = np.lexsort((ids, -inner))[:k]
        covered = sum(shard.rows for shard, _ in answers.values())
        missing = tuple(shard.name for shard in self.shards if shard.name not in answers)
        passing = sum(found.passing for found in hits)
        exact = not missing and all(found.exact for found in hits)
        return Hits(tuple(ids[order]), inner[order], exact, passing, covered / self._rows, missing)

    def _quarantine(self, shard: Shard, reason: str) -> None:
        with self._lock:
            state = self._states[shard.name]
            if not state.quarantined:
                state.quarantined, state.ping, state.reason = True, None, reason

    def _look_at_quarantined(self) -> None:
        """End the quarantine of shards that answered their ping, and ping the others again, without waiting."""
        with self._lock:
            for shard in self.shards:
                state = self._states[shard.name]
                if not state.quarantined:
                    continue
                if state.ping is not None and state.ping.done():
                    if not state.ping.cancelled() and state.ping.exception() is None:
                        state.quarantined, state.ping, state.reason = False, None, ""
                        continue
                    state.ping = None
                if state.ping is None and time.monotonic() - state.pinged_at >= PING_EVERY_S:
                    state.ping, state.pinged_at = shard.ping(), time.monotonic()

    def fetch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Raise ProductIndexError: shards store no texts."""
        raise ProductIndexError("shards only search; fetch what is shown from the index they were made of")

    def count(self, where: Where | None = None) -> int:
        """Return exactly how many products meet `where`. Raises ProductIndexError when a shard is missing."""
        hits = self.search(np.zeros(self.schema.dimension, np.float32), 0, where)
        if hits.missing:
            raise ProductIndexError(f"shards {', '.join(hits.missing)} did not answer: there is no exact count")
        return hits.passing

    def health(self) -> Health:
        """Say which shards are quarantined, and why."""
        self._look_at_quarantined()
        out = {name: state.reason for name, state in self._states.items() if state.quarantined}
        detail = "; ".join(f"{name}: {reason}" for name, reason in out.items())
        return Health(not out, detail or f"{len(self.shards)} shards, {self._rows:,} products")

    def close(self) -> None:
        """Do nothing: the shards are closed by the code that started them."""
