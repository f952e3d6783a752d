"""Name the colors that a picture shows, with the share of each."""

import numpy as np
from PIL import Image

COLOR_NAMES = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "beige", "grey", "white", "black",
)  # fmt: skip
"""All names that `Colors` gives."""

_GROUND = 225
"""Least value of the darkest channel on the white ground of a packshot."""

_HUES = ((20, "red"), (42, "orange"), (70, "yellow"), (165, "green"), (255, "blue"), (320, "purple"), (345, "pink"))


class Colors:
    """What the pixels say in words: `light` (dark, bright, softly lit), `names` of one or two colors, `tone`.

    `shares` (12,) float32 is how much of the area has each of `COLOR_NAMES`.
    """

    def __init__(self, pixels: np.ndarray, on_white: bool = False) -> None:
        """Measure `pixels`, (h, w, 3) uint8 RGB. `on_white`: the white ground of a packshot doesn't count."""
        small = Image.fromarray(pixels).resize((16, 16), Image.Resampling.BOX)
        hsv = np.asarray(small.convert("HSV"), float)
        hue, saturation, value = hsv[..., 0] * 360 / 255, hsv[..., 1] / 255, hsv[..., 2] / 255
        names = np.full(hue.shape, "pink", object)
        for bound, name in reversed(_HUES):
            names[hue < bound] = name
        names[hue >= 345] = "red"
        names[(names == "orange") & (value < 0.6)] = "brown"
        names[(names == "red") & (value < 0.45)] = "brown"
        names[(hue >= 15) & (hue < 70) & (saturation < 0.4) & (value >= 0.5)] = "beige"
        names[(saturation < 0.13) & (value < 0.8)] = "grey"
        names[(saturation < 0.13) & (value >= 0.8)] = "white"
        names[value < 0.18] = "black"
        thing = np.asarray(small).min(2) < _GROUND
        counted = names[thing] if on_white and thing.any() else names.ravel()
        self.shares = np.array([(counted == name).mean() for name in COLOR_NAMES], np.float32)
        found, counts = np.unique(names.astype(str), return_counts=True)
        order = counts.argsort()[::-1]
        second = [found[i] for i in order[1:2] if counts[i] > 0.15 * names.size]
        self.names = [str(name) for name in (found[order[0]], *second)]
        mean = value.mean()
        self.light = "dark" if mean < 0.36 else "bright" if mean > 0.62 else "softly lit"
        warm = float(((pixels[..., 0].astype(float) - pixels[..., 2]) / 255).mean())
        vivid = saturation.mean() > 0.42
        self.tone = ("vivid " if vivid else "muted ") + (
            "warm colours" if warm > 0.08 else "cool colours" if warm < -0.02 else "neutral colours"
        )
