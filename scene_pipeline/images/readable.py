"""Read pictures one after another; those that cannot be read are left out, with the reason."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from scene_pipeline.errors import ImageError
from scene_pipeline.progress import Progress

Read = TypeVar("Read")


def read_each(
    paths: Collection[Path], read: Callable[[Path], Read], progress: Progress | None = None
) -> tuple[dict[Path, Read], dict[Path, str]]:
    """Return the result of `read` for each picture, in the order of `paths`, and the reasons of failures."""
    found: dict[Path, Read] = {}
    failures: dict[Path, str] = {}
    for done, path in enumerate(paths, start=1):
        try:
            found[path] = read(path)
        except ImageError as error:
            failures[path] = str(error)
        if progress is not None:
            progress(done, len(paths))
    return found, failures
