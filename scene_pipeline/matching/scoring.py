"""Score products for a scene: the candidates, their similarity to it, and the weighted factors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scene_pipeline.index.fuse import fuse_query
from scene_pipeline.index.vectors import dot_rows
from scene_pipeline.matching.diversity import best_of_each_group
from scene_pipeline.matching.factors import Candidates, override_weights, rough_score
from scene_pipeline.matching.factors import score as combine
from scene_pipeline.matching.filtering import allowed_products, kept_back, passes
from scene_pipeline.matching.opened import Opened
from scene_pipeline.matching.opinion import nudged
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.product_source import ProductSource
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.scored import Scored
from scene_pipeline.scenes.reference import centered_windows
from scene_pipeline.scenes.scene import Scene

POOL_FACTOR = 20
"""How many of the best candidates diversity chooses from, as a multiple of k."""

SCORED_WHOLE = 4000
"""Exhaustive-scoring limit: up to this many products, all are scored; above it, those nearest by similarity."""

ROUGH_FACTOR = 10
"""Products that are put in order by a rough score, as a multiple of the candidates wanted."""

EACH_TYPE = 30
"""Minimum number of candidates of each type of product, as far as there are any: a list has few places for a type."""

MIN_ROOM_FIT = 0.02
"""Lower bound of a product's room fit in matching: the room is sometimes read wrongly."""


