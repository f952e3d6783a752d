"""How much of a color a picture holds, against how much of it rooms hold in general.

A picture's colors as a density over CIELAB: few dominant colors lose the blue of one cushion, and that is what a
second blue thing is chosen to go with.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

STEP = 5.0
"""Side of a cell of the grid, in CIELAB units."""

SIGMA = 6.0
"""Width of the Gaussian that a pixel's color is spread by: about what passes for the same color in a room."""

MIN_DENSITY = 2e-3
"""Density that counts as none: a fifth of a percent of the picture."""

MIN_DEVIATION = 0.1
"""Added to the deviation over rooms, so that a color that none of them has is not mistaken for noise."""

_LOW = np.array([0.0, -90.0, -110.0], dtype=np.float32)
_CELLS = (21, 40, 42)


def _kernel(cells: int) -> np.ndarray:
    places = np.arange(cells) * STEP
    return np.exp(-((places[:, None] - places) ** 2) / (2 * SIGMA**2)).astype(np.float32)


_KERNELS = tuple(_kernel(cells) for cells in _CELLS)


def cells_of(lab: np.ndarray) -> np.ndarray:
    """Return the number of the cell of each CIELAB color [..., 3]; colors outside the grid count as its nearest."""
    place = np.clip(np.rint((lab - _LOW) / STEP), 0, np.array(_CELLS) - 1).astype(np.int64)
    return (place[..., 0] * _CELLS[1] + place[..., 1]) * _CELLS[2] + place[..., 2]


@cache
def cell_colors() -> np.ndarray:
    """Return the CIELAB color [cells, 3] at the center of every cell."""
    places = np.stack(np.meshgrid(*(np.arange(count) for count in _CELLS), indexing="ij"), axis=-1)
    return (_LOW + STEP * places).reshape(-1, 3).astype(np.float32)


def color_coverage(lab: np.ndarray, share: np.ndarray, usual: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Return how much more of their colors products [m] find in a picture than in rooms, in standard deviations.

    `lab` [m, c, 3] and `share` [m, c] are the products' colors, `usual` [m, c, 2] mean and deviation of their log
    density over typical rooms, `density` [cells] that of the picture. A small color counts more than its area: it is
    mostly by such that a thing is chosen for a room.
    """
    weight = _weights(share)
    return (weight * (density[cells_of(lab)] - usual[..., 0]) / usual[..., 1]).sum(axis=1)


def _weights(share: np.ndarray) -> np.ndarray:
    weight = np.sqrt(share)
    return weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-6)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What `color_coverage` needs of products for any picture: 36 bytes each, and a tenth of its time.

    `cells` [n, c] are those of their colors, `worth` [n, c] what one unit of density counts there, `usual` [n] what
    typical rooms give.
    """

    cells: np.ndarray
    worth: np.ndarray
    usual: np.ndarray

    @classmethod
    def of(cls, lab: np.ndarray, share: np.ndarray, usual: np.ndarray) -> "Coverage":
        """Return that of products; the arguments are those of `color_coverage`."""
        worth = (_weights(share) / usual[..., 1]).astype(np.float32)
        return cls(cells_of(lab).astype(np.int32), worth, (worth * usual[..., 0]).sum(axis=1))

    def seen(self, rows: np.ndarray, density: np.ndarray) -> np.ndarray:
        """Return what `color_coverage` returns for some of the products [m]."""
        return (self.worth[rows] * density[self.cells[rows]]).sum(axis=1) - self.usual[rows]


def log_density(lab: np.ndarray) -> np.ndarray:
    """Return the logarithm of the density of a picture's pixels [n, 3] in every cell [cells]."""
    count = np.bincount(cells_of(lab), minlength=int(np.prod(_CELLS))).astype(np.float32).reshape(_CELLS)
    first, second, third = _KERNELS
    spread = second @ (np.tensordot(first, count, 1) @ third)
    return np.log(spread.ravel() / len(lab) + MIN_DENSITY)
