"""Find scene libraries: folders that hold pictures."""

from pathlib import Path

from scene_pipeline.errors import ScenePipelineError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})


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
