"""A crowd with a known taste, whose log the estimators must undo."""

from collections.abc import Callable

import numpy as np
import pytest

from scene_pipeline.learning.exploration import Exploration, plan_exploration
from scene_pipeline.learning.logs import Logs

PRIOR = np.array([0.45, 0.20, 0.15, 0.10, 0.05, 0.05])
TASTE = np.array([0.10, 0.45, 0.25, 0.05, 0.05, 0.10])
NAMES = ("base_similarity", "style_alignment", "color_harmony", "material_quality", "size_appropriateness", "fit")
EXPLORING = Exploration("plackett_luce", block=4, temperature=0.1)

Simulate = Callable[..., Logs]


def _simulate(requests: int = 3000, taste: float = 8.0, rules: Exploration = EXPLORING, k: int = 8) -> Logs:
    generator = np.random.default_rng(0)
    columns: list[tuple[np.ndarray, ...]] = []
    support: list[tuple[np.ndarray, ...]] = []
    pools = [(found, plan_exploration(found @ PRIOR, k, rules)) for found in _candidates(generator, 300, k + 3)]
    for request in range(requests):
        factors, plan = pools[request % len(pools)]
        order = plan.draw(f"r{request}")
        n, rank = len(order), np.arange(1, len(order) + 1)
        attraction = 1 / (1 + np.exp(-taste * (factors[order] @ TASTE - 0.6)))
        reward = (generator.random(n) < attraction / rank) & (rank <= k)
        columns.append((np.full(n, request), rank, rank <= k, factors[order], reward.astype(float)))
        candidate, column = np.nonzero(plan.probability)
        row = np.empty(n, dtype=int)
        row[order] = np.arange(n)
        support.append((request * n + row[candidate], column + 1, plan.probability[candidate, column]))
    request, rank, shown, factors, reward = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    row, other, probability = (np.concatenate(parts) for parts in zip(*support, strict=True))
    scene = np.arange(requests) % 50
    return Logs(requests, scene, request, rank, shown, factors, reward, row, other, probability, NAMES)


def _candidates(generator: np.random.Generator, count: int, size: int) -> list[np.ndarray]:
    drawn = generator.random((count, 40, len(PRIOR)))
    return [factors[np.argsort(-(factors @ PRIOR))[:size]] for factors in drawn]


@pytest.fixture(scope="session")
def simulate() -> Simulate:
    """Return a function that makes a log: requests, strength of taste, exploration rules, k."""
    return _simulate
