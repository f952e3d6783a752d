"""The libraries of scenes that the page offers: the sub-folders of one folder that hold pictures."""

import io
from functools import lru_cache
from pathlib import Path

from scene_pipeline.images.decode import decode_image
from scene_pipeline.sample import sample_libraries
from scene_pipeline.scene_libraries.folders import libraries_under
from scene_pipeline.service.problems import Problem

EDGE = 1_280
KEPT_PICTURES = 64


class Libraries:
    """Finds scenes by LIBRARY/NAME. Only names that a folder lists are opened, so no path can leave it."""

    def __init__(self, scenes: str) -> None:
        self._root = sample_libraries() if scenes == "sample" else Path(scenes)

    def all(self) -> dict[str, list[Path]]:
        """Return library -> its pictures; nothing where the folder cannot be read."""
        return {name: paths for name, paths in (libraries_under(self._root) or {}).items() if paths}

    def find(self, library: str, name: str) -> Path:
        """Return a scene's picture. Raises the problem `not-found`."""
        for path in self.all().get(library, []):
            if path.name == name:
                return path
        raise Problem("not-found", f"there is no scene '{library}/{name}'"[:200])


def preview(path: Path) -> bytes:
    """Return a scene as WebP of at most EDGE pixels, without metadata. Raises ImageError."""
    return _preview(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=KEPT_PICTURES)
def _preview(path: Path, modified: int) -> bytes:
    del modified  # part of the key: a changed picture is read again
    picture = decode_image(path, short_side=EDGE)
    picture.thumbnail((EDGE, EDGE))
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=80, method=2)
    return stream.getvalue()
