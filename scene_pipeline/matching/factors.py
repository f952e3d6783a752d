"""The six parts of a score, each 0-1 and each one function of a scene and its candidates.

A new factor is one function registered in FACTORS and one weight in scoring.yaml.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from scene_pipeline.matching.scene import Scene
from scene_pipeline.matching.traits import Traits
from scene_pipeline.vocabulary import Vocabulary

UNKNOWN_SIZE = 0.5
NO_COLOR = 0.5
DEFAULT_HARMONY = 0.4


@dataclass(frozen=True, slots=True)
class Candidates:
    """Products being scored. `rows` [m] point into the product table.

    `similarity` [m] is standardised: how many standard deviations a product's likeness to the scene lies above the
    catalogue's mean for that scene.
    """

    rows: np.ndarray
    similarity: np.ndarray
    traits: Traits
    vocabulary: Vocabulary


Factor = Callable[[Scene, Candidates], np.ndarray]


def base_similarity(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Likeness of picture and text to the scene, brought to 0-1 by a logistic of the standardised similarity."""
    del scene
    slope = candidates.vocabulary.scoring.similarity_slope
    return 1 / (1 + np.exp(-slope * candidates.similarity))


def style_alignment(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Expected affinity of the product to the scene's style, over the style's distribution."""
    return candidates.traits.style_affinity[candidates.rows] @ scene.styles


def color_harmony(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Half by palette, half by colour: a product's colour repeats one of the room's, or answers it across the wheel."""
    traits, rows = candidates.traits, candidates.rows
    by_palette = palette_harmony(candidates.vocabulary, scene.palettes)[traits.palette[rows]]
    lab, share = traits.color_lab[rows], traits.color_share[rows]
    by_color = (_color_match(lab, scene.lab, scene.share) * share).sum(axis=1)
    known = share.sum(axis=1) > 0
    return np.where(known, 0.5 * by_palette + 0.5 * by_color, NO_COLOR)


def material_quality(scene: Scene, candidates: Candidates) -> np.ndarray:
    """The finish of the materials, and how much the scene's style is furnished with them."""
    traits, rows = candidates.traits, candidates.rows
    return 0.4 * traits.material_quality[rows] + 0.6 * (traits.material_style[rows] @ scene.styles)


def size_appropriateness(scene: Scene, candidates: Candidates) -> np.ndarray:
    """1 within the middle of the category's usual sizes, falling off on a logarithmic scale outside them."""
    del scene
    traits, rows = candidates.traits, candidates.rows
    size = traits.largest_cm[rows]
    low, high = traits.size_range[traits.category[rows]].T
    with np.errstate(invalid="ignore", divide="ignore"):
        outside = np.maximum(np.log(low / size), np.log(size / high))
        fit = np.where(outside <= 0, 1.0, np.exp(-2.0 * outside))
    return np.where(np.isfinite(fit), fit, UNKNOWN_SIZE)


def category_fit(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Expected fit of the product to the room, over the room's distribution."""
    return candidates.traits.room_fit[candidates.rows] @ scene.rooms


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


def palette_harmony(vocabulary: Vocabulary, palettes: np.ndarray) -> np.ndarray:
    """Return [P + 1] the expected harmony of each palette with the scene's, the last for "no palette known"."""
    names = [palette.id for palette in vocabulary.palettes]
    table = np.full((len(names), len(names)), DEFAULT_HARMONY, dtype=np.float32)
    for i, palette in enumerate(vocabulary.palettes):
        for name, value in palette.harmony.items():
            table[i, names.index(name)] = table[names.index(name), i] = value
    np.fill_diagonal(table, 1.0)
    return np.append(table @ palettes, NO_COLOR).astype(np.float32)


def _color_match(lab: np.ndarray, scene_lab: np.ndarray, scene_share: np.ndarray) -> np.ndarray:
    """[m, c] best relation of each product colour [m, c, 3] to the scene's colours [k, 3], larger areas counting more.

    Tonal: close in CIELAB. Complementary: hues opposite, both chromatic. Neutral: grey answers everything in part.
    """
    distance = np.linalg.norm(lab[:, :, None] - scene_lab, axis=-1)
    tonal = np.exp(-((distance / 22.0) ** 2))
    chroma = np.hypot(lab[..., 1], lab[..., 2])[:, :, None]
    scene_chroma = np.hypot(scene_lab[:, 1], scene_lab[:, 2])
    turn = np.abs(np.arctan2(lab[..., 2], lab[..., 1])[:, :, None] - np.arctan2(scene_lab[:, 2], scene_lab[:, 1]))
    turn = np.minimum(turn, 2 * np.pi - turn)
    chromatic = np.clip((chroma - 10) / 20, 0, 1) * np.clip((scene_chroma - 8) / 16, 0, 1)
    analogous = np.exp(-((turn / 0.5) ** 2)) * chromatic
    complementary = np.exp(-(((np.pi - turn) / 0.5) ** 2)) * chromatic
    area = 0.6 + 0.4 * np.sqrt(scene_share / max(float(scene_share.max()), 1e-6))
    related = np.maximum(np.maximum(tonal, 0.85 * analogous), 0.7 * complementary) * area
    neutral = 0.55 * np.clip(1 - chroma[:, :, 0] / 12, 0, 1)
    return np.maximum(related.max(axis=-1), neutral)
