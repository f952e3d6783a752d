"""Pictures are prepared exactly as open_clip prepares them, without torch."""

from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from scene_pipeline.encoders.preprocess import preprocess
from scene_pipeline.encoders.spec import SPECS, EncoderSpec

SHAPES = [
    (224, 224),
    (640, 480),
    (480, 640),
    (1001, 37),
    (37, 1001),
    (225, 224),
    (31, 30),
    (256, 256),
    (1, 1),
    (500, 3),
]


@pytest.mark.parametrize("resize", ["crop", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("shape", SHAPES)
def test_preprocess_is_open_clips_transform(shape: tuple[int, int], interpolation: str, resize: str) -> None:
    from open_clip.transform import PreprocessCfg, image_transform_v2

    base = SPECS["ViT-B-32/laion2b_s34b_b79k"]
    spec = msgspec.structs.replace(base, resize=resize, interpolation=interpolation)
    transform: Any = image_transform_v2(
        PreprocessCfg(
            size=spec.input_size,
            mean=spec.mean,
            std=spec.std,
            interpolation=interpolation,
            resize_mode={"crop": "shortest", "squash": "squash"}[resize],
        ),
        is_train=False,
    )
    random = np.random.default_rng(shape[0] * 7919 + shape[1])
    image = Image.fromarray(random.integers(0, 256, (shape[1], shape[0], 3), dtype=np.uint8))
    ours = preprocess(image, spec)
    assert (ours.dtype, ours.shape) == (np.float32, (3, 224, 224))
    np.testing.assert_allclose(ours, transform(image).numpy(), rtol=0, atol=2e-6)


@pytest.mark.parametrize("id", [id for id, spec in SPECS.items() if spec.family == "open_clip"])
def test_every_registered_open_clip_encoder_is_prepared_for_as_its_model_asks(
    id: str, photos: list[Image.Image]
) -> None:
    from open_clip.pretrained import get_pretrained_cfg
    from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict

    spec = SPECS[id]
    tag = get_pretrained_cfg(spec.model, spec.weights)
    transform: Any = image_transform_v2(
        PreprocessCfg(**merge_preprocess_dict(PreprocessCfg(size=spec.input_size), tag)), is_train=False
    )
    for image in photos:
        np.testing.assert_allclose(preprocess(image, spec), transform(image).numpy(), rtol=0, atol=3e-6)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_other_modes_are_read_as_rgb(mode: str, photos: list[Image.Image], tiny: EncoderSpec) -> None:
    image = photos[0].convert(mode)
    np.testing.assert_array_equal(preprocess(image, tiny), preprocess(image.convert("RGB"), tiny))


def test_golden_values() -> None:
    spec = SPECS["ViT-B-32/laion2b_s34b_b79k"]
    pixels = preprocess(Image.new("RGB", (10, 10), (255, 128, 0)), spec)
    expected = [(1 - 0.48145466) / 0.26862954, (128 / 255 - 0.4578275) / 0.26130258, -0.40821073 / 0.27577711]
    np.testing.assert_allclose(pixels.mean(axis=(1, 2)), expected, rtol=1e-5)
    assert np.ptp(pixels, axis=(1, 2)).max() == 0
