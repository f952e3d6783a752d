"""Small charts for the metadata of a run, drawn with Pillow: a plot in an event needs no plotting library."""

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, MUTED, BAR, GRID = "#2a2a2a", "#6a6a6a", "#3f6f8f", "#dddddd"
_SCALE = 2
"""Drawn larger than shown, so that it is sharp on dense screens."""


def bar_chart(counts: Mapping[str, float], title: str, most: int = 12) -> str:
    """Return the `most` largest values as a bar chart, a Markdown image that needs no file; "" for no values."""
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    if not shown:
        return ""
    height, left = 26 + 20 * len(shown), 150
    image, draw = _canvas(560, height, title)
    peak = max(value for _, value in shown) or 1
    for row, (name, value) in enumerate(shown):
        top = 24 + 20 * row
        _text(draw, (left - 8, top + 8), _cut(str(name), 24), "rm")
        width = 330 * value / peak
        draw.rectangle(_scaled(left, top + 2, left + max(width, 1), top + 15), fill=BAR)
        _text(draw, (left + width + 6, top + 8), f"{value:,.4g}" if value < 1000 else f"{value:,.0f}", "lm", MUTED)
    return _markdown(image, title)


def histogram(values: Sequence[float] | np.ndarray, title: str, span: tuple[float, float] = (0, 1)) -> str:
    """Return twenty bins of the values over `span` as a Markdown image; "" for no values."""
    data = np.asarray(values, dtype=float)
    data = data[np.isfinite(data)]
    if not len(data):
        return ""
    counts, edges = np.histogram(np.clip(data, *span), bins=20, range=span)
    image, draw = _canvas(560, 180, title)
    step, base, tall = 26, 155, 120
    for index, count in enumerate(counts):
        left = 20 + index * step
        height = tall * count / max(counts.max(), 1)
        draw.rectangle(_scaled(left + 1, base - height, left + step - 2, base), fill=BAR)
    for index in range(0, 21, 5):
        _text(draw, (20 + index * step, base + 10), f"{edges[index]:g}", "mm", MUTED)
    _text(draw, (550, 14), f"n = {len(data):,}, median {np.median(data):.2f}", "rm", MUTED)
    return _markdown(image, title)


def line_chart(points: Sequence[tuple[str, float]], title: str, bounds: Sequence[float] = ()) -> str:
    """Return labeled values in their order as a line, with `bounds` as rules; a Markdown image, "" for no points."""
    if not points:
        return ""
    values = [value for _, value in points]
    low, high = min([*values, *bounds]), max([*values, *bounds])
    pad = (high - low) * 0.1 or abs(high) * 0.1 or 1.0
    low, high = low - pad, high + pad
    image, draw = _canvas(560, 180, title)
    left, right, top, base = 70, 545, 28, 150

    def place(index: int, value: float) -> tuple[float, float]:
        across = left + (right - left) * (index / max(len(values) - 1, 1))
        return across * _SCALE, (base - (base - top) * (value - low) / (high - low)) * _SCALE

    for value in (low + pad, high - pad):
        y = place(0, value)[1] / _SCALE
        draw.line(_scaled(left, y, right, y), fill=GRID, width=_SCALE)
        _text(draw, (left - 6, y), f"{value:.3g}", "rm", MUTED)
    for bound in bounds:
        y = place(0, bound)[1] / _SCALE
        draw.line(_scaled(left, y, right, y), fill="#b0442c", width=_SCALE)
        _text(draw, (right, y - 8), f"bound {bound:g}", "rm", "#b0442c")
    path = [place(index, value) for index, value in enumerate(values)]
    draw.line(path, fill=BAR, width=2 * _SCALE, joint="curve")
    for x, y in path:
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=BAR)
    _text(draw, (left, base + 14), _cut(points[0][0], 26), "lm", MUTED)
    if len(points) > 1:
        _text(draw, (right, base + 14), _cut(points[-1][0], 26), "rm", MUTED)
    return _markdown(image, title)


def _canvas(width: int, height: int, title: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width * _SCALE, height * _SCALE), "white")
    draw = ImageDraw.Draw(image)
    _text(draw, (12, 12), title, "lm")
    return image, draw


def _text(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, anchor: str, color: str = INK) -> None:
    font = ImageFont.load_default(size=12 * _SCALE)
    draw.text((place[0] * _SCALE, place[1] * _SCALE), text, fill=color, font=font, anchor=anchor)


def _scaled(*places: float) -> tuple[float, ...]:
    return tuple(place * _SCALE for place in places)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _markdown(image: Image.Image, title: str) -> str:
    stream = io.BytesIO()
    image.quantize(32).save(stream, "PNG", optimize=True)
    return f"![{title}](data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()})"
