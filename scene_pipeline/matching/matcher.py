"""Open a bundle and answer photographs: `SceneMatcher.open("artifacts").recommend("room.webp")`."""

import copy
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.bundle.open import Bundle, open_bundle
from scene_pipeline.color.accents import Accent, accents, answers
from scene_pipeline.color.names import color_of
from scene_pipeline.context.context import Context
from scene_pipeline.context.ranking import ContextModel
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.prompts import PromptVectors
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.windows import CROPS, decoded_side, embed_scene
from scene_pipeline.errors import BundleError, ScenePipelineError
from scene_pipeline.images.decode import decode_image
from scene_pipeline.index.fuse import fuse_query
from scene_pipeline.index.port import Snapshot
from scene_pipeline.index.vectors import dot_rows
from scene_pipeline.matching.contextual import Contextual, shown_moves
from scene_pipeline.matching.diversity import (
    Listed,
    Pool,
    best_of_each_group,
    choose,
    group_limits,
    main_colors,
    with_strength,
)
from scene_pipeline.matching.factors import (
    FACTORS,
    Candidates,
    complete_weights,
    override_weights,
    score,
    weights_version,
)
from scene_pipeline.matching.filtering import allowed_products, kept_back, passes
from scene_pipeline.matching.furnish import FurnishedSet, Plan, furnish
from scene_pipeline.matching.held import Held
from scene_pipeline.matching.looks import Looks
from scene_pipeline.matching.match import MatchResult, match
from scene_pipeline.matching.opinion import Opinion, OpinionEffect, OpinionRanking, nudged
from scene_pipeline.matching.phrases import CLOSE, Look, look_of
from scene_pipeline.matching.placement import PlacementPlanner
from scene_pipeline.matching.product_features import PRODUCT_FEATURES, ProductFeatures
from scene_pipeline.matching.product_source import ProductSource
from scene_pipeline.matching.reasons import Narrator
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.matching.variants import ProductVariants, Variant
from scene_pipeline.scenes.box_phrase import box_phrase
from scene_pipeline.scenes.reference import REFERENCE, SceneReference, centered_windows, library_center
from scene_pipeline.scenes.scene import Scene, analyze
from scene_pipeline.scenes.zero_shot import ZeroShotClassifier
from scene_pipeline.vocabulary import Diversity

BACKGROUND = "background.npy"
"""The file's name in a bundle: fused vectors of the products against which a similarity is standardized."""

BACKGROUND_ROWS = 2048

POOL_FACTOR = 20
"""How many of the best candidates diversity chooses from, as a multiple of k."""

SCORED_WHOLE = 4000
"""Exhaustive-scoring limit: up to so many products all are scored; beyond, those nearest by similarity."""

WINDOWS_WHOLE = 250_000
"""Up to so many products every picture is compared with every window; beyond, those that the index finds."""

PRODUCT_COLUMNS = (
    "product_id", "sku_id", "description", "category", "product_type", "materials", "rooms", "largest_cm", "colors",
    "color_lab",
)  # fmt: skip


SCORED_ARRAYS = ("rows", "scores", "factors", "similarity", "passed", "window", "ranking", "lifts", "lifted", "nudges")

Photograph = str | Path | bytes | BinaryIO | Image.Image
"""A path, the bytes of a picture file, an open binary file, or a picture that is decoded already."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates with their scores: `rows` [m] into the product table, best first; `factors` [m, 6]; `passed` [m];
    `window` [m] is the window of the scene that shows each best.

    `weights` are the factor weights used. `ranking` [m] are the scores they are ordered by, those of `scores` but for
    the weighted lifts of the context, `lifts` [m, 3], which make them `lifted` [m], and the nudges of an opinion,
    `nudges` [m] in logits.
    """

    rows: np.ndarray
    scores: np.ndarray
    factors: np.ndarray
    similarity: np.ndarray
    passed: np.ndarray
    window: np.ndarray
    weights: Mapping[str, float]
    ranking: np.ndarray
    lifts: np.ndarray
    lifted: np.ndarray
    nudges: np.ndarray
    context: Context

    def without(self, rows: np.ndarray) -> "Scored":
        """Return the candidates but those of some rows of the product table."""
        kept = ~np.isin(self.rows, rows)
        return replace(self, **{name: getattr(self, name)[kept] for name in SCORED_ARRAYS})

    def joined(self, other: "Scored") -> "Scored":
        """Return these candidates and then the others."""
        return replace(
            self, **{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in SCORED_ARRAYS}
        )

    def nudged(self, nudges: np.ndarray) -> "Scored":
        """Return the candidates in the order that nudges [m], in logits, bring them to."""
        ranking = nudged(self.ranking, nudges)
        order = np.lexsort((self.rows, -ranking, ~self.passed))
        other = replace(self, ranking=ranking, nudges=nudges)
        return replace(other, **{name: getattr(other, name)[order] for name in SCORED_ARRAYS})


