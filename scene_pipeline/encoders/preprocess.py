"""Prepare a picture for an encoder with numpy and Pillow alone, as open_clip's own transform does."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scene_pipeline.encoders.spec import EncoderSpec

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def preprocess(image: Image.Image, spec: EncoderSpec, size: int | None = None) -> NDArray[np.float32]:
    """Return `image` as the encoder reads it: float32 [3, size, size], RGB, normalized by mean and std.

    `size` is the encoder's input size where none is given.
    """
    return normalize(resize(image, spec, size), spec)


def resize(image: Image.Image, spec: EncoderSpec, size: int | None = None) -> Image.Image:
    """Return `image` in RGB at `size` (default: the encoder's input size), cropped or squashed as its spec says."""
    if image.mode != "RGB":
        image = image.convert("RGB")
    target = size or spec.input_size
    method = _FILTERS[spec.interpolation]
    if spec.resize == "squash":
        return image if image.size == (target, target) else image.resize((target, target), method)
    width, height = image.size
    # int() and round() in these places are torchvision's Resize and CenterCrop; others shift the crop by a pixel.
    whole = (target, int(target * height / width)) if width <= height else (int(target * width / height), target)
    left = round((whole[0] - target) / 2.0)
    top = round((whole[1] - target) / 2.0)
    if image.size != whole:
        image = image.resize(whole, method)
    return image.crop((left, top, left + target, top + target))


def normalize(image: Image.Image, spec: EncoderSpec) -> NDArray[np.float32]:
    """Return an RGB picture as float32 [3, height, width]: (value / 255 - mean) / std per channel."""
    pixels = np.asarray(image, dtype=np.uint8)
    planes = np.empty((3, *pixels.shape[:2]), np.float32)
    for channel, (mean, std) in enumerate(zip(spec.mean, spec.std, strict=True)):
        np.multiply(pixels[..., channel], np.float32(1 / (255 * std)), out=planes[channel])
        planes[channel] -= np.float32(mean / std)
    return planes
