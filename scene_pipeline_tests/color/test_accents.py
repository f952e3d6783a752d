"""Small areas of strong color are found, and products of that color."""

import numpy as np
import pytest

from scene_pipeline.color.accents import Accent, accents, answers
from scene_pipeline.color.density import log_density

WHITE, ORANGE, WOOD, BLUE = (95.0, 0.0, 1.0), (65.0, 45.0, 60.0), (60.0, 12.0, 35.0), (45.0, 5.0, -45.0)


def room(*parts: tuple[tuple[float, float, float], int]) -> np.ndarray:
    return log_density(np.repeat(np.array([color for color, _ in parts], np.float32), [n for _, n in parts], axis=0))


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([(WHITE, 950), (ORANGE, 50)], [ORANGE]),
        ([(WHITE, 900), (ORANGE, 60), (BLUE, 40)], [ORANGE, BLUE]),
        ([(WHITE, 700), (WOOD, 300)], []),  # a wooden floor is not an accent
        ([(WHITE, 500), (BLUE, 500)], []),  # a blue room is blue
        ([(WHITE, 1000)], []),
        ([(WHITE, 998), (ORANGE, 2)], []),  # noise
    ],
)
def test_accents(parts: list[tuple[tuple[float, float, float], int]], found: list[tuple[float, float, float]]) -> None:
    seen = accents(room(*parts))
    assert len(seen) == len(found)
    for accent, color in zip(seen, found, strict=True):
        assert np.linalg.norm(np.array(accent.lab) - color) < 8


def test_a_product_answers_an_accent_by_a_main_color() -> None:
    lab = np.array([[ORANGE, WHITE], [WHITE, ORANGE], [WHITE, BLUE]], np.float32)
    share = np.array([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5]], np.float32)
    assert answers(lab, share, (Accent(ORANGE, 0.05),)).tolist() == [True, False, False]
    assert not answers(lab, share, ()).any()
