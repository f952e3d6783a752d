import math
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation import ranking
from scene_pipeline.evaluation.matches import evaluate_matches
from scene_pipeline.evaluation.truth import MatchTruth, read_match_truth

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "ikea"


def truth_of(**scenes: str) -> MatchTruth:
    return MatchTruth(products={name: frozenset(skus.split()) for name, skus in scenes.items()}, room_types={})


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (ranking.hit("abcd", "c", 2), 0.0),
        (ranking.hit("abcd", "c", 3), 1.0),
        (ranking.recall("abcd", "adxy", 10), 0.5),
        (ranking.recall("abcd", "adxy", 3), 0.25),
        (ranking.ndcg("abcd", "ab", 10), 1.0),
        (ranking.ndcg("abcd", "b", 10), 1 / math.log2(3)),
        (ranking.ndcg("abc", "cx", 3), 0.5 / (1 + 1 / math.log2(3))),
        (ranking.reciprocal_rank("abcd", "dc"), 1 / 3),
        (ranking.reciprocal_rank("abcd", "x"), 0.0),
        (ranking.random_hit(10, 1, 10), 1.0),
        (ranking.random_hit(10, 1, 3), 0.3),
        (ranking.random_hit(4, 2, 2), 1 - 1 / 6),
        (ranking.random_hit(3, 2, 10), 1.0),
    ],
)
def test_figures_of_one_ranking_have_their_textbook_values(figure: float, expected: float) -> None:
    assert figure == pytest.approx(expected)


def test_a_report_averages_over_scenes_and_says_what_it_left_out() -> None:
    truth = truth_of(a="1 2", b="9", c="8 nowhere", unseen="1", hopeless="nowhere")
    rankings = {"a": list("1923456780"), "b": list("1234567809"), "c": ["1"], "hopeless": ["1"], "extra": ["1"]}
    report = evaluate_matches(rankings, truth, [*"1234567890", "1"])
    document = report.to_json()
    assert (report.n_scenes, report.n_products) == (3, 10)
    assert document["hit@1"] == pytest.approx(1 / 3)
    assert document["hit@10"] == document["hit@50"] == pytest.approx(2 / 3)
    assert document["recall@10"] == pytest.approx(2 / 3)
    assert document["mrr"] == pytest.approx((1 + 1 / 10 + 0) / 3)
    assert document["random_hit@10"] == pytest.approx(1.0)
    assert document["missing_scenes"] == ["unseen"]
    assert document["scenes_without_products"] == ["hopeless"]
    assert document["unknown_pairs"] == 2


def test_the_json_document_has_the_contracted_keys() -> None:
    report = evaluate_matches({"a": ["1"]}, truth_of(a="1"), ["1", "2"])
    contracted = "n_scenes n_products hit@1 hit@5 hit@10 hit@20 hit@50 recall@10 ndcg@10 random_hit@10"
    assert set(contracted.split()) <= set(report.to_json())
    intervals = report.to_json()["intervals"]
    assert isinstance(intervals, dict)
    assert intervals["hit@1"] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("rankings", "message"),
    [
        ({"other": ["1"]}, "none of the 1 scenes"),
        ({"a": ["1", "1"]}, "lists a product twice"),
        ({"a": ["1", "7"]}, "lists 7, which the catalog lacks"),
    ],
)
def test_rankings_that_do_not_fit_are_refused(rankings: dict[str, list[str]], message: str) -> None:
    with pytest.raises(TruthError, match=message):
        evaluate_matches(rankings, truth_of(a="1"), ["1", "2"])


def test_the_exact_random_hit_agrees_with_random_rankings() -> None:
    skus = [str(number) for number in range(100)]
    generator = np.random.default_rng(0)
    truth = truth_of(**{f"s{number}": " ".join(skus[: 1 + number % 7]) for number in range(3000)})
    rankings = {scene: [skus[i] for i in generator.permutation(100)[:10]] for scene in truth.products}
    document = evaluate_matches(rankings, truth, skus).to_json()
    assert document["hit@10"] == pytest.approx(document["random_hit@10"], abs=0.03)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/ikea is not there")
def test_the_random_hit_of_the_ikea_truth_is_the_published_one() -> None:
    truth = read_match_truth(SHARED / "scene_products.csv")
    lines = (SHARED / "catalog.csv").read_text().splitlines()[1:]
    skus = [line.split(",")[1] for line in lines if line[0].isdigit()]
    report = evaluate_matches({scene: [] for scene in truth.products}, truth, skus)
    # the README's figure is over 282 scenes; these 141 are half of them
    assert report.random_hit_10 == pytest.approx(0.057, abs=0.005)
    assert report.n_scenes == 141
