"""Intervals hold at every look, units count once, and lost units are noticed."""

import math

import numpy as np
import pytest

from scene_pipeline.experiments.statistics import Units, check_sample_ratio, difference, sequence_radius


def _units(seed: int, n: int = 2000, lift: float = 0.0) -> Units:
    generator = np.random.default_rng(seed)
    treated = generator.random(n) < 0.5
    return Units(treated, generator.normal(1 + lift * treated, 1.0, n), np.ones(n))


def test_the_sequence_is_the_robbins_mixture() -> None:
    # sqrt(2 (x + 1) / (n x) log(sqrt(x + 1) / alpha)), n = 10,000, x = 8: by hand
    assert sequence_radius(10_000, 2.0, 0.05, 0.0008) == pytest.approx(2 * 0.030351, rel=1e-4)


def test_an_interval_covers_at_all_looks_together() -> None:
    misses = 0
    for seed in range(100):
        units = _units(seed)
        looks = [
            difference(Units(units.treated[:n], units.numerator[:n], units.denominator[:n]), planned=2000)
            for n in range(300, 2001, 200)
        ]
        misses += any(look is not None and not look.low <= 0 <= look.high for look in looks)
    assert misses <= 5 + 3 * math.sqrt(5)


def test_a_true_difference_is_found() -> None:
    found = difference(_units(0, lift=0.4), planned=2000)
    assert found is not None
    assert found.low > 0
    assert found.low < 0.4 < found.high
    assert found.relative[0] == pytest.approx(found.value / found.control)


def test_what_units_did_before_narrows_the_interval() -> None:
    units = _units(1)
    before = 0.8 * (units.numerator - 1) + 0.6 * np.random.default_rng(9).normal(size=2000)
    plain = difference(units)
    adjusted = difference(Units(units.treated, units.numerator, units.denominator, before))
    assert plain is not None
    assert adjusted is not None
    assert (adjusted.high - adjusted.low) < 0.75 * (plain.high - plain.low)


@pytest.mark.parametrize("change", ["few", "constant", "no denominator"])
def test_nothing_is_said_where_nothing_can_be(change: str) -> None:
    units = _units(0)
    if change == "few":
        units = Units(units.treated[:150], units.numerator[:150], units.denominator[:150])
    elif change == "constant":
        units = Units(units.treated, np.zeros(2000), np.ones(2000))
    else:
        units = Units(units.treated, units.numerator, np.where(units.treated, 0.0, 1.0))
    assert difference(units) is None


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
