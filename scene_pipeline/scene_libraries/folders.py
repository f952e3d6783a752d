"""Find scene libraries: folders that hold pictures."""

import stat
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from scene_pipeline.errors import ScenePipelineError

HEIF = frozenset({".heic", ".heif"})
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
    | (HEIF if find_spec("pillow_heif") else set())
)


_OTHER_PICTURES = frozenset(
    {".arw", ".cr2", ".cr3", ".dng", ".jp2", ".jxl", ".nef", ".orf", ".pdf", ".psd", ".raf", ".rw2", ".svg", ".zip"}
)


@dataclass(frozen=True, slots=True)
class LibraryFolder:
    """The pictures of a folder, by name, and what else lies there that may have been meant: name -> why not looked at.

    Hidden files (also the `._name.jpg` that macOS leaves) are neither.
    """

    pictures: list[Path]
    not_looked_at: dict[str, str] = field(default_factory=dict)


def look_at_folder(folder: Path) -> LibraryFolder:
    """Return what lies in a folder. Raises OSError when it cannot be listed."""
    found: list[Path] = []
    aside: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        suffix = path.suffix.lower()
        if path.name.startswith("."):
            continue
        kind = _kind(path)
        if kind == stat.S_IFDIR:
            aside[shown(path.name)] = "a sub-folder; move its pictures up, or make it a library of its own"
        elif suffix in SUFFIXES and kind not in (None, stat.S_IFREG):  # reading it could wait for ever
            aside[shown(path.name)] = "no file but a pipe, socket or device"
        elif suffix in SUFFIXES:
            found.append(path)
        elif suffix in HEIF:
            aside[shown(path.name)] = "HEIC is read where `pip install pillow-heif` was run"
        elif suffix in _OTHER_PICTURES:
            aside[shown(path.name)] = f"{suffix} is not read; save it as JPEG or PNG"
    return LibraryFolder(found, aside)


def shown(name: str) -> str:
    r"""Return a file name as text that can be written: bytes that are not UTF-8 as \xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_text(name: str) -> bool:
    """Tell whether a file name is UTF-8; those of old Windows archives may not be."""
    return shown(name) == name


def pictures(folder: Path) -> list[Path]:
    """Return the picture files of a folder, by name. Raises OSError."""
    return look_at_folder(folder).pictures


def libraries_under(root: Path) -> dict[str, list[Path] | None] | None:
    """Return library -> its pictures for each sub-folder of `root` that holds some, hidden ones left out.

    The pictures of a folder that cannot be read are None, and so is the whole answer where the root cannot be: that is
    no sign that a library is gone. A folder whose name is not UTF-8 cannot be a library: see `unnamed_under`.
    """
    try:
        folders = [path for path in _folders(root) if is_text(path.name)]
    except OSError:
        return None
    found: dict[str, list[Path] | None] = {}
    for folder in folders:
        try:
            found[folder.name] = pictures(folder)
        except OSError:
            found[folder.name] = None
    return {name: paths for name, paths in found.items() if paths is None or paths}


def unnamed_under(root: Path) -> list[str]:
    """Return the folders of `root` whose names are not UTF-8, as text. Raises OSError."""
    return [shown(path.name) for path in _folders(root) if not is_text(path.name)]


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if not path.name.startswith(".") and _may_be_folder(path))


def _may_be_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # one that may not be seen: reading it says why, and it does not count as gone
        return True


def _kind(path: Path) -> int | None:
    """Return the file type, None for what cannot be seen: reading it says why, and the other files are looked at."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:
        return None


def look_at_scenes(folder: Path) -> LibraryFolder:
    """Return the pictures of a folder, and what there was not looked at.

    Raises ScenePipelineError when the folder is missing, cannot be read or holds no picture.
    """
    try:
        found = look_at_folder(folder)
    except OSError as error:
        raise ScenePipelineError(f"{folder}: cannot be read ({error.strerror}); name a folder of scenes") from error
    if not found.pictures:
        raise _empty(folder)
    return found


def list_libraries(folder: Path) -> list[Path]:
    """Return the libraries that `folder` means: itself when it holds pictures, else its sub-folders that do.

    Raises ScenePipelineError when there is none.
    """
    try:
        if pictures(folder):
            return [folder]
        found = [child for child in _folders(folder) if pictures(child)]
    except OSError as error:
        raise ScenePipelineError(
            f"{error.filename or folder}: cannot be read ({error.strerror}); name a folder of scenes"
        ) from error
    if not found:
        raise _empty(folder)
    return found


def _empty(folder: Path) -> ScenePipelineError:
    return ScenePipelineError(f"{folder}: holds no picture; put {', '.join(sorted(SUFFIXES))} files there")
