"""The set solver: the best set within a budget, proved against every set there is."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from scene_pipeline.matching.set_solver import SetProblem, greedy, mean_fit, solve


def problem(seed: int, budget: float, places: int = 4, each: int = 3) -> SetProblem:
    rng = np.random.default_rng(seed)
    count = places * each
    taste = rng.normal(size=(count, 3))
    fit = 1 / (1 + np.exp(-2 * taste @ taste.T))
    return SetProblem(
        np.repeat(np.arange(places), each), rng.random(count), rng.uniform(10, 300, count), (fit + fit.T) / 2, budget
    )


def every_set(given: SetProblem) -> list[np.ndarray]:
    """All sets of one product a place or none, within the budget and with the musts."""
    places = given.slots.tolist()
    taken = [
        [*np.flatnonzero(given.slot == place).tolist(), *([] if place in given.must else [-1])] for place in places
    ]
    sets = [np.array([at for at in one if at >= 0], int) for one in itertools.product(*taken)]
    return [one for one in sets if given.price[one].sum() <= given.budget]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("budget", [150.0, 400.0, 5000.0])
def test_the_set_is_the_best_of_all_that_the_budget_allows(seed: int, budget: float) -> None:
    given = problem(seed, budget)
    found = solve(given)
    assert found is not None
    assert given.price[found.chosen].sum() <= budget
    assert len(np.unique(given.slot[found.chosen])) == len(found.chosen)
    assert given.value(found.chosen) == pytest.approx(max(map(given.value, every_set(given))), abs=1e-6)
    assert found.gap < 1e-3


def test_what_must_be_in_the_set_is_in_it_or_there_is_no_set() -> None:
    given = replace(problem(3, 400.0), must=frozenset({1, 2}))
    found = solve(given)
    assert found is not None
    assert {1, 2} <= set(given.slot[found.chosen].tolist())
    assert given.value(found.chosen) == pytest.approx(max(map(given.value, every_set(given))), abs=1e-6)
    assert solve(replace(given, budget=15.0)) is None


def test_the_greedy_set_keeps_the_budget_and_goes_together_less() -> None:
    for seed in range(6):
        given = replace(problem(seed, 500.0, 6, 4), must=frozenset({5}))
        ours, theirs = solve(given), greedy(given)
        if ours is None or theirs is None:
            assert ours is theirs is None
            continue
        assert given.price[theirs].sum() <= 500
        assert 5 in given.slot[theirs]
        assert given.value(ours.chosen) >= given.value(theirs) - 1e-9
    assert mean_fit(problem(0, 1.0).fit, np.array([0])) == 1


def test_out_of_time_the_gap_is_stated() -> None:
    given = problem(2, 900.0, 9, 8)
    found = solve(given, time_limit=0.01)
    assert found is not None
    assert found.gap >= 0
    assert given.price[found.chosen].sum() <= 900
