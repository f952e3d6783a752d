"""Exploration: shuffle a list a little, with known probabilities, to separate the effects of rank and quality.

The list and its runners-up are cut into blocks of neighbors from place `first_rank` on, where the cut itself is drawn
too; inside a block the order is drawn by Plackett-Luce, or two neighbors change places. Blocks are small enough to
enumerate, so the probability of every product at every rank is exact.
"""

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from scene_pipeline.errors import LearningError
from scene_pipeline.matching.request import RunnersUp
from scene_pipeline.vocabulary import Diversity

MAX_BLOCK = 5

ListRule = Callable[[np.ndarray], bool]
"""Returns whether the candidates at these positions [k] may be shown together."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """How much a list is shuffled. `temperature` is in units of the score: a score lower by it has odds 1:e.

    block: neighbors that change places with each other. runners_up: candidates after the list that may enter it.
    swap_probability is used by the method `swap` alone.
    """

    method: Literal["off", "swap", "plackett_luce"] = "off"
    first_rank: int = 2
    block: int = 3
    temperature: float = 0.05
    swap_probability: float = 0.5
    runners_up: int = 3

    def __post_init__(self) -> None:
        """Raise LearningError for rules that no order can be drawn by."""
        if self.method not in ("off", "swap", "plackett_luce"):
            raise LearningError(f"exploration method '{self.method}' is not one of off, swap, plackett_luce")
        if self.first_rank < 1 or not 2 <= self.block <= MAX_BLOCK or self.runners_up < 0:
            raise LearningError(
                f"exploration: first_rank {self.first_rank} must be at least 1, block {self.block} in 2-{MAX_BLOCK} "
                f"and runners_up {self.runners_up} at least 0"
            )
        if not self.temperature > 0 or not 0 < self.swap_probability < 1:
            raise LearningError("exploration: temperature must be above 0 and swap_probability between 0 and 1")

    @property
    def wanted(self) -> RunnersUp:
        """The runners-up to request of the matcher: with words only where one may enter the list."""
        return RunnersUp(self.runners_up, in_words=self.method != "off")

    @property
    def name(self) -> str:
        """The rules in one word, as exposures log them; empty when off."""
        if self.method == "off":
            return ""
        size = f"p{self.swap_probability:g}" if self.method == "swap" else f"b{self.block}-t{self.temperature:g}"
        return f"{self.method}-{self.first_rank}-{size}"


@dataclass(frozen=True, slots=True)
class ExplorationPlan:
    """The orders that a list may be drawn in. Positions point into the candidates in their own order.

    blocks: for each way to cut the list, its blocks as (places, orders [p, b], chance [p]). `probability` [n, n]: row
    i, column r is the probability that candidate i comes to rank r + 1. `score` and `best_score` are the list's
    expected score with and without exploration, discounted by 1/log2(1 + rank).
    """

    blocks: tuple[tuple[tuple[list[int], np.ndarray, np.ndarray], ...], ...]
    probability: np.ndarray
    score: float
    best_score: float

    def draw(self, request_id: str) -> np.ndarray:
        """Return the order [n] that a request is shown, always the same for the same id."""
        generator = np.random.Generator(np.random.PCG64(request_seed(request_id)))
        order = np.arange(len(self.probability))
        for places, orders, chance in self.blocks[int(generator.integers(len(self.blocks)))]:
            order[places] = orders[np.searchsorted(np.cumsum(chance)[:-1], generator.random(), side="right")]
        return order

    def propensities(self, order: np.ndarray) -> np.ndarray:
        """Return the probability [n] with which each candidate came to its rank."""
        return self.probability[order, np.arange(len(order))]

    def rank_propensities(self, candidate: int) -> tuple[tuple[int, float], ...]:
        """Return (rank, probability) for every rank that a candidate could have had."""
        row = self.probability[candidate]
        return tuple((int(rank) + 1, float(row[rank])) for rank in np.flatnonzero(row))


def request_seed(request_id: str) -> int:
    """Return the seed of a request: 63 bits of the SHA-256 of its id."""
    return int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:8], "big") >> 1


def plan_exploration(scores: np.ndarray, k: int, rules: Exploration, rule: ListRule | None = None) -> ExplorationPlan:
    """Return the orders of `scores` [n], a list's candidates in their own order: k to show, then runners-up.

    An order that `rule` forbids has probability 0; the own order is always allowed. Raises LearningError for no place.
    """
    if k < 1:
        raise LearningError(f"a list of {k} places cannot be explored; ask for at least 1")
    n = len(scores)
    k = min(k, n)
    cuts = [[]] if rules.method == "off" or n <= rules.first_rank else _cuts(n, rules)
    blocks = tuple(tuple((block, *_orders(block, scores, k, rules, rule)) for block in cut) for cut in cuts)
    probability = np.zeros((n, n))
    fixed = n if cuts == [[]] else rules.first_rank - 1
    probability[range(fixed), range(fixed)] = 1.0
    for cut in blocks:
        for places, orders, chance in cut:
            for column, rank in enumerate(places):
                np.add.at(probability[:, rank], orders[:, column], chance / len(blocks))
    discount = 1 / np.log2(2 + np.arange(k))
    return ExplorationPlan(
        blocks=blocks,
        probability=probability,
        score=float(scores @ probability[:, :k] @ discount / max(discount.sum(), 1e-12)),
        best_score=float(scores[:k] @ discount / max(discount.sum(), 1e-12)),
    )


def list_rule(categories: np.ndarray, k: int, rules: Diversity) -> ListRule:
    """Return the rule that an explored list keeps the bounds on categories, or at least is as varied as the own list.

    categories [n] are those of the candidates, among which are no near-duplicates.
    """
    own_counts = np.unique(categories[:k], return_counts=True)[1]
    most = max(int(own_counts.max(initial=0)), rules.max_per_category * -(-k // 10))
    fewest = min(len(own_counts), rules.min_categories)
    highest = max(len(own_counts), rules.max_categories)

    def allowed(shown: np.ndarray) -> bool:
        counts = np.unique(categories[shown], return_counts=True)[1]
        return counts.max(initial=0) <= most and fewest <= len(counts) <= highest

    return allowed


def _cuts(n: int, rules: Exploration) -> list[list[list[int]]]:
    """Return the ways to cut the places from first_rank on (0-based) into blocks; each is as likely."""
    size = 2 if rules.method == "swap" else rules.block
    start = rules.first_rank - 1
    cuts = []
    for offset in range(size):
        bounds = [start, *range(start + offset if offset else start + size, n, size), n]
        blocks = [list(range(low, high)) for low, high in itertools.pairwise(bounds) if high > low]
        if blocks not in cuts:
            cuts.append(blocks)
    return cuts


@lru_cache
def _permutations(size: int) -> np.ndarray:
    return np.array(list(itertools.permutations(range(size))))


def _orders(
    block: Sequence[int], scores: np.ndarray, k: int, rules: Exploration, rule: ListRule | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the allowed orders [p, b] of a block's candidates and their probabilities [p]."""
    members = np.asarray(block)
    order = _permutations(len(members))
    if rules.method == "swap":
        chance = np.array([1.0, *([rules.swap_probability] if len(members) == 2 else [])])
        chance[0] -= chance[1:].sum()
    else:
        strength = np.exp((scores[members] - scores[members].max()) / rules.temperature)[order]
        chance = np.prod(strength / np.cumsum(strength[:, ::-1], axis=1)[:, ::-1], axis=1)
    orders = members[order]
    if rule is not None and members[0] < k <= members[-1]:
        others = np.array([place for place in range(k) if place not in block], dtype=int)
        inside = k - int(members[0])
        allowed = np.array(
            [index == 0 or rule(np.concatenate([others, row[:inside]])) for index, row in enumerate(orders)]
        )
        orders, chance = orders[allowed], chance[allowed]
    return orders, chance / chance.sum()
