"""Describe a room photograph in words: its room, its light and colours as measured, the things the detector found."""

import numpy as np
from PIL import Image

from training.compact.texts import article

COCO_WORDS = {
    0: "people", 13: "a bench", 15: "a cat", 16: "a dog", 39: "a bottle", 41: "a cup", 45: "a bowl",
    47: "fruit", 56: "a chair", 57: "a sofa", 58: "a potted plant", 59: "a bed", 60: "a dining table",
    61: "a toilet", 62: "a television", 63: "a laptop", 66: "a computer keyboard", 68: "a microwave",
    69: "an oven", 71: "a sink", 72: "a refrigerator", 73: "books", 74: "a clock", 75: "a vase", 77: "a teddy bear",
}  # fmt: skip
"""Names for the COCO classes that occur in rooms."""

COCO_CATEGORIES = {
    13: "accent_furniture", 39: "functional_beauty", 41: "functional_beauty", 45: "functional_beauty",
    56: "accent_furniture", 57: "accent_furniture", 58: "botanicals", 59: "accent_furniture", 60: "accent_furniture",
    75: "statement_vases",
}  # fmt: skip
"""Product categories of the COCO classes that shops sell as home goods."""

_SEVERAL = {56: "chairs", 57: "sofas", 58: "plants", 59: "two beds", 71: "two sinks", 75: "vases", 13: "benches"}
COLOR_NAMES = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "beige", "grey", "white", "black",
)  # fmt: skip
"""All names that `Colors` gives."""

_GROUND = 225
"""Least value of the darkest channel on the white ground of a packshot."""

_HUES = ((20, "red"), (42, "orange"), (70, "yellow"), (165, "green"), (255, "blue"), (320, "purple"), (345, "pink"))
_TEMPLATES = (
    "a photo of {room}{things}",
    "{room}{things}, in {colors}",
    "{light} {room_only} in {colors}",
    "an interior photograph of {room}{things}",
    "{room}{things}",
    "{light} {room_only}{things}, {tone}",
)


def caption(room: str, things: list[str], colors: "Colors", rng: np.random.Generator) -> str:
    """Return one sentence about a photograph of `room` (a readable name) with the `things` in it."""
    named = [things[int(i)] for i in rng.permutation(len(things))[: rng.integers(1, 3)]]
    with_things = f" with {' and '.join(named)}" if named else ""
    template = _TEMPLATES[rng.integers(len(_TEMPLATES))]
    return template.format(
        room=f"{article(room)} {room}",
        room_only=room,
        things=with_things,
        colors=" and ".join(colors.names),
        light=f"a {colors.light}",
        tone=colors.tone,
    )


def things_of(boxes: np.ndarray) -> list[str]:
    """Return the things among boxes (k, 6: x0, y0, x1, y1, score, COCO class), plural where there are several."""
    classes = [int(box[5]) for box in boxes if box[4] >= 0.35 and int(box[5]) in COCO_WORDS]
    return [_SEVERAL.get(c, COCO_WORDS[c]) if classes.count(c) > 1 else COCO_WORDS[c] for c in dict.fromkeys(classes)]


class Colors:
    """What the pixels say in words: `light` (dark, bright, softly lit), `names` of one or two colours, `tone`.

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
