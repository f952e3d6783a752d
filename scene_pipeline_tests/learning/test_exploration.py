"""Explored lists: exact probabilities, a stated price, and never less variety than the rules want."""

import numpy as np
import pytest

from scene_pipeline.errors import LearningError
from scene_pipeline.learning.exploration import Exploration, list_rule, plan_exploration
from scene_pipeline.vocabulary import load_vocabulary

SCORES = np.linspace(0.8, 0.5, 13)
RULES = [
    Exploration("swap"),
    Exploration("swap", swap_probability=0.1, first_rank=1),
    Exploration("plackett_luce"),
    Exploration("plackett_luce", block=5, temperature=0.5, first_rank=3),
]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: rules.name)
def test_logged_propensities_are_the_frequencies(rules: Exploration) -> None:
    plan = plan_exploration(SCORES, 10, rules)
    counts = np.zeros((13, 13))
    for number in range(3000):
        counts[plan.draw(f"request-{number}"), np.arange(13)] += 1
    assert np.abs(counts / 3000 - plan.probability).max() < 0.04
    assert plan.probability.sum(axis=0) == pytest.approx(np.ones(13))
    assert plan.probability.sum(axis=1) == pytest.approx(np.ones(13))
    fixed = rules.first_rank - 1
    assert plan.probability[:fixed, :fixed] == pytest.approx(np.eye(fixed))


def test_a_request_is_always_drawn_alike_and_another_one_otherwise() -> None:
    plan = plan_exploration(SCORES, 10, RULES[2])
    assert plan.draw("a").tolist() == plan.draw("a").tolist()
    assert len({tuple(plan.draw(str(number))) for number in range(50)}) > 10


def test_off_is_the_own_order_at_no_price() -> None:
    plan = plan_exploration(SCORES, 10, Exploration())
    assert plan.draw("a").tolist() == list(range(13))
    assert plan.propensities(plan.draw("a")).tolist() == [1.0] * 13
    assert plan.score == pytest.approx(plan.best_score)
    assert Exploration().name == ""


def test_the_price_grows_with_the_temperature() -> None:
    prices = [
        (plan := plan_exploration(SCORES, 10, Exploration("plackett_luce", temperature=heat))).best_score - plan.score
        for heat in (0.01, 0.1, 1.0)
    ]
    assert 0 < prices[0] < prices[1] < prices[2] < 0.02


def test_every_possible_rank_is_given_with_its_probability() -> None:
    plan = plan_exploration(SCORES, 10, Exploration("swap"))
    assert plan.rank_propensities(0) == ((1, 1.0),)
    assert plan.rank_propensities(2) == ((2, 0.25), (3, 0.5), (4, 0.25))


def test_no_drawn_list_breaks_the_rules_of_variety() -> None:
    diversity = load_vocabulary().scoring.diversity
    categories = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 9, 1, 1])  # candidate 10 would be a category too many
    wide = Exploration("plackett_luce", block=5, temperature=1.0)
    plan = plan_exploration(SCORES, 10, wide, list_rule(categories, 10, diversity))
    own = len(set(categories[:10]))
    most = max(np.bincount(categories[:10]).max(), diversity.max_per_category)
    for number in range(400):
        shown = plan.draw(str(number))[:10]
        assert len(set(categories[shown])) <= max(own, diversity.max_categories)
        assert np.bincount(categories[shown]).max() <= most


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "dice"},
        {"first_rank": 0},
        {"block": 6},
        {"temperature": 0.0},
        {"swap_probability": 1.0},
        {"runners_up": -1},
    ],
)
def test_rules_that_cannot_be_drawn_from_are_refused(wrong: dict) -> None:
    with pytest.raises(LearningError, match="exploration"):
        Exploration(**wrong)
    with pytest.raises(LearningError, match="0 places"):
        plan_exploration(SCORES, 0, Exploration())
