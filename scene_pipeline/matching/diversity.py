"""Choose a list of good and varied products: maximal marginal relevance within bounds."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from scene_pipeline.color.names import basic_colors
from scene_pipeline.vocabulary import Diversity
from scene_pipeline.vocabulary.product_types import ProductTypes

MIN_LAMBDA = 0.4
"""Trade-off of the strongest diversity a person can ask for; the weakest is 1, the order of the scores."""

UNLIMITED = 1_000_000
"""Limit of a product that no type group bounds."""

NO_COLOR = -1


def with_strength(rules: Diversity, strength: float) -> Diversity:
    """Return the rules at a strength of 0-1: 0 keeps the order of the scores within the bounds, 1 spreads most."""
    return msgspec.structs.replace(rules, mmr_lambda=1 - strength * (1 - MIN_LAMBDA))


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates, row by row: `scores` [m] in 0-1, `vectors` [m, d] unit rows, `category` [m].

    `group` [m] is the type group, `limit` [m] how many of it ten places may hold (UNLIMITED where nothing bounds it).
    `color` [m] is the main color by number, NO_COLOR where none is known; `accent` [m] is true where a product picks up
    an accent color of the scene.
    """

    scores: np.ndarray
    vectors: np.ndarray
    category: np.ndarray
    group: np.ndarray
    limit: np.ndarray
    color: np.ndarray
    accent: np.ndarray


@dataclass(slots=True)
class Listed:
    """What a list holds already: how many of each category, type group and color, their vectors, and the accents."""

    categories: Counter[int] = field(default_factory=Counter)
    groups: Counter[int] = field(default_factory=Counter)
    colors: Counter[int] = field(default_factory=Counter)
    vectors: list[np.ndarray] = field(default_factory=list)
    accents: int = 0

    def add(self, pool: Pool, row: int) -> None:
        """Count a candidate of a pool as listed."""
        self.categories[int(pool.category[row])] += 1
        self.groups[int(pool.group[row])] += 1
        if pool.color[row] != NO_COLOR:
            self.colors[int(pool.color[row])] += 1
        self.vectors.append(pool.vectors[row])
        self.accents += bool(pool.accent[row])


def choose(pool: Pool, k: int, rules: Diversity, listed: Listed | None = None, places: int | None = None) -> list[int]:
    """Return up to `k` positions into the pool, in the order in which they were chosen; `listed` is added to.

    Greedy MMR (Carbonell and Goldstein 1998). A candidate nearer than `near_duplicate_similarity` to a chosen one is
    left out, and so is one whose type group has no place left: a second sofa would replace the first. Of every ten
    places a category takes at most `max_per_category` and a color at most `max_per_color`, and the first ten are filled
    from at least `min_categories` and at most `max_categories` categories and hold `min_accents` products that pick up
    an accent color of the scene, each as far as there are candidates for it. `places` is the length of the list that
    these bounds hold for, by default all that is chosen. What is chosen after it keeps the bounds too, so that it may
    take a place in the list.
    """
    listed = Listed() if listed is None else listed
    wanted = k + len(listed.vectors) if places is None else places
    tens = math.ceil(wanted / 10)
    nearest = _similarity(pool, listed.vectors)
    available = nearest < rules.near_duplicate_similarity
    chosen: list[int] = []
    while len(chosen) < k:
        available &= pool.limit * tens > _counts(listed.groups, pool.group)
        if not available.any():
            break
        open_ = _within_shares(available, pool, listed, rules, tens)
        open_ = _spread(open_, pool, listed, (min(wanted, 10) - len(listed.vectors), rules))
        best = int(np.where(open_, rules.mmr_lambda * pool.scores - (1 - rules.mmr_lambda) * nearest, -np.inf).argmax())
        chosen.append(best)
        listed.add(pool, best)
        similarity = np.einsum("md,d->m", pool.vectors, pool.vectors[best])  # no product of matrices: see `dot_rows`
        available &= similarity < rules.near_duplicate_similarity
        available[best] = False
        nearest = np.maximum(nearest, similarity)
    return chosen


def best_of_each_group(group: np.ndarray, most: int, each: int) -> np.ndarray:
    """Return the first `most` positions of `group` [m], which is in order of the scores, `each` of a group at most.

    Without the bound a pool may hold nothing but rugs, of which a list has one. -1 is not a group.
    """
    order = np.argsort(group, kind="stable")
    place = np.empty(len(group), dtype=np.int64)
    starts = np.searchsorted(group[order], group[order], side="left")
    place[order] = np.arange(len(group)) - starts
    return np.flatnonzero((place < each) | (group < 0))[:most]


def places_shared(types: ProductTypes) -> np.ndarray:
    """Return for each type group [G + 1] the group whose places in a list it uses; the last is the unknown type."""
    place = {group.id: index for index, group in enumerate(types.groups)}
    return np.array([*(place[group.counts_as or group.id] for group in types.groups), -1])


def group_limits(types: ProductTypes, bought_in_numbers: int) -> np.ndarray:
    """Return how many of each type group [G + 1] ten places hold; the last is for products of no known group."""
    limits = [bought_in_numbers if group.bought_in_numbers else 1 for group in types.groups]
    return np.array([*limits, UNLIMITED])


def main_colors(lab: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the basic color [m] of the largest color of products, [m, c, 3] with shares [m, c], as a number."""
    largest = share.argmax(axis=1)
    rows = np.arange(len(lab))
    return np.where(share[rows, largest] > 0, basic_colors(lab[rows, largest]), NO_COLOR)


def _similarity(pool: Pool, vectors: Sequence[np.ndarray]) -> np.ndarray:
    """[m] cosine with the nearest of the vectors, 0 without any."""
    nearest = np.zeros(len(pool.scores), dtype=np.float32)
    for vector in vectors:
        nearest = np.maximum(nearest, np.einsum("md,d->m", pool.vectors, vector))
    return nearest


def _counts(counted: Counter[int], values: np.ndarray) -> np.ndarray:
    """[m] how often each value is counted: a list holds few distinct ones, so each is looked for in all at once."""
    counts = np.zeros(len(values), dtype=np.int64)
    for value, times in counted.items():
        counts[values == value] = times
    return counts


def _within_shares(available: np.ndarray, pool: Pool, listed: Listed, rules: Diversity, tens: int) -> np.ndarray:
    """Return which candidates [m] keep the shares of categories and colors; a share grows where no other is left."""
    open_ = available
    for counted, values, share in (
        (listed.categories, pool.category, rules.max_per_category),
        (listed.colors, pool.color, rules.max_per_color),
    ):
        held = _counts(counted, values)
        most = max(share * tens, int(held[open_].min()) + 1)
        open_ = open_ & (held < most)
    return open_


def _spread(open_: np.ndarray, pool: Pool, listed: Listed, bounds: tuple[int, Diversity]) -> np.ndarray:
    """Return which candidates [m] give the first ten places enough categories, not too many, and the accents."""
    places, rules = bounds
    if places <= 0:
        return open_
    if places <= rules.min_accents - listed.accents and (open_ & pool.accent).any():
        open_ = open_ & pool.accent
    known = _counts(listed.categories, pool.category) > 0
    if len(listed.categories) >= rules.max_categories:
        return open_ & known if (open_ & known).any() else open_
    if places <= rules.min_categories - len(listed.categories):
        return open_ & ~known if (open_ & ~known).any() else open_
    return open_
