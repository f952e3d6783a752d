"""Shards are cut by content hash, and a worker's error is raised."""

import pytest

from scene_pipeline.compute.ray_cluster import compute_of
from scene_pipeline.compute.shards import LocalCompute, by_hash
from scene_pipeline.files import sha256_bytes

KEYS = [sha256_bytes(str(number).encode()) for number in range(1000)]


@pytest.mark.parametrize(("size", "most"), [(1000, 1), (999, 16), (64, 16), (30, 256)])
def test_every_key_is_in_one_shard_of_about_the_size(size: int, most: int) -> None:
    shards = by_hash(KEYS, size)
    assert len(shards) <= most
    assert sorted(key for keys in shards.values() for key in keys) == sorted(KEYS)
    assert all(key.startswith(name) or name == "all" for name, keys in shards.items() for key in keys)


def test_the_order_and_repetitions_of_keys_change_nothing() -> None:
    assert by_hash([*KEYS[::-1], *KEYS[:10]], 64) == by_hash(KEYS, 64)


def test_a_worker_is_made_once_and_none_without_work() -> None:
    made: list[int] = []

    def make():
        made.append(1)
        return lambda shard: shard * 2

    found: dict[str, int] = {}
    LocalCompute().run(make, {"a": 1, "b": 2}, found.__setitem__)
    assert found == {"a": 2, "b": 4}
    LocalCompute().run(make, {}, found.__setitem__)
    assert len(made) == 1


def test_without_a_setting_this_process_works() -> None:
    with compute_of("") as compute:
        assert compute.name == "this process"
