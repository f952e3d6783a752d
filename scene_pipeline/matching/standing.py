"""Say where in the picture a product would stand, hang or lie, as a box: for the marks of a page."""

import math
from collections.abc import Sequence

from scene_pipeline.scenes.analysis import Box, SceneAnalysis
from scene_pipeline.vocabulary.product_types import ProductTypes

Sides = tuple[float, float]
"""Width and height in cm; of a floor, width and depth."""

ON_TOP = ("table", "cabinet", "desk")
SEATS = ("sofa", "armchair", "bed", "chair")
HOLDERS: dict[str, tuple[str, ...]] = {
    "surface": ON_TOP, "table": ("table",), "seat": SEATS, "bed": ("bed",), "window": ("curtain",),
}  # fmt: skip
"""Posture → types of thing that hold what stands or lies so, the usual one first."""

SURFACES = {"floor": "floor", "lies_on_floor": "floor", "wall": "wall"}
"""Posture → the surface of whose free stretches one is taken."""

BAND = 0.35
"""Share of a thing's height for an object on top of it: the upper part of its box, and as much above it."""


class Standing:
    """Assigns boxes for one list: a second product for a place stands beside the first.

    The box is None where the picture gives no place: no such thing was found, or no free stretch.
    """

    def __init__(self, types: ProductTypes, analysis: SceneAnalysis) -> None:
        self._postures = types.postures_by_type()
        self._reading = analysis.reading
        self._used: dict[str, int] = {}

    def box(self, product_type: str | None) -> Box | None:
        """Return the box for a product of a type."""
        if self._reading is None:
            return None
        for posture in self._postures.get(product_type or "", ()):
            options = self._options(posture)
            if options:
                turn = self._used.get(posture, 0)
                self._used[posture] = turn + 1
                return _share(options[turn % len(options)], turn // len(options))
        return None

    def room(self, product_type: str | None) -> Sides | None:
        """Return the sides in cm of the largest free stretch where a product of a type usually stands, hangs or lies.

        None where such things take no stretch of floor or wall, or nothing estimates one. A side not known is infinite.
        """
        postures = self._postures.get(product_type or "", ())
        surface = SURFACES.get(postures[0]) if postures else None
        if surface is None or self._reading is None:
            return None
        sides = (
            (float(item.width_cm), float(item.height_cm or math.inf))
            for item in self._reading.free
            if item.surface == surface and item.width_cm
        )
        return next(sides, None)

    def _options(self, posture: str) -> Sequence[Box]:
        assert self._reading is not None
        if posture in SURFACES:
            return [item.box for item in self._reading.free if item.surface == SURFACES[posture]]
        held = HOLDERS.get(posture, ())
        found = sorted(
            (item for item in self._reading.objects if item.type in held), key=lambda item: held.index(item.type)
        )
        return [_upper(item.box) if posture in ("surface", "table") else item.box for item in found]


def _upper(box: Box) -> Box:
    left, top, right, bottom = box
    high = BAND * (bottom - top)
    return left, max(top - high, 0.0), right, top + high


def _share(box: Box, turn: int) -> Box:
    """Return the part of a box for its first, second, … product: all of it, then thirds from the left."""
    if turn == 0:
        return box
    left, top, right, bottom = box
    width = (right - left) / 3
    start = left + width * ((turn - 1) % 3)
    return start, top, start + width, bottom
