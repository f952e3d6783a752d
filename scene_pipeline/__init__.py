"""Say which products of a home-goods catalog belong in a photographed room.

from scene_pipeline import SceneMatcher

matcher = SceneMatcher.open("artifacts")
result = matcher.recommend("room.webp")
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.matching.request import Constraints, Request

__all__ = ["Constraints", "Request", "SceneMatcher", "__version__"]

try:
    __version__ = version("scene-pipeline")
except PackageNotFoundError:  # run from a folder that was not installed
    __version__ = "0+unknown"

_MODULES = {
    "SceneMatcher": "scene_pipeline.matching.matcher",
    "Request": "scene_pipeline.matching.request",
    "Constraints": "scene_pipeline.matching.request",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import scene_pipeline` itself loads nothing."""
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module 'scene_pipeline' has no attribute '{name}'")
    return getattr(import_module(_MODULES[name]), name)