def log_room_fit(features: ProductFeatures, scene: Scene, rows: np.ndarray) -> np.ndarray:
    """Return the log of how well products [m] suit the room of a scene, from MIN_ROOM_FIT to 1."""
    return np.log(np.maximum(features.room_fit[rows] @ scene.rooms, MIN_ROOM_FIT))


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores scenes relative to a mean scene, `center` [d]; candidates come from `source` where there is one.

    `depth` is how many candidates are scored; the vocabulary's number where None. `lists` [n] is in how many lists of
    a library each product stands already; None for a single photograph.
    """

    data: Opened
    center: np.ndarray
    source: ProductSource | None = None
    depth: int | None = None
    lists: np.ndarray | None = None

    def score(self, scene: Scene, request: Request) -> Scored:
        """Return the candidates for a scene, those that pass the filter first, each group best first."""
        wanted = max(self.depth or self.data.vocabulary.scoring.candidates, POOL_FACTOR * request.k)
        if self.source is not None:
            rows = self.source.candidates(self.query(scene), max(wanted, SCORED_WHOLE), request.constraints)
        else:
            allowed = allowed_products(
                request.constraints,
                self.data.features,
                self.data.category_ids,
                self.data.brands,
                self.data.variants,
            )
            used = override_weights(self.data.weights, request.weights)
            rows = self._candidates(scene, wanted, allowed, used)
        shown = ~kept_back(scene, self.data.features, rows, request.constraints.include)
        return self.score_rows(scene, rows[shown], request)

    def score_rows(self, scene: Scene, rows: np.ndarray, request: Request) -> Scored:
        """Return some products of the catalog, scored and ordered as `score` orders."""
        similarity = self._similarity(scene, rows)
        candidates = Candidates(rows, similarity, self.data.features, self.data.vocabulary)
        used = override_weights(self.data.weights, request.weights)
        scores, factors = combine(scene, candidates, used)
        passed = passes(scene, candidates)
        base = scores
        if self.lists is not None:
            base = nudged(scores, -self.data.vocabulary.scoring.diversity.repeats * np.log1p(self.lists[rows]))
        order, ranking, lifts = self.data.contextual.order(request.context, (rows, base, passed))
        return Scored(
            rows=rows[order],
            scores=scores[order],
            factors=factors[order],
            similarity=similarity[order],
            passed=passed[order],
            weights=used,
            base=base[order],
            ranking=ranking,
            lifts=lifts,
            lifted=ranking,
            nudges=np.zeros(len(order)),
            context=request.context,
        )

    def score_all(self, scene: Scene, request: Request) -> Scored:
        """Return every product of the catalog, ordered as `score` orders: for measuring, not for serving."""
        return self.score_rows(scene, np.arange(len(self.data.features)), request)

    def stand_out(self, scene: Scene, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far the pictures of products [m] stand out in a scene, and the window that shows each best.

        In their own deviations, minus infinity without a picture; see `Looks`.
        """
        above, window = self.data.looks.compare(self._windows(scene), rows)
        above = self._blended(above, scene, rows)
        return np.where(self.data.features.has_image[rows], above, -np.inf), window

    def shown_similarity(self, scene: Scene, rows: np.ndarray, above: np.ndarray) -> np.ndarray:
        """Return how similar products [m] are to what a scene shows; `above` [m] is that of `stand_out`.

        How far the picture stands out, and how much more of the product's colors the scene holds than rooms do, both in
        standard deviations, plus the log of how well the product suits the room: of two similar products, the one
        that belongs there.
        """
        features = self.data.features
        has_color = features.color_share[rows, 0] > 0
        seen = np.where(has_color, self.data.coverage.seen(rows, scene.density), 0)
        return above + seen + log_room_fit(features, scene, rows)

    def query(self, scene: Scene) -> np.ndarray:
        """Return the fused query vector [d] of a scene, from its picture and from words.

        The picture is centered on the mean scene, not on the mean product as `fuse_query` does: what all rooms share
        would draw every scene to the same products. Where pictures lie in the space of texts (the compact encoder) the
        picture itself is the text query; else it is the words of the scene's rooms and styles.
        """
        return self._query(scene, self._windows(scene))

    def _query(self, scene: Scene, windows: np.ndarray) -> np.ndarray:
        """Return the query of a scene with its windows [w, look] as they are compared with products."""
        fusion = self.data.bundle.fusion
        if self.data.spec.family == "compact":
            words = scene.vector - self.center
        else:
            rooms, styles = self.data.prompts.room_text, self.data.prompts.style_text
            words = scene.rooms @ (rooms - rooms.mean(axis=0)) + 0.5 * (scene.styles @ (styles - styles.mean(axis=0)))
        share = self.data.vocabulary.scoring.image_share
        return fuse_query(windows[0] + fusion.image_mean, words + fusion.text_mean, fusion, share)

    def _candidates(
        self, scene: Scene, wanted: int, allowed: np.ndarray | None, weights: Mapping[str, float]
    ) -> np.ndarray:
        """Return the rows of the products to score: all that are allowed, if they are few.

        Otherwise those that score best without the costly factors, some of each type, and those nearest in words.
        """
        count = len(self.data.features)
        if count <= max(SCORED_WHOLE, wanted):
            return np.arange(count) if allowed is None else np.flatnonzero(allowed)
        by_words, _ = self.data.bundle.index.search(self.query(scene), wanted, allowed)
        rows = np.arange(count) if allowed is None else np.flatnonzero(allowed)
        above = self.data.looks.above_usual(self._windows(scene))[rows]
        best = self._roughly_best(scene, rows, above, wanted, weights)
        return np.union1d(by_words, rows[best])

    def _roughly_best(
        self, scene: Scene, rows: np.ndarray, above: np.ndarray, wanted: int, weights: Mapping[str, float]
    ) -> np.ndarray:
        """Return which of the rows [m] a rough score puts first, some of each type; `above` [m] is that of `Looks`."""
        features = self.data.features
        every = Candidates(
            rows,
            np.where(features.has_image[rows], above, 0),
            features,
            self.data.vocabulary,
            coverage=self.data.coverage,
            whole=len(rows) == len(features),
        )
        passed = np.flatnonzero(passes(scene, every))
        if len(passed) < wanted:  # what does not pass only fills a list
            passed = np.arange(len(rows))
        candidates = every.subset(passed)
        rough = rough_score(scene, candidates, weights)
        most = min(ROUGH_FACTOR * wanted, len(rough))
        first = np.argpartition(-rough, most - 1)[:most]
        order = first[np.argsort(-rough[first])]
        of_each = best_of_each_group(features.type_group[candidates.rows[order]], wanted, EACH_TYPE)
        return passed[np.union1d(order[:wanted], order[of_each])]

    def best_windows(self, scene: Scene, rows: np.ndarray) -> np.ndarray:
        """Return the window [m] of a scene that shows each of some products [m] best."""
        return self.data.looks.compare(self._windows(scene), rows)[1]

    def _blended(self, above: np.ndarray, scene: Scene, rows: np.ndarray) -> np.ndarray:
        """Return how far the pictures of products [m] stand out by all encoders; `above` [m] is that of the first."""
        return above if self.data.ensemble is None else self.data.ensemble.blend(above, scene, rows)

    def _windows(self, scene: Scene) -> np.ndarray:
        """Return the windows [w, look] of a scene as they are compared with products."""
        return centered_windows(self.data.spec, scene.windows, self.center)

    def _similarity(self, scene: Scene, rows: np.ndarray) -> np.ndarray:
        """Return the standardized similarity [m] of products to a scene.

        Their pictures by the best window, their words by the meaning of the whole, each in standard deviations;
        `image_share` weighs the two. A product without a picture is compared by its words alone.
        """
        windows = self._windows(scene)
        above = self._blended(self.data.looks.above(windows, rows), scene, rows)
        words = self._query(scene, windows)
        words[: self.data.bundle.fusion.image_dim] = 0
        background = dot_rows(self.data.background, words)
        said = (dot_rows(self.data.bundle.index.decode(rows), words) - background.mean()) / max(background.std(), 1e-6)
        share = self.data.vocabulary.scoring.image_share
        both = (share * above + (1 - share) * said) / math.hypot(share, 1 - share)
        return np.where(self.data.features.has_image[rows], both, said).astype(np.float32)
