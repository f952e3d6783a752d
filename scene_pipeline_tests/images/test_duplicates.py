"""Near-duplicates: exact search among hashes, then confirmed by vectors and colors."""

import itertools
import tracemalloc

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from scene_pipeline.images.duplicates import (
    DUPLICATES,
    NEAR,
    center,
    confirm,
    duplicate_groups,
    near_pairs,
    proposed,
)


def test_groups_are_named_by_their_smallest_member_and_chain() -> None:
    same = 0xFFFFF << 30
    hashes = {"d": 0b0, "c": 0b1111, "b": 0b11111111, "far": 2**64 - 1, "same1": same, "same2": same}
    assert duplicate_groups(hashes) == {"d": "b", "c": "b", "b": "b", "same1": "same1", "same2": "same1"}
    assert duplicate_groups({}) == {}
    assert duplicate_groups({"a": 5}) == {}


@given(
    base=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12),
    flips=st.lists(st.tuples(st.integers(0, 11), st.lists(st.integers(0, 63), max_size=7)), max_size=20),
)
def test_every_near_pair_is_found_and_no_other(base: list[int], flips: list[tuple[int, list[int]]]) -> None:
    values = set(base)
    for index, bits in flips:
        value = base[index % len(base)]
        for bit in bits:
            value ^= 1 << bit
        values.add(value)
    ordered = sorted(values)
    expected = {
        (i, j)
        for i, j in itertools.combinations(range(len(ordered)), 2)
        if (ordered[i] ^ ordered[j]).bit_count() <= NEAR
    }
    found = np.concatenate([np.empty((0, 2), int), *near_pairs(np.array(ordered, dtype=np.uint64))])
    assert {(min(i, j), max(i, j)) for i, j in found.tolist()} == expected


def test_thousands_of_pictures_that_all_look_alike_fit_into_memory() -> None:
    """A catalog of blank pictures: every hash is near thousands of others, in one bucket of the search."""
    random = np.random.default_rng(0)
    low = random.choice(2**14, 4_000, replace=False).astype(np.uint64)  # 50 bits in common
    tracemalloc.start()
    groups = duplicate_groups({f"{value:05}": int(value) for value in low})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert set(groups.values()) == {min(groups)}
    assert len(groups) == 4_000
    assert peak < 400e6


def pictures(*rows: tuple[str, str | None, tuple[float, float, float] | None]) -> pa.Table:
    """Rows of sha256, group by hash and the one color."""
    return pa.table(
        {
            "sha256": [name for name, _, _ in rows],
            "duplicate_group": pa.array([group for _, group, _ in rows], pa.string()),
            "color_lab": [None if lab is None else [lab] for _, _, lab in rows],
            "color_share": [None if lab is None else [1.0] for _, _, lab in rows],
        }
    )


def confirmed(table: pa.Table, vectors: np.ndarray, known: np.ndarray | None = None) -> pa.Table:
    """The groups of a catalog whose pictures are these rows."""
    grouped = proposed(table)
    rows = [table["sha256"].to_pylist().index(name) for name in grouped["sha256"].to_pylist()]
    there = np.ones(len(vectors), bool) if known is None else known
    return confirm(grouped, vectors[rows], there[rows], center(vectors[there]))


def unit(*vectors: tuple[float, ...]) -> np.ndarray:
    array = np.array(vectors, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


GREY, RED = (50.0, 0.0, 0.0), (50.0, 60.0, 40.0)


def test_vectors_and_colors_confirm_or_part_a_group() -> None:
    table = pictures(
        ("a", "a", GREY),
        ("b", "a", GREY),
        ("c", "a", RED),  # the same shape in another color
        ("d", "a", GREY),  # another thing of the same outline
        ("e", "e", GREY),
        ("f", "e", None),  # without colors: nothing to confirm it by
        ("g", None, GREY),
        ("h", "h", GREY),
        ("i", "h", GREY),  # without a vector
    )
    same, other = (1.0, 0.0, 0.1), (0.0, 1.0, 0.0)
    vectors = unit(same, same, same, other, same, same, same, same, same)
    known = np.array([True] * 8 + [False])
    found = confirmed(table, vectors, known)
    assert found.schema == DUPLICATES
    assert found.to_pylist() == [
        {"sha256": "a", "proposed": "a", "confirmed": "a"},
        {"sha256": "b", "proposed": "a", "confirmed": "a"},
        {"sha256": "c", "proposed": "a", "confirmed": None},
        {"sha256": "d", "proposed": "a", "confirmed": None},
        {"sha256": "e", "proposed": "e", "confirmed": None},
        {"sha256": "f", "proposed": "e", "confirmed": None},
        {"sha256": "h", "proposed": "h", "confirmed": None},
        {"sha256": "i", "proposed": "h", "confirmed": None},
    ]


def test_a_group_may_fall_into_two() -> None:
    table = pictures(*((name, "a", GREY) for name in "abcd"))
    vectors = unit((1, 0), (0, 1), (1, 0.01), (0.01, 1))
    assert confirmed(table, vectors)["confirmed"].to_pylist() == ["a", "b", "a", "b"]


def test_what_all_pictures_share_is_no_likeness() -> None:
    """Vectors of one encoder lie in a narrow cone; only what differs from the mean picture counts."""
    random = np.random.default_rng(0)
    common = np.full(64, 1.0)
    vectors = unit(*(tuple(common + random.normal(0, 0.1, 64)) for _ in range(2000)))
    assert (vectors[:50] @ vectors[:50].T).min() > 0.97
    table = pictures(*((f"{row:04}", "0000" if row < 50 else None, GREY) for row in range(2000)))
    assert confirmed(table, vectors)["confirmed"].to_pylist() == [None] * 50


def test_no_near_duplicates_give_an_empty_table() -> None:
    assert confirmed(pictures(("a", None, GREY)), unit((1, 0))).to_pylist() == []
    assert confirmed(pictures(), np.empty((0, 2), np.float32)).schema == DUPLICATES


def test_a_picture_of_many_products_is_one_picture() -> None:
    table = pictures(("a", "a", GREY), ("b", "a", GREY), ("a", "a", GREY))
    assert proposed(table)["sha256"].to_pylist() == ["a", "b"]
