"""What the matcher answers: typed, immutable, and serialised to JSON by msgspec as it stands."""

from dataclasses import dataclass

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SceneColor:
    """A dominant colour of a scene: CIELAB (D65), its sRGB hex, and its share of the area (0-1)."""

    lab: tuple[float, float, float]
    hex: str
    share: float


@dataclass(frozen=True, slots=True)
class Trait:
    """One classified trait of a scene. `value` is a vocabulary id or "unknown"; `distribution` adds up to 1.

    `entropy` is normalised to 0-1: 0 is certain, 1 is a guess among equals.
    """

    value: str
    confidence: float
    entropy: float
    distribution: dict[str, float]


@dataclass(frozen=True, slots=True)
class SceneAnalysis:
    """What a photograph shows. `note` says in a sentence why a trait is unknown, and is empty otherwise."""

    room: Trait
    style: Trait
    palette: Trait
    colors: tuple[SceneColor, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One product for a scene. `score` and `factors` lie in 0-1; `confidence` is a probability when `calibrated`."""

    rank: int
    product_id: str
    sku_id: str
    description: str
    category: str
    placement: str
    score: float
    confidence: float
    calibrated: bool
    factors: dict[str, float]
    reason: str


@dataclass(frozen=True, slots=True)
class SceneResult:
    """The answer for one scene."""

    scene: SceneAnalysis
    recommendations: tuple[Recommendation, ...]
    bundle_version: str
    encoder_id: str
    elapsed_ms: float
