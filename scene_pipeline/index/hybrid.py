"""Text search besides vectors: a BM25 order for engines without one, and the fusion of two orders by rank."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

K1, B = 1.2, 0.75
"""The usual constants of BM25 (Robertson and Zaragoza 2009)."""

RANK_CONSTANT = 60
"""Reciprocal rank fusion adds 1 / (60 + rank) over the orders (Cormack, Clarke and Büttcher 2009)."""

DEPTH = 100
"""Minimum depth to which both orders are read."""

_WORD = re.compile(r"\w+")


def lower_words(text: str) -> list[str]:
    """Return the words of a text, lower-cased."""
    return _WORD.findall(text.lower())


class TextOrder:
    """BM25 over short texts, held in memory."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Count the words of `texts`."""
        self._n = len(texts)
        postings: dict[str, list[tuple[int, int]]] = {}
        lengths = np.zeros(self._n, np.float32)
        for row, text in enumerate(texts):
            words = lower_words(text)
            lengths[row] = len(words)
            for word, times in Counter(words).items():
                postings.setdefault(word, []).append((row, times))
        self._postings = {word: np.array(found, np.int32).T for word, found in postings.items()}
        self._norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0)) if self._n else lengths

    def best(self, text: str, depth: int, allowed: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.int64]:
        """Return the rows of up to `depth` texts with a word of `text`, best first, ties by row."""
        scores = np.zeros(self._n, np.float32)
        for word in set(lower_words(text)):
            if word not in self._postings:
                continue
            rows, times = self._postings[word]
            rarity = np.log(1 + (self._n - len(rows) + 0.5) / (len(rows) + 0.5))
            scores[rows] += rarity * times * (K1 + 1) / (times + self._norm[rows])
        if allowed is not None:
            scores[~allowed] = 0
        rows = np.flatnonzero(scores)
        return rows[np.lexsort((rows, -scores[rows]))[:depth]]


def fuse_ranks(orders: Sequence[Sequence[str]], k: int) -> list[str]:
    """Return the best `k` ids of several orders by reciprocal rank fusion, ties by id."""
    scores: dict[str, float] = {}
    for order in orders:
        for rank, identity in enumerate(order, start=1):
            scores[identity] = scores.get(identity, 0.0) + 1 / (RANK_CONSTANT + rank)
    return sorted(scores, key=lambda identity: (-scores[identity], identity))[:k]


def depth_for(k: int) -> int:
    """Return how deep both orders are read for `k` answers."""
    return max(DEPTH, 2 * k)
