"""The position-based click model: how much more likely a product is seen at one rank than at another.

P(click) = examination(rank) x attraction(product). Where exploration moved the same product between two ranks with
known probabilities, the clicks weighed by them differ by examination alone (intervention harvesting: Agarwal et al.,
WSDM 2019). Without such moves examination and attraction cannot be separated, and nothing is estimated.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scene_pipeline.errors import LearningError
from scene_pipeline.learning.logs import Logs

MIN_CLICKS = 30
"""Minimum rewards at each of two ranks, of products that could have been at either, to compare the two ranks."""

RESAMPLES = 200
GROUPS = 1000
"""Random groups of requests for the bootstrap; with fewer requests than this, each is a group of its own."""


@dataclass(frozen=True, slots=True)
class ClickModel:
    """Examination by rank, relative to `reference`; `low` and `high` are a 95% bootstrap interval over requests."""

    reference: int
    examination: Mapping[int, float]
    low: Mapping[int, float]
    high: Mapping[int, float]
    clicks: int

    def at(self, rank: np.ndarray) -> np.ndarray:
        """Return the examination of ranks; for those not estimated, that of the power law through the others."""
        known = np.array(sorted(self.examination))
        values = np.array([self.examination[place] for place in known])
        slope, level = np.polyfit(np.log(known), np.log(values), 1) if len(known) > 1 else (0.0, 0.0)
        table = np.exp(level + slope * np.log(np.arange(1, max(int(np.max(rank, initial=1)), known.max()) + 1)))
        table[known - 1] = values
        return table[np.asarray(rank) - 1]

    def known(self, rank: np.ndarray) -> np.ndarray:
        """Return which ranks were estimated."""
        return np.isin(rank, list(self.examination))


def fit_click_model(logs: Logs) -> ClickModel:
    """Estimate examination from the exploration in a log. Raises LearningError where it cannot be."""
    if not logs.explored:
        raise LearningError(
            "position bias cannot be estimated: the log has no exploration, so place and product always went together; "
            "switch exploration on and log again"
        )
    pairs = _Harvest.of(logs)
    fitted = pairs.fit()
    if fitted is None:
        raise LearningError(
            f"position bias cannot be estimated from {pairs.clicks:,} rewards: no two ranks have {MIN_CLICKS} each of "
            "products that could have been in either; log for longer"
        )
    ranks, values = fitted
    generator = np.random.default_rng(0)
    groups = pairs.groups
    drawn = []
    for _ in range(RESAMPLES):
        again = pairs.fit(generator.multinomial(groups, np.full(groups, 1 / groups)), ranks)
        if again is not None:
            drawn.append(again[1])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0) if drawn else (values, values)
    names = [int(rank) for rank in ranks]
    return ClickModel(
        reference=names[0],
        examination=dict(zip(names, values.tolist(), strict=True)),
        low=dict(zip(names, low.tolist(), strict=True)),
        high=dict(zip(names, high.tolist(), strict=True)),
        clicks=pairs.clicks,
    )


@dataclass(frozen=True, slots=True)
class _Harvest:
    """Counts of clicked products for pairs of ranks: clicked at one rank, while the other was possible.

    A click's value is its reward times p(other) / (p(own) + p(other)), which is reward / p(own) up to a factor that
    both ranks share: bounded overlap weights, where plain inverse ones have heavy tails. total, square, count
    [B, R, R]: the values, their squares and the clicks of B groups of requests, at (own rank, other rank) from 0.
    """

    total: np.ndarray
    square: np.ndarray
    count: np.ndarray
    clicks: int

    @property
    def groups(self) -> int:
        return len(self.total)

    @classmethod
    def of(cls, logs: Logs) -> "_Harvest":
        clicked = np.flatnonzero(logs.shown & (logs.reward > 0))
        index = np.full(len(logs.request), -1, np.int32)
        index[clicked] = np.arange(len(clicked))
        size = int(logs.rank[logs.shown].max(initial=1))
        entry = np.flatnonzero((index[logs.support_row] >= 0) & (logs.support_rank <= size))
        row = logs.support_row[entry]
        rank, probability = logs.support_rank[entry].astype(np.int64), logs.support_probability[entry]
        same = rank == logs.rank[row]
        chance = np.ones(len(clicked))
        chance[index[row[same]]] = probability[same]
        value = logs.reward[row] * probability / (chance[index[row]] + probability)
        requests, request = np.unique(logs.request[row], return_inverse=True)
        groups = max(min(len(requests), GROUPS), 1)
        group = np.random.default_rng(1).permutation(len(requests))[request] % groups
        place = (group * size + logs.rank[row] - 1) * size + rank - 1
        sums = [
            np.bincount(place, weights=each, minlength=groups * size * size).reshape(groups, size, size)
            for each in (value, value**2, np.ones(len(value)))
        ]
        return cls(*sums, clicks=len(clicked))

    def fit(
        self, weight: np.ndarray | None = None, required: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Return ranks (from 1) and their examination relative to the first, with each group weighed.

        Least squares on the log ratios of all pairs of ranks, each by its precision; None when no pair can be compared
        or when ranks of `required` are missing.
        """
        size = self.total.shape[1]
        weight = np.ones(self.groups) if weight is None else weight
        total, square, count = (np.tensordot(weight, sums, 1) for sums in (self.total, self.square, self.count))
        enough = (count >= MIN_CLICKS) & (count.T >= MIN_CLICKS) & ~np.eye(size, dtype=bool)
        ranks = _largest_component(enough)
        if required is not None:
            enough = count > 0
            enough &= enough.T
            ranks = required - 1
        if len(ranks) < 2:
            return None
        laplacian, right = np.zeros((size, size)), np.zeros(size)
        for a, b in zip(*np.nonzero(np.triu(enough, 1)), strict=True):
            ratio = np.log(total[a, b] / total[b, a])
            precision = 1 / (square[a, b] / total[a, b] ** 2 + square[b, a] / total[b, a] ** 2)
            laplacian[a, a] += precision
            laplacian[b, b] += precision
            laplacian[a, b] -= precision
            laplacian[b, a] -= precision
            right[a] += precision * ratio
            right[b] -= precision * ratio
        solution = np.linalg.lstsq(laplacian[np.ix_(ranks, ranks)], right[ranks], rcond=None)[0]
        return ranks + 1, np.exp(solution - solution[0])


def _largest_component(linked: np.ndarray) -> np.ndarray:
    """Return the members of the largest set of ranks that are linked with each other, directly or through others."""
    reach = linked | np.eye(len(linked), dtype=bool)
    for _ in range(len(linked)):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    return np.flatnonzero(reach[reach.sum(axis=1).argmax()])
