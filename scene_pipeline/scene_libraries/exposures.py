"""Log the lists of a library run as the service logs its own, so that a shop's actions can be traced to them."""

import time
from dataclasses import dataclass, field, replace

import msgspec

from scene_pipeline.events.schema import Exposure
from scene_pipeline.events.store import EventStore
from scene_pipeline.files import sha256_bytes
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.learning.serving import ServedList, exposure_of, list_as_is, serve_list
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.vocabulary import Diversity

BATCH = 1000
"""Exposures that are written in one transaction."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Draws the lists of one library by `rules` and keeps their exposures until `write`."""

    library: str
    request: Request
    rules: Exploration = field(default_factory=Exploration)
    exposures: list[Exposure] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What decides whether lists of an earlier run can be taken over: that they were logged, and how drawn."""
        return f"logged {self.rules.name}".strip()

    def listed(self, scene: str, content: str, result: SceneResult, diversity: Diversity) -> SceneResult:
        """Return a scene's result as it is shown, with the id of its list, and keep an exposure of each intent.

        `content` is the SHA-256 of the picture. The id is made of what the lists are, so that a run that is repeated
        logs them once; the time that an answer took is left out, since nobody waited for it. What looks like a thing
        in the picture, and a set, have the ids of `SceneResult.list_id`.
        """
        identifier = f"batch-{_digest(self.library, scene, content, result)}"
        served = serve_list(result, self.request.k, self.rules, identifier, diversity)
        self._expose(served, replace(result, recommendation_id=identifier), content, "complete")
        shown = replace(result, recommendations=served.shown, runners_up=(), recommendation_id=identifier)
        alike, pieces = others(result)
        if alike:
            self._expose(list_as_is(alike), shown, content, "match")
        if pieces:
            self._expose(list_as_is(pieces), shown, content, "furnish")
        return shown

    def _expose(self, served: ServedList, result: SceneResult, content: str, intent: str) -> None:
        self.exposures.append(
            exposure_of(
                *(served, result.list_id(intent), time.time(), replace(result, elapsed_ms=0.0)),
                scene=content,
                subject=self.request.context.person or "",
                weights_version=result.weights_version,
                intent=intent,
                source="batch",
            )
        )

    def write(self, store: EventStore) -> int:
        """Write the exposures that are kept and return how many were new."""
        written = 0
        for start in range(0, len(self.exposures), BATCH):
            written += store.append(self.exposures[start : start + BATCH]).stored
        return written


def others(result: SceneResult) -> tuple[list[Recommendation], list[Recommendation]]:
    """Return what looks like the things of a scene, the surest thing first, and what its set is made of."""
    pieces = () if result.set is None else result.set.pieces
    return [item for thing in result.objects for item in thing.products], [piece.product for piece in pieces]


def _digest(library: str, scene: str, content: str, result: SceneResult) -> str:
    products = [(item.product_id, item.score) for item in (*result.recommendations, *result.runners_up)]
    fixed = [[item.product_id for item in items] for items in others(result)]
    version = (result.bundle_version, result.request_id, result.weights_version)
    identity = (library, scene, content, *version, products, *fixed)
    return sha256_bytes(msgspec.json.encode(identity))[:32]
