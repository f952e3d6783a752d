"""Open a bundle and answer photographs: `SceneMatcher.open("artifacts").recommend("room.webp")`."""

import copy
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from PIL import Image

from scene_pipeline import memory
from scene_pipeline.bundle.calibration_map import CalibrationMap
from scene_pipeline.bundle.open import Bundle, open_bundle
from scene_pipeline.context.ranking import ContextModel
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.prompts import PromptVectors
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.windows import decoded_side, embed_scene
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.images.decode import decode_image
from scene_pipeline.index.port import Snapshot
from scene_pipeline.matching.choosing import Chooser
from scene_pipeline.matching.ensemble import Ensemble
from scene_pipeline.matching.explaining import Explainer
from scene_pipeline.matching.factors import weights_version
from scene_pipeline.matching.furnish import FurnishedSet, Plan, furnish
from scene_pipeline.matching.held import Held
from scene_pipeline.matching.match import MatchResult, match
from scene_pipeline.matching.opened import Opened
from scene_pipeline.matching.opinion import Opinion
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.product_source import ProductSource
from scene_pipeline.matching.request import NO_RUNNERS_UP, Request, RunnersUp
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.matching.room_votes import RoomVotes
from scene_pipeline.matching.scored import Scored
from scene_pipeline.matching.scoring import Scorer
from scene_pipeline.matching.shared_encoder import SharedEncoder
from scene_pipeline.scenes.reference import SceneReference, centered_windows, library_center
from scene_pipeline.scenes.scene import Scene, analyze, with_rooms
from scene_pipeline.scenes.zero_shot import ZeroShotClassifier
from scene_pipeline.vocabulary import Vocabulary

Photograph = str | Path | bytes | BinaryIO | Image.Image
"""A path, the bytes of a picture file, an open binary file, or a picture that is decoded already."""


