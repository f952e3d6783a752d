"""Statistics of experiments: all are by the unit of assignment and valid for any number of looks.

Intervals are asymptotic confidence sequences (Waudby-Smith et al. 2024, with the Gaussian mixture of Robbins): over all
looks together they miss the true value with probability alpha at most. Ratios are linearized (delta method), so that a
unit with many impressions still counts as one unit. CUPED (Deng et al. 2013) reduces the variance by what units did
before.
"""

import math
from dataclasses import dataclass

import numpy as np

MIXTURE_AT_PLAN = 8.0
"""n * rho^2 at the planned number of units: the sequence is nearly as narrow there as it can be."""

SAMPLE_RATIO_ALPHA = 0.01
SAMPLE_RATIO_RHO2 = 0.002
"""With this value the sample-ratio check has most power at about 5,000 units."""

MIN_UNITS = 100
"""Minimum units of each arm for the normal approximation."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the units of an arm, from which intervals are computed; sums of days can be added.

    x and y are numerator and denominator of the metric (y = 1 makes it a mean), c is the unit's metric before the
    experiment.
    """

    n: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    yy: float = 0.0
    xy: float = 0.0
    c: float = 0.0
    cc: float = 0.0
    xc: float = 0.0
    yc: float = 0.0

    @classmethod
    def of(cls, numerator: np.ndarray, denominator: np.ndarray, before: np.ndarray | None = None) -> "Moments":
        """Return the sums over units; arrays have shape [n]."""
        x, y = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
        c = np.zeros(len(x)) if before is None else np.asarray(before, dtype=np.float64)
        sums = (x.sum(), y.sum(), x @ x, y @ y, x @ y, c.sum(), c @ c, x @ c, y @ c)
        return cls(len(x), *(float(value) for value in sums))


@dataclass(frozen=True, slots=True)
class Difference:
    """Treatment minus control with an interval that holds at every look, and the control's level."""

    value: float
    low: float
    high: float
    control: float
    units: int

    @property
    def relative(self) -> tuple[float, float, float]:
        """Value and interval as shares of the control's level."""
        if not self.control:
            return (math.nan, math.nan, math.nan)
        return (self.value / self.control, self.low / self.control, self.high / self.control)


def sequence_radius(n: int, deviation: float, alpha: float, rho2: float) -> float:
    """Return half the width at n of the confidence sequence of a mean of values with this standard deviation."""
    x = n * rho2
    return deviation * math.sqrt(2 * (x + 1) / (n * x) * math.log(math.sqrt(x + 1) / alpha))


def difference(treated: Moments, control: Moments, alpha: float = 0.05, planned: int = 20_000) -> Difference | None:
    """Return the difference between two arms; None with fewer than MIN_UNITS in one, or without variance."""
    arms = (treated, control)
    if min(arm.n for arm in arms) < MIN_UNITS or min(arm.y for arm in arms) <= 0:
        return None
    n = treated.n + control.n
    levels = [arm.x / arm.y for arm in arms]
    value = levels[0] - levels[1]
    # variance of the influence (x - level * y) / mean(y), whose mean is 0, and its covariance with c
    variances, covariances = [], []
    for arm, level in zip(arms, levels, strict=True):
        mean = arm.y / arm.n
        variances.append((arm.xx - 2 * level * arm.xy + level**2 * arm.yy) / (arm.n - 1) / mean**2)
        covariances.append((arm.xc - level * arm.yc) / arm.n / mean)
    centers = [arm.c / arm.n for arm in arms]
    spread = sum(arm.cc for arm in arms) - n * ((treated.c + control.c) / n) ** 2
    if spread > 1e-12 * n:
        slope = sum(arm.n * covariance for arm, covariance in zip(arms, covariances, strict=True)) / spread
        value -= slope * (centers[0] - centers[1])
        variances = [
            variance - 2 * slope * covariance + slope**2 * (arm.cc / arm.n - center**2)
            for arm, variance, covariance, center in zip(arms, variances, covariances, centers, strict=True)
        ]
    squared_error = sum(variance / arm.n for arm, variance in zip(arms, variances, strict=True))
    if squared_error <= 0:
        return None
    radius = sequence_radius(int(n), math.sqrt(n * squared_error), alpha, MIXTURE_AT_PLAN / planned)
    return Difference(value, value - radius, value + radius, levels[1], int(n))


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether arms have their allotted shares of units; `z` is the largest of any arm."""

    holds: bool
    z: float
    limit: float
    observed: tuple[int, ...]
    expected: tuple[float, ...]


def check_sample_ratio(observed: tuple[int, ...], shares: tuple[float, ...]) -> SampleRatio:
    """Compare the units of each arm with its share; over all looks together it is wrong with probability 0.01 at most.

    Fewer units than expected in one arm mean that units were lost, and hardly at random. Then there is no verdict.
    """
    n = sum(observed)
    expected = tuple(n * share for share in shares)
    tests = 1 if len(shares) == 2 else len(shares)
    worst, limit = 0.0, math.inf
    if n:
        limit = sequence_radius(n, 1.0, SAMPLE_RATIO_ALPHA / tests, SAMPLE_RATIO_RHO2) * math.sqrt(n)
        worst = max(
            abs(count - mean) / math.sqrt(n * share * (1 - share))
            for count, mean, share in zip(observed, expected, shares, strict=True)
        )
    return SampleRatio(worst <= limit, worst, limit, observed, expected)
