"""Crops cover a scene, and one scale is the plain vector."""

import math

import numpy as np
import pytest
from PIL import Image

from scene_pipeline.encoders.multiscale import embed_scene, scene_crops
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder


@pytest.mark.parametrize(("scale", "count"), [(1.0, 1), (0.6, 4), (0.5, 4), (0.4, 9), (0.26, 16)])
@pytest.mark.parametrize("size", [(200, 100), (101, 257), (3, 2)])
def test_crops_cover_the_scene(scale: float, count: int, size: tuple[int, int]) -> None:
    """A crop is a picture of where it was taken, so covering is read off the pixels."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    image = Image.fromarray(
        np.stack([columns % 256, rows % 256, columns // 256 + 2 * (rows // 256)], -1).astype("uint8")
    )
    crops = scene_crops(image, scale)
    assert len(crops) == count
    seen = {tuple(pixel) for crop in crops for pixel in np.asarray(crop).reshape(-1, 3).tolist()}
    assert seen == {tuple(pixel) for pixel in np.asarray(image).reshape(-1, 3).tolist()}
    assert {crop.size for crop in crops} == {tuple(math.ceil(side * scale) for side in size)}


@pytest.mark.parametrize("scale", [0, -0.5, 1.1, float("nan")])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        scene_crops(Image.new("RGB", (10, 10)), scale)


def test_one_scale_is_the_plain_vector(encoder: OnnxImageEncoder, photos: list[Image.Image]) -> None:
    np.testing.assert_allclose(embed_scene(encoder, photos[3], [1.0]), encoder.embed([photos[3]])[0], atol=1e-6)


def test_every_scale_counts_alike(encoder: OnnxImageEncoder, photos: list[Image.Image]) -> None:
    whole = encoder.embed([photos[6]])[0]
    parts = encoder.embed(scene_crops(photos[6], 0.6)).mean(axis=0)
    expected = (whole + parts) / np.linalg.norm(whole + parts)
    np.testing.assert_allclose(embed_scene(encoder, photos[6]), expected, atol=1e-6)
