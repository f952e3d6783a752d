"""Search: exact where it can be, never too few, and honest about its recall."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_pipeline.errors import BundleError, IndexBuildError
from scene_pipeline.index import IndexPlan, VectorIndex

FAST = IndexPlan("PQ8x4fs,Refine(SQ8)", 1, 4_096, 0)


def _vectors(n: int, dimension: int = 32, clusters: int = 60) -> np.ndarray:
    """Unit vectors around cluster centers, as product texts are."""
    rng = np.random.default_rng(1)
    centers = rng.normal(size=(clusters, dimension))
    vectors = centers[rng.integers(clusters, size=n)] + 0.6 * rng.normal(size=(n, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def fast() -> VectorIndex:
    return VectorIndex.build(_vectors(20_000), FAST, threads=1)


@pytest.fixture(scope="module")
def exact() -> VectorIndex:
    return VectorIndex.build(_vectors(5_000), threads=1)


def _truth(index: VectorIndex, query: np.ndarray, k: int, allowed: np.ndarray | None = None) -> np.ndarray:
    scores = np.asarray(index.vectors, np.float32) @ query
    if allowed is not None:
        scores[~allowed] = -np.inf
    return np.argsort(-scores)[:k]


def test_small_catalog_is_searched_exactly(exact: VectorIndex) -> None:
    rows, scores = exact.search(exact.vectors[7], 20)
    assert (rows.dtype, scores.dtype, len(rows)) == (np.int64, np.float32, 20)
    assert rows[0] == 7
    assert (np.diff(scores) <= 0).all()
    assert scores == pytest.approx(exact.vectors[rows] @ exact.vectors[7], abs=5e-3)  # 8-bit rounding of 32 dimensions
    assert len(set(rows) & set(_truth(exact, exact.vectors[7], 20))) >= 19


def test_recall_is_raised_to_the_floor_and_measured(fast: VectorIndex) -> None:
    """8 codes for 32 noisy dimensions find too little at refine factor 1."""
    assert fast.plan.refine_factor > 1
    assert fast.recall >= 0.97
    assert fast.recall_queries == 200
    hits = [len(set(fast.search(q, 51)[0][1:]) & set(_truth(fast, q, 51)[1:])) / 50 for q in fast.vectors[5:6_000:60]]
    assert np.mean(hits) == pytest.approx(fast.recall, abs=0.02)  # an independent count on other queries


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2, 0.05, 0.001])
@pytest.mark.parametrize("k", [1, 50, 400])
def test_filtered_search_is_full_and_right(fast: VectorIndex, share: float, k: int) -> None:
    allowed = np.random.default_rng(2).random(len(fast)) < share
    hits, wanted = 0, 0
    for query in fast.vectors[3:2_000:200]:
        rows, scores = fast.search(query, k, allowed)
        assert len(rows) == len(scores) == min(k, allowed.sum())
        assert allowed[rows].all()
        assert len(set(rows)) == len(rows)
        truth = _truth(fast, query, min(50, k, len(rows)), allowed)  # recall is promised for the best 50
        worst = fast.vectors[truth[-1]] @ query
        hits += np.count_nonzero(fast.vectors[rows[: len(truth)]] @ query >= worst - 0.01)  # 8-bit, 32 dimensions
        wanted += len(truth)
    assert hits / wanted >= 0.95


def test_decoded_vectors_are_the_stored_ones_but_for_8_bits(exact: VectorIndex, fast: VectorIndex) -> None:
    for index in (exact, fast):
        rows = np.array([7, 0, 3])
        np.testing.assert_allclose(index.decode(rows), index.vectors[rows].astype(np.float32), atol=0.02)


def test_filter_against_the_query_falls_back_to_exact(fast: VectorIndex) -> None:
    """Everything near the query is refused: a post-filtered approximate search would come back empty."""
    query = fast.vectors[11]
    scores = fast.vectors @ query
    allowed = scores < np.quantile(scores, 0.5)
    rows, _ = fast.search(query, 300, allowed)
    assert len(rows) == 300
    assert allowed[rows].all()
    worst = scores[_truth(fast, query, 300, allowed)[-1]]
    assert (scores[rows] >= worst - 0.01).all()  # exact but for 8-bit rounding of 32 dimensions


@settings(max_examples=60, deadline=None)
@given(k=st.integers(0, 60), seed=st.integers(0, 50), share=st.floats(0, 1))
def test_answer_has_min_k_allowed_rows(exact: VectorIndex, k: int, seed: int, share: float) -> None:
    allowed = np.random.default_rng(seed).random(len(exact)) < share
    rows, scores = exact.search(exact.vectors[seed], k, allowed)
    assert len(rows) == len(scores) == min(k, int(allowed.sum()))
    assert allowed[rows].all()
    assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("n", [1, 2, 30])
def test_tiny_catalogs(n: int) -> None:
    index = VectorIndex.build(_vectors(n))
    rows, _ = index.search(index.vectors[0], 50)
    assert sorted(rows) == list(range(n))
    assert index.recall == 1.0
    assert index.recall_queries == (0 if n == 1 else n)


def test_same_vector_many_times_counts_as_found() -> None:
    vectors = np.repeat(_vectors(10), 100, axis=0)
    assert VectorIndex.build(vectors).recall == 1.0


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("kind", ["exact", "fast"])
def test_written_index_answers_the_same(tmp_path: Path, request: pytest.FixtureRequest, kind: str, mmap: bool) -> None:
    index: VectorIndex = request.getfixturevalue(kind)
    index.write(tmp_path)
    opened = VectorIndex.open(tmp_path, mmap=mmap)
    assert (opened.plan, opened.recall, opened.recall_queries) == (index.plan, index.recall, index.recall_queries)
    assert opened.vectors.dtype == np.float16
    assert isinstance(opened.vectors, np.memmap) == mmap
    allowed = np.arange(len(index)) % 3 == 0
    for mask in (None, allowed):
        rows, scores = index.search(index.vectors[9], 25, mask)
        opened_rows, opened_scores = opened.search(index.vectors[9], 25, mask)
        assert np.array_equal(rows, opened_rows)
        assert scores == pytest.approx(opened_scores, abs=1e-3)


def test_float16_vectors_can_be_indexed() -> None:
    index = VectorIndex.build(_vectors(2_000).astype(np.float16))
    assert index.search(index.vectors[4], 1)[0].tolist() == [4]


def test_sorted_catalog_is_trained_on_all_of_it() -> None:
    """Were the first rows the sample, 8-bit codes would clip everything that the others have more of."""
    vectors = _vectors(3_000)
    vectors = vectors[np.argsort(vectors[:, 0])]
    index = VectorIndex.build(vectors, IndexPlan("SQ8", 0, 500, 0))
    rows, scores = index.search(vectors[-1], 1)
    assert rows.tolist() == [2_999]
    assert scores[0] == pytest.approx(1, abs=0.02)


def test_threads_ask_at_once(fast: VectorIndex) -> None:
    queries = fast.vectors[:64]
    alone = [fast.search(query, 10)[0].tolist() for query in queries]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda query: fast.search(query, 10)[0].tolist(), queries))
    assert together == alone


def test_thread_count_of_faiss_is_left_as_it_was(exact: VectorIndex) -> None:
    before = faiss.omp_get_max_threads()
    VectorIndex.build(_vectors(500), threads=1)
    exact.search(exact.vectors[0], 5)
    assert faiss.omp_get_max_threads() == before


def test_progress_reaches_the_end() -> None:
    seen: list[tuple[int, int]] = []
    VectorIndex.build(_vectors(70_000, 8), progress=lambda done, total: seen.append((done, total)), recall_floor=0)
    assert seen == [(65_536, 70_000), (70_000, 70_000)]


def _broken(case: str) -> np.ndarray:
    vectors = _vectors(100)
    if case == "nan":
        vectors[42, 3] = np.nan
    elif case == "infinite":
        vectors[42, 3] = np.inf
    elif case == "long":
        vectors[42] *= 3
    elif case == "zero":
        vectors[42] = 0
    elif case == "empty":
        return vectors[:0]
    else:
        return vectors[0]
    return vectors


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("nan", "vector 42 holds NaN or infinity; embed that product again"),
        ("infinite", "vector 42 holds NaN or infinity"),
        ("long", "vector 42 has length 3; it must be 1, or √2"),
        ("zero", "vector 42 has length 0; it must be 1, or √2"),
        ("empty", "give one row per product, at least one"),
        ("flat", "give one row per product, at least one"),
    ],
)
def test_unusable_vectors_are_refused(case: str, message: str) -> None:
    with pytest.raises(IndexBuildError, match=re.escape(message)):
        VectorIndex.build(_broken(case))


def test_unreachable_recall_is_refused() -> None:
    noise = np.random.default_rng(0).normal(size=(10_000, 32)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    with pytest.raises(IndexBuildError, match=r"reaches recall@50 0\.\d+, below 1, at refine factor 64; build with"):
        VectorIndex.build(noise, IndexPlan("PQ2x4fs,Refine(SQ8)", 1, 4_096, 0), recall_floor=1.0)


@pytest.mark.parametrize("query", [np.zeros(31), np.zeros((1, 32))])
def test_query_of_another_encoder_is_refused(exact: VectorIndex, query: np.ndarray) -> None:
    with pytest.raises(BundleError, match="use the encoder of the bundle"):
        exact.search(query, 5)


def test_filter_of_another_length_is_refused(exact: VectorIndex) -> None:
    with pytest.raises(BundleError, match="one `allowed` flag per product"):
        exact.search(exact.vectors[0], 5, np.ones(3, bool))


@pytest.mark.parametrize("name", ["index.faiss", "vectors.npy", "index.json"])
@pytest.mark.parametrize("damage", ["removed", "truncated", "empty"])
def test_broken_files_are_one_clear_error(tmp_path: Path, exact: VectorIndex, name: str, damage: str) -> None:
    exact.write(tmp_path)
    path = tmp_path / name
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 if damage == "truncated" else 0])
    with pytest.raises(BundleError, match="the index cannot be opened") as caught:
        VectorIndex.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_files_of_two_builds_are_refused(tmp_path: Path, exact: VectorIndex, fast: VectorIndex) -> None:
    (tmp_path / "a").mkdir()
    exact.write(tmp_path / "a")
    (tmp_path / "b").mkdir()
    fast.write(tmp_path / "b")
    (tmp_path / "a" / "vectors.npy").write_bytes((tmp_path / "b" / "vectors.npy").read_bytes())
    with pytest.raises(BundleError, match=r"index\.json says 5000 x 32, vectors\.npy has \(20000, 32\)"):
        VectorIndex.open(tmp_path / "a")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a file on which every write fails")
@pytest.mark.parametrize("name", ["index.faiss", "vectors.npy"])
def test_full_disk_is_an_error(tmp_path: Path, name: str) -> None:
    """Given a path, faiss leaves a truncated index on a full disk and raises nothing."""
    (tmp_path / name).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        VectorIndex.build(_vectors(10)).write(tmp_path)
