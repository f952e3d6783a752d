"""Decide how vectors are indexed and searched: pure functions of sizes, so that tests can be tables.

The costs are processor time on one core of a 2-core Xeon with AVX-512, over 100,000 vectors of 768 dimensions; only
their ratios matter here. `benchmarks/index.py` measures the resulting plans.
"""

from dataclasses import dataclass

EXACT_CODES = 50_000_000
"""Rows x dimensions up to which every row is scanned exactly: about 6 ms per query."""

TRAINING_ROWS = 65_536
RECALL_AT = 50
MAX_REFINE_FACTOR = 64

_DIMENSIONS_PER_CODE = 8  # one 4-bit code for 8 dimensions: recall .99 with refine, half the scan time of 4
_NS_PER_EXACT_DIMENSION = 0.12  # one dimension of one row, scanned as SQ8
_NS_PER_TESTED_ROW = 5.5  # testing the filter for a row in an exact scan
_NS_PER_COARSE_CODE = 0.03  # one 4-bit code of one row
_NS_PER_COARSE_ANSWER = 55.0  # one more row in the coarse order
_NS_PER_PICKED_DIMENSION = 0.55  # rows picked out of the 8-bit codes, scattered in memory
_SLACK = 3.0  # the share that passes near the query may be smaller than over the whole catalog
_DEEPEN = 4
_FILTERED = 4  # products that pass are further from the query, where coarse codes separate products less well


@dataclass(frozen=True)
class IndexPlan:
    """How to build: the faiss factory string, how many times more rows than requested the coarse search fetches (0:
    exact, nothing to refine), how many rows to train on, and the bytes that the codes take in memory.
    """

    factory: str
    refine_factor: int
    training_rows: int
    memory_bytes: int

    @property
    def exact(self) -> bool:
        """Whether every row is scanned."""
        return self.refine_factor == 0


@dataclass(frozen=True)
class SearchPlan:
    """How to search: `way` is "pick" (score the allowed rows one by one), "scan" (exact, over all codes) or "coarse".

    For "coarse": take the best `depth` rows of the 4-bit codes, drop those not allowed, and score the first `refine` of
    the rest by their 8-bit codes. If fewer than `refine` are left, another plan is needed.
    """

    way: str
    depth: int = 0
    refine: int = 0


def plan_index(n: int, dimension: int) -> IndexPlan:
    """Return how to index `n` vectors of `dimension`.

    Exact 8-bit codes (SQ8) while small; above, 4-bit product quantization with a fast scan, refined with SQ8. The
    number of codes divides the dimension; a dimension that no code of 4 to 16 dimensions divides stays exact.
    """
    codes = _codes(dimension)
    training_rows = min(n, TRAINING_ROWS)
    if n * dimension <= EXACT_CODES or codes == 0:
        return IndexPlan("SQ8", 0, training_rows, n * dimension)
    return IndexPlan(f"PQ{codes}x4fs,Refine(SQ8)", 4, training_rows, n * (dimension + (codes + 1) // 2))


def plan_search(plan: IndexPlan, shape: tuple[int, int], allowed: int, k: int, shallow: int = 0) -> SearchPlan:
    """Return the cheapest way to the best `k` of the `allowed` rows among `shape` = (rows, dimension).

    `shallow` is the depth of a coarse search that left too few allowed rows (0: none was tried).
    """
    n, dimension = shape
    filtered = allowed < n
    ways = {SearchPlan("scan"): allowed * dimension * _NS_PER_EXACT_DIMENSION + filtered * n * _NS_PER_TESTED_ROW}
    if filtered:
        ways[SearchPlan("pick")] = allowed * dimension * _NS_PER_PICKED_DIMENSION
    if not plan.exact:
        margin = plan.refine_factor * RECALL_AT * (_FILTERED if filtered else 1)
        refine = min(allowed, max(margin, 2 * k))
        depth = shallow * _DEEPEN or int(refine * (n / allowed * _SLACK if filtered else 1))
        depth = min(n, depth)
        coarse = n * _codes(dimension) * _NS_PER_COARSE_CODE + depth * _NS_PER_COARSE_ANSWER
        ways[SearchPlan("coarse", depth, refine)] = coarse + refine * dimension * _NS_PER_PICKED_DIMENSION
    return min(ways, key=lambda way: ways[way])


def _codes(dimension: int) -> int:
    """Return the number of codes closest to one per 8 dimensions that divides the dimension, or 0."""
    widths = [width for width in range(4, 17) if dimension % width == 0]
    return dimension // min(widths, key=lambda width: abs(width - _DIMENSIONS_PER_CODE)) if widths else 0
