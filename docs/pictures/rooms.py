"""Count the folders that the answer to one photograph goes through: `python docs/pictures/rooms.py ARTIFACTS PICTURE`.

A turn is a call into another folder of the package than the call before it.
"""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import scene_pipeline
from scene_pipeline import SceneMatcher

PACKAGE = Path(scene_pipeline.__file__).parent


def walk(matcher: SceneMatcher, picture: Path) -> list[str]:
    """Return the folders in the order in which `recommend` enters them, one entry a turn."""
    folders: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            folder = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
            if folders[-1:] != [folder]:
                folders.append(folder)

    sys.setprofile(note)
    try:
        matcher.recommend(picture)
    finally:
        sys.setprofile(None)
    return folders


if __name__ == "__main__":
    opened = SceneMatcher.open(sys.argv[1])
    opened.recommend(sys.argv[2])  # what is read once is read
    found = walk(opened, Path(sys.argv[2]))
    print(f"{len(set(found))} folders, {len(found) - 1} turns; first visits: {', '.join(dict.fromkeys(found))}")
