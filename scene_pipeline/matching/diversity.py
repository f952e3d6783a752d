"""Choose a list that is good and not ten times the same: maximal marginal relevance under category bounds."""

import math

import numpy as np

from scene_pipeline.index.vectors import dot_rows
from scene_pipeline.vocabulary import Diversity


def choose(scores: np.ndarray, vectors: np.ndarray, category: np.ndarray, k: int, rules: Diversity) -> list[int]:
    """Return up to `k` positions into the candidates, best first.

    `scores` [m] in 0-1, `vectors` [m, d] unit rows, `category` [m]. Greedy MMR (Carbonell and Goldstein 1998). A
    candidate nearer than `near_duplicate_similarity` to a chosen one is left out; a category takes at most
    `max_per_category` of every ten places, as long as others have candidates.
    """
    most = rules.max_per_category * math.ceil(k / 10)
    available = np.ones(len(scores), dtype=bool)
    nearest = np.zeros(len(scores), dtype=np.float32)
    taken: dict[int, int] = {}
    chosen: list[int] = []
    while len(chosen) < k and available.any():
        full = [name for name, count in taken.items() if count >= most]
        open_ = available & ~np.isin(category, full)
        if not open_.any():
            most += 1
            continue
        value = np.where(open_, rules.mmr_lambda * scores - (1 - rules.mmr_lambda) * nearest, -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        taken[int(category[best])] = taken.get(int(category[best]), 0) + 1
        available[best] = False
        similarity = dot_rows(vectors, vectors[best])
        available &= similarity < rules.near_duplicate_similarity
        nearest = np.maximum(nearest, similarity)
    return chosen
