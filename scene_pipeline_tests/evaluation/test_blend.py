"""Weights of encoders: what knows the products counts, what knows nothing gets 0, on scenes held out too."""

import numpy as np
import pytest

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.blend import (
    BLEND,
    FUSED,
    BlendTable,
    all_members,
    blend_table,
    compared,
    hits,
    learn_blend,
    of_one_deviation,
    out_of_fold,
    rank_fusion,
    scene_auc,
)
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.sample import sample_photographs

SCENES, PRODUCTS = 60, 80


def table(*signal: float, scenes: int = SCENES) -> BlendTable:
    """Encoders that see the fitting products so many deviations above the others, each with noise of its own."""
    rng = np.random.default_rng(0)
    relevant = np.zeros((scenes, PRODUCTS), bool)
    relevant[:, :3] = True
    noise = rng.standard_normal((scenes, PRODUCTS, len(signal)))
    return BlendTable(
        encoders=tuple("abc"[: len(signal)]),
        above=noise + relevant[..., None] * np.array(signal),
        words=np.zeros((scenes, PRODUCTS)),
        has_image=np.arange(PRODUCTS) != 5,
        rest=0.05 * rng.standard_normal((scenes, PRODUCTS)),
        relevant=relevant,
        known=np.ones_like(relevant),
        base_weight=0.5,
        slope=0.3,
        image_share=0.9,
    )


def test_an_encoder_that_knows_nothing_gets_no_weight() -> None:
    assert learn_blend(table(1.0, 0.0))[1] == 0
    assert learn_blend(table(0.0, 1.0))[0] == 0


def test_encoders_that_know_alike_share_the_weight_and_beat_each_alone() -> None:
    known = table(1.0, 1.0, 0.0)
    weights = learn_blend(known)
    assert weights[2] == 0
    assert 0.4 < weights[0] / weights[:2].sum() < 0.6
    scores, by_fold = compared(known)
    assert set(scores) == {"a", "b", "c", FUSED, BLEND}
    assert (by_fold >= 0).all()
    auc = {name: scene_auc(values, known) for name, values in scores.items()}
    assert auc[BLEND] > max(auc["a"], auc["b"], auc[FUSED])
    assert auc["c"] == pytest.approx(0.5, abs=0.05)


def test_a_blend_deviates_as_the_first_encoder_does() -> None:
    known = table(1.0, 1.0)
    weights = of_one_deviation(np.array([0.5, 0.5]), known.covariance())
    pictured = known.above[:, known.has_image]
    assert (pictured @ weights).std() == pytest.approx(pictured[..., 0].std(), rel=1e-3)


def test_products_without_a_picture_are_scored_by_words_alone() -> None:
    known = table(1.0, 1.0)
    one, other = known.scores(np.array([1.0, 0.0])), known.scores(np.array([0.0, 1.0]))
    assert (one[:, 5] == other[:, 5]).all()
    assert (one != other).any()


def test_rank_fusion_prefers_what_stands_high_in_both() -> None:
    first, second = np.array([[3.0, 2.0, 1.0]]), np.array([[1.0, 3.0, 2.0]])
    assert np.argsort(-rank_fusion([first, second])).tolist() == [[1, 0, 2]]


def test_hits_are_counted_among_the_first_and_ties_keep_their_order() -> None:
    relevant = np.array([[False, True, False], [False, False, True]])
    assert hits(np.zeros((2, 3)), relevant, 2).tolist() == [True, False]


def test_too_few_scenes_and_labels_are_refused() -> None:
    with pytest.raises(TruthError, match="9 scenes are too few, label 10 or more"):
        out_of_fold(table(1.0, 0.0, scenes=9))
    known = table(1.0, 0.0)
    known.relevant[:] = False
    with pytest.raises(TruthError, match="label some of each"):
        learn_blend(known)


def test_a_bundle_of_one_encoder_has_nothing_to_blend(demo) -> None:
    matcher = all_members(SceneMatcher.open(demo))
    scene = matcher.analyze(sample_photographs()[0])
    one = np.zeros((1, 2), bool)
    with pytest.raises(TruthError, match="build with --encoder A,B to blend"):
        blend_table(matcher, [scene], np.arange(2), one, ~one)
