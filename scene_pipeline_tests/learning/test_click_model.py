"""Position bias is recovered from exploration, and refused without it."""

from dataclasses import replace

import numpy as np
import pytest

from scene_pipeline.errors import LearningError
from scene_pipeline.learning.click_model import fit_click_model
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline_tests.learning.conftest import Simulate


def test_examination_is_recovered_within_its_interval(simulate: Simulate) -> None:
    model = fit_click_model(simulate(12_000))
    ranks = np.arange(2, 9)
    assert model.reference == 2
    assert model.at(ranks) == pytest.approx(2 / ranks, rel=0.35)
    inside = [model.low[rank] <= 2 / rank <= model.high[rank] for rank in (3, 4, 5, 6, 7, 8)]
    assert sum(inside) >= 3
    assert model.at(np.array([1]))[0] == pytest.approx(2.0, rel=0.3)  # by the power law
    assert model.known(np.array([1, 2, 9])).tolist() == [False, True, False]


def test_without_exploration_it_is_refused(simulate: Simulate) -> None:
    with pytest.raises(LearningError, match="no exploration"):
        fit_click_model(simulate(200, rules=Exploration()))


def test_too_few_rewards_are_refused(simulate: Simulate) -> None:
    log = simulate(50)
    with pytest.raises(LearningError, match="log for longer"):
        fit_click_model(replace(log, reward=np.zeros_like(log.reward)))
