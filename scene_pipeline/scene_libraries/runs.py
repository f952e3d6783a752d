"""The last runs of a library, kept so that two of them can be compared."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.paths import LIBRARY_RUNS
from scene_pipeline.scene_libraries.score import LibraryResult

_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"\d{8}T\d{6}Z")


def keep_run(folder: Path, result: LibraryResult, kept: int = 20) -> str | None:
    """Keep `result` among the runs of the library whose outputs lie in `folder`, and return its name.

    A run that answers as the last one did is not kept again: None is returned. The oldest beyond `kept` are removed.
    """
    names = list_runs(folder)
    if names and _same(load_run(folder, names[-1]), result):
        return None
    moment = datetime.now(UTC).replace(microsecond=0)
    if names:
        moment = max(moment, datetime.strptime(names[-1], _TIME).replace(tzinfo=UTC) + timedelta(seconds=1))
    name = moment.strftime(_TIME)
    result.save(folder / LIBRARY_RUNS / f"{name}.json")
    for old in names[: max(0, len(names) + 1 - kept)]:
        (folder / LIBRARY_RUNS / f"{old}.json").unlink()
    return name


def list_runs(folder: Path) -> list[str]:
    """Return the names (UTC times) of the runs kept, oldest first; other files are passed over."""
    return sorted(path.stem for path in (folder / LIBRARY_RUNS).glob("*.json") if _NAME.fullmatch(path.stem))


def load_run(folder: Path, name: str) -> LibraryResult:
    """Return a kept run. Raises ScenePipelineError naming those there are when it is not among them."""
    path = folder / LIBRARY_RUNS / f"{name}.json"
    if name not in list_runs(folder):
        there = ", ".join(list_runs(folder)) or "none"
        raise ScenePipelineError(f"{folder / LIBRARY_RUNS}: has no run '{name[:40]}'; choose one of: {there}")
    return LibraryResult.load(path)


def last_run(folder: Path, warn: Callable[[str], None]) -> LibraryResult | None:
    """Return the newest run that can be read, None without one; those that cannot be are set aside."""
    for name in reversed(list_runs(folder)):
        run = read_or_set_aside(folder / LIBRARY_RUNS / f"{name}.json", warn)
        if run is not None:
            return run
    return None


def read_or_set_aside(path: Path, warn: Callable[[str], None]) -> LibraryResult | None:
    """Return the scored library in a file, None without one.

    A file that was cut short, or is of a release that wrote it otherwise, is renamed and said once: the library is
    scored anew, and the file stays for who wants to look at it.
    """
    if not path.exists():
        return None
    try:
        return LibraryResult.load(path)
    except ScenePipelineError as error:
        aside = path.with_name(f"{path.name}.unreadable")
        path.replace(aside)
        warn(f"{error}; it was set aside as {aside.name}")
        return None


def _same(one: LibraryResult, other: LibraryResult) -> bool:
    """Tell whether two runs answer alike; the time a scene took does not matter."""
    return _answers(one) == _answers(other)


def _answers(run: LibraryResult) -> tuple[object, ...]:
    items = {name: (item.scene, item.recommendations, item.bundle_version) for name, item in run.results.items()}
    return run.request, run.failures, run.content_hashes, items
