"""Learn how the encoders of a bundle are blended, from scenes whose products are known, and test it on scenes held out.

A score is the weighted sum of factors, of which the blend changes one: base similarity. The weights are non-negative,
and maximize the likelihood of a scene's known products in a softmax over its products. An encoder stays only where it
gains more than its parameter costs (Akaike's information criterion); one without information gets 0. Reciprocal rank
fusion of the lists by each encoder alone is the baseline.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scene_pipeline.bundle.calibration_map import logistic
from scene_pipeline.errors import TruthError
from scene_pipeline.matching.ensemble import Ensemble
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.scenes.scene import Scene

FOLDS = 5
RANK_OFFSET = 60
"""The constant of reciprocal rank fusion (Cormack et al. 2009)."""

PARAMETER_COST = 1.0
"""Log-likelihood, summed over scenes, that an encoder must gain to stay (Akaike's criterion)."""

NEGATIVES = 300
"""Number of other products of a scene that the fitting ones are compared with, drawn once with a fixed seed."""

FUSED = "reciprocal rank fusion"
BLEND = "blend"


@dataclass(frozen=True, slots=True)
class BlendTable:
    """The inputs of scores: s scenes, p products, e encoders.

    above [s, p, e] are the standardized similarities of pictures by each encoder (of texts for captions), words [s, p]
    those of texts by the first, has_image [p]. rest [s, p] is what the other factors add to a score; base_weight, slope
    and image_share are those of the base similarity. relevant [s, p] are the products known to fit, known [s, p] all
    products with a label.
    """

    encoders: tuple[str, ...]
    above: np.ndarray
    words: np.ndarray
    has_image: np.ndarray
    rest: np.ndarray
    relevant: np.ndarray
    known: np.ndarray
    base_weight: float
    slope: float
    image_share: float

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """Return the scores [s, p] for the encoder weights [e]."""
        share = self.image_share
        both = (share * (self.above @ weights) + (1 - share) * self.words) / math.hypot(share, 1 - share)
        similarity = np.where(self.has_image, both, self.words)
        return self.rest + self.base_weight * logistic(self.slope * similarity)

    def take(self, scenes: np.ndarray) -> "BlendTable":
        """Return the table of some scenes."""
        arrays = {name: getattr(self, name)[scenes] for name in ("above", "words", "rest", "relevant", "known")}
        return replace(self, **arrays)

    def among(self, encoders: Sequence[str]) -> "BlendTable":
        """Return the table of some encoders."""
        places = [self.encoders.index(id) for id in encoders]
        return replace(self, encoders=tuple(encoders), above=self.above[..., places])

    def alone(self, encoder: int) -> np.ndarray:
        """Return the weights of one encoder alone."""
        return np.eye(len(self.encoders))[encoder]

    def covariance(self) -> np.ndarray:
        """Return the covariance [e, e] of the encoders' similarities over products with a picture."""
        return np.atleast_2d(np.cov(self.above[:, self.has_image].reshape(-1, len(self.encoders)).T))


def blend_table(
    matcher: SceneMatcher, scenes: Sequence[Scene], rows: np.ndarray, relevant: np.ndarray, known: np.ndarray
) -> BlendTable:
    """Return the table of scenes that a matcher with all its members has read, over `rows` [p] of the product table.

    `relevant` and `known` are bool [s, p].
    """
    ensemble = matcher.ensemble
    if ensemble is None:
        raise TruthError(f"encoder '{matcher.spec.id}' is the bundle's only one; build with --encoder A,B to blend")
    singles = [matcher.with_ensemble(ensemble.only(id)) for id in ensemble.weights]
    base, share = matcher.weights["base_similarity"], matcher.vocabulary.scoring.image_share
    has_image = matcher.features.has_image[rows]
    above, words, rest = [], [], []
    for scene in scenes:
        by_each = np.stack([single.stand_out(scene, rows)[0] for single in singles], axis=-1)
        by_each[~has_image] = 0
        scored = singles[0].score_rows(scene, rows, Request())
        order = np.argsort(scored.rows)[np.argsort(np.argsort(rows))]
        similarity = scored.similarity[order].astype(np.float64)
        said = (similarity * math.hypot(share, 1 - share) - share * by_each[:, 0]) / max(1 - share, 1e-9)
        above.append(by_each)
        words.append(np.where(has_image, said, similarity))
        rest.append(scored.scores[order] - base * scored.factors[order, 0])
    return BlendTable(
        tuple(ensemble.weights), np.stack(above), np.stack(words), has_image, np.stack(rest), relevant, known,
        base, matcher.vocabulary.scoring.similarity_slope, share,
    )  # fmt: skip


def all_members(matcher: SceneMatcher) -> SceneMatcher:
    """Return the matcher with every member of its bundle, those of weight 0 too. Raises TruthError when one is lost."""
    ensemble = Ensemble.open(matcher.bundle, weighed_only=False)
    if ensemble is not None and ensemble.problems:
        id, problem = next(iter(ensemble.problems.items()))
        raise TruthError(f"encoder '{id}' cannot be weighed, it is not in the bundle: {problem}")
    return matcher.with_ensemble(ensemble)


def learn_blend(table: BlendTable) -> np.ndarray:
    """Return the weights [e] with the highest likelihood of the fitting products; encoders without gain have 0.

    Raises TruthError when no scene has both a product known to fit and another.
    """
    table = _drawn(table)
    kept = list(range(len(table.encoders)))
    shares, loss = _fit(table, kept)
    while len(kept) > 1:
        smaller = [(_fit(table, [other for other in kept if other != one]), one) for one in kept]
        (fewer, without), one = min(smaller, key=lambda item: item[0][1])
        if (without - loss) * len(table.above) > PARAMETER_COST:
            break
        kept, shares, loss = [other for other in kept if other != one], fewer, without
    return of_one_deviation(shares, table.covariance())


def out_of_fold(table: BlendTable) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores [s, p] of each scene by a blend learned without its fold, and the weights [FOLDS, e].

    Raises TruthError with fewer than two scenes a fold.
    """
    count = len(table.above)
    if count < 2 * FOLDS:
        raise TruthError(f"a blend is tested on scenes held out: {count} scenes are too few, label {2 * FOLDS} or more")
    fold = np.random.default_rng(0).permutation(count) % FOLDS
    scores, weights = np.empty(table.rest.shape), []
    for index in range(FOLDS):
        found = learn_blend(table.take(np.flatnonzero(fold != index)))
        scores[fold == index] = table.take(np.flatnonzero(fold == index)).scores(found)
        weights.append(found)
    return scores, np.stack(weights)


def rank_fusion(rankings: Sequence[np.ndarray]) -> np.ndarray:
    """Return the reciprocal rank fusion [s, p] of several scores [s, p]: the sum of 1 / (RANK_OFFSET + rank)."""
    total = np.zeros(rankings[0].shape)
    for scores in rankings:
        rank = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1, kind="stable")
        total += 1 / (RANK_OFFSET + 1 + rank)
    return total


def compared(table: BlendTable) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return by name the scores [s, p] of each encoder alone, of rank fusion and of the blend learned out of fold.

    The second result is the weights [FOLDS, e] of the blends.
    """
    alone = {id: table.scores(table.alone(index)) for index, id in enumerate(table.encoders)}
    blended, weights = out_of_fold(table)
    return {**alone, FUSED: rank_fusion(list(alone.values())), BLEND: blended}, weights


def hits(scores: np.ndarray, relevant: np.ndarray, k: int = 10) -> np.ndarray:
    """Return for each scene whether one of its known products [s, p] is among the first `k`; ties keep the order."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.asarray(np.take_along_axis(relevant, best, axis=1).any(axis=1))


def scene_auc(scores: np.ndarray, table: BlendTable) -> float:
    """Return the probability that a fitting product scores above another of the same scene, the mean over scenes."""
    found = []
    for row, fits, known in zip(scores, table.relevant, table.known, strict=True):
        yes, no = row[fits & known], row[~fits & known]
        if len(yes) and len(no):
            difference = yes[:, None] - no[None]
            found.append(float((difference > 0).mean() + 0.5 * (difference == 0).mean()))
    return float(np.mean(found)) if found else math.nan


def of_one_deviation(shares: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return weights in the proportions of `shares` [e] whose blend has the deviation of the first encoder.

    Then a blend adds to a score on the scale that the factor weights were chosen for.
    """
    return shares * math.sqrt(covariance[0, 0] / max(float(shares @ covariance @ shares), 1e-9))


def _drawn(table: BlendTable) -> BlendTable:
    """Return the table with NEGATIVES of each scene's other products, and only scenes with both kinds of products."""
    generator = np.random.default_rng(0)
    known = np.zeros_like(table.known)
    for row, (fits, there) in enumerate(zip(table.relevant, table.known, strict=True)):
        others = np.flatnonzero(there & ~fits)
        drawn = generator.choice(others, size=min(NEGATIVES, len(others)), replace=False)
        known[row, fits & there] = True
        known[row, drawn] = True
    teaches = (known & table.relevant).any(axis=1) & (known & ~table.relevant).any(axis=1)
    if not teaches.any():
        raise TruthError("no scene has both a product that fits and one that does not; label some of each")
    return replace(table, known=known).take(np.flatnonzero(teaches))


def _fit(table: BlendTable, kept: list[int]) -> tuple[np.ndarray, float]:
    """Return the shares [e] of the encoders kept, adding up to 1, and the mean loss of a scene."""
    from scipy.optimize import minimize

    loss = _loss(table)

    def of(parameters: np.ndarray) -> tuple[np.ndarray, float]:
        shares = np.zeros(len(table.encoders))
        shares[kept] = np.abs(parameters[:-1]) / max(np.abs(parameters[:-1]).sum(), 1e-9)
        return shares, float(parameters[-1])

    start = np.array([1 / len(kept)] * len(kept) + [3.0])
    bounds = [(0.0, 1.0)] * len(kept) + [(-1.0, 6.0)]
    found = minimize(lambda parameters: loss(*of(parameters)), start, method="L-BFGS-B", bounds=bounds)
    return of(found.x)[0], float(found.fun)


def _loss(table: BlendTable) -> Callable[[np.ndarray, float], float]:
    """Return the mean negative log-likelihood of the fitting products, as a function of shares and log sharpness."""
    scenes, products = np.nonzero(table.known)
    covariance = table.covariance()
    picked = replace(
        table,
        above=table.above[scenes, products],
        words=table.words[scenes, products],
        rest=table.rest[scenes, products],
        has_image=table.has_image[products],
    )
    fits = table.relevant[scenes, products]
    starts = np.flatnonzero(np.diff(scenes, prepend=-1))
    sizes = np.diff(np.append(starts, len(scenes)))
    share = fits / np.repeat(np.add.reduceat(fits.astype(float), starts), sizes)

    def loss(shares: np.ndarray, log_sharpness: float) -> float:
        logits = math.exp(log_sharpness) * picked.scores(of_one_deviation(shares, covariance))
        top = np.maximum.reduceat(logits, starts)
        spread = logits - np.repeat(top, sizes)
        total = np.log(np.add.reduceat(np.exp(spread), starts))
        return float((total.sum() - (share * spread).sum()) / len(starts))

    return loss
