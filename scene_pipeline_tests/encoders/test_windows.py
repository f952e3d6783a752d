"""Windows: where they lie, and how a vector is taken apart."""

import numpy as np
from PIL import Image

from scene_pipeline.encoders.spec import SPECS, EncoderSpec
from scene_pipeline.encoders.windows import CROPS, WINDOWS, decoded_side, embed_scene, look_of, meaning_of

OPEN_CLIP = SPECS["ViT-B-32/laion2b_s34b_b79k"]


class Means:
    """An encoder whose vector is the mean color of a picture."""

    spec: EncoderSpec = OPEN_CLIP

    def embed(self, images: list[Image.Image]) -> np.ndarray:
        means = np.stack([np.asarray(image, np.float32).mean(axis=(0, 1)) + 1 for image in images])
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def test_windows_cover_the_picture_and_stay_inside() -> None:
    boxes = np.array(WINDOWS)
    assert boxes.shape == (35, 4)
    assert boxes.min() == 0
    np.testing.assert_allclose(boxes.max(), 1)
    assert WINDOWS[:10] == CROPS
    assert (boxes[:, 2] > boxes[:, 0]).all()


def test_an_encoder_without_windows_embeds_ten_crops() -> None:
    picture = Image.new("RGB", (80, 40), "white")
    picture.paste((255, 0, 0), (0, 0, 40, 40))
    scene = embed_scene(Means(), picture)  # type: ignore[arg-type]
    assert scene.windows.shape == (10, 3)
    left = CROPS.index((0.0, 0.0, 0.5, 0.5))
    assert scene.windows[left][0] > 0.99  # all red
    np.testing.assert_array_equal(scene.vector, scene.windows[0])


def test_a_vector_of_two_parts_is_taken_apart_at_length_one() -> None:
    spec = SPECS["compact"]
    vectors = np.ones((2, spec.dimension), np.float32)
    assert look_of(spec, vectors).shape == (2, spec.look)
    np.testing.assert_allclose(np.linalg.norm(meaning_of(spec, vectors), axis=1), 1, rtol=1e-5)
    assert look_of(OPEN_CLIP, vectors) is vectors


def test_no_window_is_enlarged() -> None:
    assert decoded_side(SPECS["compact"]) == SPECS["compact"].scene_size
    assert decoded_side(OPEN_CLIP) == 2 * OPEN_CLIP.input_size
