"""The numbered marks on a scene's photograph: what was recognized in it, and where products would stand."""

from collections.abc import Iterable
from dataclasses import dataclass

from scene_pipeline.scenes.analysis import Box

HALF_BADGE = 0.018
"""Half the width of a badge, as a share of the picture's longer side."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark: its number on the page of the scene, what it is of, its box in pixels (x, y, width, height).

    `seen` is True for a thing that is there, False for a place of a product. `badge` is the middle of its number.
    """

    number: int
    label: str
    seen: bool
    box: tuple[float, float, float, float]
    badge: tuple[float, float]
    size: float


def number_marks(places: Iterable[tuple[str, bool, Box | None]], width: int, height: int) -> list[Mark | None]:
    """Return a mark for each place (label, seen, box) of a picture of `width` by `height`; None for one without a box.

    Numbers count from 1 over all that have a box. The badge of a thing stands at the upper left of its box, that of a
    place in its middle; it moves down where another one is.
    """
    size = HALF_BADGE * max(width, height)
    marks: list[Mark | None] = []
    taken: list[tuple[float, float]] = []
    for label, seen, box in places:
        if box is None:
            marks.append(None)
            continue
        left, top, right, bottom = box[0] * width, box[1] * height, box[2] * width, box[3] * height
        middle = ((left + right) / 2, (top + bottom) / 2)
        at = _free((left + size, top + size) if seen else middle, taken, size, (width, height))
        taken.append(at)
        corner = (round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1))
        marks.append(Mark(len(taken), label, seen, corner, at, round(size, 1)))
    return marks


def _free(
    at: tuple[float, float], taken: list[tuple[float, float]], size: float, picture: tuple[int, int]
) -> tuple[float, float]:
    """Return a middle near `at`, within the picture, that lies on no other badge where there is such."""
    width, height = picture
    x = min(max(at[0], size), width - size)
    y = first = min(max(at[1], size), height - size)
    while any(abs(x - other[0]) < 2 * size and abs(y - other[1]) < 2 * size for other in taken):
        y += 2.1 * size
        if y > height - size:
            x, y = x + 2.1 * size, first
        if x > width - size:
            return round(at[0], 1), round(at[1], 1)
    return round(x, 1), round(y, 1)
