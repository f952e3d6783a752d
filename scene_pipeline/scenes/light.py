"""Measure a picture without a model: its light, its clutter, and its even areas."""

import numpy as np
from PIL import Image

from scene_pipeline.color.lab import rgb_to_lab
from scene_pipeline.scenes.analysis import MeasuredValue, SceneLight

SIDE = 96
"""Least long side, in pixels, at which a picture is measured."""

ROWS, CELL_COLUMNS = ("upper", "middle", "lower"), ("left", "center", "right")
REGIONS = tuple(f"{row} {column}" for row in ROWS for column in CELL_COLUMNS)

CAST_STRENGTH = 0.8
"""Share of an estimated color cast that is removed: a room may really be beige."""

CAST_LIMIT = 1.25
"""Largest factor for a channel; a stronger cast is taken for the room's own color."""

_CALM = 3.0  # CIELAB lightness per pixel: below it a surface is even
_BUSY = 24.0  # mean gradient of a picture that is all detail
_NEUTRAL = 12.0  # chroma below which a pixel tells the light's color rather than its own
_CLIPPED = (2.0, 99.0)  # lightness outside which nothing can be read
_STEEPER = 1.4  # how much steeper a step of lightness is at half the resolution
_GAMMA = 2.2
_LINEAR_6 = ((np.arange(256) / 255) ** _GAMMA) ** 6


def reduced(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, averaged down to a long side of SIDE to 2 x SIDE: enough for light and color."""
    return image.convert("RGB").reduce(max(max(image.size) // SIDE, 1))


def measure_light(image: Image.Image) -> SceneLight:
    """Return the light, clutter and free surfaces of a `reduced` picture.

    A confidence falls with the share of the picture that is blown out or black, with the share without a neutral part
    (warmth), and with the disagreement of two resolutions (clutter).
    """
    lab = rgb_to_lab(np.asarray(image))
    lightness = lab[..., 0]
    readable = float(((lightness > _CLIPPED[0]) & (lightness < _CLIPPED[1])).mean())
    neutral = np.hypot(lab[..., 1], lab[..., 2]) < _NEUTRAL
    warmth = float(lab[..., 2][neutral].mean()) if neutral.any() else float(lab[..., 2].mean())
    gradient = _gradient(lightness)
    clutter = min(float(gradient.mean()) / _BUSY, 1.0)
    coarse = _gradient(_halved(lightness))
    other = min(float(coarse.mean()) / (_STEEPER * _BUSY), 1.0)
    return SceneLight(
        brightness=MeasuredValue(float(lightness.mean()) / 100, readable),
        warmth=MeasuredValue(warmth, min(4 * float(neutral.mean()), 1.0)),
        contrast=MeasuredValue(min(float(lightness.std()) / 50, 1.0), readable),
        clutter=MeasuredValue(clutter, max(1 - abs(clutter - other) / max(clutter, other, 0.05), 0.0)),
        free_surfaces=_free(gradient),
    )


def remove_color_cast(image: Image.Image) -> Image.Image:
    """Return a `reduced` picture with most of its color cast taken out (shades of grey, Finlayson and Trezzi 2004).

    The light's color is the Minkowski mean (p = 6) of the linear channels; each is scaled towards their common mean by
    CAST_STRENGTH, within CAST_LIMIT. A picture of one color stays as it is, since light and color cannot be separated
    in it.
    """
    pixels = np.asarray(image).reshape(-1, 3)
    brightest = pixels.max(axis=1)
    lit = pixels[(brightest < 250) & (brightest > 12)]
    if len(lit) < 0.1 * len(pixels) or float(lit.std(axis=0).max()) < 5:
        return image
    light = _LINEAR_6[lit].mean(axis=0) ** (1 / 6)
    gain = np.clip((light.mean() / np.maximum(light, 1e-3)) ** CAST_STRENGTH, 1 / CAST_LIMIT, CAST_LIMIT)
    tables = np.clip(np.arange(256)[None] * gain[:, None] ** (1 / _GAMMA), 0, 255).round().astype(int)
    return image.point(tables.ravel().tolist())


def _gradient(lightness: np.ndarray) -> np.ndarray:
    """Return the larger step of lightness [h, w] to the pixel on the right or the one below."""
    across = np.abs(np.diff(lightness, axis=1, append=lightness[:, -1:]))
    down = np.abs(np.diff(lightness, axis=0, append=lightness[-1:]))
    return np.maximum(across, down)


def _halved(values: np.ndarray) -> np.ndarray:
    height, width = (max(side // 2 * 2, 2) for side in values.shape)
    even = values[:height, :width]
    return even if min(even.shape) < 2 else even.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def _free(gradient: np.ndarray) -> dict[str, float]:
    even = gradient < _CALM
    parts = [part for row in np.array_split(even, 3, axis=0) for part in np.array_split(row, 3, axis=1)]
    return {name: float(part.mean()) if part.size else 0.0 for name, part in zip(REGIONS, parts, strict=True)}
