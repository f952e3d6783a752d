"""What is shown is what is logged, explored or not."""

import pytest

from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.learning.serving import exposure_of, serve_list
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.scenes.analysis import Classification, SceneAnalysis
from scene_pipeline.vocabulary import load_vocabulary

CANDIDATES = [
    Recommendation(
        rank, f"p{rank}", f"s{rank}", "vase", f"c{rank % 4}", "table", 0.9 - rank / 50, 0.5, True, {"f": 0.1}, ""
    )
    for rank in range(1, 14)
]
DIVERSITY = load_vocabulary().scoring.diversity


def result_of(candidates: list[Recommendation], k: int = 10) -> SceneResult:
    """Return what a matcher says: the first `k` as the list, the others as runners-up."""
    unknown = Classification("unknown", 0.0, 1.0, {})
    return SceneResult(
        SceneAnalysis(unknown, unknown, unknown, ()),
        tuple(candidates[:k]),
        "b1",
        "compact",
        1.0,
        runners_up=tuple(candidates[k:]),
    )


def test_without_exploration_the_list_is_as_the_matcher_made_it() -> None:
    served = serve_list(result_of(CANDIDATES), 10, Exploration(), "r1", DIVERSITY)
    assert [item.product_id for item in served.shown] == [f"p{rank}" for rank in range(1, 11)]
    assert {item.propensity for item in served.products} == {1.0}
    assert [item.shown for item in served.products] == [True] * 10 + [False] * 3
    assert (served.exploration, served.seed, served.price) == ("", 0, pytest.approx(0))


def test_an_explored_list_is_logged_as_shown_with_its_propensities() -> None:
    rules = Exploration("plackett_luce", temperature=0.2)
    served = [serve_list(result_of(CANDIDATES), 10, rules, f"r{number}", DIVERSITY) for number in range(30)]
    for one in served:
        assert [item.product_id for item in one.shown] == [item.product_id for item in one.products[:10]]
        assert [item.rank for item in one.products] == list(range(1, 14))
        assert {item.product_id for item in one.products} == {item.product_id for item in CANDIDATES}
        for item in one.products:
            if item.rank_propensities:
                assert dict(item.rank_propensities)[item.rank] == pytest.approx(item.propensity)
    assert len({tuple(item.product_id for item in one.shown) for one in served}) > 10
    assert 0 < served[0].price < 0.05
    assert exposure_of(served[0], "r0", 1.0, result_of(CANDIDATES)).price == served[0].price
    assert served[0].factor_names == ("f",)


def test_an_empty_list_is_logged_too() -> None:
    served = serve_list(result_of([]), 10, Exploration("swap"), "r1", DIVERSITY)
    assert served.shown == served.products == ()