class SceneMatcher:
    """Answers scenes from one opened bundle. Safe to share between threads: nothing changes after opening."""

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        self.bundle = bundle
        self.vocabulary = bundle.vocabulary
        self._threads = threads
        self.spec = msgspec.convert(bundle.manifest.image_encoder, EncoderSpec)
        self.calibration = bundle.calibration
        self._weights = complete_weights(self.vocabulary.scoring.weights_for(self.spec.id))
        if not self.calibration.holds_for(self._weights):
            self.calibration = uncalibrated(self.spec.id)
        self.encoder = OnnxImageEncoder.open(bundle.encoder_path, self.spec, threads=threads)
        self.prompts = PromptVectors.load(bundle.prompts_path)
        self.reference = SceneReference.load(bundle.path / REFERENCE)
        self.classifier = ZeroShotClassifier(self.vocabulary, self.prompts, self.reference)
        self._center = self.reference.vector
        self._features = ProductFeatures.load(bundle.path / PRODUCT_FEATURES)
        self._contextual = Contextual(bundle, self._features.price)
        self._products = bundle.products(PRODUCT_COLUMNS)
        self._opinions = OpinionRanking(self.vocabulary, self._features, self._products["materials"])
        self._variants = ProductVariants.of(bundle, self._features)
        self._category_ids = [category.id for category in self.vocabulary.categories]
        self._looks = Looks.load(bundle.path)
        self._source: ProductSource | None = None
        self._background = _read_background(bundle)
        # decoding Parquet leaves several times the table's size in Arrow's pool
        pa.default_memory_pool().release_unused()

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

        `verify` hashes every file first; leave it out only where that has just been done.
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

        This one keeps answering in any case. Raises BundleError when the promoted bundle cannot be opened.
        """
        if self.bundle.is_current():
            return self
        return SceneMatcher.open(self.bundle.artifacts, threads=self._threads, verify=verify)

    def recommend(self, image: Photograph, request: Request | None = None, *, k: int | None = None) -> SceneResult:
        """Return the scene's analysis and the products that suit it best, fewer than requested when fewer are allowed.

        `k` stands for `Request(k=k)`. Confidences are not calibrated with other weights than the bundle's, nor in a
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
    ) -> SceneResult:
        """Return what `recommend` does for a scene analyzed before; time is counted from `started` (perf_counter).

        `held` keeps pinned products at their places and rejected ones out. `opinion` moves the order, within its bound.
        """
        started = time.perf_counter() if started is None else started
        request = _request(request, k)
        scene = self._with_style(scene, request)
        scored = self.score(scene, request)
        if opinion is not None:
            scored = scored.nudged(self.opinion_nudges(opinion, scored.rows))
        if held is None:
            chosen = self._choose(scene, scored, request.k, request.diversity)
        else:
            scored, chosen = self._choose_around(scene, scored, held, request)
        calibration = self._calibration_for(scene, scored, request)
        fixed = np.isin(scored.rows[chosen], [] if held is None else list(held.pinned.values()))
        return SceneResult(
            scene=scene.analysis,
            recommendations=self._explain(scene, (scored, chosen, fixed), calibration, opinion, request.constraints),
            bundle_version=self.bundle.version,
            encoder_id=self.spec.id,
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
        ScenePipelineError for names that nothing bears and constraints that leave nothing.
        """
        request = request or Request()
        return furnish(self, self._with_style(self.analyze(image), request), plan, request)

    def match(self, image: Photograph, request: Request | None = None, *, k: int | None = None) -> MatchResult:
        """Return the things of a photograph, each with the `k` products that look most like it and its box.

        Raises ImageError for a picture that cannot be read, ScenePipelineError for constraints that leave nothing.
        """
        request = _request(request, k)
        return match(self, self._with_style(self.analyze(image), request), request)

    def _calibration_for(self, scene: Scene, scored: Scored, request: Request) -> CalibrationMap:
        """Return the map of confidences; one that says nothing where the request leaves what it was fitted on."""
        as_fitted = self.calibration.holds_for(scored.weights) and request.style is None
        known = as_fitted and self.calibration.speaks_of(scene.analysis.domain)
        return self.calibration if known else uncalibrated(self.spec.id)

    def score_rows(self, scene: Scene, rows: np.ndarray, request: Request) -> Scored:
        """Return some products of the catalog, scored and ordered as `score` orders."""
        return self._score(scene, rows, request)

    def explain(
        self, scene: Scene, scored: Scored, chosen: Sequence[int], request: Request
    ) -> tuple[Recommendation, ...]:
        """Return the products at positions of `scored` in words, in the order given."""
        calibration = self._calibration_for(scene, scored, request)
        if not len(chosen):
            return ()
        listed = (scored, list(chosen), np.zeros(len(chosen), bool))
        return self._explain(scene, listed, calibration, None, request.constraints)

    def stand_out(self, scene: Scene, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far the pictures of products [m] stand out in a scene, and the window that shows each best.

        In their own deviations, minus infinity without a picture; see `Looks`.
        """
        above, window = self._looks.compare(self._windows(scene), rows)
        return np.where(self._features.has_image[rows], above, -np.inf), window

    @property
    def features(self) -> ProductFeatures:
        """The arrays of the products, in the order of the product table."""
        return self._features

    @property
    def category_ids(self) -> list[str]:
        """The vocabulary's categories, in the order in which arrays number them."""
        return self._category_ids

    @property
    def currency(self) -> str:
        """The currency of the prices, where the catalog states one and only one."""
        found = [value for value in self.bundle.products(["currency"])["currency"].unique().to_pylist() if value]
        return found[0] if len(found) == 1 else ""

    def brands(self) -> pa.ChunkedArray:
        """Return the brand of every product."""
        return self._brands()

    def row_of(self, name: str) -> int | None:
        """Return the row of the product with an id or SKU; None where there is none."""
        for column in ("product_id", "sku_id"):
            row = pc.index(self._products[column], name).as_py()
            if row >= 0:
                return int(row)
        return None

    def group_of(self, row: int) -> str:
        """Return the type group of a product; empty where it is not known."""
        group = int(self._features.type_group[row])
        return self.vocabulary.types.groups[group].id if group >= 0 else ""

    def _choose_around(self, scene: Scene, scored: Scored, held: Held, request: Request) -> tuple[Scored, list[int]]:
        """Choose for the places that no pinned product holds; return the candidates with the pinned ones as well."""
        free = scored.without(held.rows)
        chosen = self._choose(scene, free, request.k - len(held.pinned), request.diversity)
        rows = np.array(list(held.pinned.values()), dtype=np.int64)
        if not len(rows):
            return free, chosen
        own = self._score(scene, rows, request)
        at = {int(row): len(free.rows) + index for index, row in enumerate(own.rows)}
        pinned = {rank: at[row] for rank, row in held.pinned.items()}
        return free.joined(own), held.placed(chosen, pinned, request.k)

    def shown(self, scene: Scene, request: Request | None = None, *, k: int | None = None) -> np.ndarray:
        """Return the rows of the product table that `recommend_for` lists, in its order."""
        request = _request(request, k)
        scene = self._with_style(scene, request)
        scored = self.score(scene, request)
        return scored.rows[self._choose(scene, scored, request.k, request.diversity)]

    def _with_style(self, scene: Scene, request: Request) -> Scene:
        """Return the scene in the requested style; its analysis still says what the photograph shows."""
        if request.style is None:
            return scene
        styles = [style.id for style in self.vocabulary.styles]
        if request.style not in styles:
            raise ScenePipelineError(f"style '{request.style}' is not one of {', '.join(styles)}")
        return replace(scene, styles=(np.array(styles) == request.style).astype(np.float32))

    def analyze(self, image: Photograph) -> Scene:
        """Return what a photograph shows: a path, its bytes, an open binary file or a PIL picture."""
        if not isinstance(image, Image.Image):
            source = Path(image) if isinstance(image, str | Path) else image
            if not isinstance(source, bytes | Path):
                source = source.read()
            image = decode_image(source, short_side=decoded_side(self.spec))
        return analyze(image, embed_scene(self.encoder, image), self.classifier)

    def centered_on(self, vectors: np.ndarray) -> "SceneMatcher":
        """Return a matcher that reads scenes as part of a library with these scene vectors [n, d].

        What the library's photographs share no longer counts as similarity to products; see `reference.library_center`.
        With fewer than MIN_SCENES it answers as this one does.
        """
        prompts = (self.prompts.room[:-1], self.prompts.style)
        return self.with_center(library_center(vectors, self.reference.vector, prompts))

    def context_version(self, request: Request) -> str:
        """Return what changes when something was learned of a request's context; empty where it has none."""
        return self._contextual.version(request.context)

    def context_model(self) -> ContextModel:
        """Return the lifts of the bundle's products. Raises BundleError for a bundle without terms."""
        return self._contextual.model

    def with_center(self, center: np.ndarray) -> "SceneMatcher":
        """Return a matcher that compares scenes from this center [d]; everything else is shared."""
        other = copy.copy(self)
        other._center = center
        return other

    def with_products(self, snapshot: Snapshot) -> "SceneMatcher":
        """Return a matcher whose candidates come from a product index, with its prices and stock as they are now.

        Everything else is the bundle's. Raises ScenePipelineError for an index of another encoder.
        """
        other = copy.copy(self)
        other._source = ProductSource(self.bundle, snapshot)
        return other

    def opinion_nudges(self, opinion: Opinion, rows: np.ndarray) -> np.ndarray:
        """Return how far an opinion moves products [m] in the order, in logits of the score."""
        return self._opinions.nudges(opinion, rows)

    @property
    def weights(self) -> Mapping[str, float]:
        """The weights of the factors, where a call gives none."""
        return self._weights

    @property
    def center(self) -> np.ndarray:
        """The mean scene [d] from which scenes are compared with products."""
        return self._center

    def score(self, scene: Scene, request: Request | None = None) -> Scored:
        """Return the candidates for a scene, those that pass the filter first, each group best first."""
        request = request or Request()
        scene = self._with_style(scene, request)
        wanted = max(self.vocabulary.scoring.candidates, POOL_FACTOR * request.k)
        if self._source is not None:
            rows = self._source.candidates(self.query(scene), max(wanted, SCORED_WHOLE), request.constraints)
        else:
            allowed = allowed_products(
                request.constraints, self._features, self._category_ids, self._brands, self._variants
            )
            rows = self._candidates(scene, wanted, allowed)
        shown = ~kept_back(scene, self._features, rows, request.constraints.include)
        return self._score(scene, rows[shown], request)

    def score_all(self, scene: Scene, request: Request | None = None) -> Scored:
        """Return every product of the catalog, ordered as `score` orders: for measuring, not for serving."""
        request = request or Request()
        scene = self._with_style(scene, request)
        return self._score(scene, np.arange(len(self._features)), request)

    def _score(self, scene: Scene, rows: np.ndarray, request: Request) -> Scored:
        similarity, window = self._similarity(scene, rows)
        candidates = Candidates(rows, similarity, self._features, self.vocabulary)
        used = override_weights(self._weights, request.weights)
        scores, factors = score(scene, candidates, used)
        passed = passes(scene, candidates)
        order, ranking, lifts = self._contextual.order(request.context, (rows, scores, passed))
        return Scored(
            rows=rows[order],
            scores=scores[order],
            factors=factors[order],
            similarity=similarity[order],
            passed=passed[order],
            window=window[order],
            weights=used,
            ranking=ranking,
            lifts=lifts,
            lifted=ranking,
            nudges=np.zeros(len(order)),
            context=request.context,
        )

    def _candidates(self, scene: Scene, wanted: int, allowed: np.ndarray | None) -> np.ndarray:
        """Return the rows of the products to score: all that are allowed while they are few.

        Else those whose best window stands out most, and those nearest in words and in the picture as a whole.
        """
        count = len(self._features)
        if count <= SCORED_WHOLE:
            return np.arange(count) if allowed is None else np.flatnonzero(allowed)
        by_words, _ = self.bundle.index.search(self.query(scene), wanted, allowed)
        if count > WINDOWS_WHOLE:
            near = [self.bundle.index.search(query, wanted // 4, allowed)[0] for query in self._window_queries(scene)]
            rows = np.unique(np.concatenate([by_words, *near]))
            above, _ = self._looks.compare(self._windows(scene), rows)
        else:
            rows = np.arange(count) if allowed is None else np.flatnonzero(allowed)
            above = self._looks.above_usual(self._windows(scene))[rows]
        above[~self._features.has_image[rows]] = -np.inf
        best = rows[np.argpartition(-above, wanted - 1)[:wanted]] if len(rows) > wanted else rows
        return np.union1d(by_words, best)

    def _windows(self, scene: Scene) -> np.ndarray:
        """Return the windows [w, look] of a scene as they are compared with products."""
        return centered_windows(self.spec, scene.windows, self._center)

    def _window_queries(self, scene: Scene) -> list[np.ndarray]:
        """Return fused queries for the whole and for its halves, by the picture alone."""
        fusion = self.bundle.fusion
        nothing = np.zeros(fusion.text_dim, np.float32)
        return [np.concatenate([window, nothing]) for window in self._windows(scene)[: len(CROPS)]]

    def _similarity(self, scene: Scene, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the standardized similarity [m] of products to a scene, and the window [m] that shows it best.

        Their pictures by the best window, their words by the meaning of the whole, each in standard deviations;
        `image_share` weighs the two. A product without a picture is known by its words alone.
        """
        above, window = self._looks.compare(self._windows(scene), rows)
        words = self.query(scene)
        words[: self.bundle.fusion.image_dim] = 0
        background = dot_rows(self._background, words)
        said = (dot_rows(self.bundle.index.decode(rows), words) - background.mean()) / max(background.std(), 1e-6)
        share = self.vocabulary.scoring.image_share
        both = (share * above + (1 - share) * said) / math.hypot(share, 1 - share)
        return np.where(self._features.has_image[rows], both, said).astype(np.float32), window

    def _brands(self) -> pa.ChunkedArray:
        return self.bundle.products(["brand"])["brand"]

    def query(self, scene: Scene) -> np.ndarray:
        """Return the fused query vector [d] of a scene: what its picture shows, and the words that says.

        The picture is centered on the mean scene, not on the mean product as `fuse_query` does: what all rooms share
        would draw every scene to the same products. Where pictures lie in the space of texts (the compact encoder) the
        picture itself is the text query; else it is the words of the scene's rooms and styles.
        """
        fusion = self.bundle.fusion
        if self.spec.family == "compact":
            words = scene.vector - self._center
        else:
            rooms, styles = self.prompts.room_text, self.prompts.style_text
            words = scene.rooms @ (rooms - rooms.mean(axis=0)) + 0.5 * (scene.styles @ (styles - styles.mean(axis=0)))
        share = self.vocabulary.scoring.image_share
        return fuse_query(self._windows(scene)[0] + fusion.image_mean, words + fusion.text_mean, fusion, share)

    def _choose(self, scene: Scene, scored: Scored, k: int, diversity: float | None) -> list[int]:
        """Spread the list over the candidates that passed; the others only fill what is left."""
        rules = self.vocabulary.scoring.diversity
        if diversity is not None:
            rules = with_strength(rules, diversity)
        listed = Listed()
        found = accents(scene.density)
        chosen: list[int] = []
        for positions in (np.flatnonzero(scored.passed), np.flatnonzero(~scored.passed)):
            best = best_of_each_group(self._features.type_group[scored.rows[positions]], POOL_FACTOR * k, k)
            part = positions[best]
            if len(chosen) < k and len(part):
                picked = choose(self._pool(scene, scored, part, found, rules), k - len(chosen), rules, listed)
                chosen += [int(part[index]) for index in picked]
        return sorted(chosen, key=lambda index: -scored.ranking[index])

    def _pool(
        self, scene: Scene, scored: Scored, part: np.ndarray, found: tuple[Accent, ...], rules: Diversity
    ) -> Pool:
        rows = scored.rows[part]
        vectors = self.bundle.index.decode(rows)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        category, group = self._features.category[rows], self._features.type_group[rows]
        lab, share = self._features.color_lab[rows], self._features.color_share[rows]
        limits = group_limits(self.vocabulary.types, rules.max_bought_in_numbers)
        return Pool(
            scores=scored.ranking[part] + self._category_adjustments(scene, rules)[category],
            vectors=vectors,
            category=category,
            group=group,
            limit=limits[group],
            color=main_colors(lab, share),
            accent=answers(lab, share, found),
        )

    def _category_adjustments(self, scene: Scene, rules: Diversity) -> np.ndarray:
        """[C + 1] what a category gains by its placement priority and loses by being in the picture already."""
        priority = [category.placement_priority for category in self.vocabulary.categories]
        seen = scene.analysis.present
        present = [2 * max(seen.get(name, 0.0) - 0.5, 0.0) for name in self._category_ids]
        worth = rules.priority * np.array([*priority, self.vocabulary.uncategorized.placement_priority])
        return worth - rules.present * np.array([*present, 0.0])

    def _explain(
        self,
        scene: Scene,
        listed: tuple[Scored, list[int], np.ndarray],
        calibration: CalibrationMap,
        opinion: Opinion | None,
        constraints: Constraints,
    ) -> tuple[Recommendation, ...]:
        """Return the list in words: candidates, the positions chosen among them, and which a person pinned."""
        scored, chosen, fixed = listed
        by_opinion = shown_moves(scored.lifted[chosen], fixed)
        by_context = shown_moves(scored.scores[chosen], fixed) - by_opinion
        rows = scored.rows[chosen]
        # Cell by cell: Table.take joins all chunks of a column first, 28 ms at a million products.
        columns = dict(zip(self._products.column_names, self._products.columns, strict=True))
        products = [{name: column[row].as_py() for name, column in columns.items()} for row in rows.tolist()]
        confidence = calibration.apply(scored.scores[chosen])
        lift = (scored.factors - scored.factors.mean(axis=0)) * np.array([scored.weights[name] for name in FACTORS])
        narrator = Narrator(self.vocabulary, scene)
        planner = PlacementPlanner(self.vocabulary, scene.analysis)
        closer = [_normal_cdf(value) for value in scored.similarity[chosen].tolist()]
        places = [planner.place(product["category"], product["product_type"]) for product in products]
        seen_at = [
            box_phrase(scene.boxes[scored.window[index]].tolist()) if closer_than >= CLOSE else ""
            for index, closer_than in zip(chosen, closer, strict=True)
        ]
        reasons = [
            narrator.sentence(product, lift[index], self._look(product, row, where), closer_than)
            for index, row, product, closer_than, where in zip(chosen, rows, products, closer, seen_at, strict=True)
        ]
        return tuple(
            Recommendation(
                rank=rank,
                product_id=product["product_id"],
                sku_id=product["sku_id"],
                description=product["description"],
                category=product["category"],
                placement=place,
                score=float(scored.scores[index]),
                confidence=float(confidence[rank - 1]),
                calibrated=calibration.calibrated,
                factors=dict(zip(FACTORS, scored.factors[index].tolist(), strict=True)),
                reason=reason,
                context=self._contextual.effect(
                    scored.context, int(rows[rank - 1]), int(by_context[rank - 1]), scored.lifts[index]
                ),
                opinion=self._opinion_effect(opinion, scored, index, int(by_opinion[rank - 1])),
                variant=self._variant(int(rows[rank - 1]), scene, constraints),
            )
            for rank, (index, product, place, reason) in enumerate(
                zip(chosen, products, places, reasons, strict=True), start=1
            )
        )

    def _opinion_effect(self, opinion: Opinion | None, scored: Scored, index: int, moved: int) -> OpinionEffect | None:
        if opinion is None:
            return None
        nudge = float(scored.nudges[index])
        return OpinionEffect(moved, round(nudge, 4), self._opinions.sentence(opinion, int(scored.rows[index]), nudge))

    def _variant(self, row: int, scene: Scene, constraints: Constraints) -> Variant | None:
        """Return the variant of a product to show: nearest to the requested colors, else to the scene's."""
        if self._variants is None:
            return None
        lab = np.array([color_of(color) for color in constraints.colors]) if constraints.colors else scene.lab
        return self._variants.choose(row, lab, constraints)

    def _look(self, product: Mapping[str, Any], row: int, where: str) -> Look:
        features = self._features
        return look_of(product, (features.color_lab[row], features.color_share[row], features.style_share[row]), where)


def _request(request: Request | None, k: int | None) -> Request:
    """Return the request; `k` alone stands for one."""
    request = request or Request()
    return request if k is None else replace(request, k=k)


def background_rows(count: int) -> np.ndarray:
    """Return the rows drawn once, with a fixed seed, of a table of `count` products; ascending."""
    size = min(BACKGROUND_ROWS, count)
    return np.sort(np.random.default_rng(0).choice(count, size=size, replace=False))


def _read_background(bundle: Bundle) -> np.ndarray:
    """Return the drawn vectors [m, d] from a file of their own: gathering them would map most of vectors.npy."""
    try:
        return np.load(bundle.path / BACKGROUND, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as error:
        raise BundleError(f"{bundle.path / BACKGROUND}: cannot be read ({error}); build the bundle again") from error


def _normal_cdf(z: float) -> float:
    """Share of a normal population below `z` standard deviations."""
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))
