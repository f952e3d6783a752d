"""Free stretches of wall and floor, and how large they are."""

import numpy as np
import pytest

from scene_pipeline.scenes.layout import MAX_EACH, free_stretches, largest_rectangle
from scene_pipeline.scenes.room_heads import SHELL

WALL, FLOOR = SHELL.index("wall"), SHELL.index("floor")


def brute(open_: np.ndarray) -> int:
    height, width = open_.shape
    return max(
        (
            (b - t) * (r - left)
            for t in range(height) for b in range(t + 1, height + 1)
            for left in range(width) for r in range(left + 1, width + 1)
            if open_[t:b, left:r].all()
        ),
        default=0,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_the_largest_rectangle_is_the_largest(seed: int) -> None:
    open_ = np.random.default_rng(seed).random((7, 8)) < 0.7
    top, left, bottom, right = largest_rectangle(open_)
    assert open_[top:bottom, left:right].all()
    assert (bottom - top) * (right - left) == brute(open_)


def test_nothing_free_is_nothing() -> None:
    assert largest_rectangle(np.zeros((4, 4), bool)) == (0, 0, 0, 0)
    assert free_stretches(np.zeros((24, 24), int), SHELL, None, 1.0) == ()


def test_stretches_keep_to_their_surface_and_do_not_overlap() -> None:
    shell = np.zeros((24, 24), int)
    shell[:12], shell[14:] = WALL, FLOOR
    shell[2:10, 8:12] = SHELL.index("window")
    found = free_stretches(shell, SHELL, None, 1.25)
    assert {item.surface for item in found} == {"wall", "floor"}
    assert sum(item.surface == "wall" for item in found) <= MAX_EACH
    for item in found:
        left, top, right, bottom = (round(24 * side) for side in item.box)
        assert (shell[top:bottom, left:right] == SHELL.index(item.surface)).all()
        assert item.width_cm is item.height_cm is None


def test_a_wall_that_faces_the_camera_is_as_wide_as_it_spans() -> None:
    shell = np.full((24, 24), WALL)
    wall = free_stretches(shell, SHELL, np.full((24, 24), 4.0), 1.25)[0]
    assert (wall.width_cm, wall.height_cm) == (400, 320)


def test_a_floor_is_as_deep_as_the_span_grows_away_from_the_camera() -> None:
    shell = np.full((24, 24), FLOOR)
    span = np.linspace(5.0, 2.0, 24)[:, None].repeat(24, axis=1)
    floor = free_stretches(shell, SHELL, span, 1.0)[0]
    assert (floor.width_cm, floor.height_cm) == (200, 230)
