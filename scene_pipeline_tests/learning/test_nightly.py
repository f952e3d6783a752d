"""The nightly steps learn from compacted events, and write down what they refuse."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.events.compaction import compact
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.events.schema import Action, ExposedProduct, Exposure
from scene_pipeline.learning import nightly
from scene_pipeline.learning.exploration import Exploration, plan_exploration
from scene_pipeline.paths import CANDIDATE_WEIGHTS, PROPENSITIES
from scene_pipeline_tests.events.conftest import NOON

NAMES = ("style", "color", "size")
PRIOR = {"style": 0.7, "color": 0.2, "size": 0.1}
TASTE = np.array([0.1, 0.8, 0.1])


def log(artifacts: Path, rules: Exploration, lists: int = 1200) -> Path:
    """Log lists of six with three runners-up, and the clicks of people who go by color."""
    generator, events = np.random.default_rng(2), []
    for number in range(lists):
        factors = generator.random((30, 3))
        factors = factors[np.argsort(-(factors @ list(PRIOR.values())))[:9]]
        plan = plan_exploration(factors @ list(PRIOR.values()), 6, rules)
        products = []
        for rank, place in enumerate(plan.draw(f"r{number}"), start=1):
            chance = float(plan.probability[place, rank - 1])
            ranks = plan.rank_propensities(int(place))
            products.append(
                ExposedProduct(f"p{place}", rank, 0.5, chance, rank <= 6, tuple(factors[place].tolist()), ranks)
            )
            if rank <= 6 and generator.random() < 1 / (1 + np.exp(-10 * (factors[place] @ TASTE - 0.5))) / rank:
                events.append(Action(f"r{number}", "click", f"p{place}", NOON + 1))
        price = 1 - plan.score / plan.best_score
        fields = {"products": tuple(products), "exploration": rules.name, "price": price}
        events.append(Exposure(f"r{number}", NOON, f"s{number % 30}", "b", "w", NAMES, **fields))
    events.append(Exposure("unexplored", NOON, "s0", "b", "w", NAMES, products=(), intent="match"))
    store = open_store(artifacts)
    store.append(events)
    compact(store, events_folder(artifacts), dt.date(2026, 6, 1))
    store.close()
    return events_folder(artifacts)


def test_taste_is_learned_from_events(tmp_path: Path) -> None:
    folder = log(tmp_path, Exploration("plackett_luce", block=4, temperature=0.3))
    bias = nightly.estimate_propensities(folder)
    assert bias.refused == ""
    assert bias.examination[2] > bias.examination[4]
    assert 0.001 < bias.price < 0.1
    candidate = nightly.learn_weights(folder, bias, PRIOR)
    assert candidate.improves
    assert 0.5 < candidate.step < 1
    assert candidate.weights["color"] > 0.45
    assert sum(candidate.weights.values()) == pytest.approx(1, abs=1e-9)
    nightly.save(bias, tmp_path / PROPENSITIES)
    nightly.save(candidate, tmp_path / CANDIDATE_WEIGHTS)
    assert nightly.load_propensities(tmp_path) == bias
    assert nightly.load_candidate(tmp_path) == candidate
    own = nightly.estimate_policy(folder, bias, PRIOR)
    assert own.refused == ""
    assert own.estimates["dr"][1] < own.on_policy[0] < own.estimates["dr"][2]
    assert "not a factor" in nightly.estimate_policy(folder, bias, {"price": 1.0}).refused


def test_without_exploration_every_step_says_why(tmp_path: Path) -> None:
    folder = log(tmp_path, Exploration(), lists=50)
    bias = nightly.estimate_propensities(folder)
    assert "no exploration" in bias.refused
    assert nightly.learn_weights(folder, bias, PRIOR).refused == bias.refused
    assert nightly.estimate_policy(folder, bias, PRIOR).refused == bias.refused
    assert "materialize propensities" in nightly.load_propensities(tmp_path / "none").refused
    assert "materialize candidate_weights" in nightly.load_candidate(tmp_path / "none").refused
