"""Intervals hold at every look, units count once, and lost units are noticed."""

import math

import numpy as np
import pytest

from scene_pipeline.experiments.statistics import Moments, check_sample_ratio, difference, sequence_radius


def _arms(seed: int, n: int = 2000, lift: float = 0.0, upto: int = 2000) -> tuple[Moments, Moments]:
    generator = np.random.default_rng(seed)
    treated = generator.random(n) < 0.5
    values = generator.normal(1 + lift * treated, 1.0, n)
    first, second = (Moments.of(values[:upto][side], np.ones(upto)[side]) for side in (treated[:upto], ~treated[:upto]))
    return first, second


def test_the_sequence_is_the_robbins_mixture() -> None:
    # sqrt(2 (x + 1) / (n x) log(sqrt(x + 1) / alpha)), n = 10,000, x = 8: by hand
    assert sequence_radius(10_000, 2.0, 0.05, 0.0008) == pytest.approx(2 * 0.030351, rel=1e-4)


def test_an_interval_covers_at_all_looks_together() -> None:
    misses = 0
    for seed in range(100):
        looks = [difference(*_arms(seed, upto=n), planned=2000) for n in range(300, 2001, 200)]
        misses += any(look is not None and not look.low <= 0 <= look.high for look in looks)
    assert misses <= 5 + 3 * math.sqrt(5)


def test_a_true_difference_is_found() -> None:
    found = difference(*_arms(0, lift=0.4), planned=2000)
    assert found is not None
    assert 0 < found.low < 0.4 < found.high
    assert found.relative[0] == pytest.approx(found.value / found.control)


def test_moments_give_the_variance_of_the_linearized_ratio() -> None:
    generator = np.random.default_rng(3)
    arms, errors = [], 0.0
    for _ in range(2):
        y = 1.0 + generator.poisson(3, 500)
        x = generator.binomial(y.astype(int), 0.2).astype(float)
        arms.append(Moments.of(x, y))
        influence = (x - x.sum() / y.sum() * y) / y.mean()
        errors += influence.var(ddof=1) / 500
    found = difference(arms[0], arms[1], planned=1000)
    assert found is not None
    assert found.high - found.value == pytest.approx(sequence_radius(1000, math.sqrt(1000 * errors), 0.05, 8 / 1000))


def test_what_units_did_before_narrows_the_interval() -> None:
    generator = np.random.default_rng(1)
    before = generator.normal(size=2000)
    values, side = 0.8 * before + 0.6 * generator.normal(size=2000), generator.random(2000) < 0.5
    ones = np.ones(2000)
    plain = difference(Moments.of(values[side], ones[side]), Moments.of(values[~side], ones[~side]))
    adjusted = difference(
        Moments.of(values[side], ones[side], before[side]), Moments.of(values[~side], ones[~side], before[~side])
    )
    assert plain is not None
    assert adjusted is not None
    assert (adjusted.high - adjusted.low) < 0.75 * (plain.high - plain.low)


@pytest.mark.parametrize("change", ["few", "constant", "no denominator"])
def test_nothing_is_said_where_nothing_can_be(change: str) -> None:
    treated, control = _arms(0, upto=150 if change == "few" else 2000)
    if change == "constant":
        treated = control = Moments.of(np.zeros(500), np.ones(500))
    elif change == "no denominator":
        treated = Moments.of(np.zeros(500), np.zeros(500))
    assert difference(treated, control) is None


@pytest.mark.parametrize(
    ("observed", "shares", "holds"),
    [
        ((2500, 2450), (0.5, 0.5), True),
        ((2500, 2150), (0.5, 0.5), False),
        ((9000, 1000), (0.9, 0.1), True),
        ((9000, 800), (0.9, 0.1), False),
        ((3300, 3350, 3350), (1 / 3, 1 / 3, 1 / 3), True),
        ((3800, 3350, 2850), (1 / 3, 1 / 3, 1 / 3), False),
        ((0, 0), (0.5, 0.5), True),
    ],
)
def test_lost_units_block_a_verdict(observed: tuple[int, ...], shares: tuple[float, ...], holds: bool) -> None:
    assert check_sample_ratio(observed, shares).holds == holds
