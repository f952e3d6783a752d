"""The accent colors of a picture: small areas of strong color, which a stylist answers with a second thing."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from scene_pipeline.color.density import MIN_DENSITY, cell_colors

MIN_CHROMA = 38.0
"""CIELAB chroma from which a color is strong."""

WOOD_HUES, WOOD_CHROMA = (45.0, 95.0), 55.0
"""Hues in degrees that wood, brass and warm light have, and the chroma from which they are more than these."""

SHARES = (0.006, 0.25)
"""Least and largest share of the picture: below it is noise, above it is the color of the room."""

SECTOR = 30.0
"""Width of a hue, in degrees, within which colors are one accent."""

MATCH = 28.0
"""CIELAB distance up to which a product's color answers an accent; lightness counts half."""

MIN_PRODUCT_SHARE = 0.2
"""Share of a product's picture that the color must have."""


@dataclass(frozen=True, slots=True)
class Accent:
    """A strong color in CIELAB, and the share of the picture that it covers (0-1)."""

    lab: tuple[float, float, float]
    share: float


def accents(density: np.ndarray, most: int = 2) -> tuple[Accent, ...]:
    """Return the accents in a picture's log density [cells] (see `color.density`), the largest first."""
    cells, lab, hue = _strong_cells()
    mass = np.maximum(np.exp(density) - MIN_DENSITY, 0.0)
    total = max(float(mass.sum()), 1e-9)
    mass = mass[cells]
    there = np.flatnonzero(mass)  # few: a picture has little strong color
    lab, hue, mass = lab[there], hue[there], mass[there] / total
    strong = np.ones(len(there), dtype=bool)
    found: list[Accent] = []
    while len(found) < most and strong.any():
        sector = np.bincount((hue[strong] // 10).astype(int), weights=mass[strong], minlength=36)
        peak = 10.0 * int((sector + np.roll(sector, 1) + np.roll(sector, -1)).argmax()) + 5
        near = strong & (np.abs((hue - peak + 180) % 360 - 180) <= SECTOR)
        share = float(mass[near].sum())
        if share < SHARES[0]:
            break
        if share <= SHARES[1]:
            center = (mass[near, None] * lab[near]).sum(axis=0) / share
            found.append(Accent((float(center[0]), float(center[1]), float(center[2])), share))
        strong &= ~near
    return tuple(found)


@cache
def _strong_cells() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the positions [s], colors [s, 3] and hues in degrees [s] of the cells whose color is strong."""
    lab = cell_colors()
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    woody = (hue >= WOOD_HUES[0]) & (hue <= WOOD_HUES[1])
    cells = np.flatnonzero(chroma >= np.where(woody, WOOD_CHROMA, MIN_CHROMA))
    return cells, lab[cells], hue[cells]


def answers(lab: np.ndarray, share: np.ndarray, found: tuple[Accent, ...]) -> np.ndarray:
    """Return which products [m], with colors [m, c, 3] and shares [m, c], have one of the accents as a main color."""
    matched = np.zeros(len(lab), dtype=bool)
    for accent in found:
        away = (lab - np.array(accent.lab, dtype=np.float32)) * np.array([0.5, 1.0, 1.0], dtype=np.float32)
        near = (np.linalg.norm(away, axis=-1) <= MATCH) & (np.hypot(lab[..., 1], lab[..., 2]) >= 0.6 * MIN_CHROMA)
        matched |= (near & (share >= MIN_PRODUCT_SHARE)).any(axis=1)
    return matched
