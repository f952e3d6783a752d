"""The factors of a score: a registry of records, each computed from a scene and its candidates.

A new factor is one record in FACTORS. Its weight may then be stated in scoring.yaml.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from scene_pipeline.color.density import Coverage, color_coverage
from scene_pipeline.color.harmony import (
    NO_COLOR,
    color_match,
    mix,
    palette_harmony,
)
from scene_pipeline.errors import ScenePipelineError, VocabularyError
from scene_pipeline.files import sha256_bytes
from scene_pipeline.matching import phrases
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Scoring, Vocabulary

ROUGH_WEIGHT = 0.02
"""Weight from which a rough score includes a factor."""

UNKNOWN_SIZE = 0.5
MIN_FIT = 1e-6
HARMONY_SLOPE = 0.4
PRESENCE_SHARE = 0.75
"""Share of the color factor that is how much of the product's own colors the scene holds; the rest is by rules."""

STYLE_SLOPE = 2.5
FINISH_SHARE = 0.2
"""Share of the material factor that is the finish; the rest is how well the materials suit the style."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Products being scored. `rows` [m] point into the product table.

    `similarity` [m] is standardized: how many standard deviations a product's similarity to the scene lies above the
    catalog's mean for that scene. `coverage` is that of the whole catalog, for rough scores. `whole` is true when
    `rows` are all products in order, so that arrays need no copy.
    """

    rows: np.ndarray
    similarity: np.ndarray
    features: ProductFeatures
    vocabulary: Vocabulary
    coverage: Coverage | None = None
    whole: bool = False
    _computed: dict[str, tuple[Scene, np.ndarray]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def at(self) -> np.ndarray | slice:
        """The index that selects the candidates from an array of all products."""
        return slice(None) if self.whole else self.rows

    def subset(self, positions: np.ndarray) -> "Candidates":
        """Return the candidates at some positions, with what was computed for all."""
        return replace(
            self,
            rows=self.rows[positions],
            similarity=self.similarity[positions],
            whole=False,
            _computed={name: (scene, values[positions]) for name, (scene, values) in self._computed.items()},
        )

    def once(self, name: str, scene: Scene, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the value stored under `name` for this scene, computed once; the filter and the factors share it."""
        if name not in self._computed or self._computed[name][0] is not scene:
            self._computed[name] = scene, compute()
        return self._computed[name][1]


def base_similarity(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Similarity of picture and text to the scene, brought to 0-1 by a logistic of the standardized similarity."""
    del scene
    slope = candidates.vocabulary.scoring.similarity_slope
    return 1 / (1 + np.exp(-slope * candidates.similarity))


def style_alignment(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Probability that product and scene are of one style, at even odds: 0.5 where either says nothing of its style.

    The likelihood ratio compares the two with a product and a scene that are unrelated.
    """

    def compute() -> np.ndarray:
        shares = candidates.features.style_share[candidates.at]
        ratio = shares.shape[1] * (shares @ scene.styles)
        return ratio / (1 + ratio)

    return candidates.once("style", scene, compute)


def palette_fit(scene: Scene, candidates: Candidates) -> np.ndarray:
    """How well the product's palette goes with those of the scene, 0-1; the filter and `color_harmony` share it."""

    def compute() -> np.ndarray:
        own = candidates.features.palette[candidates.at]
        return palette_harmony(candidates.vocabulary, scene.palettes)[own]

    return candidates.once("palette", scene, compute)


def color_harmony(scene: Scene, candidates: Candidates) -> np.ndarray:
    """How much better a product's colors go with this room than with rooms in general, through a logistic.

    It has two parts: color rules on the room's main colors (`harmony`), and how much of the product's own colors the
    picture holds (`presence`, PRESENCE_SHARE of it). Both are compared with rooms in general, since white and grey go
    with every room.
    """
    features, rows = candidates.features, candidates.rows
    by_palette = palette_fit(scene, candidates)
    lab, share = features.color_lab[rows], features.color_share[rows]
    worth = color_match(lab.reshape(-1, 3), scene.lab, scene.share).reshape(share.shape)
    harmony = mix((worth * share).sum(axis=1), by_palette)
    by_rule = (harmony - features.harmony_mean[rows]) / features.harmony_std[rows]
    seen = color_coverage(lab, share, features.color_usual[rows], scene.density)
    above = (1 - PRESENCE_SHARE) * by_rule + PRESENCE_SHARE * seen
    known = share.sum(axis=1) > 0
    return np.where(known, 1 / (1 + np.exp(-HARMONY_SLOPE * above)), NO_COLOR)


def color_presence(scene: Scene, candidates: Candidates) -> np.ndarray:
    """`color_harmony` by presence alone, without the color rules, which take most of its time."""
    if candidates.coverage is None:
        return color_harmony(scene, candidates)
    seen = candidates.coverage.seen(candidates.rows, scene.density)
    known = candidates.features.color_share[candidates.rows, 0] > 0
    return np.where(known, 1 / (1 + np.exp(-HARMONY_SLOPE * PRESENCE_SHARE * seen)), NO_COLOR)


def material_quality(scene: Scene, candidates: Candidates) -> np.ndarray:
    """How much better the materials suit this style than styles on average, and how good their finish is."""
    features, rows = candidates.features, candidates.rows
    lifted = features.material_style[rows] @ (scene.styles - scene.styles.mean())
    at_home = 1 / (1 + np.exp(-2 * STYLE_SLOPE * lifted))
    return FINISH_SHARE * features.material_quality[rows] + (1 - FINISH_SHARE) * at_home


def size_appropriateness(scene: Scene, candidates: Candidates) -> np.ndarray:
    """1 within the category's usual sizes, falling on a log scale outside; less for large products in clutter.

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


def room_fit(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Expected fit of the product to the room (0-1), over the room's distribution."""
    return _room_fits(scene, candidates)[:, 0]


def category_fit(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Probability that the product is for this room rather than for any room, at even odds: 0.5 for what suits all.

    The odds are its fit here over its mean fit in the vocabulary's rooms: a box fits every room, a wok fits a kitchen.
    """
    here, anywhere = _room_fits(scene, candidates).T
    return here / np.maximum(here + anywhere, MIN_FIT)


def _room_fits(scene: Scene, candidates: Candidates) -> np.ndarray:
    """[m, 2] the fit to the scene's room, and to the vocabulary's rooms on average."""

    def compute() -> np.ndarray:
        average = np.full_like(scene.rooms, 1 / len(scene.rooms))
        return candidates.features.room_fit[candidates.at] @ np.stack([scene.rooms, average], axis=1)

    return candidates.once("room", scene, compute)


@dataclass(frozen=True, slots=True)
class Factor:
    """One part of a score.

    `compute` returns 0-1 for each candidate. `phrase` returns the clause of a reason, or "" where the product's row
    does not say enough for one. `weight` is the weight where a vocabulary states none. `rough` is computed in place of
    `compute` for a whole catalog, to find candidates.
    """

    id: str
    label: str
    compute: Callable[[Scene, Candidates], np.ndarray]
    phrase: Callable[[phrases.Explained], str]
    weight: float
    rough: Callable[[Scene, Candidates], np.ndarray] | None = None


FACTORS: dict[str, Factor] = {
    factor.id: factor
    for factor in (
        Factor("base_similarity", "similarity to the scene", base_similarity, phrases.similarity_phrase, 0.45),
        Factor("style_alignment", "style", style_alignment, phrases.style_phrase, 0.20),
        Factor("color_harmony", "color harmony", color_harmony, phrases.color_phrase, 0.15, color_presence),
        Factor("material_quality", "material", material_quality, phrases.material_phrase, 0.10),
        Factor("size_appropriateness", "size", size_appropriateness, phrases.size_phrase, 0.05),
        Factor("category_fit", "kind of product", category_fit, phrases.room_phrase, 0.05),
    )
}
"""The registry: weights, tables, reasons, ablations and pages follow it."""


def score(scene: Scene, candidates: Candidates, weights: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted scores [m] and the factors behind them [m, f], in the order of FACTORS."""
    factors = np.stack([np.clip(factor.compute(scene, candidates), 0, 1) for factor in FACTORS.values()], axis=1)
    return factors @ np.array([weights[name] for name in FACTORS], dtype=factors.dtype), factors


def rough_score(scene: Scene, candidates: Candidates, weights: Mapping[str, float]) -> np.ndarray:
    """Return approximate weighted scores [m], at a small part of the cost."""
    total = np.zeros(len(candidates.rows), np.float32)
    for factor in FACTORS.values():
        if weights[factor.id] >= ROUGH_WEIGHT:
            total += weights[factor.id] * np.clip((factor.rough or factor.compute)(scene, candidates), 0, 1)
    return total


def complete_weights(stated: Mapping[str, float]) -> dict[str, float]:
    """Return the weight of every factor: the stated one, else its default.

    Where a default is used, all are scaled to add up to 1. Raises VocabularyError for a weight whose name is not a
    factor.
    """
    for name in stated:
        if name not in FACTORS:
            raise VocabularyError(f"scoring, weights: '{name}' is not one of {', '.join(FACTORS)}")
    merged = {name: stated.get(name, factor.weight) for name, factor in FACTORS.items()}
    if len(stated) == len(FACTORS):
        return merged
    total = sum(merged.values())
    return {name: value / total for name, value in merged.items()}


def weights_version(weights: Mapping[str, float]) -> str:
    """Return eight hexadecimal digits that change with the weights of the factors."""
    return sha256_bytes(msgspec.json.encode({name: round(weights[name], 6) for name in sorted(weights)}))[:8]


def check_scoring(scoring: Scoring) -> None:
    """Raise VocabularyError when `scoring` weighs a factor that is not in the registry."""
    for weights in (scoring.weights, *scoring.weights_by_encoder.values()):
        complete_weights(weights)


def override_weights(weights: Mapping[str, float], overrides: Mapping[str, float] | None) -> Mapping[str, float]:
    """Return `weights` with `overrides` in their place, scaled to add up to 1.

    Raises ScenePipelineError for an unknown factor, a negative weight, or weights that are all 0.
    """
    if not overrides:
        return weights
    for name, value in overrides.items():
        if name not in FACTORS:
            raise ScenePipelineError(f"weight '{name}' is not one of {', '.join(FACTORS)}")
        if not (0 <= value < float("inf")):
            raise ScenePipelineError(f"weight '{name}' is {value:g}; it must be a number of at least 0")
    merged = {**weights, **overrides}
    total = sum(merged.values())
    if total <= 0:
        raise ScenePipelineError("all weights are 0; give at least one factor a weight")
    return {name: value / total for name, value in merged.items()}
