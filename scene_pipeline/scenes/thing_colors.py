"""The main colors of the things in a picture."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scene_pipeline.color.names import BASIC_COLORS, basic_colors
from scene_pipeline.scenes.analysis import RoomObject

MIN_SHARE = 0.2
"""Share of a thing's visible pixels from which a color is one of its main colors."""

MAX_COLORS = 3
MIN_COVERED = 0.25
"""Share of a box below which the cells that belong to things say nothing, so that the whole box counts."""

NAMES = tuple(BASIC_COLORS)


def with_colors(objects: Sequence[RoomObject], lab: np.ndarray, things: np.ndarray) -> tuple[RoomObject, ...]:
    """Return the things with their main colors.

    `lab` [h, w, 3] is the picture in CIELAB; `things` [rows, columns] are the cells of it that show a thing, and not
    wall or floor.
    """
    height, width, _ = lab.shape
    rows = np.arange(height) * things.shape[0] // height
    columns = np.arange(width) * things.shape[1] // width
    names, covered = basic_colors(lab.reshape(-1, 3)).reshape(height, width), things[rows][:, columns]
    return tuple(replace(item, colors=_main(*_inside(item, names, covered))) for item in objects)


def _inside(item: RoomObject, names: np.ndarray, covered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of two layers that the box of a thing holds, at least one pixel of each."""
    height, width = names.shape
    left, top = min(int(item.box[0] * width), width - 1), min(int(item.box[1] * height), height - 1)
    right, bottom = max(round(item.box[2] * width), left + 1), max(round(item.box[3] * height), top + 1)
    return names[top:bottom, left:right], covered[top:bottom, left:right]


def _main(names: np.ndarray, covered: np.ndarray) -> tuple[str, ...]:
    own = names[covered] if covered.mean() >= MIN_COVERED else names.ravel()
    shares = np.bincount(own, minlength=len(NAMES)) / len(own)
    order = np.argsort(-shares, kind="stable")[:MAX_COLORS]
    return tuple(NAMES[at] for at in order if shares[at] >= MIN_SHARE) or (NAMES[order[0]],)
