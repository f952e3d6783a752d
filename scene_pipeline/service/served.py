"""The bundle that is served: opened, replaced when another is promoted, kept when the new one is broken."""

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scene_pipeline import memory
from scene_pipeline.bundle.layout import IMAGE_ENCODER, PROMPTS
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.images.store import ImageStore
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.paths import IMAGES_FOLDER
from scene_pipeline.scenes.reference import REFERENCE
from scene_pipeline.service.products import ProductTable

log = logging.getLogger("scene_pipeline.service")

READER_FILES = (IMAGE_ENCODER, PROMPTS, REFERENCE)
"""Files that a reading of a photograph depends on, besides the vocabulary: bundles that share all share scenes."""


@dataclass(frozen=True)
class Served:
    """An open bundle with all that answers need. Requests take it once and keep it to their end."""

    matcher: SceneMatcher
    products: ProductTable
    reader: str

    @classmethod
    def of(cls, matcher: SceneMatcher, images: Path) -> "Served":
        """Return what serves `matcher`'s bundle; `images` is the folder of product pictures."""
        files, vocabulary = matcher.bundle.manifest.files, matcher.bundle.vocabulary
        reader = hashlib.sha256("".join(files[name].sha256 for name in READER_FILES if name in files).encode())
        unweighted = msgspec.structs.replace(vocabulary.scoring, weights={}, weights_by_encoder={})
        if matcher.ensemble is not None:
            for member in matcher.bundle.manifest.members:
                at_hand = member.id in matcher.ensemble.members
                reader.update(msgspec.json.encode((member.spec, at_hand), order="sorted"))
        reader.update(msgspec.structs.replace(vocabulary, scoring=unweighted).to_json())
        return cls(matcher, ProductTable(matcher.bundle, ImageStore(images)), reader.hexdigest())


class ServedBundle:
    """Holds the served bundle and replaces it. A request never waits for a reload and never fails by one."""

    def __init__(self, artifacts: Path, poll_s: float, warm_up: Callable[[Served], None]) -> None:
        self._artifacts = artifacts
        self._images = artifacts / IMAGES_FOLDER
        self._poll_s = poll_s
        self._warm_up = warm_up
        self._also: Callable[[], None] = lambda: None
        self._replaced = False
        self._stop = threading.Event()
        self._reloading = threading.Lock()
        self.stale: str | None = None
        self.current = self._prepared(SceneMatcher.open(artifacts))
        self._thread = threading.Thread(target=self._watch, name="bundle-watch", daemon=True)

    def start(self, also: Callable[[], None]) -> None:
        """Begin to look for newly promoted bundles; `also` is called at each look."""
        self._also = also
        self._thread.start()

    def version(self, name: str) -> Served:
        """Open another version than the promoted one. Raises BundleError."""
        return self._prepared(SceneMatcher.open(self._artifacts, name))

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def reload(self) -> bool:
        """Serve the promoted bundle if it is another one; tell whether it was.

        Raises BundleError, serving on as before.
        """
        with self._reloading:
            try:
                matcher = self.current.matcher.reload()
                changed = matcher is not self.current.matcher
                if changed:
                    self.current = self._prepared(matcher)
                    log.info("bundle %s is served", matcher.bundle.version)
            except ScenePipelineError as error:
                if str(error) != self.stale:
                    log.error("the promoted bundle cannot be served, the earlier one is: %s", error)
                self.stale = str(error)
                raise
            self.stale = None
            return changed

    def _prepared(self, matcher: SceneMatcher) -> Served:
        served = Served.of(matcher, self._images)
        self._warm_up(served)
        return served

    def _watch(self) -> None:
        while not self._stop.wait(self._poll_s):
            if self._replaced:
                self._replaced = False  # by now requests that began with the earlier bundle have ended
                memory.give_back()
            with contextlib.suppress(ScenePipelineError):  # said in `stale` and in the log; looked at again
                self._replaced = self.reload()
            self._also()
