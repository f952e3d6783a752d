"""Fit factor weights to what people chose: non-negative, with sum 1, and shrunk towards the weights in force.

A conditional logit (McFadden 1974) of which product of a list was chosen, with the log of its examination as offset:
P(product i | one of the list) ~ examination(rank i) * exp(scale * weights . factors i). Lists of which nothing was
chosen say nothing about the order and are left out, so that a busy day or a weak photograph does not move a weight.

The fit is shrunk back to the weights in force by its own noise. It goes the share 1 - c / T of the way, and stays where
T < c. T is the score statistic against the weights in force (Rao 1948), and random clicks exceed c once in a hundred
times. It is a positive-part Stein rule (Baranchik 1964) with a test's critical value as its constant.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scene_pipeline.errors import LearningError
from scene_pipeline.learning.click_model import ClickModel
from scene_pipeline.learning.logs import Logs

PRIOR_STRENGTH = 50.0
"""Curvature of the penalty that holds weights to those in force; some hundred informative choices outweigh it."""

CHANCE = 0.01
"""How often choices that say nothing new may move the weights at all."""

FOLDS = 5
MIN_CHOICES = 200
MIN_SCENES = 10
ROUNDS = 30
BLOCK = 4096
"""Number of lists computed at once."""
Z = 1.959964


@dataclass(frozen=True, slots=True)
class Choices:
    """Lists of which something was chosen. factors [m, F], chosen [m] (how often), offset [m], group [m] ascending.

    scene [g]: the photograph of each list.
    """

    factors: np.ndarray
    chosen: np.ndarray
    offset: np.ndarray
    group: np.ndarray
    scene: np.ndarray


@dataclass(frozen=True, slots=True)
class _Lists:
    """The conditional logit of choices, computed in blocks of lists that stay in the processor's cache.

    factors [F, m]; share [m]: chosen, summing to 1 in each list, so that a list counts once however much was chosen of
    it; starts [g + 1]: where lists begin and the last ends.
    """

    factors: np.ndarray
    share: np.ndarray
    offset: np.ndarray
    starts: np.ndarray
    scene: np.ndarray

    @classmethod
    def of(cls, choices: Choices) -> "_Lists":
        starts = np.append(np.flatnonzero(np.diff(choices.group, prepend=-1)), len(choices.group))
        per_list = np.add.reduceat(choices.chosen.astype(np.float64), starts[:-1])
        share = choices.chosen / np.repeat(per_list, np.diff(starts))
        return cls(np.ascontiguousarray(choices.factors.T), share, choices.offset, starts, choices.scene)

    def part(self, lists: np.ndarray) -> "_Lists":
        """Return some of the lists, of which `lists` [g] is true."""
        sizes = np.diff(self.starts)
        rows = np.repeat(lists, sizes)
        starts = np.concatenate([[0], np.cumsum(sizes[lists])])
        return _Lists(self.factors[:, rows], self.share[rows], self.offset[rows], starts, self.scene[lists])

    def likelihood(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the log-likelihood [g] of each list's choices."""
        found = np.empty(len(self.starts) - 1)
        for first, last, rows, starts in self._blocks():
            utility = coefficients @ self.factors[:, rows] + self.offset[rows]
            _, normalizer = _softmax(utility, starts)
            found[first:last] = np.add.reduceat(self.share[rows] * utility, starts[:-1]) - normalizer
        return found

    def derivatives(self, coefficients: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the summed log-likelihood, its gradient [F] and negated Hessian [F, F]."""
        value, gradient, hessian = 0.0, np.zeros(len(coefficients)), np.zeros((len(coefficients), len(coefficients)))
        for _, _, rows, starts in self._blocks():
            factors, share = self.factors[:, rows].astype(np.float64), self.share[rows]
            utility = coefficients @ factors + self.offset[rows]
            probability, normalizer = _softmax(utility, starts)
            value += float(share @ utility - normalizer.sum())
            gradient += factors @ (share - probability)
            weighted = factors * probability
            means = np.add.reduceat(weighted, starts[:-1], axis=1)
            hessian += weighted @ factors.T - means @ means.T
        return value, gradient, hessian

    def scores(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the gradient [g, F] of each list's log-likelihood."""
        found = np.empty((len(self.starts) - 1, len(coefficients)))
        for first, last, rows, starts in self._blocks():
            factors = self.factors[:, rows].astype(np.float64)
            probability, _ = _softmax(coefficients @ factors + self.offset[rows], starts)
            found[first:last] = np.add.reduceat(factors * (self.share[rows] - probability), starts[:-1], axis=1).T
        return found

    def along(self, weights: np.ndarray) -> np.ndarray:
        """Return weights . factors [m]."""
        return weights @ self.factors

    def slope(self, along: np.ndarray, scale: float) -> tuple[float, float]:
        """Return the first and the negated second derivative of the summed log-likelihood by the scale of `along`."""
        gradient = curvature = 0.0
        for _, _, rows, starts in self._blocks():
            value = along[rows]
            probability, _ = _softmax(scale * value + self.offset[rows], starts)
            weighted = probability * value
            means = np.add.reduceat(weighted, starts[:-1])
            gradient += float(self.share[rows] @ value - means.sum())
            curvature += float(weighted @ value - means @ means)
        return gradient, curvature

    def _blocks(self) -> Iterator[tuple[int, int, slice, np.ndarray]]:
        """Yield blocks: first list, last, rows, and where lists begin in them."""
        for first in range(0, len(self.starts) - 1, BLOCK):
            starts = self.starts[first : first + BLOCK + 1]
            yield first, first + len(starts) - 1, slice(starts[0], starts[-1]), starts - starts[0]


def _softmax(utility: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of every row in its list, and the log of each list's normalizer."""
    sizes = np.diff(starts)
    highest = np.maximum.reduceat(utility, starts[:-1])
    lifted = np.exp(utility - np.repeat(highest, sizes))
    total = np.add.reduceat(lifted, starts[:-1])
    return lifted / np.repeat(total, sizes), highest + np.log(total)


@dataclass(frozen=True, slots=True)
class WeightsFit:
    """Learned weights [F] and the prior. `gain` is how much likelier held-out choices are, in nats per list.

    Whole scenes are held out and its interval is over scenes: what was learned must hold for rooms never seen.
    `improves` only when the whole interval lies above 0; otherwise the weights in force stay. step: how far the weights
    went from the prior (0) to those that fit the choices best (1).
    """

    weights: np.ndarray
    prior: np.ndarray
    scale: float
    lists: int
    scenes: int
    choices: int
    gain: float
    gain_low: float
    gain_high: float
    step: float

    @property
    def improves(self) -> bool:
        """Whether held-out choices are likelier with these weights than with those in force."""
        return self.step > 0 and self.gain_low > 0


def choices_of(logs: Logs, click_model: ClickModel | None) -> Choices:
    """Return the choices of a log, corrected for examination. Without a click model they favor the first places.

    Rows at ranks of unknown examination are left out: a conditional logit holds on any part of a list.
    """
    rows = logs.shown.copy()
    offset = np.zeros(len(rows))
    if click_model is not None:
        rows &= click_model.known(logs.rank)
        offset[rows] = np.log(click_model.at(logs.rank[rows]))
    per_list = np.bincount(logs.request, weights=np.where(rows, logs.reward, 0), minlength=logs.n)
    rows &= per_list[logs.request] > 0
    requests, group = np.unique(logs.request[rows], return_inverse=True)
    return Choices(logs.factors[rows], logs.reward[rows], offset[rows], group, logs.scene[requests])


def fit_weights(choices: Choices, prior: np.ndarray, strength: float = PRIOR_STRENGTH) -> WeightsFit:
    """Fit weights to choices. Raises LearningError with fewer than MIN_CHOICES, or fewer than MIN_SCENES scenes."""
    from threadpoolctl import threadpool_limits

    total = int(choices.chosen.sum())
    if total < MIN_CHOICES:
        raise LearningError(
            f"weights cannot be learned from {total:,} choices; at least {MIN_CHOICES} are needed: log for longer"
        )
    scenes = len(np.unique(choices.scene))
    if scenes < MIN_SCENES:
        raise LearningError(
            f"weights cannot be learned from {scenes} scenes; at least {MIN_SCENES} are needed, to hold some out"
        )
    prior = np.asarray(prior, dtype=np.float64) / np.sum(prior)
    lists = _Lists.of(choices)
    with threadpool_limits(1):  # blocks are small: more threads only wait for each other
        weights, scale, step = _fit(lists, prior, strength)
        gains = _held_out_gains(lists, prior, strength)
    members = np.unique(choices.scene, return_inverse=True)[1]
    residuals = np.bincount(members, weights=gains - gains.mean())
    error = float(np.sqrt((residuals**2).sum() * scenes / (scenes - 1))) / len(gains)
    return WeightsFit(
        weights=weights,
        prior=prior,
        scale=scale,
        lists=len(gains),
        scenes=scenes,
        choices=total,
        gain=float(gains.mean()),
        gain_low=float(gains.mean() - Z * error),
        gain_high=float(gains.mean() + Z * error),
        step=step,
    )


def _held_out_gains(lists: _Lists, prior: np.ndarray, strength: float) -> np.ndarray:
    """Return for every list how much likelier its choices are, by weights fitted on the other folds."""
    members = np.unique(lists.scene, return_inverse=True)[1]
    fold = (np.random.default_rng(0).permutation(members.max() + 1) % FOLDS)[members]
    gains = np.empty(len(members))
    for index in range(FOLDS):
        kept, out = lists.part(fold != index), lists.part(fold == index)
        weights, scale, _ = _fit(kept, prior, strength)
        with_prior = _fit_scale(kept, prior)
        gains[fold == index] = out.likelihood(scale * weights) - out.likelihood(with_prior * prior)
    return gains


def _fit(lists: _Lists, prior: np.ndarray, strength: float) -> tuple[np.ndarray, float, float]:
    """Return the learned weights, their scale, and how far they went from the prior."""
    step = _step(lists, prior)
    if not step:
        return prior, _fit_scale(lists, prior), 0.0
    weights = prior + step * (_likeliest(lists, prior, strength) - prior)
    return weights, _fit_scale(lists, weights), step


def _step(lists: _Lists, prior: np.ndarray) -> float:
    """Return the step from the prior that the noise allows: 0 where the prior alone explains the choices."""
    from scipy.stats import chi2

    coefficients = _fit_scale(lists, prior) * prior
    along = lists.derivatives(coefficients)[2] @ prior
    scores = lists.scores(coefficients)
    scores -= np.outer(scores @ prior, along / max(prior @ along, 1e-12))  # a larger scale needs no other weights
    scores = scores @ np.linalg.svd(prior[None])[2][1:].T
    total, covariance = scores.sum(axis=0), scores.T @ scores
    statistic = float(total @ np.linalg.pinv(covariance, hermitian=True) @ total)
    critical = float(chi2.isf(CHANCE, len(total)))
    return 1 - critical / statistic if statistic > critical else 0.0


def _likeliest(lists: _Lists, prior: np.ndarray, strength: float) -> np.ndarray:
    """Return the weights that maximize the likelihood of the choices, with a penalty `strength` towards the prior.

    The search starts at a scale above 0 even where choices contradict the prior; at 0 it could not leave the prior.
    """
    weights, scale = prior.copy(), max(_fit_scale(lists, prior), 1.0)

    def penalty(trial: np.ndarray) -> float:
        return strength * float(((trial - prior) ** 2).sum()) / 2

    objective, gradient, hessian = lists.derivatives(scale * weights)
    objective -= penalty(weights)
    for _ in range(ROUNDS):
        slope = scale * gradient - strength * (weights - prior)
        curvature = scale**2 * hessian + strength * np.eye(len(prior))
        proposed = _quadratic_on_simplex(weights, slope, curvature)
        trial, step = weights, 1.0
        while step > 1e-6:
            further = weights + step * (proposed - weights)
            if float(lists.likelihood(scale * further).sum()) - penalty(further) >= objective:
                trial = further
                break
            step /= 2
        scale = _fit_scale(lists, trial, scale)
        value, gradient, hessian = lists.derivatives(scale * trial)
        value -= penalty(trial)
        moved = float(np.abs(trial - weights).max())
        weights = trial
        if value - objective < 1e-7 * max(abs(objective), 1) and moved < 1e-3:
            break
        objective = value
    return weights


def _fit_scale(lists: _Lists, weights: np.ndarray, start: float = 0.0) -> float:
    """Return the scale (at least 0) that makes the choices likeliest, by Newton's method in one dimension."""
    scale, along = start, lists.along(weights)
    for _ in range(50):
        gradient, curvature = lists.slope(along, scale)
        following = max(scale + float(np.clip(gradient / (curvature + 1e-9), -20, 20)), 0.0)
        if abs(following - scale) < 1e-4 * max(following, 0.1):
            break
        scale = following
    return scale


def _quadratic_on_simplex(weights: np.ndarray, slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Return the point of the simplex that maximizes slope . d - d . curvature . d / 2 with d from `weights`."""
    rate = 1 / np.linalg.eigvalsh(curvature)[-1]
    point = weights.copy()
    for _ in range(500):
        following = project_on_simplex(point + rate * (slope - curvature @ (point - weights)))
        if np.abs(following - point).max() < 1e-10:
            break
        point = following
    return point


def project_on_simplex(vector: np.ndarray) -> np.ndarray:
    """Return the nearest non-negative vector that sums to 1 (Duchi et al. 2008)."""
    ordered = np.sort(vector)[::-1]
    excess = (np.cumsum(ordered) - 1) / np.arange(1, len(vector) + 1)
    return np.maximum(vector - excess[np.flatnonzero(ordered > excess)[-1]], 0.0)
