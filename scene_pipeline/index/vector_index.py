"""Search product vectors by inner product: build, measure the recall, write, open, search."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import msgspec
import numpy as np
import numpy.typing as npt

from scene_pipeline.errors import BundleError, IndexBuildError
from scene_pipeline.files import write_bytes
from scene_pipeline.index.plan import MAX_REFINE_FACTOR, RECALL_AT, IndexPlan, plan_index, plan_search
from scene_pipeline.index.recall import exact_neighbors, measure_recall
from scene_pipeline.index.vectors import BLOCK, as_float32, check_vectors, dot_rows, extremes, write_float16
from scene_pipeline.progress import Progress

INDEX_FILE = "index.faiss"
VECTORS_FILE = "vectors.npy"
RECORD_FILE = "index.json"

_PICKED = 4_096  # rows scored at a time, so that they stay in the processor's cache
_PAGE = 4_096  # bytes of memory mapped at a time
_FAISS: Any = faiss  # parts of it are added at import, unknown to type checkers


class _Record(msgspec.Struct, frozen=True):
    """The facts stored with an index, besides its codes."""

    factory: str
    refine_factor: int
    training_rows: int
    memory_bytes: int
    rows: int
    dimension: int
    recall: float
    recall_queries: int


class VectorIndex:
    """Vectors [n, dimension] and a faiss index over them. Reading is safe from many threads.

    Results carry inner products of 8-bit codes; their error is about 5e-4 for unit vectors of 768 dimensions.
    """

    def __init__(
        self, index: Any, vectors: npt.NDArray[np.floating], plan: IndexPlan, recall: tuple[float, int]
    ) -> None:
        """Wrap the result of `build` or `open`; call these instead."""
        self._index = index
        self._coarse_index: Any = None if plan.exact else faiss.downcast_index(index.base_index)
        self._codes: Any = index if plan.exact else faiss.downcast_index(index.refine_index)
        # SQ8 of faiss: one byte per dimension, and for each dimension the lowest value and the width of 256 steps.
        self._bytes = faiss.rev_swig_ptr(self._codes.codes.data(), self._codes.codes.size()).reshape(vectors.shape)
        low, width = np.split(faiss.vector_to_array(self._codes.sq.trained), 2)
        self._step = (width / 255).astype(np.float32)
        self._low = (low + 0.5 * self._step).astype(np.float32)
        self.vectors = vectors
        self.plan = plan
        self.recall, self.recall_queries = recall

    @classmethod
    def build(
        cls,
        vectors: npt.NDArray[np.floating],
        plan: IndexPlan | None = None,
        recall_floor: float = 0.97,
        progress: Progress | None = None,
        threads: int | None = None,
    ) -> "VectorIndex":
        """Index `vectors` [n, dimension] (float32 or float16) and raise the refine factor until recall@50 suffices.

        Each vector consists of one or two parts of length 1. Without a `plan`, `plan_index` decides. `threads` bounds
        the cores that code vectors (default: all; training takes one). Raises IndexBuildError for an empty array, NaN,
        other lengths, or when the recall stays below `recall_floor`.
        """
        check_vectors(vectors)
        n, dimension = vectors.shape
        plan = plan or plan_index(n, dimension)
        index: Any = faiss.index_factory(dimension, plan.factory, faiss.METRIC_INNER_PRODUCT)
        with _faiss_threads(1):  # thousands of short steps: on busy cores, threads wait for each other for a minute
            sample = np.linspace(0, n - 1, min(n, plan.training_rows)).astype(np.int64)  # of sorted catalogs, too
            # 8-bit codes clip values outside the range they were trained on, so the extremes of all rows are included.
            index.train(np.concatenate([as_float32(vectors[sample]), extremes(vectors)]))
        with _faiss_threads(threads):
            for start in range(0, n, BLOCK):
                index.add(as_float32(vectors[start : start + BLOCK]))
                if progress is not None:
                    progress(min(start + BLOCK, n), n)
        return cls._measured(index, vectors, plan, recall_floor)

    @classmethod
    def _measured(
        cls, index: Any, vectors: npt.NDArray[np.floating], plan: IndexPlan, recall_floor: float
    ) -> "VectorIndex":
        queries, truth = exact_neighbors(vectors)
        while True:
            built = cls(index, vectors, plan, (0.0, len(queries)))
            built.recall = measure_recall(built.search, vectors, queries, truth)
            if built.recall >= recall_floor:
                return built
            deeper = dataclasses.replace(plan, refine_factor=plan.refine_factor * 2)
            if plan.exact or deeper.refine_factor > MAX_REFINE_FACTOR:
                raise IndexBuildError(
                    f"{plan.factory} over {len(vectors)} vectors reaches recall@{RECALL_AT} {built.recall:.3f}, below "
                    f"{recall_floor:g}, at refine factor {plan.refine_factor}; build with the plan of a smaller "
                    "catalog (SQ8, exact) or lower recall_floor"
                )
            plan = deeper

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.vectors.shape[1]

    def search(
        self, query: npt.NDArray[np.floating], k: int, allowed: npt.NDArray[np.bool_] | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return (rows, inner products) of the best min(k, allowed.sum()) rows for `query` [dimension], best first.

        Where the approximate search leaves too few allowed rows, the allowed rows are searched exactly; -1 never
        occurs. One query runs on one core. Raises BundleError when a shape does not fit.
        """
        n = len(self)
        if query.shape != (self.dimension,) or (allowed is not None and allowed.shape != (n,)) or k < 0:
            raise BundleError(
                f"a query {query.shape} for k={k} does not fit an index of {n} vectors of {self.dimension} dimensions; "
                "use the encoder of the bundle and one `allowed` flag per product"
            )
        passing = n if allowed is None else int(np.count_nonzero(allowed))
        wanted = min(k, passing)
        if wanted == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        row = as_float32(query)
        plan = plan_search(self.plan, (n, self.dimension), passing, wanted)
        while plan.way == "coarse":
            rows = self._coarse(row, plan.depth, allowed)
            if len(rows) >= plan.refine:
                return self._best(row, rows[: plan.refine], wanted)
            plan = plan_search(self.plan, (n, self.dimension), passing, wanted, shallow=plan.depth)
        if plan.way == "pick" and allowed is not None:
            return self._best(row, np.flatnonzero(allowed), wanted)
        return self._scan(row, wanted, None if passing == n else allowed)

    def _coarse(
        self, query: npt.NDArray[np.float32], depth: int, allowed: npt.NDArray[np.bool_] | None
    ) -> npt.NDArray[np.int64]:
        """Return the allowed ones of the best `depth` rows by 4-bit codes, best first."""
        with _faiss_threads(1):
            _, found = self._coarse_index.search(query[None], depth)
        rows = found[0][found[0] >= 0]
        return rows if allowed is None else rows[allowed[rows]]

    def _best(
        self, query: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], k: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return the best `k` of `rows` with their inner products by 8-bit codes, best first."""
        weights = query * self._step
        offset = query @ self._low
        scores = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _PICKED):
            picked = self._bytes[rows[start : start + _PICKED]]
            scores[start : start + _PICKED] = dot_rows(picked.astype(np.float32), weights) + offset
        best = np.argsort(-scores, kind="stable")[:k]
        return rows[best], scores[best]

    def _scan(
        self, query: npt.NDArray[np.float32], k: int, allowed: npt.NDArray[np.bool_] | None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        parameters, bits = None, None
        if allowed is not None:
            bits = np.packbits(
                allowed, bitorder="little"
            )  # faiss keeps a pointer to it: it must live as long as the search
            parameters = _FAISS.SearchParameters(sel=faiss.IDSelectorBitmap(len(allowed), faiss.swig_ptr(bits)))
        with _faiss_threads(1):
            scores, rows = self._codes.search(query[None], k, params=parameters)
        return rows[0], scores[0]

    def decode(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the vectors [m, dimension] of `rows`, decoded from the 8-bit codes that a search reads anyway.

        Gathering them from `vectors` instead would map most of that file into memory, row by row.
        """
        return self._codes.reconstruct_batch(np.ascontiguousarray(rows, np.int64))

    def write(self, folder: Path) -> None:
        """Write index.faiss, vectors.npy (float16) and index.json into `folder`.

        Raises OSError when the disk is full or the folder cannot be written.
        """
        write_float16(self.vectors, folder / VECTORS_FILE)
        with (folder / INDEX_FILE).open("wb") as stream:
            # Through Python: given a path, faiss raises no error when the disk is full.
            faiss.write_index(self._index, _FAISS.PyCallbackIOWriter(stream.write, 1 << 20))
        record = _Record(
            **dataclasses.asdict(self.plan),
            rows=len(self),
            dimension=self.dimension,
            recall=self.recall,
            recall_queries=self.recall_queries,
        )
        write_bytes(folder / RECORD_FILE, msgspec.json.format(msgspec.json.encode(record), indent=1))

    @classmethod
    def open(cls, folder: Path, mmap: bool = True) -> "VectorIndex":
        """Return the index that `write` left in `folder`; with `mmap` both are mapped, not read.

        Raises BundleError when a file is missing, is something else, or the three do not fit together. First check the
        hashes of files that others could have changed.
        """
        try:
            record = msgspec.json.decode((folder / RECORD_FILE).read_bytes(), type=_Record)
            vectors = np.load(folder / VECTORS_FILE, mmap_mode="r" if mmap else None, allow_pickle=False)
            index: Any = faiss.read_index(str(folder / INDEX_FILE), faiss.IO_FLAG_MMAP_IFC if mmap else 0)
        except (OSError, ValueError, EOFError, RuntimeError, msgspec.DecodeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise BundleError(f"{folder}: the index cannot be opened ({reason}); build the bundle again") from error
        if not (record.rows, record.dimension) == vectors.shape == (index.ntotal, index.d):
            raise BundleError(
                f"{folder}: {RECORD_FILE} says {record.rows} x {record.dimension}, {VECTORS_FILE} has {vectors.shape}, "
                f"{INDEX_FILE} {index.ntotal} x {index.d}; build the bundle again"
            )
        plan = IndexPlan(record.factory, record.refine_factor, record.training_rows, record.memory_bytes)
        opened = cls(index, vectors, plan, (record.recall, record.recall_queries))
        # Reading a byte of each page now (28 ms at a million products) saves the first hundred queries the page faults.
        opened._bytes.reshape(-1)[::_PAGE].max()
        return opened


@contextmanager
def _faiss_threads(threads: int | None) -> Iterator[None]:
    """Bound the threads faiss uses when called from this thread."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
