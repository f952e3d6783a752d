"""Colors are named alone and by the thousand."""

import numpy as np

from scene_pipeline.color.names import BASIC_COLORS, basic_colors, color_name


def test_many_colors_have_the_names_that_each_has_alone() -> None:
    lab = np.random.default_rng(0).uniform((0, -80, -80), (100, 80, 80), (3000, 3)).astype(np.float32)
    lab[:1000, 1:] /= 6
    names = list(BASIC_COLORS)
    assert [names[at] for at in basic_colors(lab)] == [color_name(color) for color in lab]
