"""Score a folder of photographs, one result a scene; a picture that cannot be read is reported and the rest go on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from scene_pipeline.errors import ImageError, ScenePipelineError
from scene_pipeline.files import sha256_file, write_bytes
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.types import SceneResult

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})

Progress = Callable[[int, int], None]
"""Called with scenes done and scenes in all."""


@dataclass(frozen=True, slots=True)
class LibraryResult:
    """A scored library. Results, failures (with their reason) and SHA-256 of the files read are keyed by file name.

    `scales` are those that the scenes were looked at. `reused` counts the results taken over from an earlier run, whose
    file, bundle, `k` and scales were the same.
    """

    k: int
    results: Mapping[str, SceneResult] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    content_hashes: Mapping[str, str] = field(default_factory=dict)
    reused: int = 0
    scales: tuple[float, ...] = (1.0,)

    def save(self, path: Path) -> None:
        """Write the result as JSON, atomically."""
        write_bytes(path, msgspec.json.encode(self))

    @classmethod
    def load(cls, path: Path) -> "LibraryResult":
        """Read what `save` wrote. Raises ScenePipelineError when the file is something else."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise ScenePipelineError(f"{path}: holds no scored library ({error}); score the library again") from error


def pictures(folder: Path) -> list[Path]:
    """Return the picture files of a folder, by name; sub-folders and other files are none. Raises OSError."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def libraries_under(root: Path) -> dict[str, list[Path]] | None:
    """Return library -> its pictures for each sub-folder of `root` that holds some, hidden ones left out.

    None when the root or one of its folders cannot be read: that is no sign that a library is gone.
    """
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        found = {folder.name: pictures(folder) for folder in folders}
    except OSError:
        return None
    return {name: paths for name, paths in found.items() if paths}


def list_scenes(folder: Path) -> list[Path]:
    """Return the pictures of a folder, by name; sub-folders and other files are not scenes.

    Raises ScenePipelineError when the folder is missing, cannot be read or holds no picture.
    """
    try:
        scenes = pictures(folder)
    except OSError as error:
        raise ScenePipelineError(f"{folder}: cannot be read ({error.strerror}); name a folder of scenes") from error
    if not scenes:
        raise ScenePipelineError(f"{folder}: holds no picture; put {', '.join(sorted(SUFFIXES))} files there")
    return scenes


def list_libraries(folder: Path) -> list[Path]:
    """Return the libraries that `folder` means: itself when it holds pictures, else its sub-folders that do.

    Raises ScenePipelineError when there is none.
    """
    try:
        if pictures(folder):
            return [folder]
        found = [child for child in sorted(folder.iterdir()) if child.is_dir() and pictures(child)]
    except OSError as error:
        raise ScenePipelineError(f"{folder}: cannot be read ({error.strerror}); name a folder of scenes") from error
    if not found:
        raise ScenePipelineError(f"{folder}: holds no picture; put {', '.join(sorted(SUFFIXES))} files there")
    return found


def score_library(
    folder: Path,
    matcher: SceneMatcher,
    k: int = 10,
    previous: LibraryResult | None = None,
    progress: Progress | None = None,
) -> LibraryResult:
    """Return the recommendations for every scene of `folder`, taking over from `previous` what has not changed."""
    results: dict[str, SceneResult] = {}
    failures: dict[str, str] = {}
    hashes: dict[str, str] = {}
    reused = 0
    if previous is not None and previous.scales != matcher.scales:
        previous = None
    scenes = list_scenes(folder)
    for done, path in enumerate(scenes, start=1):
        hashes[path.name] = sha256_file(path)
        known = _known(previous, path.name, hashes[path.name], k, matcher.bundle.version)
        if known is not None:
            results[path.name] = known
            reused += 1
        else:
            try:
                results[path.name] = matcher.recommend(path, k)
            except ImageError as error:
                failures[path.name] = str(error)
        if progress is not None:
            progress(done, len(scenes))
    return LibraryResult(k, results, failures, hashes, reused, matcher.scales)


def _known(
    previous: LibraryResult | None, name: str, content_hash: str, k: int, bundle_version: str
) -> SceneResult | None:
    if previous is None or previous.k != k or previous.content_hashes.get(name) != content_hash:
        return None
    result = previous.results.get(name)
    return result if result is not None and result.bundle_version == bundle_version else None
