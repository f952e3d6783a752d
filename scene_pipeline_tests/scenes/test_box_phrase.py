"""Where a box lies in a picture, in words."""

import pytest

from scene_pipeline.scenes.box_phrase import box_phrase


@pytest.mark.parametrize(
    ("box", "phrase"),
    [
        ((0.0, 0.3, 0.3, 0.7), "on the left"),
        ((0.7, 0.3, 1.0, 0.7), "on the right"),
        ((0.4, 0.4, 0.6, 0.6), "in the middle"),
        ((0.6, 0.0, 1.0, 0.4), "at the top right"),
        ((0.0, 0.6, 0.4, 1.0), "at the bottom left"),
        ((0.4, 0.0, 0.6, 0.3), "at the top"),
        ((0.1, 0.7, 0.9, 1.0), "at the bottom"),
        ((0.0, 0.0, 0.4, 1.0), "on the left"),
        ((0.0, 0.0, 1.0, 1.0), ""),
        ((0.1, 0.1, 0.9, 0.95), ""),
    ],
)
def test_a_box_has_a_phrase(box: tuple[float, float, float, float], phrase: str) -> None:
    assert box_phrase(box) == phrase


@pytest.mark.parametrize("box", [(0.5, 0.0, 0.5, 1.0), (0.0, 0.0, 1.2, 1.0), (0.8, 0.0, 0.2, 1.0)])
def test_a_box_without_an_area_or_outside_the_picture_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        box_phrase(box)
