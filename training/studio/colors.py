"""Named colors in sRGB, the palette each belongs to, and wall colors of each palette."""

import numpy as np


def rgb(code: str) -> tuple[float, float, float]:
    """Return the sRGB triple (0-1) of a hexadecimal code."""
    return tuple(int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))  # type: ignore[return-value]


COLORS: dict[str, tuple[str, str]] = {
    # name: (hex, palette)
    "cream": ("efe6d2", "neutral_warm"),
    "ivory": ("f0ebdd", "neutral_warm"),
    "beige": ("d9c7a8", "neutral_warm"),
    "sand": ("cdb994", "neutral_warm"),
    "taupe": ("9a8672", "neutral_warm"),
    "white": ("e9e9e6", "neutral_cool"),
    "light grey": ("c6c9cb", "neutral_cool"),
    "grey": ("8b9096", "neutral_cool"),
    "black": ("1b1b1c", "monochrome"),
    "charcoal": ("37393c", "monochrome"),
    "brown": ("6d452a", "earth_tones"),
    "terracotta": ("b5603c", "earth_tones"),
    "rust": ("9c4a22", "earth_tones"),
    "olive": ("6e6f3c", "earth_tones"),
    "ochre": ("bf8a36", "earth_tones"),
    "camel": ("b78a57", "earth_tones"),
    "red": ("b02a26", "warm_tones"),
    "orange": ("d9732a", "warm_tones"),
    "yellow": ("e6b93a", "warm_tones"),
    "mustard": ("cf9b2b", "warm_tones"),
    "coral": ("e0735c", "warm_tones"),
    "pink": ("dda0a0", "warm_tones"),
    "peach": ("e8b08c", "warm_tones"),
    "blue": ("3f6fa5", "cool_tones"),
    "sky blue": ("8fb6d4", "cool_tones"),
    "teal": ("2d7a7d", "cool_tones"),
    "green": ("4f8a5b", "cool_tones"),
    "sage": ("9cae8c", "cool_tones"),
    "mint": ("acd3bd", "cool_tones"),
    "turquoise": ("45aba6", "cool_tones"),
    "emerald": ("11603f", "jewel_tones"),
    "navy": ("1f2d57", "jewel_tones"),
    "sapphire": ("20439a", "jewel_tones"),
    "burgundy": ("651c2e", "jewel_tones"),
    "plum": ("57294f", "jewel_tones"),
    "amethyst": ("6d4a94", "jewel_tones"),
    "dark green": ("1f4030", "jewel_tones"),
}

WALLS: dict[str, tuple[str, ...]] = {
    "neutral_warm": ("ece2d0", "e4d6c0", "d8c8b0", "e9dfd0"),
    "neutral_cool": ("e6e9eb", "d5dade", "c3cacf", "eceeef"),
    "monochrome": ("f1f1f1", "ededed", "f3f3f3", "4a4a4c"),
    "earth_tones": ("a87a55", "8d6b4c", "a4683f", "7f7345", "b08e63"),
    "warm_tones": ("d98e63", "e0b04a", "d8836e", "e3a88e", "cc6b4d"),
    "cool_tones": ("a9c0a6", "8fb0c4", "9fc3c2", "7f9fb8", "6f9a94"),
    "jewel_tones": ("1d4a3c", "24345f", "5a2038", "452a55", "17545a"),
}

ACCENTS: dict[str, tuple[str, ...]] = {
    palette: tuple(name for name, (_, owner) in COLORS.items() if owner == palette) for palette in WALLS
}
ACCENTS["monochrome"] = ("black", "charcoal", "white")
ACCENTS["neutral_cool"] = ("white", "light grey", "grey")


def color(name: str) -> tuple[float, float, float]:
    """Return the sRGB triple of a named color."""
    return rgb(COLORS[name][0])


def palette_of(name: str) -> str:
    """Return the palette a named color belongs to."""
    return COLORS[name][1]


def vary(
    value: tuple[float, float, float], rng: np.random.Generator, amount: float = 0.03
) -> tuple[float, float, float]:
    """Return the color a little lighter or darker and a little tinted, as dye lots are."""
    shifted = np.asarray(value) * (1 + rng.normal(0, amount)) + rng.normal(0, amount / 3, 3)
    return tuple(float(x) for x in shifted.clip(0.02, 0.98))  # type: ignore[return-value]


def mix(a: tuple[float, ...], b: tuple[float, ...], share: float) -> tuple[float, float, float]:
    """Return `a` with `share` (0-1) of `b`."""
    return tuple(x * (1 - share) + y * share for x, y in zip(a, b, strict=True))  # type: ignore[return-value]
