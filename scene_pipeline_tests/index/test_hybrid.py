"""Texts beside vectors: BM25 as published, and two orders fused by rank."""

import numpy as np
import pytest

from scene_pipeline.index.hybrid import TextOrder, fuse_ranks

TEXTS = ["red vase", "blue vase with red flowers", "oak table", "vase vase vase", ""]


@pytest.mark.parametrize(
    ("text", "rows"),
    [("table", [2]), ("RED", [0, 1]), ("red vase", [0, 1, 3]), ("nothing here", []), ("", [])],
)
def test_rare_words_and_short_texts_come_first(text: str, rows: list[int]) -> None:
    assert TextOrder(TEXTS).best(text, 10).tolist() == rows


def test_only_allowed_texts_are_found_and_no_more_than_requested() -> None:
    order = TextOrder(TEXTS)
    assert order.best("vase", 10, np.array([False, True, True, False, True])).tolist() == [1]
    assert len(order.best("vase", 2)) == 2


def test_bm25_is_the_published_formula() -> None:
    order = TextOrder(["a b", "a", "c"])
    idf = np.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = [idf * 2.2 / (1 + 1.2 * (0.25 + 0.75 * length / (4 / 3))) for length in (2, 1)]
    assert expected[1] > expected[0]
    assert order.best("a", 5).tolist() == [1, 0]


def test_what_both_orders_have_comes_first() -> None:
    assert fuse_ranks([["a", "b", "c"], ["c", "d"]], 3) == ["c", "a", "b"]
    assert fuse_ranks([["b"], ["a"]], 2) == ["a", "b"]  # a tie, by id
