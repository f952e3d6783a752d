"""Decide which scene libraries are new, changed, failed or gone."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from scene_pipeline.scene_libraries.folders import libraries_under, shown

RETRY_S = 600.0
LONGEST_RETRY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class PartitionChanges:
    """What to do after a look at the scenes' folder: partitions to add and to delete, libraries to score."""

    add: tuple[str, ...]
    delete: tuple[str, ...]
    score: tuple[str, ...]


class Failed(msgspec.Struct, frozen=True):
    """How often in a row a library's run failed, and when it is tried again (seconds since the epoch)."""

    times: int
    again_at: float


class Watched(msgspec.Struct):
    """What the sensor keeps from look to look.

    known: library -> the fingerprint it was last scored with; failed: the libraries whose last run failed; looks: how
    many looks requested runs, which makes their keys unique: Dagster remembers a run key for ever; runs_until: up to
    when (seconds since the epoch) finished runs were counted, and runs_seen those of the last minute before that.
    """

    known: dict[str, str] = {}
    failed: dict[str, Failed] = {}
    looks: int = 0
    runs_until: float = 0.0
    runs_seen: dict[str, float] = {}


def read_watched(cursor: str | None) -> Watched:
    """Return what a cursor holds, also one of the release that kept the fingerprints alone."""
    if not cursor:
        return Watched()
    kept = msgspec.json.decode(cursor, type=dict[str, Any])
    if kept and all(isinstance(value, str) for value in kept.values()):
        return Watched(known=kept)
    return msgspec.convert(kept, Watched)


def after_runs(failed: Mapping[str, Failed], ends: Iterable[tuple[str, bool, float]]) -> dict[str, Failed]:
    """Return the failed libraries after these runs, given as (library, success, ended) in the order they ended.

    A library is tried again after ten minutes, then after twice as long each time, at most once a day.
    """
    now = dict(failed)
    for library, success, ended in ends:
        before = now.pop(library, None)
        if not success:
            times = 1 + (before.times if before is not None else 0)
            now[library] = Failed(times, ended + min(RETRY_S * 2 ** (times - 1), LONGEST_RETRY_S))
    return now


def partition_changes(
    found: Mapping[str, str | None] | None,
    known: Mapping[str, str],
    existing: Collection[str],
    in_flight: Collection[str],
    ready: bool = True,
    due: Collection[str] = (),
) -> PartitionChanges:
    """Decide what to do. `found` is library -> fingerprint now, None when the folder cannot be read; `known` is what
    was last scored; `existing` are the partitions there are, `in_flight` those with a run under way. `ready`: there is
    a bundle to score with; until then libraries are registered, and scored at the first look after it is there. `due`
    are the libraries whose failed run is to be tried again.

    A folder that cannot be read changes nothing, the root's or a library's: it is no sign that anything is gone. A
    library with a run under way is left alone and looked at again next time.
    """
    if found is None:
        return PartitionChanges((), (), ())
    readable = {key: seen for key, seen in found.items() if seen is not None}
    return PartitionChanges(
        add=tuple(sorted(set(readable) - set(existing))),
        delete=tuple(sorted(set(existing) - set(found) - set(in_flight))),
        score=tuple(
            sorted(
                key
                for key, seen in readable.items()
                if ready and (known.get(key) != seen or key in due) and key not in in_flight
            )
        ),
    )


def fingerprints(root: Path) -> dict[str, str | None] | None:
    """Return library -> fingerprint (names, sizes and times of its pictures), None when the root cannot be read.

    The fingerprint of a library that cannot be read is None.
    """
    found = libraries_under(root)
    if found is None:
        return None
    return {name: None if paths is None else _fingerprint(paths) for name, paths in found.items()}


def _fingerprint(paths: Sequence[Path]) -> str:
    lines = [f"{shown(path.name)} {_stamp(path)}" for path in paths]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError as error:  # gone since it was listed, or a link to nowhere
        return f"not readable ({error.strerror})"
    return f"{stat.st_size} {stat.st_mtime_ns}"
