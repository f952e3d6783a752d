"""Weights follow a taste that is there, keep to those in force where none is, and stay weights."""

import numpy as np
import pytest

from scene_pipeline.errors import LearningError
from scene_pipeline.learning.click_model import fit_click_model
from scene_pipeline.learning.policy_value import evaluate_weights
from scene_pipeline.learning.weights import choices_of, fit_weights, project_on_simplex
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


def test_clicks_without_taste_change_nothing(simulate: Simulate) -> None:
    log = simulate(8000, taste=0.0)
    fit = fit_weights(choices_of(log, fit_click_model(log)), PRIOR)
    assert np.abs(fit.weights - PRIOR).max() < 0.05
    assert not fit.improves


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
