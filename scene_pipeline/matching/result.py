"""What the matcher answers: typed, immutable, and serialized to JSON by msgspec as it stands."""

from dataclasses import dataclass
from typing import Any

import msgspec

from scene_pipeline.context.ranking import ContextEffect
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.opinion import Opinion, OpinionEffect
from scene_pipeline.matching.variants import Variant
from scene_pipeline.scenes.analysis import Box, SceneAnalysis


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One product for a scene. `score` and `factors` lie in 0-1; `confidence` is a probability when `calibrated`.

    `context` is what the context did to its place, `opinion` what a second opinion did; None where there is none.
    `variant` is the one that suits the scene best; None where the product has but one form. `box` is where in the
    picture it would stand, hang or lie (0-1), None where the picture does not tell.
    """

    rank: int
    product_id: str
    sku_id: str
    description: str
    category: str
    placement: str
    score: float
    confidence: float
    calibrated: bool
    factors: dict[str, float]
    reason: str
    context: ContextEffect | None = None
    opinion: OpinionEffect | None = None
    variant: Variant | None = None
    box: Box | None = None

    def price(self, of_product: float | None) -> float | None:
        """Return what the variant shown costs, where there is one and its price is known; else `of_product`."""
        paid = None if self.variant is None else self.variant.paid
        return of_product if paid is None else paid


@dataclass(frozen=True, slots=True)
class Match:
    """A thing in the photograph and the products most similar to it, best first.

    `box` is where it stands or the window that shows it; `above` is by how many deviations the picture of a product of
    its type stands out, which is no probability.
    """

    object_id: str
    type: str
    box: Box
    above: float
    products: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class MatchResult:
    """The answer to *what of ours looks like what is here?*. `note` says why nothing was recognized, if so."""

    scene: SceneAnalysis
    objects: tuple[Match, ...]
    note: str
    bundle_version: str
    encoder_id: str
    request_id: str
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One choice of a set: `count` pieces of a product for the place `type`, at `price` each."""

    type: str
    count: int
    price: float
    product: Recommendation

    @property
    def total(self) -> float:
        """What the pieces cost together."""
        return self.count * self.price


@dataclass(frozen=True, slots=True)
class Swap:
    """The exchange that saves most: `product_id` of the set for the one of `by`, saving `saves`."""

    product_id: str
    by: Recommendation
    saves: float
    fit: float


@dataclass(frozen=True, slots=True)
class FurnishedSet:
    """The answer: pieces with what they cost and what is left. `fit` is their mean pairwise fit (0-1), `gap` is the
    most by which a better set could exceed this one (0: none can). `note` says in a line what is missing or must
    change.
    """

    scene: SceneAnalysis
    pieces: tuple[Piece, ...]
    kept: tuple[str, ...]
    cost: float
    left: float
    budget: float
    currency: str
    fit: float
    gap: float
    swap: Swap | None
    note: str
    bundle_version: str
    set_id: str
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class SceneResult:
    """The answer for one scene. `request_id` and `weights_version` tell the rows of two variants apart.

    `context` records for when, where and whom it is, `opinion` is a second opinion on the scene; None without one.
    `objects` are the things in the photograph with products like them, and `set` is a set within a budget; a library
    run fills both on request. `runners_up` are the products that would come next, on request. `recommendation_id` is
    the id that the list was logged with, which actions name (see `list_id`); empty where it was not logged.
    """

    scene: SceneAnalysis
    recommendations: tuple[Recommendation, ...]
    bundle_version: str
    encoder_id: str
    elapsed_ms: float
    request_id: str = ""
    weights_version: str = ""
    context: dict[str, Any] | None = None
    opinion: Opinion | None = None
    objects: tuple[Match, ...] = ()
    set: FurnishedSet | None = None
    runners_up: tuple[Recommendation, ...] = ()
    recommendation_id: str = ""

    def list_id(self, intent: str) -> str:
        """Return the id that the list of an intent was logged with; empty where it was not logged."""
        if not self.recommendation_id or intent == "complete":
            return self.recommendation_id
        return f"{self.recommendation_id}-{intent}"

    def to_json(self) -> bytes:
        """Return the answer as a JSON document; `from_json` reads it."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, document: bytes) -> "SceneResult":
        """Return the answer that `to_json` wrote. Raises ScenePipelineError for anything else."""
        try:
            return msgspec.json.decode(document, type=cls)
        except msgspec.DecodeError as error:
            raise ScenePipelineError(
                f"the document holds no scene result ({error}); give what to_json wrote"
            ) from error
