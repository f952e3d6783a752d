"""The log as arrays: one row for every product that was shown or was a runner-up, in the order of requests."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

POSITIVE = ("click", "like", "pin", "add_to_cart", "purchase")
"""Actions that count as a reward of 1; a product that was also disliked or rejected in the same list earns 0."""

NEGATIVE = ("dislike", "reject")


@dataclass(frozen=True, slots=True)
class Logs:
    """Rows of `n` requests, ascending by request. Arrays have shape [m] unless said otherwise.

    scene: [n], an index of each request's photograph. request: 0 to n - 1. factors: [m, F]. support_row, support_rank,
    support_probability: one entry for every rank that a row's product could have had, with its probability (for a row
    without exploration its own rank, at 1).
    """

    n: int
    scene: np.ndarray
    request: np.ndarray
    rank: np.ndarray
    shown: np.ndarray
    factors: np.ndarray
    reward: np.ndarray
    support_row: np.ndarray
    support_rank: np.ndarray
    support_probability: np.ndarray
    factor_names: tuple[str, ...]

    def blocks(self, requests: int = 20_000) -> Iterator[slice]:
        """Yield the rows in slices of whole requests, so that the results for each slice stay small."""
        bounds = np.searchsorted(self.request, np.arange(0, self.n + requests, requests))
        for first, last in itertools.pairwise(bounds):
            if last > first:
                yield slice(int(first), int(last))

    @property
    def explored(self) -> bool:
        """Whether any product could have had another rank."""
        return len(self.support_row) > len(self.request)
