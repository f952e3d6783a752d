"""Measure the recall of an index against exact search on the catalog's own vectors."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from scene_pipeline.index.plan import RECALL_AT
from scene_pipeline.index.vectors import BLOCK, as_float32

RECALL_QUERIES = 200

_TIE = 1e-5  # products with the same text have the same vector; either of two is a correct answer

Search = Callable[[npt.NDArray[np.float32], int], tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]
"""Takes (query [dimension], k), returns (rows, inner products)."""


def exact_neighbors(
    vectors: npt.NDArray[np.floating],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return up to 200 query rows, and for each the inner product of its 50th nearest other row (exact, float32)."""
    n = len(vectors)
    depth = min(RECALL_AT, n - 1)
    if depth == 0:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    rows = np.sort(np.random.default_rng(0).choice(n, min(RECALL_QUERIES, n), replace=False))
    queries = as_float32(vectors[rows])
    best = np.full((len(rows), depth), -np.inf, np.float32)
    for start in range(0, n, BLOCK):
        block = as_float32(vectors[start : start + BLOCK])
        scores = queries @ block.T
        own = (rows >= start) & (rows < start + len(block))
        scores[np.flatnonzero(own), rows[own] - start] = -np.inf
        kept = min(depth, scores.shape[1])
        top = -np.partition(-scores, kept - 1, axis=1)[:, :kept]
        best = -np.partition(-np.concatenate([best, top], axis=1), depth - 1, axis=1)[:, :depth]
    return rows, best.min(axis=1)


def measure_recall(
    search: Search, vectors: npt.NDArray[np.floating], rows: npt.NDArray[np.int64], truth: npt.NDArray[np.float32]
) -> float:
    """Return the share of the exact 50 nearest others that a search finds, ties counting as found."""
    if len(rows) == 0:
        return 1.0
    depth = min(RECALL_AT, len(vectors) - 1)
    found = 0
    for row, bound in zip(rows, truth, strict=True):
        query = as_float32(vectors[row])
        answer, _ = search(query, depth + 1)
        others = answer[answer != row][:depth]
        found += int(np.count_nonzero(as_float32(vectors[others]) @ query >= bound - _TIE))
    return found / (depth * len(rows))
