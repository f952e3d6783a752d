"""Other views of a picture with its truth: a crop in other light, as a poor camera would take it."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

Window = tuple[float, float, float, float]
"""Left, top, width and height of a crop in shares of the picture."""

WHOLE: Window = (0.0, 0.0, 1.0, 1.0)
KEPT_SHARE = 0.35
"""Share of a thing that a crop has to hold for the thing to be in it."""


def draw_window(rng: random.Random) -> Window:
    """Return a crop of at least half of each side, mostly more."""
    scale, ratio = rng.uniform(0.5, 1.0) ** 0.7, rng.uniform(0.8, 1.25)
    width, height = min(scale * ratio**0.5, 1), min(scale / ratio**0.5, 1)
    return rng.uniform(0, 1 - width), rng.uniform(0, 1 - height), width, height


def crop(picture: Image.Image, window: Window) -> Image.Image:
    """Return the part of a picture that a window shows."""
    left, top, width, height = window
    w, h = picture.size
    return picture.crop((int(left * w), int(top * h), round((left + width) * w), round((top + height) * h)))


def in_other_light(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Return a picture in other light and color, noisier, softer or compressed more."""
    for change, low, high in (
        (ImageEnhance.Brightness, 0.65, 1.35),
        (ImageEnhance.Contrast, 0.7, 1.35),
        (ImageEnhance.Color, 0.4, 1.4),
    ):
        picture = change(picture).enhance(rng.uniform(low, high))
    pixels = (np.asarray(picture, np.float32) / 255) ** rng.uniform(0.75, 1.35)
    pixels = pixels * np.array([rng.uniform(0.88, 1.12) for _ in range(3)])
    if rng.random() < 0.5:
        pixels = pixels + np.random.default_rng(rng.randrange(1 << 30)).normal(
            0, rng.uniform(0.005, 0.04), pixels.shape
        )
    picture = Image.fromarray((pixels.clip(0, 1) * 255).astype(np.uint8))
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0)))
    if rng.random() < 0.5:
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=rng.randrange(30, 85))
        picture = Image.open(data).convert("RGB")
    return picture


def cropped_objects(objects: list[dict[str, Any]], window: Window) -> list[dict[str, Any]]:
    """Return the things that a window holds, their boxes in its coordinates."""
    left, top, width, height = window
    found = []
    for item in objects:
        x, y, w, h = item["box"]
        x0, y0, x1, y1 = max(x, left), max(y, top), min(x + w, left + width), min(y + h, top + height)
        if x1 > x0 and y1 > y0 and (x1 - x0) * (y1 - y0) >= KEPT_SHARE * w * h:
            box = [(x0 - left) / width, (y0 - top) / height, (x1 - x0) / width, (y1 - y0) / height]
            found.append({**item, "box": box})
    return found


def sampled(layer: np.ndarray, window: Window, count: int) -> np.ndarray:
    """Return the values [count, count, …] of a layer [h, w, …] at the middles of the cells of a window."""
    left, top, width, height = window
    middles = (np.arange(count) + 0.5) / count
    rows = np.clip(((top + height * middles) * layer.shape[0]).astype(int), 0, layer.shape[0] - 1)
    columns = np.clip(((left + width * middles) * layer.shape[1]).astype(int), 0, layer.shape[1] - 1)
    return layer[rows][:, columns]


def log_span(depth: np.ndarray, fov: float) -> np.ndarray:
    """Return the log of how many meters a picture spans across at the distance of each pixel; NaN where nothing is.

    `depth` [h, w] are meters along the ray, `fov` degrees across.
    """
    height, width = depth.shape
    half = np.tan(np.radians(fov) / 2)
    y, x = np.meshgrid(*((np.arange(n) + 0.5) / n * 2 - 1 for n in (height, width)), indexing="ij")
    away = depth / np.sqrt(1 + (x * half) ** 2 + (y * half * height / width) ** 2)
    return np.where(depth > 0.05, np.log(np.maximum(away, 0.05) * 2 * half), np.nan)
