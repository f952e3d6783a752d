"""Prompt vectors: shapes, spaces, means, and a file that is what was written."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from scene_pipeline.encoders.prompts import PromptVectors, build_prompts, mean_prompts
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.errors import EncoderError
from scene_pipeline.vocabulary import Vocabulary, load_vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """The packaged vocabulary."""
    return load_vocabulary()


@pytest.fixture(scope="module")
def prompts(compact: EncoderSpec, minilm: TextEncoder, vocabulary: Vocabulary) -> PromptVectors:
    """The prompt vectors of the compact encoder."""
    return build_prompts(compact, minilm, vocabulary)


def test_rows_follow_the_vocabulary(prompts: PromptVectors, vocabulary: Vocabulary) -> None:
    rooms, styles, categories = len(vocabulary.rooms), len(vocabulary.styles), len(vocabulary.categories)
    assert prompts.room.shape == (rooms + 1, 384)
    assert prompts.style.shape == prompts.style_text.shape == (styles, 384)
    assert prompts.category.shape == prompts.category_text.shape == (categories, 384)
    assert prompts.room_text.shape == (rooms, 384)
    assert prompts.room_style_text.shape == (rooms, styles, 384)
    assert prompts.room_ids == (*(room.id for room in vocabulary.rooms), "unknown")
    assert prompts.style_ids == tuple(style.id for style in vocabulary.styles)
    assert prompts.temperature == 0.05
    for name in ("room", "style", "category", "room_text", "style_text", "room_style_text"):
        np.testing.assert_allclose(np.linalg.norm(getattr(prompts, name), axis=-1), 1, rtol=1e-5)


def test_a_row_is_the_normalized_mean_of_its_prompts(
    prompts: PromptVectors, minilm: TextEncoder, vocabulary: Vocabulary
) -> None:
    for row, texts in ((0, vocabulary.rooms[0].prompts), (-1, vocabulary.unknown.prompts)):
        mean = minilm.embed(texts).mean(axis=0)
        np.testing.assert_allclose(prompts.room[row], mean / np.linalg.norm(mean), atol=1e-6)


def test_room_and_style_texts_are_found_by_their_own_words(prompts: PromptVectors, minilm: TextEncoder) -> None:
    bed, loft = minilm.embed(["pillows and a duvet on a bed", "exposed brick, pipes and steel in a loft"])
    assert prompts.room_ids[int(np.argmax(prompts.room[:-1] @ bed))] == "bedroom"
    assert prompts.style_ids[int(np.argmax(prompts.style @ loft))] == "industrial"


def test_open_clip_prompts_lie_in_its_own_space(tiny: EncoderSpec, minilm: TextEncoder, vocabulary: Vocabulary) -> None:
    import open_clip
    import torch

    prompts = build_prompts(tiny, minilm, vocabulary)
    assert prompts.room.shape == (len(vocabulary.rooms) + 1, 32)
    assert prompts.room_text.shape == (len(vocabulary.rooms), 384)
    model: Any = open_clip.create_model(tiny.model, pretrained=tiny.weights).eval()
    assert prompts.temperature == pytest.approx(1 / float(model.logit_scale.detach().exp()))
    with torch.inference_mode():
        tokens = open_clip.get_tokenizer(tiny.model)(list(vocabulary.styles[0].prompts))
        mean = model.encode_text(tokens, normalize=True).mean(dim=0)
        expected = torch.nn.functional.normalize(mean, dim=0).numpy()
    np.testing.assert_allclose(prompts.style[0], expected, atol=1e-5)


def test_what_is_saved_is_loaded(prompts: PromptVectors, tmp_path: Path) -> None:
    prompts.save(tmp_path / "prompts.npz")
    prompts.save(tmp_path / "again.npz")
    assert (tmp_path / "prompts.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    loaded = PromptVectors.load(tmp_path / "prompts.npz")
    for name in PromptVectors.__dataclass_fields__:
        before, after = getattr(prompts, name), getattr(loaded, name)
        assert type(before) is type(after)
        if isinstance(before, np.ndarray):
            assert before.dtype == after.dtype
            np.testing.assert_array_equal(before, after)
        else:
            assert before == after


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "truncated", "other arrays", "pickled"])
def test_a_file_that_is_none_is_one_line(damage: str, prompts: PromptVectors, tmp_path: Path) -> None:
    path = tmp_path / "prompts.npz"
    if damage != "missing":
        prompts.save(path)
    data = path.read_bytes() if path.exists() else b""
    if damage == "other arrays":
        np.savez(path, room=np.zeros(3))
    elif damage == "pickled":
        pickled: Any = {name: np.array([{}], dtype=object) for name in PromptVectors.__dataclass_fields__}
        np.savez(path, **pickled)
    elif damage != "missing":
        path.write_bytes({"empty": b"", "text": b"words", "truncated": data[: len(data) // 2]}[damage])
    with pytest.raises(EncoderError, match=r"prompts\.npz: holds no prompt vectors") as error:
        PromptVectors.load(path)
    assert "\n" not in str(error.value)


def test_the_compact_encoder_needs_minilm(compact: EncoderSpec, minilm: TextEncoder, vocabulary: Vocabulary) -> None:
    other = TextEncoder("another/model", 384, minilm.model)
    with pytest.raises(EncoderError, match="another/model"):
        build_prompts(compact, other, vocabulary)


def test_a_stated_temperature_wins(tiny: EncoderSpec, minilm: TextEncoder, vocabulary: Vocabulary) -> None:
    spec = msgspec.structs.replace(tiny, temperature=0.2)
    assert build_prompts(spec, minilm, vocabulary).temperature == 0.2


def test_prompts_that_cancel_out_are_refused() -> None:
    def embed(texts: object) -> np.ndarray:
        return np.array([[1, 0], [-1, 0]], np.float32)

    with pytest.raises(EncoderError, match="zero"):
        mean_prompts(embed, [["a", "b"]])
