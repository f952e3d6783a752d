"""Phrases stand for a captioner: those nearest to a photograph, in the space of the product texts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.encoders.nearest_phrases import FILE, NEAREST, NearestPhrases, phrases
from scene_pipeline.errors import EncoderError
from scene_pipeline.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()


def random_units(count: int, dimension: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def built() -> NearestPhrases:
    def embed(dimension: int, seed: int):
        return lambda texts: random_units(len(texts), dimension, seed)

    return NearestPhrases.build(VOCABULARY, embed(8, 0), embed(6, 1), np.zeros(8, np.float32))


def test_phrases_name_each_thing_once() -> None:
    said: Sequence[str] = phrases(VOCABULARY)
    assert len(said) == len(set(said))
    assert {"a sofa", "a Scandinavian living room", "oak furniture"} <= set(said)


def test_a_view_that_is_a_phrase_finds_it_first() -> None:
    known = built()
    view = (known.looked_up - known.looked_up.mean(axis=0))[[17]]
    assert known.find(view)[0] == 17
    assert len(known.find(view)) == NEAREST
    described = known.describe(view)
    assert described.shape == (1, 6)
    assert np.linalg.norm(described) == pytest.approx(1)


def test_phrases_are_kept_and_anything_else_is_refused(tmp_path: Path) -> None:
    known = built()
    known.save(tmp_path)
    opened = NearestPhrases.load(tmp_path)
    assert opened.texts == known.texts
    assert (opened.meaning == known.meaning).all()
    (tmp_path / FILE).write_bytes(b"else")
    with pytest.raises(EncoderError, match="holds no phrases"):
        NearestPhrases.load(tmp_path)
