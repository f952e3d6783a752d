"""Cache of analyzed scenes, so that a changed request needs no second analysis. Pictures are not kept."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from scene_pipeline.scenes.scene import Scene


@dataclass(frozen=True, slots=True)
class CachedScene:
    """A scene with what read it: `reader` identifies encoder, prompts and vocabulary.

    content: SHA-256 of the picture. expires_at: seconds since 1970.
    """

    scene_id: str
    scene: Scene
    reader: str
    content: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Reading:
    """How a request gets its scene: `scene` returns it, and the milliseconds that reading it took.

    kind: what a worker has to do for it, empty where it was read before. A request waits for a worker once, so what
    it does with the scene is done in the same turn.
    """

    kind: str
    scene: Callable[[], tuple[CachedScene, float]]

    @classmethod
    def done(cls, entry: CachedScene) -> "Reading":
        """Return a scene that was read before."""
        return cls("", lambda: (entry, 0.0))


class SceneCache:
    """Keeps the newest scenes for a time. Safe to share between threads."""

    def __init__(self, max_scenes: int, ttl_s: float) -> None:
        self._max = max_scenes
        self._ttl_s = ttl_s
        self._scenes: OrderedDict[str, CachedScene] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, scene: Scene, reader: str, content: str, scene_id: str | None = None) -> CachedScene:
        """Keep a scene, under a new id that cannot be guessed where none is given. content: hash of the picture."""
        entry = CachedScene(scene_id or secrets.token_urlsafe(18), scene, reader, content, time.time() + self._ttl_s)
        with self._lock:
            self._scenes[entry.scene_id] = entry
            self._scenes.move_to_end(entry.scene_id)
            while len(self._scenes) > self._max:
                self._scenes.popitem(last=False)
        return entry

    def get(self, scene_id: str) -> CachedScene | None:
        """Return a scene that has not expired, or None."""
        with self._lock:
            entry = self._scenes.get(scene_id)
            if entry is None:
                return None
            if entry.expires_at < time.time():
                del self._scenes[scene_id]
                return None
            self._scenes.move_to_end(scene_id)
            return entry

    def __len__(self) -> int:
        return len(self._scenes)
