"""Pictures to frame: abstract compositions, landscapes and line drawings, made by arithmetic (unit uv)."""

from __future__ import annotations

import numpy as np


def _canvas(paper: np.ndarray, height: int = 320, width: int = 256) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    return np.broadcast_to(paper, (height, width, 3)).copy(), x, y


def _paint(image: np.ndarray, where: np.ndarray, tint: np.ndarray, rng: np.random.Generator) -> None:
    wash = 1 + 0.05 * rng.normal(0, 1, where.shape)
    image[where] = (tint * wash[..., None])[where]


def arches(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Nested arches, rainbow fashion, with a sun."""
    image, x, y = _canvas(colors[0])
    radius = np.hypot((x - 0.5) * 0.8, np.maximum(0.62 - y, 0))
    for k, r in enumerate((0.33, 0.265, 0.2, 0.135, 0.07)):
        _paint(image, (radius < r) & (y < 0.88), colors[1 + k % (len(colors) - 1)] if k % 2 == 0 else colors[0], rng)
    _paint(image, np.hypot((x - 0.7) * 0.8, y - 0.16) < 0.075, colors[-1], rng)
    return image


def circles(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Overlapping discs and half discs."""
    image, x, y = _canvas(colors[0])
    for k in range(5):
        cx, cy, r = rng.uniform(0.2, 0.8), rng.uniform(0.18, 0.82), rng.uniform(0.1, 0.24)
        inside = np.hypot((x - cx) * 0.8, y - cy) < r
        if rng.random() < 0.5:
            inside &= (x > cx) if rng.random() < 0.5 else (y > cy)
        _paint(image, inside, colors[1 + k % (len(colors) - 1)], rng)
    return image


def landscape(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Layered hills under a sun."""
    image, x, y = _canvas(colors[0])
    _paint(image, np.hypot((x - rng.uniform(0.3, 0.7)) * 0.8, y - 0.3) < 0.1, colors[-1], rng)
    for k in range(4):
        ridge = 0.42 + 0.13 * k
        for f in (1.3, 2.9, 5.3):
            ridge = ridge + 0.05 / f * np.sin(2 * np.pi * (f * x + rng.random()))
        share = k / 4
        tint = colors[1] * (1 - share) + colors[min(2, len(colors) - 1)] * share
        _paint(image, y > ridge, tint, rng)
    return image


def grid_blocks(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Rectangles split again and again, some filled."""
    image, x, y = _canvas(colors[0])
    areas = [(0.08, 0.07, 0.92, 0.93)]
    for _ in range(6):
        areas.sort(key=lambda a: (a[2] - a[0]) * (a[3] - a[1]))
        x0, y0, x1, y1 = areas.pop()
        t = rng.uniform(0.35, 0.65)
        if x1 - x0 > (y1 - y0) * 1.1:
            areas += [(x0, y0, x0 + t * (x1 - x0), y1), (x0 + t * (x1 - x0), y0, x1, y1)]
        else:
            areas += [(x0, y0, x1, y0 + t * (y1 - y0)), (x0, y0 + t * (y1 - y0), x1, y1)]
    for k, (x0, y0, x1, y1) in enumerate(areas):
        inside = (x > x0 + 0.012) & (x < x1 - 0.012) & (y > y0 + 0.01) & (y < y1 - 0.01)
        _paint(image, inside, colors[k % len(colors)], rng)
    return image


def brush(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """A few broad, dry brush strokes."""
    image, x, y = _canvas(colors[0])
    for k in range(4):
        a, b, c = rng.uniform(0.2, 0.8), rng.uniform(-0.35, 0.35), rng.uniform(0.04, 0.1)
        line = a + b * np.sin(2.5 * x + rng.uniform(0, 6))
        bristle = np.repeat(rng.normal(0, 0.25, (len(y), 1)), x.shape[1], axis=1) + rng.normal(0, 0.05, x.shape)
        inside = (np.abs(y - line) < c * (1 + bristle)) & (x > rng.uniform(0.06, 0.25)) & (x < rng.uniform(0.75, 0.94))
        _paint(image, inside, colors[1 + k % (len(colors) - 1)], rng)
    return image


def botanical(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """A stem with paired leaves."""
    image, x, y = _canvas(colors[0])
    lean = rng.uniform(-0.08, 0.08)
    stem = 0.5 + lean * np.sin((0.92 - y) * 3)
    _paint(image, (np.abs(x - stem) < 0.006) & (y > 0.12) & (y < 0.92), colors[1], rng)
    for k in range(7):
        y0 = 0.8 - 0.095 * k
        for sign in (-1, 1):
            cx, cy = 0.5 + lean * np.sin((0.92 - y0) * 3) + sign * 0.125, y0 - 0.05
            a = np.radians(32) * sign
            u = (x - cx) * 0.8 * np.cos(a) - (y - cy) * np.sin(a) * -1
            v = -(x - cx) * 0.8 * np.sin(a) * -1 + (y - cy) * np.cos(a)
            _paint(
                image,
                (u / 0.105) ** 2 + (v / (0.034 - 0.002 * k)) ** 2 < 1,
                colors[1 + (k + 1) % (len(colors) - 1)],
                rng,
            )
    return image


def animals(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """A bear's or a rabbit's face for a child's wall."""
    image, x, y = _canvas(colors[0])

    def disc(cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
        return ((x - cx) * 0.8 / rx) ** 2 + ((y - cy) / ry) ** 2 < 1

    fur, inner = colors[1], colors[2 % len(colors)]
    rabbit = rng.random() < 0.5
    for sign in (-1, 1):
        if rabbit:
            _paint(image, disc(0.5 + sign * 0.13, 0.27, 0.055, 0.19), fur, rng)
            _paint(image, disc(0.5 + sign * 0.13, 0.28, 0.028, 0.14), inner, rng)
        else:
            _paint(image, disc(0.5 + sign * 0.24, 0.36, 0.085, 0.085), fur, rng)
            _paint(image, disc(0.5 + sign * 0.24, 0.36, 0.045, 0.045), inner, rng)
    _paint(image, disc(0.5, 0.56, 0.25, 0.23), fur, rng)
    _paint(image, disc(0.5, 0.64, 0.1, 0.08), inner, rng)
    dark = np.array([0.1, 0.09, 0.09])
    for sign in (-1, 1):
        _paint(image, disc(0.5 + sign * 0.12, 0.52, 0.02, 0.02), dark, rng)
    _paint(image, disc(0.5, 0.61, 0.03, 0.018), dark, rng)
    return image


KINDS = {maker.__name__: maker for maker in (arches, circles, landscape, grid_blocks, brush, botanical, animals)}
