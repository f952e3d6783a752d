"""Colors: golden CIELAB values, and shares that are what a person would count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from scene_pipeline.color.dominant import border_connected, dominant_colors
from scene_pipeline.color.lab import lab_to_hex, rgb_to_lab

GOLDEN = [  # sRGB, CIELAB (D65, 2°): brucelindbloom.com's calculator, rounded to two places
    ((255, 0, 0), (53.24, 80.09, 67.20)),
    ((0, 255, 0), (87.73, -86.18, 83.18)),
    ((0, 0, 255), (32.30, 79.19, -107.86)),
    ((255, 255, 255), (100.0, 0.0, 0.0)),
    ((0, 0, 0), (0.0, 0.0, 0.0)),
    ((119, 119, 119), (50.03, 0.0, 0.0)),
    ((255, 255, 0), (97.14, -21.55, 94.48)),
    ((3, 3, 3), (0.82, 0.0, 0.0)),
]


@pytest.mark.parametrize(("rgb", "lab"), GOLDEN)
def test_lab_of_srgb(rgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    assert rgb_to_lab(rgb) == pytest.approx(lab, abs=0.01)


@given(st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)))
def test_hex_is_the_way_back(rgb: tuple[int, int, int]) -> None:
    assert lab_to_hex(rgb_to_lab(rgb).tolist()) == "#{:02x}{:02x}{:02x}".format(*rgb)


def test_hex_clips_what_srgb_cannot_show() -> None:
    assert lab_to_hex((50, 200, 0)).startswith("#ff00")


def stripes(*parts: tuple[tuple[int, int, int], int]) -> Image.Image:
    """Vertical stripes of given widths, 100 px high."""
    image = Image.new("RGB", (sum(width for _, width in parts), 100))
    left = 0
    for color, width in parts:
        image.paste(color, (left, 0, left + width, 100))
        left += width
    return image


def test_shares_are_areas_largest_first() -> None:
    found = dominant_colors(stripes(((200, 30, 40), 120), ((20, 40, 200), 48), ((250, 250, 250), 24)), count=3)
    assert [lab_to_hex(lab) for lab, _ in found] == ["#c81e28", "#1428c8", "#fafafa"]
    assert [share for _, share in found] == pytest.approx([0.625, 0.25, 0.125], abs=0.01)


def test_a_plain_picture_has_one_color() -> None:
    assert dominant_colors(Image.new("RGB", (300, 200), (119, 119, 119))) == [
        (pytest.approx((50.03, 0, 0), abs=0.01), pytest.approx(1.0))
    ]


def packshot(color: tuple[int, int, int], hole: bool = False) -> Image.Image:
    image = Image.new("RGB", (400, 400), (252, 252, 252))
    draw = ImageDraw.Draw(image)
    draw.ellipse((100, 60, 300, 340), fill=color)
    if hole:
        draw.ellipse((150, 150, 250, 250), fill=(252, 252, 252))
    return image.filter(ImageFilter.GaussianBlur(1))


def test_background_of_a_packshot_is_left_out() -> None:
    with_background = dominant_colors(packshot((150, 90, 40)))
    without = dominant_colors(packshot((150, 90, 40)), ignore_background=True)
    assert lab_to_hex(with_background[0][0])[:3] in ("#fb", "#fc")
    assert with_background[0][1] == pytest.approx(1 - np.pi * 100 * 140 / 160_000, abs=0.03)
    assert without[0][0] == pytest.approx(rgb_to_lab((150, 90, 40)), abs=2)
    assert without[0][1] > 0.9


def test_white_inside_the_product_is_kept() -> None:
    found = dominant_colors(packshot((150, 90, 40), hole=True), ignore_background=True)
    white = sum(share for lab, share in found if lab[0] > 95)
    assert white == pytest.approx(50 * 50 / (100 * 140), abs=0.05)


def test_a_white_picture_keeps_its_white() -> None:
    found = dominant_colors(Image.new("RGB", (64, 64), (255, 255, 255)), ignore_background=True)
    assert found == [(pytest.approx((100, 0, 0), abs=0.01), pytest.approx(1.0))]


def test_border_connected_goes_round_corners_and_not_through_diagonals() -> None:
    mask = np.array(
        [
            [0, 0, 0, 0, 0, 0],
            [1, 1, 1, 0, 1, 0],
            [0, 0, 1, 0, 1, 0],
            [0, 0, 1, 1, 0, 0],
            [0, 0, 0, 0, 0, 0],
        ],
        dtype=bool,
    )
    expected = mask.copy()
    expected[1:3, 4] = False
    assert (border_connected(mask) == expected).all()


@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    count=st.integers(1, 9),
    seed=st.integers(0, 2**31),
    background=st.booleans(),
)
def test_any_picture_gives_ordered_shares_that_add_up(
    width: int, height: int, count: int, seed: int, background: bool
) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    found = dominant_colors(image, count, background)
    shares = [share for _, share in found]
    assert 1 <= len(found) <= count
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)
    assert found == dominant_colors(image, count, background)
