"""Decide which scene libraries are new, changed or gone."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_pipeline.scene_libraries.folders import libraries_under


@dataclass(frozen=True, slots=True)
class LibraryChanges:
    """What a look at the scenes' folder asks for: partitions to add and to delete, libraries to score."""

    add: tuple[str, ...]
    delete: tuple[str, ...]
    score: tuple[str, ...]


def library_changes(
    found: Mapping[str, str] | None,
    known: Mapping[str, str],
    existing: Collection[str],
    in_flight: Collection[str],
    ready: bool = True,
) -> LibraryChanges:
    """Decide what to do. `found` is library -> fingerprint now, None when the folder cannot be read; `known` is what
    was last scored; `existing` are the partitions there are, `in_flight` those with a run under way. `ready`: there is
    a bundle to score with; until then libraries are registered, and scored at the first look after it is there.

    A folder that cannot be read changes nothing: it is no sign that its libraries are gone. A library with a run under
    way is left alone and looked at again next time.
    """
    if found is None:
        return LibraryChanges((), (), ())
    return LibraryChanges(
        add=tuple(sorted(set(found) - set(existing))),
        delete=tuple(sorted(set(existing) - set(found) - set(in_flight))),
        score=tuple(
            sorted(key for key, seen in found.items() if ready and known.get(key) != seen and key not in in_flight)
        ),
    )


def fingerprints(root: Path) -> dict[str, str] | None:
    """Return library -> fingerprint (names, sizes and times of its pictures), None when the root cannot be read.

    A library that cannot be read makes the whole answer None, and so does a root that is missing.
    """
    found = libraries_under(root)
    if found is None:
        return None
    try:
        return {name: _fingerprint(paths) for name, paths in found.items()}
    except OSError:  # a picture went between listing and looking
        return None


def _fingerprint(paths: Sequence[Path]) -> str:
    lines = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in paths]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
