"""Scores to compare with the matcher's: single factors, factors left out, and baselines without the picture."""

from collections.abc import Mapping, Sequence

import numpy as np


def ablations(factors: np.ndarray, weights: Mapping[str, float], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the scores with all factors, with each factor alone and with each left out.

    factors: shape (scenes, products, factors), in the order of `names`. Each result has shape (scenes, products).
    """
    weighted = factors * np.asarray([weights[name] for name in names], dtype=factors.dtype)
    whole = weighted.sum(axis=-1)
    variants = {"all": whole}
    variants |= {f"only {name}": factors[..., index] for index, name in enumerate(names)}
    variants |= {f"without {name}": whole - weighted[..., index] for index, name in enumerate(names)}
    return variants


def random_scores(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Return scores drawn at random, float32."""
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def popularity_scores(relevant: np.ndarray) -> np.ndarray:
    """Return in how many other scenes each product stands, as the scores of a list of favorites.

    relevant: bool, shape (scenes, products). A scene's own products are not counted for it.
    """
    return (relevant.sum(axis=0, keepdims=True) - relevant).astype(np.float32)


def hits_within(
    scores: np.ndarray, relevant: np.ndarray, columns: np.ndarray, cutoffs: Sequence[int]
) -> tuple[int, dict[int, float]]:
    """Return how many scenes have a true product among `columns`, and the share of them hit at each cutoff.

    Only `columns` are ranked, as in protocols that search one kind of product in a small gallery.
    """
    counted = relevant[:, columns].any(axis=1)
    order = np.argsort(-scores[np.ix_(counted, columns)], axis=1, kind="stable")
    found = np.take_along_axis(relevant[np.ix_(counted, columns)], order, axis=1)
    n_scenes = int(counted.sum())
    return n_scenes, {k: float(found[:, :k].any(axis=1).mean()) if n_scenes else 0.0 for k in cutoffs}
