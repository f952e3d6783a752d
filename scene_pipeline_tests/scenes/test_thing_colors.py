"""The main colors of things: those of their visible parts, the largest first."""

import numpy as np

from scene_pipeline.color.names import color_of
from scene_pipeline.scenes.analysis import UNKNOWN, Box, RoomObject
from scene_pipeline.scenes.thing_colors import with_colors


def room() -> np.ndarray:
    """Return a white picture [40, 60, 3] with a green thing that has a black foot, in CIELAB."""
    lab = np.tile(np.array(color_of("white"), float), (40, 60, 1))
    lab[10:25, 10:40] = color_of("green")
    lab[25:30, 10:40] = color_of("black")
    return lab


def colors(box: Box, things: np.ndarray) -> tuple[str, ...]:
    (thing,) = with_colors((RoomObject("sofa", box, 0.9, UNKNOWN),), room(), things)
    return thing.colors


def test_the_wall_around_a_thing_is_none_of_its_colors() -> None:
    things = np.zeros((8, 12), bool)
    things[2:6, 2:8] = True
    assert colors((0.0, 0.0, 1.0, 1.0), things) == ("green", "black")


def test_the_whole_box_counts_where_no_cell_shows_a_thing() -> None:
    assert colors((0.0, 0.0, 1.0, 1.0), np.zeros((8, 12), bool)) == ("white",)


def test_a_box_of_no_width_has_the_color_of_its_place() -> None:
    assert colors((0.5, 0.5, 0.5, 0.5), np.ones((8, 12), bool)) == ("green",)
    assert colors((1.0, 1.0, 1.0, 1.0), np.ones((8, 12), bool)) == ("white",)
