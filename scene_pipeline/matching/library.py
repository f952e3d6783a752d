"""Score a folder of photographs, one result a scene; a picture that cannot be read is reported and the rest go on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scene_pipeline.errors import ImageError, ScenePipelineError
from scene_pipeline.files import sha256_file
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.types import SceneResult

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})

Progress = Callable[[int, int], None]
"""Called with scenes done and scenes in all."""


@dataclass(frozen=True, slots=True)
class LibraryResult:
    """A scored library, keyed by file name: results, reasons for failures, and the SHA-256 of every file read."""

    results: Mapping[str, SceneResult] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    content_hashes: Mapping[str, str] = field(default_factory=dict)


def list_scenes(folder: Path) -> list[Path]:
    """Return the pictures of a folder, by name; sub-folders and other files are not scenes.

    Raises ScenePipelineError when the folder is missing, cannot be read or holds no picture.
    """
    try:
        scenes = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise ScenePipelineError(f"{folder}: cannot be read ({error.strerror}); name a folder of scenes") from error
    if not scenes:
        raise ScenePipelineError(f"{folder}: holds no picture; put {', '.join(sorted(SUFFIXES))} files there")
    return scenes


def score_library(folder: Path, matcher: SceneMatcher, k: int = 10, progress: Progress | None = None) -> LibraryResult:
    """Return the recommendations for every scene of `folder`."""
    results: dict[str, SceneResult] = {}
    failures: dict[str, str] = {}
    hashes: dict[str, str] = {}
    scenes = list_scenes(folder)
    for done, path in enumerate(scenes, start=1):
        hashes[path.name] = sha256_file(path)
        try:
            results[path.name] = matcher.recommend(path, k)
        except ImageError as error:
            failures[path.name] = str(error)
        if progress is not None:
            progress(done, len(scenes))
    return LibraryResult(results, failures, hashes)
