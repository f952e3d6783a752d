"""What a photograph shows: typed, immutable, and serialized to JSON by msgspec as it stands."""

from dataclasses import dataclass, field

UNKNOWN = "unknown"

PHOTOGRAPHS = "photographs"
"""The usual domain of a picture; encoders may see others, such as renders, differently."""

RENDERS = "renders"
"""The domain of the held-out pictures that the certainties of a reading were fitted on."""


@dataclass(frozen=True, slots=True)
class SceneColor:
    """A dominant color of a scene: CIELAB (D65), its sRGB hex, and its share of the area (0-1)."""

    lab: tuple[float, float, float]
    hex: str
    share: float


@dataclass(frozen=True, slots=True)
class Classification:
    """One classified trait of a scene. `value` is a vocabulary id or "unknown"; `distribution` adds up to 1.

    `entropy` is normalized to 0-1: 0 is certain, 1 is a guess among equals.
    """

    value: str
    confidence: float
    entropy: float
    distribution: dict[str, float]


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """A number and its confidence (0-1)."""

    value: float
    confidence: float


@dataclass(frozen=True, slots=True)
class SceneLight:
    """What is measured in a picture without a model.

    brightness: mean CIELAB lightness, 0-1. warmth: mean CIELAB b of its nearly neutral parts (positive: yellowish
    light). contrast: deviation of lightness, 0-1. clutter: 0 even surfaces, 1 detail everywhere. free_surfaces: for
    each of nine regions ("upper left" … "lower right") the share of it that is even.
    """

    brightness: MeasuredValue
    warmth: MeasuredValue
    contrast: MeasuredValue
    clutter: MeasuredValue
    free_surfaces: dict[str, float]


Box = tuple[float, float, float, float]
"""Left, top, right and bottom in relative coordinates 0-1."""


SIZE_CLASSES_M2 = (12.0, 20.0)
"""Areas in square meters from which a room counts as medium, and as large."""


@dataclass(frozen=True, slots=True)
class RoomObject:
    """A thing in a picture: its type, box (left, top, right, bottom, 0-1), how certain it is (0-1), and of what it is.

    `colors` are the basic colors of its visible parts, the largest first.
    """

    type: str
    box: Box
    certainty: float
    material: str
    colors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trait:
    """One trait with its probability (0-1); `value` is "unknown" where it is not clear; `why` then gives the reason."""

    value: str
    certainty: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class FreeStretch:
    """A free part of a surface ("wall" or "floor"): its box, and its estimated sides in centimeters, None if unknown.

    `height_cm` of a stretch of floor is how deep it is.
    """

    surface: str
    box: Box
    width_cm: int | None
    height_cm: int | None


@dataclass(frozen=True, slots=True)
class Surface:
    """A visible material or pattern: its name, its share of the picture (0-1), and the box that holds most of it."""

    name: str
    share: float
    box: Box


@dataclass(frozen=True, slots=True)
class RoomReading:
    """What the heads read: things, shares of the picture by part of the shell, material and pattern, light and size.

    `present` is how surely a thing of each type is in the picture, found with a box or not (0-1). `free` are the free
    stretches of wall and floor. `surfaces` are the main materials and `patterned` what is not plain, the largest first.
    `architecture` names beams, panelling and the like, or says with `why` that nothing is clear. Certainties of things
    and of `present` are probabilities: they were fitted on held-out photographs with labels, and on held-out renders.
    """

    objects: tuple[RoomObject, ...]
    layout: dict[str, float]
    materials: dict[str, float]
    patterns: dict[str, float]
    source: Trait
    warmth: Trait
    light_from: Trait
    size_m2: float
    size_interval_m2: tuple[float, float]
    camera_height_m: float
    present: dict[str, float] = field(default_factory=dict)
    free: tuple[FreeStretch, ...] = ()
    surfaces: tuple[Surface, ...] = ()
    patterned: tuple[Surface, ...] = ()
    architecture: tuple[Trait, ...] = ()

    @property
    def size(self) -> str:
        """The room as small, medium or large."""
        small, large = SIZE_CLASSES_M2
        return "small" if self.size_m2 < small else "medium" if self.size_m2 < large else "large"


@dataclass(frozen=True, slots=True)
class Decor:
    """What is there already: the number of things by type, their certainty (0-1), and their type groups of products.

    `missing` are the type groups that a room of this kind usually has and that are not seen, the most important first;
    empty for a room that is not certain.
    """

    counts: dict[str, int]
    certainty: dict[str, float]
    groups: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SceneAnalysis:
    """What a photograph shows. `note` says in a sentence why a trait is unknown, and is empty otherwise.

    `present` is how surely products of a category are seen (0-1, by category id), the surest first. `room_certain`
    is False for a room that is unknown or read with too little probability to be named as a fact, and so is
    `style_certain` for the style. `domain` is what the picture is read as: "photographs" or "renders". `reading` is
    what stands in the room and what it is made of. It is None for a picture that is not a room, and for an encoder
    without heads for it. `decor` follows from `reading`: what is there and what is missing.
    """

    room: Classification
    style: Classification
    palette: Classification
    colors: tuple[SceneColor, ...]
    note: str = ""
    light: SceneLight | None = None
    present: dict[str, float] = field(default_factory=dict)
    room_certain: bool = True
    style_certain: bool = True
    domain: str = PHOTOGRAPHS
    reading: RoomReading | None = None
    decor: Decor | None = None
