"""Products become terms, and values of terms become lifts of products."""

from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.context.terms import ProductTerms, words_of
from scene_pipeline.errors import BundleError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("WHITE HANGING HEART T-LIGHT HOLDER", {"white", "hanging", "heart", "light", "holder"}),
        ("SET OF 3 CHRISTMAS BAUBLES", {"christmas", "bauble"}),
        ("Boxes, dishes and glasses", {"box", "dish", "glass"}),
        ("canvas cactus iris", {"canvas", "cactus", "iris"}),
        ("Children's candles; berries", {"children", "candle", "berry"}),
        ("KÄSE für 12 Gläser", {"käse", "für", "gläser"}),
        ("", set()),
    ],
)
def test_words_are_folded(text: str, words: set[str]) -> None:
    assert words_of(text) == words


def test_the_lift_is_the_sum_over_the_root_of_the_number_of_terms() -> None:
    terms = ProductTerms.of([{"a", "b"}, set(), {"c"}, {"a", "b", "c", "d"}])
    values = terms.values({"a": 1.0, "c": 3.0, "absent": 9.0})
    expected = [1 / np.sqrt(2), 0.0, 3.0, 4 / 2]
    assert terms.lift(values) == pytest.approx(expected)
    assert terms.lift(values, [3, 1]) == pytest.approx([2.0, 0.0])
    assert len(terms.lift(values, [])) == 0


def test_counts_weigh_products() -> None:
    terms = ProductTerms.of([{"a", "b"}, {"b"}])
    assert terms.counts(np.array([0, 1, 1])).tolist() == [1.0, 3.0]
    assert terms.counts(np.array([0, 1]), np.array([0.5, 2.0])).tolist() == [0.5, 2.5]


def test_terms_are_read_as_they_were_written(tmp_path: Path) -> None:
    terms = ProductTerms.of([{"style:boho", "käse"}, set()])
    terms.save(tmp_path / "terms.npz")
    read = ProductTerms.load(tmp_path / "terms.npz")
    assert read.names.tolist() == ["käse", "style:boho"]
    assert (len(read), read.indices.tolist()) == (2, [0, 1])


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "terms.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(BundleError, match=r"terms\.npz"):
        ProductTerms.load(tmp_path / "terms.npz")
