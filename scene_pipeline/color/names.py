"""Name a color and read the name of one."""

import math
import re
from collections.abc import Mapping

import numpy as np

from scene_pipeline.color.lab import rgb_to_lab
from scene_pipeline.errors import ScenePipelineError

BASIC_COLORS: Mapping[str, tuple[float, float, float]] = {
    "white": (96, 0, 1), "cream": (90, 1, 14), "beige": (78, 4, 18), "grey": (58, 0, -1), "black": (14, 0, 0),
    "brown": (38, 14, 24), "pink": (76, 28, 4), "red": (45, 60, 38), "orange": (66, 38, 60), "yellow": (82, 4, 66),
    "green": (52, -32, 28), "teal": (50, -26, -8), "blue": (44, 2, -42), "purple": (38, 36, -36),
}  # fmt: skip


def color_of(name: str) -> tuple[float, float, float]:
    """Return the CIELAB color of a basic color's name or of "#rrggbb". Raises ScenePipelineError for another word."""
    word = name.strip().lower()
    if word in BASIC_COLORS:
        return BASIC_COLORS[word]
    if re.fullmatch(r"#[0-9a-f]{6}", word):
        lab = rgb_to_lab(np.array([int(word[at : at + 2], 16) for at in (1, 3, 5)], dtype=np.uint8))
        return (float(lab[0]), float(lab[1]), float(lab[2]))
    raise ScenePipelineError(f"color '{name}' is neither #rrggbb nor one of {', '.join(BASIC_COLORS)}")


_HUES = ((25, "pink"), (55, "red"), (75, "orange"), (105, "yellow"), (170, "green"), (215, "teal"), (290, "blue"),
         (330, "purple"), (360, "pink"))  # fmt: skip


_NAMES = list(BASIC_COLORS)
_LIMITS = np.array([limit for limit, _ in _HUES], dtype=np.float64)
_OF_HUE = np.array([_NAMES.index(name) for _, name in _HUES])
_WHITE, _GREY, _BLACK, _CREAM, _BEIGE, _BROWN = map(_NAMES.index, ("white", "grey", "black", "cream", "beige", "brown"))


def color_name(lab: np.ndarray) -> str:
    """Return the basic color term of a CIELAB color [3]: white, grey, black, beige, brown or the name of its hue."""
    lightness, a, b = (float(value) for value in lab)
    chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360
    if chroma < 8:
        return "white" if lightness > 88 else "black" if lightness < 22 else "grey"
    if 35 <= hue <= 120 and chroma < 45:
        if lightness > 65 and chroma < 32:
            return "cream" if lightness > 85 else "beige"
        if lightness < 62:
            return "brown"
    return next(name for limit, name in _HUES if hue <= limit)


def basic_colors(lab: np.ndarray) -> np.ndarray:
    """Return the basic color [m] of CIELAB colors [m, 3] as a position in BASIC_COLORS; what `color_name` says."""
    lightness, a, b = lab.astype(np.float64).T
    chroma, hue = np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360
    found = _OF_HUE[np.searchsorted(_LIMITS, hue)]
    earthy = (hue >= 35) & (hue <= 120) & (chroma < 45)
    light = earthy & (lightness > 65) & (chroma < 32)
    found = np.where(
        light, np.where(lightness > 85, _CREAM, _BEIGE), np.where(earthy & (lightness < 62), _BROWN, found)
    )
    greys = np.where(lightness > 88, _WHITE, np.where(lightness < 22, _BLACK, _GREY))
    return np.where(chroma < 8, greys, found)
