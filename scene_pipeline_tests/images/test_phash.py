"""Perceptual hashes: near after scaling, recompressing and brightening, far for different pictures."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from scene_pipeline.images.duplicates import NEAR
from scene_pipeline.images.phash import perceptual_hash


def scene(seed: int) -> Image.Image:
    """A smooth random picture: low frequencies like those of a photograph."""
    noise = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((480, 360), Image.Resampling.BICUBIC)


def distance(first: Image.Image, second: Image.Image) -> int:
    return (perceptual_hash(first) ^ perceptual_hash(second)).bit_count()


def recompressed(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=40)
    return Image.open(stream).convert("RGB")


@pytest.mark.parametrize("seed", range(8))
def test_the_same_picture_in_other_clothes_is_near(seed: int) -> None:
    image = scene(seed)
    assert distance(image, image.resize((200, 150))) <= NEAR
    assert distance(image, recompressed(image)) <= NEAR
    assert distance(image, ImageEnhance.Brightness(image).enhance(0.9)) <= NEAR


def test_different_pictures_are_far() -> None:
    distances = [distance(scene(a), scene(b)) for a, b in itertools.combinations(range(12), 2)]
    assert min(distances) > 2 * NEAR


def test_the_hash_is_half_ones() -> None:
    assert perceptual_hash(scene(1)).bit_count() == 32
