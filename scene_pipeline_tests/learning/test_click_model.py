"""Position bias is recovered from exploration, and refused without it."""

from dataclasses import replace

import numpy as np
import pytest

from scene_pipeline.errors import LearningError
from scene_pipeline.learning.click_model import fit_click_model
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline_tests.learning.conftest import Simulate


def test_examination_is_recovered_within_its_interval(simulate: Simulate) -> None:
    """The bound is the model's own: twice its 95% interval is four standard errors, and that is narrow."""
    model = fit_click_model(simulate(12_000))
    assert model.reference == 2
    for rank in range(3, 9):
        half = np.log(model.high[rank] / model.low[rank]) / 2
        assert half < 0.13, rank
        assert abs(np.log(model.examination[rank] * rank / 2)) < 2 * half, rank
    assert model.at(np.array([1]))[0] == pytest.approx(2.0, rel=0.13)  # by the power law
    assert model.known(np.array([1, 2, 9])).tolist() == [False, True, False]


def test_without_exploration_it_is_refused(simulate: Simulate) -> None:
    with pytest.raises(LearningError, match="no exploration"):
        fit_click_model(simulate(200, rules=Exploration()))


def test_too_few_rewards_are_refused(simulate: Simulate) -> None:
    log = simulate(50)
    with pytest.raises(LearningError, match="log for longer"):
        fit_click_model(replace(log, reward=np.zeros_like(log.reward)))
