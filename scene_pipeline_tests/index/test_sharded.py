"""Sharded search: whole answers are those of one index; what is missing is named, and comes back."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.port import Hits
from scene_pipeline.index.sharded import ShardedSnapshot, ShardSearcher, shard_of, write_shards
from scene_pipeline.index.where import Range, Where
from scene_pipeline_tests.index.products import SCHEMA, Made, make, queries


class ThreadShard:
    """A shard in this process that can be slow or broken."""

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        self.name, self._pool = folder.name, pool
        self._searcher = ShardSearcher(folder)
        self.rows = self._searcher.ping()
        self.delay_s = 0.0
        self.broken = False
        self.requested = self.cancelled = 0

    def search(self, query: np.ndarray, k: int, where: Where | None) -> "Future[Hits]":
        self.requested += 1

        def work() -> Hits:
            time.sleep(self.delay_s)
            if self.broken:
                raise RuntimeError("the process died")
            return self._searcher.search(query, k, where)

        return self._pool.submit(work)

    def ping(self) -> "Future[Any]":
        def work() -> int:
            if self.broken or self.delay_s:
                raise RuntimeError("still away")
            return self._searcher.ping()

        return self._pool.submit(work)

    def cancel(self, future: "Future[Any]") -> None:
        self.cancelled += 1
        future.cancel()


@pytest.fixture(scope="module")
def made() -> Made:
    return make(600)


@pytest.fixture(scope="module")
def folders(made: Made, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_shards(made.records, SCHEMA, tmp_path_factory.mktemp("shards"), 3)


@pytest.fixture(scope="module")
def whole(made: Made, tmp_path_factory: pytest.TempPathFactory) -> ShardSearcher:
    return ShardSearcher(write_shards(made.records, SCHEMA, tmp_path_factory.mktemp("whole"), 1)[0])


@pytest.fixture
def snapshot(folders: list[Path]) -> Iterator[ShardedSnapshot]:
    with ThreadPoolExecutor(6) as pool:
        yield ShardedSnapshot("v1", SCHEMA, [ThreadShard(folder, pool) for folder in folders], deadline_s=10)


def shards_of(snapshot: ShardedSnapshot) -> list[ThreadShard]:
    return [shard for shard in snapshot.shards if isinstance(shard, ThreadShard)]


@pytest.mark.parametrize("where", [None, Range("price", high=40), Range("price", high=0)], ids=["all", "some", "none"])
@pytest.mark.parametrize("k", [1, 20, 1000])
def test_whole_answers_are_those_of_one_index(
    snapshot: ShardedSnapshot, whole: ShardSearcher, where: Where | None, k: int
) -> None:
    passing = whole.search(queries()[0], k, where).passing
    for query in queries():
        hits, alone = snapshot.search(query, k, where), whole.search(query, k, where)
        assert hits.ids == alone.ids
        np.testing.assert_array_equal(hits.inner, alone.inner)
        assert (hits.passing, hits.coverage, hits.missing, hits.exact) == (alone.passing, 1.0, (), True)
    assert snapshot.count(where) == passing


def test_products_are_spread_by_the_hash_of_their_ids(made: Made, folders: list[Path]) -> None:
    counts = [ShardSearcher(folder).ping() for folder in folders]
    assert sum(counts) == 600
    assert min(counts) > 150
    assert counts == [sum(shard_of(name, 3) == number for name in made.records.ids) for number in range(3)]


@pytest.mark.parametrize("how", ["slow", "broken"])
def test_a_shard_that_does_not_answer_is_named_quarantined_and_taken_back(
    snapshot: ShardedSnapshot, made: Made, how: str
) -> None:
    bad = shards_of(snapshot)[1]
    bad.delay_s, bad.broken = (30.0 if how == "slow" else 0.0), how == "broken"
    bad.delay_s = 1.5 if how == "slow" else 0.0
    query = queries()[0]
    started = time.monotonic()
    hits = snapshot.search(query, 20, deadline_s=0.5)
    assert time.monotonic() - started < 1.4
    assert hits.missing == ("shard-001",)
    assert hits.coverage == pytest.approx(1 - bad.rows / 600)
    assert not hits.exact
    rest = [row for row, name in enumerate(made.records.ids) if shard_of(name, 3) != 1]
    assert set(hits.ids) == set(made.best(query, 20, [row in set(rest) for row in range(600)]))
    assert not snapshot.health().ok
    requested = bad.requested
    for _ in range(3):  # while it is quarantined it is not asked, so that answers are as quick as ever
        assert snapshot.search(query, 20).missing == ("shard-001",)
    assert bad.requested == requested
    with pytest.raises(ProductIndexError, match="shard-001 did not answer"):
        snapshot.count()
    bad.delay_s, bad.broken = 0.0, False
    until = time.monotonic() + 10
    while snapshot.search(query, 20).coverage < 1:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert snapshot.health().ok


def test_an_answer_that_comes_too_late_is_cancelled(snapshot: ShardedSnapshot) -> None:
    for shard in shards_of(snapshot):
        shard.delay_s = 1.0
    with pytest.raises(ProductIndexError, match=r"no shard answered .* no answer within the deadline"):
        snapshot.search(queries()[0], 5, deadline_s=0.1)
    assert [shard.cancelled for shard in shards_of(snapshot)] == [1, 1, 1]


def test_shards_say_what_they_cannot(snapshot: ShardedSnapshot, tmp_path: Path) -> None:
    with pytest.raises(ProductIndexError, match="do not search texts"):
        snapshot.search(queries()[0], 5, text="vase")
    with pytest.raises(ProductIndexError, match="fetch"):
        snapshot.fetch(["p00001"])
    with pytest.raises(ProductIndexError, match="do not fill 5 shards"):
        write_shards(make(3).records, SCHEMA, tmp_path, 5)


def test_an_actor_that_is_killed_comes_back(ray_cluster: Any, folders: list[Path], whole: ShardSearcher) -> None:
    from scene_pipeline.index.ray_shards import RayShard, ray_shards

    query = queries()[0]
    with ray_shards(ray_cluster, folders, SCHEMA, deadline_s=20) as snapshot:
        assert snapshot.search(query, 20).ids == whole.search(query, 20).ids
        shard = snapshot.shards[0]
        assert isinstance(shard, RayShard)
        os.kill(ray_cluster.get(shard.actor.pid.remote()), signal.SIGKILL)
        hits = snapshot.search(query, 20, deadline_s=5)
        assert hits.missing == ("shard-000",)
        until = time.monotonic() + 60
        while (hits := snapshot.search(query, 20)).coverage < 1:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert hits.ids == whole.search(query, 20).ids
