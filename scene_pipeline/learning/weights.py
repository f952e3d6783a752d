"""Fit factor weights to what people chose: non-negative, summing to 1, and drawn to the weights in force.

A conditional logit (McFadden 1974) of which product of a list was chosen, with the log of its examination as offset:
P(product i | one of the list) ~ examination(rank i) * exp(scale * weights . factors i). Lists of which nothing was
chosen say nothing of the order and are left out, so that a busy day or a weak photograph moves no weight.
"""

from dataclasses import dataclass

import numpy as np

from scene_pipeline.errors import LearningError
from scene_pipeline.learning.click_model import ClickModel
from scene_pipeline.learning.logs import Logs

PRIOR_STRENGTH = 50.0
"""Curvature with which weights are held to those in force; some hundred informative choices outweigh it."""

FOLDS = 5
MIN_CHOICES = 200
MIN_SCENES = 10
ROUNDS = 30
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
class WeightsFit:
    """Learned weights [F] beside the prior. `gain` is how much likelier held-out choices are, in nats a list.

    Whole scenes are held out and its interval is over scenes: what was learned must hold for rooms never seen.
    `improves` only when the whole interval lies above 0; otherwise the weights in force stay.
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

    @property
    def improves(self) -> bool:
        """Whether held-out choices are likelier with these weights than with those in force."""
        return self.gain_low > 0


def choices_of(logs: Logs, click_model: ClickModel | None) -> Choices:
    """Return the choices of a log, corrected for examination; None: as they are, which favors what stood high.

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
    return Choices(logs.factors[rows].astype(np.float64), logs.reward[rows], offset[rows], group, logs.scene[requests])


def fit_weights(choices: Choices, prior: np.ndarray, strength: float = PRIOR_STRENGTH) -> WeightsFit:
    """Fit weights to choices. Raises LearningError with fewer than MIN_CHOICES, or fewer than MIN_SCENES scenes."""
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
    weights, scale = _fit(choices, prior, strength)
    gains = _held_out_gains(choices, prior, strength)
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
    )


def _held_out_gains(choices: Choices, prior: np.ndarray, strength: float) -> np.ndarray:
    """Return for every list how much likelier its choices are, by weights fitted on the other folds."""
    members = np.unique(choices.scene, return_inverse=True)[1]
    fold = (np.random.default_rng(0).permutation(members.max() + 1) % FOLDS)[members]
    gains = np.empty(len(members))
    for index in range(FOLDS):
        kept, out = _part(choices, fold != index), _part(choices, fold == index)
        weights, scale = _fit(kept, prior, strength)
        with_prior = _fit_scale(kept, prior)
        gains[fold == index] = _likelihood(out, scale * weights) - _likelihood(out, with_prior * prior)
    return gains


def _part(choices: Choices, groups: np.ndarray) -> Choices:
    rows = groups[choices.group]
    group = np.unique(choices.group[rows], return_inverse=True)[1]
    return Choices(choices.factors[rows], choices.chosen[rows], choices.offset[rows], group, choices.scene[groups])


def _fit(choices: Choices, prior: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    weights, scale = prior.copy(), _fit_scale(choices, prior)
    objective = _penalized(choices, weights, scale, prior, strength)
    for _ in range(ROUNDS):
        gradient, hessian = _derivatives(choices, scale * weights)
        slope = scale * gradient - strength * (weights - prior)
        curvature = scale**2 * hessian + strength * np.eye(len(prior))
        proposed = _quadratic_on_simplex(weights, slope, curvature)
        step = 1.0
        while step > 1e-6:
            trial = weights + step * (proposed - weights)
            value = _penalized(choices, trial, scale, prior, strength)
            if value >= objective:
                break
            step /= 2
        else:
            trial, value = weights, objective
        scale = _fit_scale(choices, trial, scale)
        value = _penalized(choices, trial, scale, prior, strength)
        moved = float(np.abs(trial - weights).max())
        weights = trial
        if value - objective < 1e-7 * max(abs(objective), 1) and moved < 1e-3:
            break
        objective = value
    return weights, scale


def _fit_scale(choices: Choices, weights: np.ndarray, start: float = 0.0) -> float:
    """Return the scale (at least 0) that makes the choices likeliest, by Newton's method in one dimension."""
    scale = start
    for _ in range(50):
        gradient, hessian = _derivatives(choices, scale * weights)
        curvature = float(weights @ hessian @ weights) + 1e-9
        following = max(scale + float(np.clip(gradient @ weights / curvature, -20, 20)), 0.0)
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


def _starts(group: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(group, prepend=-1))


def _probabilities(choices: Choices, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of every row in its list and the log of its normalizer per list."""
    starts = _starts(choices.group)
    utility = choices.factors @ coefficients + choices.offset
    highest = np.maximum.reduceat(utility, starts)
    lifted = np.exp(utility - highest[choices.group])
    total = np.add.reduceat(lifted, starts)
    return lifted / total[choices.group], highest + np.log(total)


def _likelihood(choices: Choices, coefficients: np.ndarray) -> np.ndarray:
    """Return the log-likelihood of each list's choices, each list counted once however much was chosen of it."""
    starts = _starts(choices.group)
    _, normalizer = _probabilities(choices, coefficients)
    utility = choices.factors @ coefficients + choices.offset
    chosen = np.add.reduceat(choices.chosen.astype(np.float64), starts)
    return np.add.reduceat(choices.chosen * utility, starts) / chosen - normalizer


def _penalized(choices: Choices, weights: np.ndarray, scale: float, prior: np.ndarray, strength: float) -> float:
    return float(_likelihood(choices, scale * weights).sum() - strength * ((weights - prior) ** 2).sum() / 2)


def _derivatives(choices: Choices, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient [F] and negated Hessian [F, F] of the summed log-likelihood."""
    starts = _starts(choices.group)
    probability, _ = _probabilities(choices, coefficients)
    per_list = np.add.reduceat(choices.chosen.astype(np.float64), starts)
    share = choices.chosen / per_list[choices.group]
    gradient = choices.factors.T @ (share - probability)
    weighted = choices.factors * probability[:, None]
    means = np.add.reduceat(weighted, starts, axis=0)
    return gradient, choices.factors.T @ weighted - means.T @ means
