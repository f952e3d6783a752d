"""How well two products go with each other in one room: style, colors, palettes and materials.

A logistic regression on what the pair has in common. WEIGHTS were fitted on the products that the studio put together
in the rooms of the sample, against as many pairs of other rooms; see `benchmarks.scene`, which also measures them on
rooms that designers furnished.
"""

import numpy as np

from scene_pipeline.color.harmony import DEFAULT_HARMONY, color_match
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.vocabulary import Vocabulary

TERMS = ("style", "color", "palette", "material")
"""What a pair is compared by."""

WEIGHTS = (1.80, 0.75, 0.13, 0.18)
BIAS = -0.59


def pair_terms(features: ProductFeatures, rows: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """Return what each pair of the products `rows` [m] has in common, [m, m, len(TERMS)], symmetric."""
    style = features.style_share[rows]
    ratio = style.shape[1] * (style @ style.T)
    material = features.material_style[rows]
    material = material - material.mean(axis=1, keepdims=True)
    length = np.linalg.norm(material, axis=1, keepdims=True)
    material = material / np.maximum(length, 1e-6)
    parts = (
        np.log(np.clip(ratio, 0.2, 5)),
        _colors(features.color_lab[rows], features.color_share[rows]),
        _palettes(features.palette[rows], vocabulary),
        material @ material.T,
    )
    return np.stack(parts, axis=-1).astype(np.float32)


def pairwise_fit(features: ProductFeatures, rows: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """Return how well each product goes with each other one, [m, m] in 0-1, symmetric."""
    return 1 / (1 + np.exp(-(pair_terms(features, rows, vocabulary) @ np.array(WEIGHTS, np.float32) + BIAS)))


def _colors(lab: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the color match of every pair [m, m], the mean of both directions; 0.5 where colors are unknown."""
    count = len(lab)
    worth = np.empty((count, count), np.float32)
    known = share.sum(axis=1) > 0
    for index in range(count):
        own = share[index] > 0
        if own.any():
            match = color_match(lab.reshape(-1, 3), lab[index][own], share[index][own]).reshape(share.shape)
            worth[:, index] = (match * share).sum(axis=1)
    worth[~known] = 0.5
    worth[:, ~known] = 0.5
    return (worth + worth.T) / 2


def _palettes(palette: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """Return the harmony of the palettes of every pair; the usual one where either is unknown."""
    names = [item.id for item in vocabulary.palettes]
    table = np.full((len(names) + 1, len(names) + 1), DEFAULT_HARMONY, np.float32)
    for at, item in enumerate(vocabulary.palettes):
        table[at, at] = 1
        for name, value in item.harmony.items():
            table[at, names.index(name)] = table[names.index(name), at] = value
    return table[palette[:, None], palette[None]]
