"""Look at a scene at several scales: the whole, then overlapping crops, pooled into one vector.

An option of callers, not the default: with scales (1.0, 0.6) a scene costs five towers instead of one. It names rooms
better: docs/benchmarks.md has gain and cost.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scene_pipeline.encoders.onnx_tower import unit

SCALES = (1.0, 0.6)


class EmbedsImages(Protocol):
    """Anything that turns pictures into unit vectors [n, d]."""

    def embed(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the unit vectors of `images`."""
        ...


def scene_crops(image: Image.Image, scale: float) -> list[Image.Image]:
    """Return the picture itself for scale 1, else crops of `scale` times its sides that cover it, evenly overlapping.

    Raises ValueError for a scale outside (0, 1].
    """
    if not 0 < scale <= 1:
        raise ValueError(f"a scale of {scale:g} is not a crop; it must lie above 0 and be at most 1")
    if scale == 1:
        return [image]
    width, height = (math.ceil(side * scale) for side in image.size)  # rounding down would leave a gap between crops
    steps = math.ceil(1 / scale)
    lefts = np.linspace(0, image.size[0] - width, steps).round().astype(int)
    tops = np.linspace(0, image.size[1] - height, steps).round().astype(int)
    return [image.crop((left, top, left + width, top + height)) for top in tops.tolist() for left in lefts.tolist()]


def decoded_side(input_size: int, scales: Sequence[float]) -> int:
    """Return the short side (pixels) at which a scene is decoded: every crop has twice what the encoder reads."""
    return math.ceil(2 * input_size / min(scales))


def embed_scenes(encoder: EmbedsImages, images: Sequence[Image.Image], scales: Sequence[float]) -> NDArray[np.float32]:
    """Return the unit vectors [n, d] of at least one scene, each as `embed_scene` gives it."""
    if tuple(scales) == (1.0,):
        return encoder.embed(images)
    return np.stack([embed_scene(encoder, image, scales) for image in images])


def embed_scene(encoder: EmbedsImages, image: Image.Image, scales: Sequence[float] = SCALES) -> NDArray[np.float32]:
    """Return one unit vector [d] for a scene: the mean over scales of the mean over a scale's crops, normalized."""
    return embed_views(encoder, image, scales)[0]


def embed_views(
    encoder: EmbedsImages, image: Image.Image, scales: Sequence[float] = SCALES
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the unit vector [d] of a scene, as `embed_scene` gives it, and those of all its crops [v, d]."""
    crops = [scene_crops(image, scale) for scale in scales]
    vectors = encoder.embed([crop for group in crops for crop in group])
    if len(vectors) == 1:  # nothing to pool: bit for bit the vector that products get
        return vectors[0], vectors
    ends = np.cumsum([len(group) for group in crops])
    means = [part.mean(axis=0) for part in np.split(vectors, ends[:-1])]
    return unit(np.stack(means).mean(axis=0, keepdims=True), "multi-scale")[0], vectors
