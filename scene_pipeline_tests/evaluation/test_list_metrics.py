import numpy as np
import pytest

from scene_pipeline.evaluation.bootstrap import bootstrap, bootstrap_mean
from scene_pipeline.evaluation.list_metrics import (
    categories_at_k,
    coverage,
    gini,
    gini_coefficient,
    intra_list_distance,
    near_duplicate_share,
)

EAST, NORTH = np.asarray([1.0, 0.0]), np.asarray([0.0, 1.0])


def test_categories_are_counted_in_the_first_k() -> None:
    assert categories_at_k([["a", "a", "b"], ["a", "b", "c"]], k=2).value == pytest.approx(1.5)


def test_distance_and_duplicates_look_at_pairs_within_a_list() -> None:
    lists = [np.stack([EAST, EAST, NORTH]), np.stack([EAST, NORTH])]
    assert intra_list_distance(lists).value == pytest.approx((2 / 3 + 1) / 2)
    assert near_duplicate_share(lists, 0.99).value == pytest.approx(0.5)
    assert near_duplicate_share([EAST[None]], 0.99).value == 0.0


@pytest.mark.parametrize(
    ("counts", "expected"), [([3, 3, 3], 0.0), ([0, 0, 0, 8], 0.75), ([1, 3], 0.25), ([0, 1, 2, 3], 5 / 12)]
)
def test_gini_has_its_textbook_values(counts: list[int], expected: float) -> None:
    assert gini_coefficient(np.asarray(counts)) == pytest.approx(expected)


def test_coverage_and_gini_see_the_whole_catalog() -> None:
    lists = [[0, 1], [0, 2], [0, 1]]
    assert coverage(lists, 10).value == pytest.approx(0.3)
    assert gini(lists, 10).value == pytest.approx(gini_coefficient(np.asarray([3, 2, 1] + [0] * 7)))


def test_the_interval_of_a_figure_that_resampling_biases_still_holds_the_figure() -> None:
    lists = [[scene] for scene in range(50)]  # every resample repeats scenes, so covers fewer products
    estimate = coverage(lists, 50)
    assert estimate.value == 1.0
    assert 0.85 < estimate.low < 1.0
    assert estimate.high == 1.0


def test_the_interval_of_a_mean_has_the_textbook_width() -> None:
    values = np.random.default_rng(0).normal(size=400)
    estimate = bootstrap_mean(values)
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 / 20, rel=0.15)


def test_whole_groups_are_resampled() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=40), 10)
    alone = bootstrap_mean(values)
    grouped = bootstrap_mean(values, np.repeat(np.arange(40), 10))
    assert (grouped.high - grouped.low) > 2.5 * (alone.high - alone.low)
    same = bootstrap(lambda rows: float(np.clip(values[rows].mean() + 0.5, 0, 1)), np.repeat(np.arange(40), 10))
    assert same.high - same.low == pytest.approx(grouped.high - grouped.low, rel=0.15)


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap_mean(np.asarray([]))