class SceneMatcher:
    """Answers scenes from one opened bundle. Safe to share between threads: no answer changes after opening.

    Opening one limits numpy's matrix products to one thread for the whole process: they are so small that more threads
    mostly wait for each other, and on a busy machine that wait costs several times the products themselves.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        self._threads = threads
        _limit_blas()
        self._reloading = threading.Lock()
        self._alive: weakref.WeakSet[SceneMatcher] = weakref.WeakSet([self])
        self._opened = Opened.read(bundle, threads)
        self._shared_encoder = SharedEncoder(self._opened.encoder, bundle.encoder_path, threads)
        self.classifier = ZeroShotClassifier(bundle.vocabulary, self.prompts, self.reference)
        self._scorer = Scorer(self._opened, self.reference.vector)

    @classmethod
    def open(
        cls,
        artifacts: str | Path,
        version: str | None = None,
        threads: int | None = None,
        *,
        verify: bool = True,
    ) -> "SceneMatcher":
        """Open the promoted bundle under `artifacts`, or the `version` named. Raises BundleError.

        `verify` hashes every file first; switch it off only where that has just been done.
        """
        while True:
            bundle = open_bundle(Path(artifacts), version, verify=verify)
            try:
                return cls(bundle, threads)
            except ScenePipelineError:
                if bundle.path.exists():
                    raise
                # Pruned while it was being opened, so another version is promoted: open that one.

    def reload(self, *, verify: bool = True) -> "SceneMatcher":
        """Return a matcher of the promoted bundle with this one's options: this one itself while its bundle is current.

        This one keeps answering in any case. Matchers that come from each other by reloading share a record of those
        still in use. If one of them has the promoted bundle, it is returned: threads then share one matcher for a
        bundle, also when an earlier bundle is promoted again. Raises BundleError when the promoted bundle cannot be
        opened.
        """
        if self.bundle.is_current():
            return self
        with self._reloading:
            promoted = next((matcher for matcher in self._alive if matcher.bundle.is_current()), None)
            if promoted is None:
                promoted = SceneMatcher.open(self.bundle.artifacts, threads=self._threads, verify=verify)
                promoted._reloading, promoted._alive = self._reloading, self._alive
                self._alive.add(promoted)
                memory.give_back()  # of matchers that were replaced before
            return promoted

    def recommend(self, image: Photograph, request: Request | None = None, *, k: int | None = None) -> SceneResult:
        """Return the scene's analysis and the products that suit it best, fewer than requested when fewer are allowed.

        `k` is short for `Request(k=k)`. Confidences are not calibrated with other weights than the bundle's, nor in a
        requested style. Raises ImageError for a picture that cannot be read, ScenePipelineError for constraints that
        leave nothing, an unknown style or invalid weights.
        """
        started = time.perf_counter()
        request = _request(request, k)
        return self.recommend_for(self.analyze(image), request, started=started)

    def recommend_for(
        self,
        scene: Scene,
        request: Request | None = None,
        *,
        k: int | None = None,
        held: Held | None = None,
        opinion: Opinion | None = None,
        started: float | None = None,
        runners_up: RunnersUp = NO_RUNNERS_UP,
    ) -> SceneResult:
        """Return what `recommend` does for a scene analyzed before; time is counted from `started` (perf_counter).

        `held` keeps pinned products at their places and rejected ones out. `opinion` moves the order, within its bound.
        `runners_up` asks for products that would come next; it does not change the list.
        """
        started = time.perf_counter() if started is None else started
        request = _request(request, k)
        scene = self._with_style(scene, request)
        with self._shared_encoder.in_use():
            scored = self._scorer.score(scene, request)
            chooser, explainer = Chooser(self._scorer), Explainer(self._scorer)
            if opinion is not None:
                scored = scored.nudged(self.opinion_nudges(opinion, scored.rows))
            if held is None:
                chosen = chooser.choose(scene, scored, request.k, request.diversity, runners_up.count)
            else:
                scored, chosen = chooser.choose_around(scene, scored, held, request, runners_up.count)
            calibration = explainer.calibration_for(scene, scored, request)
            pinned = [] if held is None else list(held.pinned.values())
            completion = chooser.completion(scene, scored)

            def explained(positions: list[int]) -> tuple[Recommendation, ...]:
                if not positions:
                    return ()
                rows = scored.rows[positions]
                listed = (scored, positions, np.isin(rows, pinned))
                items = explainer.explain(scene, listed, calibration, opinion, request.constraints)
                return completion.explained(items, self.features.type_group[rows])

            more = chosen[1]
            return SceneResult(
                scene=scene.analysis,
                recommendations=explained(chosen[0]),
                runners_up=explained(more) if runners_up.in_words else explainer.unexplained(scored, more, calibration),
                bundle_version=self.bundle.version,
                encoder_id=self.encoder_id,
                elapsed_ms=1000 * (time.perf_counter() - started),
                request_id=request.id,
                weights_version=weights_version(scored.weights),
                context=request.context.record() if request.context.known else None,
                opinion=opinion,
            )

    def furnish(self, image: Photograph, plan: Plan, request: Request | None = None) -> FurnishedSet:
        """Return the set of products that furnishes a photographed room within the plan's budget.

        The request's constraints, weights and style hold for every product. A plan that nothing meets gives a set
        without pieces and a note that says what to relax. Raises ImageError for a picture that cannot be read,
        ScenePipelineError for unknown names and for constraints that leave nothing.
        """
        request = request or Request()
        return furnish(self, self._with_style(self.analyze(image), request), plan, request)

    def match(self, image: Photograph, request: Request | None = None, *, k: int | None = None) -> MatchResult:
        """Return the things of a photograph, each with the `k` products that look most like it and its box.

        Raises ImageError for a picture that cannot be read, ScenePipelineError for constraints that leave nothing.
        """
        request = _request(request, k)
        return match(self, self._with_style(self.analyze(image), request), request)

    def score(self, scene: Scene, request: Request | None = None) -> Scored:
        """Return the candidates for a scene, those that pass the filter first, each group best first."""
        request = request or Request()
        return self._scorer.score(self._with_style(scene, request), request)

    def score_rows(self, scene: Scene, rows: np.ndarray, request: Request) -> Scored:
        """Return some products of the catalog, scored and ordered as `score` orders."""
        return self._scorer.score_rows(scene, rows, request)

    def score_all(self, scene: Scene, request: Request | None = None) -> Scored:
        """Return every product of the catalog, ordered as `score` orders: for measuring, not for serving."""
        request = request or Request()
        return self._scorer.score_all(self._with_style(scene, request), request)

    def explain(
        self, scene: Scene, scored: Scored, chosen: Sequence[int], request: Request
    ) -> tuple[Recommendation, ...]:
        """Return the products at positions of `scored` in words, in the order given."""
        explainer = Explainer(self._scorer)
        calibration = explainer.calibration_for(scene, scored, request)
        if not len(chosen):
            return ()
        listed = (scored, list(chosen), np.zeros(len(chosen), bool))
        return explainer.explain(scene, listed, calibration, None, request.constraints)

    def shown(self, scene: Scene, request: Request | None = None, *, k: int | None = None) -> np.ndarray:
        """Return the rows of the product table that `recommend_for` lists, in its order."""
        request = _request(request, k)
        scene = self._with_style(scene, request)
        scored = self._scorer.score(scene, request)
        return scored.rows[Chooser(self._scorer).choose(scene, scored, request.k, request.diversity)[0]]

    def stand_out(self, scene: Scene, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far the pictures of products [m] stand out in a scene, and the window that shows each best.

        In their own deviations, minus infinity without a picture; see `Looks`.
        """
        return self._scorer.stand_out(scene, rows)

    def shown_similarity(self, scene: Scene, rows: np.ndarray, above: np.ndarray) -> np.ndarray:
        """Return how similar products [m] are to what a scene shows, by picture, colors and room; see the scorer's."""
        return self._scorer.shown_similarity(scene, rows, above)

    def query(self, scene: Scene) -> np.ndarray:
        """Return the fused query vector [d] of a scene; see `Scorer.query`."""
        return self._scorer.query(scene)

    def analyze(self, image: Photograph) -> Scene:
        """Return what a photograph shows: a path, its bytes, an open binary file or a PIL picture."""
        return self.with_votes(self.read(image))

    def read(self, image: Photograph) -> Scene:
        """Return what a photograph shows without votes of products: equal for all bundles of an encoder."""
        if not isinstance(image, Image.Image):
            source = Path(image) if isinstance(image, str | Path) else image
            if not isinstance(source, bytes | Path):
                source = source.read()
            image = decode_image(source, short_side=self.decoded_side)
        with self._shared_encoder.in_use():
            embedding = embed_scene(self._shared_encoder.now(), image)
            scene = analyze(image, embedding, self.classifier)
            return scene if self.ensemble is None else self.ensemble.read(image, embedding, scene)

    def with_votes(self, scene: Scene) -> Scene:
        """Return a scene from `read` with the votes of this bundle's products on its room."""
        probabilities = np.array(list(scene.analysis.room.distribution.values()), np.float32)
        windows = centered_windows(self.spec, scene.windows, self.reference.vector)
        voted = with_rooms(scene, self.room_votes.applied(probabilities, windows), self.vocabulary)
        return voted if self.ensemble is None else self.ensemble.noted(voted)

    @property
    def room_votes(self) -> RoomVotes:
        """The votes of the products on the room of a photograph."""
        return self._opened.room_votes

    def centered_on(self, vectors: np.ndarray) -> "SceneMatcher":
        """Return a matcher that reads scenes as part of a library with these scene vectors [n, d].

        What the library's photographs share no longer counts as similarity to products; see `reference.library_center`.
        With fewer than MIN_SCENES it answers as this one does.
        """
        prompts = (self.prompts.room[:-1], self.prompts.style)
        return self.with_center(library_center(vectors, self.reference.vector, prompts))

    def with_center(self, center: np.ndarray) -> "SceneMatcher":
        """Return a matcher that compares scenes from this center [d]; everything else is shared."""
        other = copy.copy(self)
        other._scorer = replace(self._scorer, center=center)
        return other

    def with_lists(self, lists: np.ndarray) -> "SceneMatcher":
        """Return a matcher for the next list of a library; `lists` [n] is in how many each product stands already.

        What has been shown often moves down a little, so that another product which fits about as well is shown.
        """
        other = copy.copy(self)
        other._scorer = replace(self._scorer, lists=lists)
        return other

    def with_ensemble(self, ensemble: Ensemble | None) -> "SceneMatcher":
        """Return a matcher that blends these encoders; everything else is shared."""
        other = copy.copy(self)
        other._opened = replace(self._opened, ensemble=ensemble)
        other._scorer = replace(self._scorer, data=other._opened)
        return other

    def with_candidates(self, count: int) -> "SceneMatcher":
        """Return a matcher that scores the best `count` candidates, or all products where there are no more."""
        other = copy.copy(self)
        other._scorer = replace(self._scorer, depth=count)
        return other

    def with_products(self, snapshot: Snapshot) -> "SceneMatcher":
        """Return a matcher whose candidates come from a product index, with its prices and stock as they are now.

        Everything else is the bundle's. Raises ScenePipelineError for an index of another encoder.
        """
        other = copy.copy(self)
        other._scorer = replace(self._scorer, source=ProductSource(self.bundle, snapshot))
        return other

    def context_version(self, request: Request) -> str:
        """Return a hash that changes when more is learned of a request's context; empty for a request without one."""
        return self._opened.contextual.version(request.context)

    def context_model(self) -> ContextModel:
        """Return the lifts of the bundle's products. Raises BundleError for a bundle without terms."""
        return self._opened.contextual.model

    def opinion_nudges(self, opinion: Opinion, rows: np.ndarray) -> np.ndarray:
        """Return how far an opinion moves products [m] in the order, in logits of the score."""
        return self._opened.opinions.nudges(opinion, rows)

    @property
    def bundle(self) -> Bundle:
        """The bundle that answers come from."""
        return self._opened.bundle

    @property
    def vocabulary(self) -> Vocabulary:
        """The words the bundle was built with."""
        return self._opened.vocabulary

    @property
    def spec(self) -> EncoderSpec:
        """The encoder's description."""
        return self._opened.spec

    @property
    def ensemble(self) -> Ensemble | None:
        """The encoders that work together; None where the bundle has one."""
        return self._opened.ensemble

    @property
    def encoder_id(self) -> str:
        """The id of the encoder, or of all that work together."""
        return self.spec.id if self.ensemble is None else self.ensemble.id

    @property
    def decoded_side(self) -> int:
        """The short side (pixels) at which a scene is decoded: no encoder's window is enlarged."""
        others = 0 if self.ensemble is None else self.ensemble.decoded_side()
        return max(others, decoded_side(self.spec))

    @property
    def encoder(self) -> OnnxImageEncoder:
        """The image tower."""
        return self._opened.encoder

    @property
    def prompts(self) -> PromptVectors:
        """The vectors of the prompts of rooms, styles and categories."""
        return self._opened.prompts

    @property
    def reference(self) -> SceneReference:
        """The mean scene of each image domain."""
        return self._opened.reference

    @property
    def calibration(self) -> CalibrationMap:
        """The map of confidences of the bundle's own weights."""
        return self._opened.calibration

    @property
    def weights(self) -> Mapping[str, float]:
        """The weights of the factors where a request states none."""
        return self._opened.weights

    @property
    def center(self) -> np.ndarray:
        """The mean scene [d] from which scenes are compared with products."""
        return self._scorer.center

    @property
    def features(self) -> ProductFeatures:
        """The arrays of the products, in the order of the product table."""
        return self._opened.features

    @property
    def category_ids(self) -> list[str]:
        """The vocabulary's categories, in the order in which arrays number them."""
        return self._opened.category_ids

    @property
    def currency(self) -> str:
        """The currency of the prices, where the catalog states one and only one."""
        found = [value for value in self.bundle.products(["currency"])["currency"].unique().to_pylist() if value]
        return found[0] if len(found) == 1 else ""

    def brands(self) -> pa.ChunkedArray:
        """Return the brand of every product."""
        return self._opened.brands()

    def row_of(self, name: str) -> int | None:
        """Return the row of the product with an id or SKU; None where there is none."""
        return self._opened.row_of(name)

    def group_of(self, row: int) -> str:
        """Return the type group of a product; empty where it is not known."""
        group = int(self._opened.features.type_group[row])
        return self.vocabulary.types.groups[group].id if group >= 0 else ""

    def _with_style(self, scene: Scene, request: Request) -> Scene:
        """Return the scene in the requested style; its analysis still says what the photograph shows."""
        if request.style is None:
            return scene
        styles = [style.id for style in self.vocabulary.styles]
        if request.style not in styles:
            raise ScenePipelineError(f"style '{request.style}' is not one of {', '.join(styles)}")
        return replace(scene, styles=(np.array(styles) == request.style).astype(np.float32))


@lru_cache(maxsize=1)
def _limit_blas() -> None:
    """Keep the products of numpy on one thread. The image tower has threads of its own."""
    from threadpoolctl import ThreadpoolController

    ThreadpoolController().select(internal_api="openblas").limit(limits=1)


def _request(request: Request | None, k: int | None) -> Request:
    """Return the request, a default one where None, with `k` where that is given."""
    request = request or Request()
    return request if k is None else replace(request, k=k)
