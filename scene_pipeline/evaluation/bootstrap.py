"""Bootstrap intervals: how far a metric would move with another sample of scenes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric and its percentile bootstrap interval (95% unless stated otherwise)."""

    value: float
    low: float
    high: float


def bootstrap_mean(values: np.ndarray, groups: np.ndarray | None = None, seed: int = 0) -> Estimate:
    """Return the mean of `values` with its interval; whole groups (scenes) are resampled where `groups` is given.

    `values` and `groups` have shape (n,). Values of one scene are not independent, so an interval from resampled single
    values would be too narrow. Raises ValueError for no values.
    """
    values = np.asarray(values, dtype=np.float64)
    _, members = np.unique(np.arange(len(values)) if groups is None else np.asarray(groups), return_inverse=True)
    n_groups = _count(members)
    sums = np.bincount(members, weights=values, minlength=n_groups)
    counts = np.bincount(members, minlength=n_groups)
    drawn = np.random.default_rng(seed).integers(n_groups, size=(RESAMPLES, n_groups))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return _estimate(float(values.mean()), means)


def bootstrap(statistic: Callable[[np.ndarray], float], groups: np.ndarray, seed: int = 0) -> Estimate:
    """Return `statistic(rows)` (0-1) over all rows with its interval; `rows` are indices, whole groups resampled.

    `groups` has shape (n,) and names the group of each row. It is for statistics that are not means: ECE, Gini,
    coverage. A resample has fewer distinct groups than the sample, which shifts such statistics to one side. So the
    resampled values are centered on the statistic before the interval is read, and limited to 0-1.
    """
    _, members = np.unique(np.asarray(groups), return_inverse=True)
    n_groups = _count(members)
    rows = np.argsort(members, kind="stable")
    parts = np.split(rows, np.cumsum(np.bincount(members, minlength=n_groups))[:-1])
    generator = np.random.default_rng(seed)
    resampled = [
        statistic(np.concatenate([parts[group] for group in generator.integers(n_groups, size=n_groups)]))
        for _ in range(RESAMPLES)
    ]
    value = statistic(np.arange(len(members)))
    return _estimate(value, np.clip(value + np.asarray(resampled) - np.mean(resampled), 0.0, 1.0))


def _count(members: np.ndarray) -> int:
    if len(members) == 0:
        raise ValueError("an interval needs at least one value")
    return int(members.max()) + 1


def _estimate(value: float, resampled: np.ndarray) -> Estimate:
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))
