"""Metrics of one ranked list against the set of true items. Standard definitions, binary relevance."""

import math
from collections.abc import Collection, Sequence


def hit(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Return 1.0 when at least one of the first `k` items is relevant, else 0.0."""
    return float(any(item in relevant for item in ranking[:k]))


def recall(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Return the share of all relevant items that are among the first `k`."""
    return sum(item in relevant for item in ranking[:k]) / len(relevant)


def ndcg(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Return the discounted cumulative gain of the first `k`, as a share of the best possible one."""
    gain = sum(1 / math.log2(place + 2) for place, item in enumerate(ranking[:k]) if item in relevant)
    best = sum(1 / math.log2(place + 2) for place in range(min(k, len(relevant))))
    return gain / best


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str]) -> float:
    """Return 1 / rank of the first relevant item, and 0.0 when the ranking has none."""
    return next((1 / place for place, item in enumerate(ranking, start=1) if item in relevant), 0.0)


def random_hit(n_items: int, n_relevant: int, k: int) -> float:
    """Return the probability of a relevant item among `k` random ones of `n_items` (hypergeometric)."""
    k = min(k, n_items)
    return 1 - math.comb(n_items - n_relevant, k) / math.comb(n_items, k)
