"""Choose a list that is good and not ten times the same: maximal marginal relevance under category bounds."""

import math

import msgspec
import numpy as np

from scene_pipeline.index.vectors import dot_rows
from scene_pipeline.vocabulary import Diversity

MIN_LAMBDA = 0.4
"""Trade-off of the strongest diversity a person can ask for; the weakest is 1, the order of the scores."""


def with_strength(rules: Diversity, strength: float) -> Diversity:
    """Return the rules at a strength of 0-1: 0 keeps the order of the scores within the bounds, 1 spreads most."""
    return msgspec.structs.replace(rules, mmr_lambda=1 - strength * (1 - MIN_LAMBDA))


def choose(
    scores: np.ndarray,
    vectors: np.ndarray,
    category: np.ndarray,
    k: int,
    rules: Diversity,
    taken: dict[int, int] | None = None,
) -> list[int]:
    """Return up to `k` positions into the candidates, best first.

    `scores` [m] in 0-1, `vectors` [m, d] unit rows, `category` [m]; `taken` counts what the list holds already, by
    category. Greedy MMR (Carbonell and Goldstein 1998). A candidate nearer than `near_duplicate_similarity` to a chosen
    one is left out. Of every ten places a category takes at most `max_per_category`, and the first ten are filled from
    at least `min_categories` and at most `max_categories` categories, each as far as there are candidates for it.
    """
    taken = dict(taken or {})
    held = sum(taken.values())
    wanted = k + held
    most = rules.max_per_category * math.ceil(wanted / 10)
    available = np.ones(len(scores), dtype=bool)
    nearest = np.zeros(len(scores), dtype=np.float32)
    chosen: list[int] = []
    while len(chosen) < k and available.any():
        open_ = available & ~np.isin(category, [name for name, count in taken.items() if count >= most])
        if not open_.any():
            most += 1
            continue
        open_ = _bounded(open_, category, taken, (min(wanted, 10) - held - len(chosen), rules))
        value = np.where(open_, rules.mmr_lambda * scores - (1 - rules.mmr_lambda) * nearest, -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        taken[int(category[best])] = taken.get(int(category[best]), 0) + 1
        available[best] = False
        similarity = dot_rows(vectors, vectors[best])
        available &= similarity < rules.near_duplicate_similarity
        nearest = np.maximum(nearest, similarity)
    return chosen


def _bounded(
    open_: np.ndarray, category: np.ndarray, taken: dict[int, int], bounds: tuple[int, Diversity]
) -> np.ndarray:
    """Return what stays open so that the first ten places come from as many categories as the rules want."""
    places, rules = bounds
    if places <= 0:
        return open_
    known = np.isin(category, list(taken))
    if len(taken) >= rules.max_categories:
        return open_ & known if (open_ & known).any() else open_
    if places <= rules.min_categories - len(taken):
        return open_ & ~known if (open_ & ~known).any() else open_
    return open_
