"""Charts are pictures that need no file, say what they show, and stay small."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from scene_pipeline.reporting.plots import bar_chart, histogram, line_chart


def image_of(markdown: str) -> Image.Image:
    head, _, data = markdown.removesuffix(")").partition(",")
    assert head.startswith("![a title](data:image/png;base64")
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def bar_pixels(image: Image.Image) -> int:
    return int((np.abs(np.asarray(image, int) - (63, 111, 143)).sum(axis=2) < 20).sum())


@pytest.mark.parametrize(
    "markdown",
    [
        bar_chart({"vases": 30, "lamps": 10}, "a title"),
        histogram(np.linspace(0, 1, 500), "a title"),
        line_chart([("monday", 0.4), ("tuesday", 0.5)], "a title", [0.1]),
        line_chart([("monday", 0.4)], "a title"),
    ],
)
def test_a_chart_is_a_small_picture_with_bars_or_a_line(markdown: str) -> None:
    assert len(markdown) < 20_000
    assert bar_pixels(image_of(markdown)) > 20


def test_bars_are_as_long_as_their_counts() -> None:
    one = bar_pixels(image_of(bar_chart({"vases": 40}, "a title")))
    two = bar_pixels(image_of(bar_chart({"vases": 40, "lamps": 20}, "a title")))
    assert two / one == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize(
    "markdown", [bar_chart({}, "t"), histogram([], "t"), histogram([np.nan], "t"), line_chart([], "t")]
)
def test_nothing_to_show_is_no_chart(markdown: str) -> None:
    assert markdown == ""
