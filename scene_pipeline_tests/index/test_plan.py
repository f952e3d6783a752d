"""Which index and which search: the decisions, as a table."""

import pytest

from scene_pipeline.index import IndexPlan, plan_index, plan_search


@pytest.mark.parametrize(
    ("n", "dimension", "factory", "refine_factor", "training_rows"),
    [
        (1, 768, "SQ8", 0, 1),
        (10_000, 768, "SQ8", 0, 10_000),
        (65_104, 768, "SQ8", 0, 65_104),  # 49,999,872 codes
        (65_105, 768, "PQ96x4fs,Refine(SQ8)", 4, 65_105),
        (100_000, 768, "PQ96x4fs,Refine(SQ8)", 4, 65_536),
        (1_000_000, 768, "PQ96x4fs,Refine(SQ8)", 4, 65_536),
        (1_000_000, 896, "PQ112x4fs,Refine(SQ8)", 4, 65_536),  # 512 + 384
        (1_000_000, 1152, "PQ144x4fs,Refine(SQ8)", 4, 65_536),  # 768 + 384
        (1_000_000, 90, "PQ10x4fs,Refine(SQ8)", 4, 65_536),  # 9 dimensions a code
        (1_000_000, 97, "SQ8", 0, 65_536),  # a prime: no product quantizer divides it
    ],
)
def test_plan_index(n: int, dimension: int, factory: str, refine_factor: int, training_rows: int) -> None:
    plan = plan_index(n, dimension)
    assert (plan.factory, plan.refine_factor, plan.training_rows) == (factory, refine_factor, training_rows)
    assert plan.exact == (refine_factor == 0)


@pytest.mark.parametrize(
    ("n", "dimension", "memory_bytes"),
    [(10_000, 768, 7_680_000), (1_000_000, 768, 816_000_000)],  # 768 bytes exact, and 48 of the coarse codes
)
def test_plan_states_its_memory(n: int, dimension: int, memory_bytes: int) -> None:
    assert plan_index(n, dimension).memory_bytes == memory_bytes


FAST = plan_index(1_000_000, 768)
EXACT = plan_index(10_000, 768)


@pytest.mark.parametrize(
    ("plan", "n", "allowed", "k", "way"),
    [
        (EXACT, 10_000, 10_000, 50, "scan"),
        (EXACT, 10_000, 5_000, 50, "scan"),
        (EXACT, 10_000, 20, 50, "pick"),
        (EXACT, 100, 100, 50, "scan"),
        (FAST, 100_000, 100_000, 1_000, "coarse"),
        (FAST, 100_000, 3_000, 1_000, "scan"),
        (FAST, 100_000, 200, 50, "pick"),
        (FAST, 1_000_000, 1_000_000, 50, "coarse"),
        (FAST, 1_000_000, 1_000_000, 1_000, "coarse"),
        (FAST, 1_000_000, 300_000, 1_000, "coarse"),
        (FAST, 1_000_000, 30_000, 1_000, "scan"),
        (FAST, 1_000_000, 2_000, 1_000, "pick"),
        (FAST, 1_000_000, 1_000_000, 1_000_000, "scan"),
    ],
)
def test_plan_search(plan: IndexPlan, n: int, allowed: int, k: int, way: str) -> None:
    assert plan_search(plan, (n, 768), allowed, k).way == way


def test_coarse_search_widens_with_the_filter() -> None:
    """1 row in 2 passes: six times as many coarse rows are taken as scored, for filters against the query."""
    everything = plan_search(FAST, (1_000_000, 768), 1_000_000, 1_000)
    half = plan_search(FAST, (1_000_000, 768), 500_000, 1_000)
    assert (everything.depth, everything.refine) == (2_000, 2_000)
    assert (half.depth, half.refine) == (12_000, 2_000)
    assert plan_search(FAST, (1_000_000, 768), 1_000_000, 10).refine == 200  # recall is promised at 50
    assert plan_search(FAST, (1_000_000, 768), 500_000, 10).refine == 800  # and what passes is harder to tell apart


def test_coarse_search_deepens_until_a_scan_is_cheaper() -> None:
    depths, plan = [], plan_search(FAST, (1_000_000, 768), 300_000, 1_000)
    while plan.way == "coarse":
        depths.append(plan.depth)
        plan = plan_search(FAST, (1_000_000, 768), 300_000, 1_000, shallow=plan.depth)
    assert depths == [20_000, 80_000, 320_000]
    assert plan.way == "scan"
