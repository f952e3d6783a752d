"""Keep the analyses of a library's pictures, so that another bundle only ranks products again."""

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from scene_pipeline.bundle.layout import PROMPTS, SCORING, WORDS
from scene_pipeline.bundle.members import MEMBERS
from scene_pipeline.files import sha256_bytes, write_bytes
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.scenes.reference import REFERENCE
from scene_pipeline.scenes.scene import Scene


class _Kept(msgspec.Struct):
    """The file: `key` says what the analyses depend on besides the pictures; `scenes` is SHA-256 of a file -> scene."""

    key: str
    scenes: dict[str, Scene]


class Analyses:
    """The scenes of a library's pictures, by the SHA-256 of their content."""

    def __init__(self, key: str = "", scenes: dict[str, Scene] | None = None, members: Iterable[str] = ()) -> None:
        self._key = key
        self._members = set(members)
        self._scenes = scenes or {}
        self._added = 0

    @classmethod
    def load(cls, path: Path, matcher: SceneMatcher) -> "Analyses":
        """Return what `save` wrote with the same encoder, vocabulary and release; nothing where that differs.

        A file that cannot be read holds nothing either: all of it can be computed again.
        """
        key = _key(matcher)
        try:
            kept = msgspec.msgpack.decode(path.read_bytes(), type=_Kept, dec_hook=_decoded)
        except (OSError, msgspec.DecodeError, ValueError):
            return cls(key)
        members = () if matcher.ensemble is None else matcher.ensemble.members
        return cls(key, kept.scenes if kept.key == key else None, members)

    def save(self, path: Path) -> None:
        """Write the scenes kept, atomically."""
        write_bytes(path, msgspec.msgpack.encode(_Kept(self._key, self._scenes), enc_hook=_encoded))

    def get(self, content: str) -> Scene | None:
        """Return the scene of a picture with this content, None when it was not analyzed yet by all that could."""
        scene = self._scenes.get(content)
        return None if scene is None or self._members - scene.others.keys() else scene

    def add(self, content: str, scene: Scene) -> Scene:
        """Keep the scene of a picture, and return it."""
        self._scenes[content] = scene
        self._added += 1
        return scene

    def keep(self, contents: Iterable[str]) -> int:
        """Forget the scenes of all other pictures, and return how many were added since loading."""
        wanted = set(contents)
        self._scenes = {content: scene for content, scene in self._scenes.items() if content in wanted}
        return self._added


def _key(matcher: SceneMatcher) -> str:
    """Return the hash of what an analysis depends on besides the picture."""
    files = matcher.bundle.manifest.files
    parts = [matcher.encoder_id, matcher.spec.revision, matcher.encoder.precision]
    parts += [files[name].sha256 for name in sorted(files) if name.startswith(MEMBERS)]
    parts += [files[name].sha256 for name in (PROMPTS, REFERENCE, WORDS, SCORING)]
    return sha256_bytes(*(part.encode() for part in [*parts, version("scene-pipeline")]))


def _encoded(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes())
    raise NotImplementedError(f"{type(value).__name__} is not written")


def _decoded(kind: type, value: Any) -> Any:
    if kind is np.ndarray:
        dtype, shape, data = value
        return np.frombuffer(data, dtype=np.dtype(dtype)).reshape(shape)
    raise NotImplementedError(f"{kind.__name__} is not read")
