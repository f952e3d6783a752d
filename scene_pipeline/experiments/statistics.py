"""Statistics of experiments: everything is by the unit of assignment and holds however often it is looked at.

Intervals are asymptotic confidence sequences (Waudby-Smith et al. 2024, with the Gaussian mixture of Robbins): over all
looks together they miss the truth with probability alpha at most. Ratios are linearized (delta method), so that a unit
with many impressions still counts as one unit. CUPED (Deng et al. 2013) takes out what units did before.
"""

import math
from dataclasses import dataclass

import numpy as np

MIXTURE_AT_PLAN = 8.0
"""n * rho^2 at the planned number of units: near the narrowest that a sequence can be there."""

SAMPLE_RATIO_ALPHA = 0.01
SAMPLE_RATIO_RHO2 = 0.002
"""The sample-ratio check is sharpest at some 5,000 units."""

MIN_UNITS = 100
"""Units of each arm from which normal approximations are used at all."""


@dataclass(frozen=True, slots=True)
class Units:
    """One row a unit. numerator / denominator is the metric; denominator 1 everywhere makes it a mean.

    treated [n]: whether in the arm that is compared with control. covariate [n]: what the unit did before, None if
    unknown.
    """

    treated: np.ndarray
    numerator: np.ndarray
    denominator: np.ndarray
    covariate: np.ndarray | None = None


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


def difference(units: Units, alpha: float = 0.05, planned: int = 20_000) -> Difference | None:
    """Return the difference between the arms; None with fewer than MIN_UNITS in one or where nothing varies."""
    treated = units.treated.astype(bool)
    counts = int(treated.sum()), int((~treated).sum())
    if min(counts) < MIN_UNITS:
        return None
    levels = [
        float(units.numerator[side].sum() / units.denominator[side].sum())
        if units.denominator[side].sum()
        else math.nan
        for side in (treated, ~treated)
    ]
    if any(math.isnan(level) for level in levels):
        return None
    influence = np.empty(len(treated))
    for side, level in zip((treated, ~treated), levels, strict=True):
        residual = units.numerator[side] - level * units.denominator[side]
        influence[side] = residual / units.denominator[side].mean()
    value = levels[0] - levels[1]
    if units.covariate is not None and float(units.covariate.std()) > 0:
        centered = units.covariate - units.covariate.mean()
        slope = float(influence @ centered / (centered @ centered))
        value -= slope * float(centered[treated].mean() - centered[~treated].mean())
        influence = influence - slope * centered
    variance = sum(
        float(influence[side].var(ddof=1)) / count for side, count in zip((treated, ~treated), counts, strict=True)
    )
    if variance <= 0:
        return None
    n = sum(counts)
    radius = sequence_radius(n, math.sqrt(n * variance), alpha, MIXTURE_AT_PLAN / planned)
    return Difference(value, value - radius, value + radius, levels[1], n)


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether arms have the shares of units that they were allotted; `z` is the largest of any arm."""

    holds: bool
    z: float
    limit: float
    observed: tuple[int, ...]
    expected: tuple[float, ...]


def check_sample_ratio(observed: tuple[int, ...], shares: tuple[float, ...]) -> SampleRatio:
    """Compare the units of each arm with its share; over all looks together it is wrong with probability 0.01 at most.

    Fewer units than expected in one arm mean that units were lost, and they are never lost at random: no verdict then.
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
