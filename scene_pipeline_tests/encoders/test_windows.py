"""Windows: where they lie, and how a vector is taken apart."""

import numpy as np
from PIL import Image

from scene_pipeline.encoders.loading import load_open_clip
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.patches import with_patches
from scene_pipeline.encoders.preprocess import preprocess
from scene_pipeline.encoders.spec import SPECS, EncoderSpec
from scene_pipeline.encoders.windows import (
    CROPS,
    WINDOWS,
    decoded_side,
    embed_scene,
    look_of,
    meaning_of,
    patch_windows,
)

OPEN_CLIP = SPECS["ViT-B-32/laion2b_s34b_b79k"]


class Means:
    """An encoder whose vector is the mean color of a picture."""

    spec: EncoderSpec = OPEN_CLIP
    reads_patches = False

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


def test_windows_of_patches_lie_where_their_patches_are() -> None:
    whole = np.array([1, 0, 0], np.float32)
    patches = np.tile(np.array([0, 1, 0], np.float32), (7, 7, 1))
    patches[:3, :3] = [0, 0, 1]  # the upper left
    windows, boxes = patch_windows(whole, patches)
    np.testing.assert_array_equal(boxes, np.array(CROPS, np.float32))
    np.testing.assert_array_equal(windows[0], whole)
    assert int(windows[1:, 2].argmax()) == CROPS.index((0.0, 0.0, 0.5, 0.5)) - 1
    np.testing.assert_allclose(np.linalg.norm(windows, axis=1), 1, rtol=1e-5)


def test_windows_of_patches_of_one_kind_are_all_the_whole() -> None:
    whole = np.array([0.6, 0.8], np.float32)
    windows, boxes = patch_windows(whole, np.tile(np.array([1, 0], np.float32), (14, 14, 1)))
    assert len(boxes) == len(WINDOWS)
    np.testing.assert_allclose(windows, np.tile(whole, (35, 1)), atol=1e-6)


def test_a_vision_transformer_reads_the_windows_of_a_scene_by_its_patches(
    encoder: OnnxImageEncoder, photos: list[Image.Image]
) -> None:
    picture = photos[6]
    scene = embed_scene(encoder, picture)
    np.testing.assert_allclose(scene.vector, encoder.embed([picture])[0], atol=1e-5)
    assert scene.windows.shape == (10, encoder.spec.dimension)
    mirrored = embed_scene(encoder, picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert not np.allclose(scene.windows[1:], mirrored.windows[1:], atol=1e-3)


def test_patches_are_those_of_the_model(
    tiny: EncoderSpec, encoder: OnnxImageEncoder, photos: list[Image.Image]
) -> None:
    import torch

    visual = load_open_clip(tiny).visual
    side = tiny.input_size
    squeezed = photos[0].resize((side, side), Image.Resampling.BICUBIC)
    seen: list[torch.Tensor] = []
    last = visual.transformer.resblocks[-1]
    last.ln_1.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    visual(torch.from_numpy(preprocess(squeezed, tiny)[None]))
    # Attention of every token to itself alone gives the token's own values.
    alone = torch.where(torch.eye(seen[0].shape[1], dtype=torch.bool), 0.0, float("-inf"))
    values = last.attn(seen[0], seen[0], seen[0], need_weights=False, attn_mask=alone)[0][0, 1:]
    expected = (visual.ln_post(values) @ visual.proj).detach().numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    _, patches = encoder.embed_patches(photos[0])
    np.testing.assert_allclose(patches.reshape(-1, tiny.dimension), expected, atol=1e-4)


def test_models_without_patches_of_their_own_have_none() -> None:
    import torch

    assert with_patches(torch.nn.Linear(2, 2)) is None


def test_a_vector_of_two_parts_is_taken_apart_at_length_one() -> None:
    spec = SPECS["compact"]
    vectors = np.ones((2, spec.dimension), np.float32)
    assert look_of(spec, vectors).shape == (2, spec.look)
    np.testing.assert_allclose(np.linalg.norm(meaning_of(spec, vectors), axis=1), 1, rtol=1e-5)
    assert look_of(OPEN_CLIP, vectors) is vectors


def test_no_window_is_enlarged() -> None:
    assert decoded_side(SPECS["compact"]) == SPECS["compact"].scene_size
    assert decoded_side(OPEN_CLIP) == 2 * OPEN_CLIP.input_size
