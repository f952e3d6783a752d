"""Find the free stretches of wall and floor, and estimate how large they are in centimeters.

A stretch is a rectangle of cells of the picture that all show bare wall, or bare floor. Its size is an estimate: it
follows from how many meters the whole picture would span at that distance (`span`, which a head predicts).
"""

import math

import numpy as np

from scene_pipeline.scenes.analysis import Box, FreeStretch

SURFACES = ("wall", "floor")
MAX_EACH = 3
"""Maximum number of stretches reported for a surface, the largest first."""

MIN_SHARE = 0.012
"""Share of the picture from which a stretch is reported."""

DEPTH_PER_SPAN = 0.78
"""Distance over span, for a lens of 65 degrees."""


def free_stretches(
    shell: np.ndarray, names: tuple[str, ...], span: np.ndarray | None, aspect: float
) -> tuple[FreeStretch, ...]:
    """Return the free stretches of wall and floor, the largest of each first.

    `shell` [h, w] are the likeliest parts of the shell, by number in `names`; `span` [h, w] is in meters, None where it
    is not known; `aspect` is the picture's width over its height.
    """
    found: list[FreeStretch] = []
    for surface in SURFACES:
        open_ = shell == names.index(surface)
        for _ in range(MAX_EACH):
            top, left, bottom, right = largest_rectangle(open_)
            if (bottom - top) * (right - left) < MIN_SHARE * open_.size:
                break
            open_[top:bottom, left:right] = False
            height, width = open_.shape
            box: Box = (left / width, top / height, right / width, bottom / height)
            sides = None if span is None else _sides(surface, box, span[top:bottom, left:right], aspect)
            found.append(FreeStretch(surface, box, *(sides or (None, None))))
    return tuple(found)


def largest_rectangle(open_: np.ndarray) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) of the largest rectangle of true cells, all 0 where there is none.

    Over every row, first and last column it takes the least height of the columns of true cells that end in the row.
    """
    rows, columns = open_.shape
    heights = np.zeros((rows, columns), np.int32)
    for row, cells in enumerate(open_):
        heights[row] = np.where(cells, (heights[row - 1] if row else 0) + 1, 0)
    first, last = np.indices((columns, columns))
    least = np.minimum.accumulate(np.where(last >= first, heights[:, None], rows), axis=2)
    areas = least * np.maximum(last - first + 1, 0)
    row, left, right = np.unravel_index(int(areas.argmax()), areas.shape)
    if not areas[row, left, right]:
        return 0, 0, 0, 0
    return int(row + 1 - least[row, left, right]), int(left), int(row + 1), int(right + 1)


def _sides(surface: str, box: Box, span: np.ndarray, aspect: float) -> tuple[int, int]:
    """Return width and height (of a floor: depth) in centimeters of a stretch whose cells have these spans."""
    left, top, right, bottom = box
    near, far = float(np.mean(span[-1])), float(np.mean(span[0]))
    if surface == "floor":
        return _round_cm((right - left) * near), _round_cm(max(far - near, 0) * DEPTH_PER_SPAN)
    first, last = float(np.mean(span[:, 0])), float(np.mean(span[:, -1]))
    across = (right - 0.5) * last - (left - 0.5) * first
    away = (last - first) * DEPTH_PER_SPAN
    return _round_cm(math.hypot(across, away)), _round_cm((bottom - top) * float(np.mean(span)) / aspect)


def _round_cm(meters: float) -> int:
    """Return centimeters rounded to tens: an estimate is not more precise."""
    return max(round(meters * 10) * 10, 10)
