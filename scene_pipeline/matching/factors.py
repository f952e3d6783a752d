"""The six parts of a score, each 0-1 and each one function of a scene and its candidates.

A new factor is one function registered in FACTORS and one weight in scoring.yaml.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from scene_pipeline.color.density import color_coverage
from scene_pipeline.color.harmony import (
    NO_COLOR,
    color_match,
    mix,
    palette_harmony,
)
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Vocabulary

UNKNOWN_SIZE = 0.5
HARMONY_SLOPE = 1.2
PRESENCE_SHARE = 0.75
"""How much of the color factor is the presence of the product's very colors; the rest goes by rules."""

STYLE_SLOPE = 2.5
FINISH_SHARE = 0.2
"""How much of the material factor is the finish alone; the rest is what the style is furnished with."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Products being scored. `rows` [m] point into the product table.

    `similarity` [m] is standardized: how many standard deviations a product's similarity to the scene lies above the
    catalog's mean for that scene.
    """

    rows: np.ndarray
    similarity: np.ndarray
    features: ProductFeatures
    vocabulary: Vocabulary


Factor = Callable[[Scene, Candidates], np.ndarray]


def base_similarity(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Similarity of picture and text to the scene, brought to 0-1 by a logistic of the standardized similarity."""
    del scene
    slope = candidates.vocabulary.scoring.similarity_slope
    return 1 / (1 + np.exp(-slope * candidates.similarity))


def style_alignment(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Probability that product and scene are of one style, at even odds: 0.5 where either says nothing of its style.

    By how many times likelier it is that both are of one style than for two that know nothing of each other.
    """
    shares = candidates.features.style_share[candidates.rows]
    ratio = shares.shape[1] * (shares @ scene.styles)
    return ratio / (1 + ratio)


def color_harmony(scene: Scene, candidates: Candidates) -> np.ndarray:
    """How much better a product's colors go with this room than with rooms in general, through a logistic.

    By the rules of a colorist on the room's main colors (`harmony`), and by how much of the very colors the picture
    holds (`presence`, PRESENCE_SHARE of it). Against rooms in general, since white and grey go with all of them.
    """
    features, rows = candidates.features, candidates.rows
    by_palette = palette_harmony(candidates.vocabulary, scene.palettes)[features.palette[rows]]
    lab, share = features.color_lab[rows], features.color_share[rows]
    worth = color_match(lab.reshape(-1, 3), scene.lab, scene.share).reshape(share.shape)
    harmony = mix((worth * share).sum(axis=1), by_palette)
    by_rule = (harmony - features.harmony_mean[rows]) / features.harmony_std[rows]
    seen = color_coverage(lab, share, features.color_usual[rows], scene.density)
    above = (1 - PRESENCE_SHARE) * by_rule + PRESENCE_SHARE * seen
    known = share.sum(axis=1) > 0
    return np.where(known, 1 / (1 + np.exp(-HARMONY_SLOPE * above)), NO_COLOR)


def material_quality(scene: Scene, candidates: Candidates) -> np.ndarray:
    """How much more this style is furnished with the materials than styles are on average, and their finish."""
    features, rows = candidates.features, candidates.rows
    lifted = features.material_style[rows] @ (scene.styles - scene.styles.mean())
    at_home = 1 / (1 + np.exp(-2 * STYLE_SLOPE * lifted))
    return FINISH_SHARE * features.material_quality[rows] + (1 - FINISH_SHARE) * at_home


def size_appropriateness(scene: Scene, candidates: Candidates) -> np.ndarray:
    """1 within the category's usual sizes, falling off on a logarithmic scale outside; less for bulk in a full room.

    A cluttered picture leaves little floor, so there the largest of a category count as too large.
    """
    features, rows = candidates.features, candidates.rows
    size = features.largest_cm[rows]
    low, high = features.size_range[features.category[rows]].T
    if scene.analysis.light is not None:
        high = high * (1.2 - 0.8 * scene.analysis.light.clutter.value)
    with np.errstate(invalid="ignore", divide="ignore"):
        outside = np.maximum(np.log(low / size), np.log(size / high))
        fit = np.where(outside <= 0, 1.0, np.exp(-2.0 * outside))
    return np.where(np.isfinite(fit), fit, UNKNOWN_SIZE)


def category_fit(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Expected fit of the product to the room, over the room's distribution."""
    return candidates.features.room_fit[candidates.rows] @ scene.rooms


FACTORS: Mapping[str, Factor] = {
    "base_similarity": base_similarity,
    "style_alignment": style_alignment,
    "color_harmony": color_harmony,
    "material_quality": material_quality,
    "size_appropriateness": size_appropriateness,
    "category_fit": category_fit,
}


def score(scene: Scene, candidates: Candidates, weights: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted scores [m] and the factors behind them [m, 6], in the order of FACTORS."""
    factors = np.stack([np.clip(factor(scene, candidates), 0, 1) for factor in FACTORS.values()], axis=1)
    return factors @ np.array([weights[name] for name in FACTORS], dtype=factors.dtype), factors


def override_weights(weights: Mapping[str, float], by: Mapping[str, float] | None) -> Mapping[str, float]:
    """Return `weights` with those in `by` in their place, scaled to add up to 1.

    Raises ScenePipelineError for a factor that is none, a weight below 0, or nothing left above it.
    """
    if not by:
        return weights
    for name, value in by.items():
        if name not in FACTORS:
            raise ScenePipelineError(f"weight '{name}' is not one of {', '.join(FACTORS)}")
        if not (0 <= value < float("inf")):
            raise ScenePipelineError(f"weight '{name}' is {value:g}; it must be a number of at least 0")
    merged = {**weights, **by}
    total = sum(merged.values())
    if total <= 0:
        raise ScenePipelineError("all weights are 0; give at least one factor a weight")
    return {name: value / total for name, value in merged.items()}
