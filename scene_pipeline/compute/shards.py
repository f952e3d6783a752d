"""Work cut into shards by content hash, and done one after the other in this process."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")

Worker = Callable[[Item], Found]
MakeWorker = Callable[[], Worker[Item, Found]]
"""Makes what does the work, once a process: it opens what is heavy."""


class Compute(Protocol):
    """Something that works on shards."""

    @property
    def name(self) -> str:
        """What it is, in words."""
        ...

    def run(
        self, make_worker: MakeWorker[Item, Found], shards: Mapping[str, Item], done: Callable[[str, Found], None]
    ) -> None:
        """Give every shard to a worker and call `done` with its name and what came of it, in any order.

        The first error of a worker is raised; what other shards have written stays.
        """
        ...


class LocalCompute:
    """One worker, in this process."""

    name = "this process"

    def run(
        self, make_worker: MakeWorker[Item, Found], shards: Mapping[str, Item], done: Callable[[str, Found], None]
    ) -> None:
        """See Compute."""
        if not shards:
            return
        worker = make_worker()
        for name, shard in shards.items():
            done(name, worker(shard))


def by_hash(keys: Iterable[str], size: int) -> dict[str, list[str]]:
    """Return keys (hexadecimal content hashes) in shards of about `size`, by their first digits.

    The shard of a key depends on the number of all keys alone, so that a run that was killed and begun again cuts its
    work as before.
    """
    ordered = sorted(set(keys))
    digits = 0
    while len(ordered) > size * 16**digits:
        digits += 1
    shards: dict[str, list[str]] = {}
    for key in ordered:
        shards.setdefault(key[:digits] or "all", []).append(key)
    return shards
