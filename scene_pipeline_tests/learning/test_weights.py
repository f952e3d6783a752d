"""Weights follow a taste that is there, keep to those in force where none is, and stay weights."""

import numpy as np
import pytest

from scene_pipeline.errors import LearningError
from scene_pipeline.learning.click_model import fit_click_model
from scene_pipeline.learning.policy_value import evaluate_weights
from scene_pipeline.learning.weights import Choices, choices_of, fit_weights, project_on_simplex
from scene_pipeline_tests.learning.conftest import PRIOR, TASTE, Simulate


def test_debiased_clicks_find_the_taste_and_raw_ones_the_old_order(simulate: Simulate) -> None:
    log = simulate(2000)
    fit = fit_weights(choices_of(log, fit_click_model(log)), PRIOR)
    raw = fit_weights(choices_of(log, None), PRIOR)
    distance = [float(np.abs(found - TASTE).sum()) for found in (fit.weights, raw.weights, PRIOR)]
    assert distance[0] < 0.65 * distance[1] < distance[2]
    assert fit.improves
    assert fit.weights.sum() == pytest.approx(1)
    assert (fit.weights >= 0).all()
    assert fit.scenes == 50
    assert fit.step > 0.5


def test_clicks_without_taste_change_nothing(simulate: Simulate) -> None:
    log = simulate(8000, taste=0.0)
    fit = fit_weights(choices_of(log, fit_click_model(log)), PRIOR)
    assert np.abs(fit.weights - PRIOR).max() < 0.05
    assert not fit.improves


def test_chance_moves_weights_once_in_a_hundred_times() -> None:
    moved = []
    for seed in range(20):
        choices = _choices(np.random.default_rng(seed), np.zeros((50, len(PRIOR))), lists=40)
        moved.append(float(np.abs(fit_weights(choices, PRIOR).weights - PRIOR).max()))
    assert np.count_nonzero(moved) <= 2
    assert max(moved) < 0.05


def test_what_holds_in_single_rooms_alone_is_no_improvement() -> None:
    generator = np.random.default_rng(0)
    for _ in range(5):
        own = 6 * (generator.dirichlet(np.ones(len(PRIOR)), 20) - 1 / len(PRIOR))
        assert not fit_weights(_choices(generator, 4 * PRIOR + own, lists=300), PRIOR).improves


def test_weights_are_left_that_choices_run_against() -> None:
    generator = np.random.default_rng(0)
    taste, wrong = np.eye(len(PRIOR))[1], np.eye(len(PRIOR))[0]
    choices = _choices(generator, np.tile(6 * (taste - 0.3 * wrong), (30, 1)), lists=50)
    fit = fit_weights(choices, wrong)
    assert fit.weights[1] > 0.8
    assert fit.improves


def _choices(generator: np.random.Generator, tastes: np.ndarray, lists: int) -> Choices:
    """Return what is chosen from lists of 8 in rooms, each of which has a taste of `tastes` [rooms, F]."""
    rooms = len(tastes)
    factors = generator.random((rooms, lists, 8, tastes.shape[1]))
    utility = np.einsum("rlif,rf->rli", factors, tastes) + generator.gumbel(size=factors.shape[:3])
    return Choices(
        factors=factors.reshape(-1, tastes.shape[1]),
        chosen=(utility == utility.max(axis=2, keepdims=True)).ravel().astype(float),
        offset=np.zeros(rooms * lists * 8),
        group=np.repeat(np.arange(rooms * lists), 8),
        scene=np.repeat(np.arange(rooms), lists),
    )


def test_too_little_is_refused(simulate: Simulate) -> None:
    log = simulate(60)
    with pytest.raises(LearningError, match="choices"):
        fit_weights(choices_of(log, None), PRIOR)
    choices = choices_of(simulate(1000), None)
    with pytest.raises(LearningError, match="1 scenes"):
        fit_weights(
            type(choices)(choices.factors, choices.chosen, choices.offset, choices.group, choices.scene * 0), PRIOR
        )


def test_other_weights_are_estimated_or_refused(simulate: Simulate) -> None:
    log = simulate(2000)
    model = fit_click_model(log)
    kept = evaluate_weights(log, model, PRIOR)
    assert kept.report.refused is None
    for estimate in kept.report.estimates.values():  # the weights that ran: close to what was earned
        assert estimate.value == pytest.approx(kept.report.on_policy.value, rel=0.1)
    better = evaluate_weights(log, model, 0.5 * PRIOR + 0.5 * TASTE)
    if better.report.refused is None:
        assert better.report.estimates["dr"].value > kept.report.on_policy.value
    few = evaluate_weights(simulate(300), model, PRIOR)
    assert "effective sample" in (few.report.refused or "")


@pytest.mark.parametrize("vector", [[0.2, 0.3, 0.5], [-1.0, 2.0, 0.0], [5.0, 5.0, 5.0]])
def test_projection_lands_on_the_simplex(vector: list[float]) -> None:
    found = project_on_simplex(np.array(vector))
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert project_on_simplex(found) == pytest.approx(found)
