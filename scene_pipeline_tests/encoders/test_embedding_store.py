"""The store keeps each vector once, whole, and says when a shard is damaged."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.errors import EncoderError


def vectors(n: int, d: int = 4, seed: int = 0) -> np.ndarray:
    """Return n unit vectors."""
    values = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_an_empty_store(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "none")
    assert len(store) == 0
    assert store.keys() == []
    assert store.missing(["b", "a", "b"]) == ["a", "b"]
    found, mask = store.get(["a"])
    assert found.shape == (1, 0)
    assert mask.tolist() == [False]
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("dtype", "error"), [("float16", 5e-4), ("float32", 0)])
def test_vectors_come_back_in_the_order_requested(dtype: str, error: float, tmp_path: Path) -> None:
    store = VectorStore(tmp_path, dtype)  # type: ignore[arg-type]
    first, second = vectors(3), vectors(2, seed=1)
    store.append(["c", "a", "b"], first)
    store.append(["e", "d"], second)
    for opened in (store, VectorStore(tmp_path)):
        found, mask = opened.get(["d", "x", "a", "c", "d"])
        assert mask.tolist() == [True, False, True, True, True]
        assert found.dtype == np.float32
        expected = np.stack([second[1], np.zeros(4), first[1], first[0], second[1]])
        np.testing.assert_allclose(found, expected, atol=error)
        assert opened.keys() == ["a", "b", "c", "d", "e"]
        assert opened.missing(["e", "f"]) == ["f"]
        assert len(opened) == 5


def test_a_key_keeps_its_first_vector(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, "float32")
    old, new = vectors(2), vectors(3, seed=9)
    store.append(["a", "b"], old)
    assert store.append(["a", "b"], new[:2]) is None
    store.append(["b", "c", "c"], new)
    found, _ = store.get(["a", "b", "c"])
    np.testing.assert_array_equal(found, np.stack([old[0], old[1], new[1]]))
    assert len(store) == 3
    assert len(list(tmp_path.glob("*.parquet"))) == 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.text(min_size=1, max_size=8), max_size=6), max_size=6))
def test_each_key_is_kept_exactly_once(batches: list[list[str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        store = VectorStore(Path(name), "float32")
        first: dict[str, np.ndarray] = {}
        for seed, keys in enumerate(batches):
            new = vectors(len(keys), seed=seed)
            store.append(keys, new)
            for key, vector in zip(keys, new, strict=True):
                first.setdefault(key, vector)
        reopened = VectorStore(Path(name))
        assert reopened.keys() == sorted(first)
        found, mask = reopened.get(list(first))
        assert mask.all()
        for vector, expected in zip(found, first.values(), strict=True):
            np.testing.assert_array_equal(vector, expected)


def test_the_file_is_a_plain_table(tmp_path: Path) -> None:
    path = VectorStore(tmp_path).append(["b", "a"], vectors(2))
    assert path is not None
    schema = pq.read_schema(path)
    assert str(schema.field("key").type) == "string"
    assert str(schema.field("vector").type) == "fixed_size_list<element: halffloat>[4]"
    assert pq.read_table(path)["key"].to_pylist() == ["a", "b"]


def test_equal_content_gives_equal_files(tmp_path: Path) -> None:
    keys, values = ["b", "a", "c"], vectors(3)
    one = VectorStore(tmp_path / "1").append(keys, values)
    two = VectorStore(tmp_path / "2").append(keys[::-1], values[::-1])
    assert one is not None
    assert two is not None
    assert (one.name, one.read_bytes()) == (two.name, two.read_bytes())


def test_half_written_files_of_a_killed_process_are_not_read(tmp_path: Path) -> None:
    VectorStore(tmp_path).append(["a"], vectors(1))
    (tmp_path / ".abc.parquet.x1.tmp").write_bytes(b"PAR1 half")
    assert VectorStore(tmp_path).keys() == ["a"]


@pytest.mark.parametrize("damage", ["truncated", "empty", "other table", "footer"])
def test_a_damaged_shard_is_named(damage: str, tmp_path: Path) -> None:
    import pyarrow as pa

    path = VectorStore(tmp_path).append(["a", "b"], vectors(2))
    assert path is not None
    data = path.read_bytes()
    if damage == "other table":
        pq.write_table(pa.table({"x": [1]}), path)
    else:
        path.write_bytes({"truncated": data[:-20], "empty": b"", "footer": data[:-8] + b"\xff\xff\xff\x7fPAR1"}[damage])
    with pytest.raises(EncoderError, match=path.name) as error:
        VectorStore(tmp_path)
    assert "remove it" in str(error.value)


@pytest.mark.parametrize(
    ("keys", "values", "message"),
    [
        (["z"], vectors(1, d=5), "numbers, not 5"),
        (["z"], np.full((1, 4), np.nan, np.float32), "not finite"),
        (["y", "z"], vectors(1), "2 keys but 1 vectors"),
    ],
)
def test_unfit_vectors_are_refused(keys: list[str], values: np.ndarray, message: str, tmp_path: Path) -> None:
    store = VectorStore(tmp_path)
    store.append(["a"], vectors(1))
    with pytest.raises(EncoderError, match=message):
        store.append(keys, values)
    assert VectorStore(tmp_path).keys() == ["a"]


def test_a_shard_of_another_dimension_is_refused(tmp_path: Path) -> None:
    VectorStore(tmp_path).append(["a"], vectors(1))
    other = VectorStore(tmp_path / "other").append(["b"], vectors(1, d=6))
    assert other is not None
    other.rename(tmp_path / other.name)
    with pytest.raises(EncoderError, match="vectors of"):
        VectorStore(tmp_path)


def test_a_store_belongs_to_one_encoder(tmp_path: Path) -> None:
    store = VectorStore(tmp_path)
    store.claim("compact@1")
    VectorStore(tmp_path).claim("compact@1")
    with pytest.raises(EncoderError, match="'compact@1', not of 'compact@2'"):
        VectorStore(tmp_path).claim("compact@2")
