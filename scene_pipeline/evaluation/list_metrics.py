"""Metrics of the lists that people are shown: their variety, and the share of the catalog that they show."""

from collections.abc import Sequence

import numpy as np

from scene_pipeline.evaluation.bootstrap import Estimate, bootstrap, bootstrap_mean


def categories_at_k(lists: Sequence[Sequence[str]], k: int = 10, seed: int = 0) -> Estimate:
    """Return the mean number of distinct categories in the first `k` of each list of category names."""
    return bootstrap_mean(np.asarray([len(set(shown[:k])) for shown in lists]), seed=seed)


def intra_list_distance(lists: Sequence[np.ndarray], seed: int = 0) -> Estimate:
    """Return the mean cosine distance between two products of the same list.

    lists: unit vectors of each list's products, shape (products, dimension); lists of fewer than two are left out.
    """
    return bootstrap_mean(
        np.asarray([np.mean(1 - _pairs(vectors)) for vectors in lists if len(vectors) > 1]), seed=seed
    )


def near_duplicate_share(lists: Sequence[np.ndarray], threshold: float, seed: int = 0) -> Estimate:
    """Return the share of lists in which two products have a cosine of at least `threshold` to each other."""
    found = [float(len(vectors) > 1 and _pairs(vectors).max() >= threshold) for vectors in lists]
    return bootstrap_mean(np.asarray(found), seed=seed)


def coverage(lists: Sequence[Sequence[int]], n_products: int, seed: int = 0) -> Estimate:
    """Return the share of the catalog shown in at least one list. lists: columns of the products."""
    shown, scene = _flatten(lists)
    return bootstrap(lambda rows: len(np.unique(shown[rows])) / n_products, scene, seed)


def gini(lists: Sequence[Sequence[int]], n_products: int, seed: int = 0) -> Estimate:
    """Return the Gini coefficient of how often each product is shown: 0 if all alike, near 1 if always the same few."""
    shown, scene = _flatten(lists)
    return bootstrap(lambda rows: gini_coefficient(np.bincount(shown[rows], minlength=n_products)), scene, seed)


def gini_coefficient(counts: np.ndarray) -> float:
    """Return the Gini coefficient of non-negative counts, shape (n,), not all zero."""
    ordered = np.sort(np.asarray(counts, dtype=np.float64))
    places = np.arange(1, len(ordered) + 1)
    return float(2 * (places * ordered).sum() / (len(ordered) * ordered.sum()) - (len(ordered) + 1) / len(ordered))


def _pairs(vectors: np.ndarray) -> np.ndarray:
    return (vectors @ vectors.T)[np.triu_indices(len(vectors), k=1)]


def _flatten(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    shown = np.concatenate([np.asarray(columns, dtype=np.int64) for columns in lists])
    return shown, np.repeat(np.arange(len(lists)), [len(columns) for columns in lists])
