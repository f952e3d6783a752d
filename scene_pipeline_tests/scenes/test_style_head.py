"""The head of styles: it shares out what words give to the styles that it knows, and leaves others alone."""

from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.errors import EncoderError
from scene_pipeline.scenes.style_head import HEAD, StyleHead, pooled
from scene_pipeline.vocabulary import load_vocabulary

TOY = StyleHead(
    ("coastal", "industrial"),
    np.array([[1, 0, 0, 0], [0, 1, 0, 0]], np.float32),
    np.zeros(2, np.float32),
    np.array([2, 0], np.float32),
)
MAP = np.stack([np.full((2, 2), 3.0), np.full((2, 2), 1.0)]).astype(np.float32)


def test_the_shipped_head_knows_the_packaged_styles() -> None:
    head = StyleHead.load(HEAD)
    assert set(head.styles) == {style.id for style in load_vocabulary().styles}
    assert head.weight.shape == (len(head.styles), 640)


def test_a_map_is_pooled_to_means_and_deviations() -> None:
    values = np.array([[[0.0, 2.0]], [[1.0, 1.0]]], np.float32)
    assert pooled(values).tolist() == [1, 1, 1, 0]


def test_an_added_style_keeps_what_words_give_it() -> None:
    shares = TOY.applied(np.array([0.5, 0.3, 0.2]), ["nautical", "coastal", "industrial"], MAP, photograph=False)
    assert shares[0] == 0.5
    assert shares[1:].sum() == pytest.approx(0.5)
    assert shares[1] > 4 * shares[2]  # e**2 to 1


def test_a_photograph_is_read_against_photographs_and_with_doubt() -> None:
    even = np.array([0.5, 0.5])
    render = TOY.applied(even, ["coastal", "industrial"], MAP, photograph=False)
    photograph = TOY.applied(even, ["coastal", "industrial"], MAP, photograph=True)
    assert photograph.max() < render.max()
    assert photograph[0] == pytest.approx(photograph[1])  # 3 - 2 and 1 - 0


def test_a_vocabulary_without_known_styles_is_read_by_words_alone() -> None:
    shares = np.array([0.9, 0.1])
    assert TOY.applied(shares, ["nautical", "rustic"], MAP, photograph=False) is shares


def test_a_saved_head_is_read_again(tmp_path: Path) -> None:
    TOY.save(tmp_path / "head.npz")
    again = StyleHead.load(tmp_path / "head.npz")
    assert again.styles == TOY.styles
    np.testing.assert_array_equal(again.weight, TOY.weight)


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    (tmp_path / "head.npz").write_bytes(b"not weights")
    with pytest.raises(EncoderError, match=r"head\.npz: the head of styles cannot be read"):
        StyleHead.load(tmp_path / "head.npz")
