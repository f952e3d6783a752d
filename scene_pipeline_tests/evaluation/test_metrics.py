import numpy as np
import pytest

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.calibration import fit_calibration
from scene_pipeline.evaluation.discrimination import draw_questions
from scene_pipeline.evaluation.gallery import Gallery, gallery_of
from scene_pipeline.evaluation.metrics import (
    ShownLists,
    calibration_metrics,
    compare,
    discrimination_metrics,
    shown_list_metrics,
)
from scene_pipeline.evaluation.truth import MatchTruth
from scene_pipeline.evaluation.variants import ablations, hits_within, popularity_scores, random_scores

N_SCENES, N_PRODUCTS = 40, 60


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    relevant = np.random.default_rng(0).random((N_SCENES, N_PRODUCTS)) < 0.1
    relevant[:, 0] |= ~relevant.any(axis=1)
    return Gallery(
        scenes=tuple(f"s{row}" for row in range(N_SCENES)),
        skus=tuple(f"p{column}" for column in range(N_PRODUCTS)),
        types=tuple("lamp" if column % 2 else "rug" for column in range(N_PRODUCTS)),
        relevant=relevant,
    )


def test_a_gallery_holds_the_named_scenes_and_the_known_products() -> None:
    truth = MatchTruth(products={"a": frozenset({"1", "x"}), "c": frozenset({"2"})}, room_types={})
    gallery = gallery_of(truth, ["a", "b", "c"], ["1", "2", "3"], ["lamp"] * 3)
    assert gallery.scenes == ("a", "c")
    assert gallery.relevant.tolist() == [[True, False, False], [False, True, False]]
    assert gallery.rankings(np.asarray([[0.1, 0.9, 0.1], [3.0, 2.0, 1.0]])) == {
        "a": ["2", "1", "3"],
        "c": ["1", "2", "3"],
    }
    with pytest.raises(TruthError, match="names none of the 1 scenes"):
        gallery_of(truth, ["b"], ["1"], ["lamp"])
    with pytest.raises(TruthError, match="1 products repeat a sku_id"):
        gallery_of(truth, ["a"], ["1", "1"], ["lamp"] * 2)


def test_figures_have_the_contracted_names(gallery: Gallery) -> None:
    vectors = np.eye(N_PRODUCTS, dtype=np.float32)
    shown = ShownLists(((0, 1, 2), (0, 3), ()), gallery.types, (vectors[[0, 1, 2]], vectors[[0, 3]], vectors[[]]))
    assert set(shown_list_metrics(shown, 0.98)) == {
        "categories@10", "intra_list_distance", "near_duplicate@10", "coverage", "gini",
    }  # fmt: skip
    assert set(discrimination_metrics(gallery.relevant.astype(float), gallery)) == {"fitb4", "auc_same_type"}
    with pytest.raises(TruthError, match="no list to judge"):
        shown_list_metrics(ShownLists(((),), gallery.types, (vectors[[]],)), 0.98)


def test_list_figures_judge_the_first_k_only(gallery: Gallery) -> None:
    vectors = np.eye(N_PRODUCTS, dtype=np.float32)
    vectors[3] = vectors[0]
    shown = ShownLists(((0, 1, 3),), gallery.types, (vectors[[0, 1, 3]],))
    whole, first = shown_list_metrics(shown, 0.98), shown_list_metrics(shown, 0.98, k=2)
    assert whole["near_duplicate@10"].value == 1.0
    assert first["near_duplicate@2"].value == 0.0
    assert first["coverage"].value == pytest.approx(2 / N_PRODUCTS)
    assert first["categories@2"].value == 2


def test_ece_is_judged_at_the_prior_that_the_map_assumes(gallery: Gallery) -> None:
    scores = np.clip(gallery.relevant * 0.3 + np.random.default_rng(1).random(gallery.relevant.shape) * 0.7, 0, 1)
    questions = draw_questions(gallery.relevant, gallery.types)
    examples, labels, _ = questions.examples(scores)
    confidence = fit_calibration(examples, labels, prior=0.05).apply(scores)
    assert calibration_metrics(confidence, questions, prior=0.05)["ece"].value < 0.02
    at_odds = calibration_metrics(confidence, questions)
    assert at_odds["ece"].value > 0.1
    assert at_odds["brier"].low < at_odds["brier"].value < at_odds["brier"].high


def test_variants_are_compared_on_the_same_scenes(gallery: Gallery) -> None:
    truth_like = gallery.relevant.astype(np.float32)
    reports = compare(
        {
            "oracle": truth_like,
            "random": random_scores(truth_like.shape),
            "popular": popularity_scores(gallery.relevant),
        },
        gallery,
    )
    assert reports["oracle"].to_json()["hit@1"] == reports["oracle"].to_json()["fitb4"] == 1.0
    fitb = reports["random"].estimates["fitb4"]
    assert fitb.low < 0.25 < fitb.high
    assert len({report.random_hit_10 for report in reports.values()}) == 1


def test_popularity_does_not_count_the_scene_itself() -> None:
    relevant = np.asarray([[True, False], [True, True], [True, False]])
    assert popularity_scores(relevant).tolist() == [[2, 1], [2, 0], [2, 1]]


def test_ablations_give_each_factor_alone_and_each_left_out() -> None:
    factors = np.random.default_rng(0).random((2, 3, 2))
    variants = ablations(factors, {"a": 0.75, "b": 0.25}, ["a", "b"])
    assert set(variants) == {"all", "only a", "only b", "without a", "without b"}
    np.testing.assert_allclose(variants["all"], 0.75 * factors[..., 0] + 0.25 * factors[..., 1])
    np.testing.assert_allclose(variants["only b"], factors[..., 1])
    np.testing.assert_allclose(variants["without a"], 0.25 * factors[..., 1])


def test_hits_within_rank_only_the_given_columns() -> None:
    scores = np.asarray([[9.0, 1.0, 2.0], [9.0, 2.0, 1.0], [9.0, 1.0, 2.0]])
    relevant = np.asarray([[False, True, False], [False, True, False], [True, False, False]])
    n_scenes, hits = hits_within(scores, relevant, np.asarray([1, 2]), (1, 2))
    assert n_scenes == 2  # the third scene has no true product in the gallery
    assert hits == {1: 0.5, 2: 1.0}
    assert hits_within(scores, relevant[2:].repeat(3, axis=0), np.asarray([1]), (1,)) == (0, {1: 0.0})
