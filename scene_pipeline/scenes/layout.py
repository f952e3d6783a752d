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
    """Return (top, left, bottom, right) of the largest rectangle of true cells, all 0 where there is none."""
    best, area = (0, 0, 0, 0), 0
    heights = [0] * (open_.shape[1] + 1)
    for row, cells in enumerate(open_.tolist()):
        for column, cell in enumerate(cells):
            heights[column] = heights[column] + 1 if cell else 0
        stack: list[int] = []
        for column, height in enumerate(heights):
            while stack and heights[stack[-1]] >= height:
                tall = heights[stack.pop()]
                left = stack[-1] + 1 if stack else 0
                if tall * (column - left) > area:
                    area = tall * (column - left)
                    best = (row - tall + 1, left, row + 1, column)
            stack.append(column)
    return best


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
