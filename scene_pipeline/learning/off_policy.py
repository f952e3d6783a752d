"""Off-policy evaluation: what another policy would have earned, from the log of the one that ran.

IPS, self-normalized IPS (Swaminathan and Joachims 2015) and the doubly robust estimator (Dudik et al. 2011), each with
a 95% interval by the delta method over units. No estimate is given when the effective sample is too small.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scene_pipeline.errors import LearningError

MIN_EFFECTIVE = 500
MIN_EFFECTIVE_SHARE = 0.05
Z = 1.959964


@dataclass(frozen=True, slots=True)
class LoggedRewards:
    """The log of one policy, weighted for another. All arrays have shape [n].

    weights: probability of what was shown under the target policy over that under the logging one. units: what was
    drawn independently (requests, or subjects); None: each row by itself. `predicted` is a reward model's mean for what
    was shown and `predicted_target` its mean over what the target shows; both from folds that exclude the row.
    """

    rewards: np.ndarray
    weights: np.ndarray
    units: np.ndarray | None = None
    predicted: np.ndarray | None = None
    predicted_target: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class ValueEstimate:
    """A value per row with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """Estimates by method (ips, snips, dr), or why there are none.

    effective_sample: Kish's, in units, of unclipped weights. clip: weights above it were cut to it; clipped_mass: share
    of the weights' sum that was cut off. on_policy: what the policy that ran earned.
    """

    estimates: Mapping[str, ValueEstimate]
    refused: str | None
    n: int
    effective_sample: float
    required_sample: float
    clip: float | None
    clipped_mass: float
    on_policy: ValueEstimate


def evaluate_policy(log: LoggedRewards, clip: float | None = None) -> PolicyReport:
    """Return what the target policy would have earned per row, or a refusal. Raises LearningError for invalid weights.

    Clipping makes estimates steadier and biased towards the logging policy; it never turns a refusal into an estimate.
    """
    rewards, weights = np.asarray(log.rewards, dtype=np.float64), np.asarray(log.weights, dtype=np.float64)
    if not len(rewards) or rewards.shape != weights.shape:
        raise LearningError(f"{len(rewards)} rewards and {len(weights)} weights cannot be evaluated; log one of each")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise LearningError("importance weights must be finite and at least 0; log propensities above 0")
    units = np.arange(len(rewards)) if log.units is None else np.unique(log.units, return_inverse=True)[1]
    n = int(units.max()) + 1
    effective = effective_sample(weights, units, n)
    required = max(MIN_EFFECTIVE, MIN_EFFECTIVE_SHARE * n)
    used = weights if clip is None else np.minimum(weights, clip)
    mass = float(1 - used.sum() / weights.sum()) if weights.sum() else 0.0
    refused = None
    if effective < required:
        refused = (
            f"the effective sample is {effective:,.0f} of {n:,}, fewer than {required:,.0f}: this log says too little "
            "of the other policy; log with more exploration or for longer"
        )
    estimates = {} if refused else _estimates(log, rewards, used, units)
    on_policy = _ratio(rewards, np.ones_like(rewards), units)
    return PolicyReport(estimates, refused, n, effective, required, clip, mass, on_policy)


def effective_sample(weights: np.ndarray, units: np.ndarray, n: int) -> float:
    """Return Kish's effective number of units: the smaller of that of rows, scaled to units, and that of unit sums."""
    rows = _kish(weights) * n / len(weights)
    return min(rows, _kish(np.bincount(units, weights=weights, minlength=n)))


def _kish(weights: np.ndarray) -> float:
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _estimates(
    log: LoggedRewards, rewards: np.ndarray, weights: np.ndarray, units: np.ndarray
) -> dict[str, ValueEstimate]:
    ones = np.ones_like(rewards)
    found = {"ips": _ratio(weights * rewards, ones, units), "snips": _ratio(weights * rewards, weights, units)}
    if log.predicted is not None and log.predicted_target is not None:
        found["dr"] = _ratio(log.predicted_target + weights * (rewards - log.predicted), ones, units)
    return found


def _ratio(top: np.ndarray, bottom: np.ndarray, units: np.ndarray) -> ValueEstimate:
    """Return sum(top) / sum(bottom) with the delta-method interval over units."""
    n = int(units.max()) + 1
    tops, bottoms = np.bincount(units, weights=top, minlength=n), np.bincount(units, weights=bottom, minlength=n)
    value = float(tops.sum() / bottoms.sum())
    residual = (tops - value * bottoms) / bottoms.mean()
    error = float(residual.std(ddof=1) / np.sqrt(n)) if n > 1 else float("inf")
    return ValueEstimate(value, value - Z * error, value + Z * error)


def cross_fitted_rates(
    cells: np.ndarray, context: np.ndarray, rewards: np.ndarray, folds: int = 5, strength: float = 100.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return (rates [folds, cells], fold [n]): mean rewards of cells, each fold's without its own rows.

    cells [n]: index of (action, context); context [cells]: the context of each. Rates are shrunk to their context's
    mean, as if `strength` more rows had that mean. So a cell with few rows changes little.
    """
    fold = np.random.default_rng(0).permutation(len(cells)) % folds
    count = len(context)
    rates = np.empty((folds, count))
    for index in range(folds):
        kept = fold != index
        shown = np.bincount(cells[kept], minlength=count)
        earned = np.bincount(cells[kept], weights=rewards[kept], minlength=count)
        means = np.bincount(context, weights=earned) / np.maximum(np.bincount(context, weights=shown), 1)
        rates[index] = (earned + strength * means[context]) / (shown + strength)
    return rates, fold
