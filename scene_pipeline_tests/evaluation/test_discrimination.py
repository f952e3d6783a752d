from collections.abc import Callable

import numpy as np
import pytest

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.discrimination import auc_same_type, draw_questions, fill_in_the_blank

N_SCENES, PER_TYPE = 60, 30
TYPES = ["lamp"] * PER_TYPE + ["rug"] * PER_TYPE + [""]


def truth(seed: int = 0) -> np.ndarray:
    relevant = np.random.default_rng(seed).random((N_SCENES, len(TYPES))) < 0.1
    relevant[:, -1] = True
    return relevant


def test_wrong_options_are_of_the_same_type_true_elsewhere_and_not_here() -> None:
    relevant = truth()
    relevant[:, 5] = False  # true in no scene: never an option
    questions = draw_questions(relevant, TYPES)
    for scene, options in zip(questions.scene, questions.options, strict=True):
        assert relevant[scene, options[0]]
        assert not relevant[scene, options[1:]].any()
        assert len({TYPES[option] for option in options}) == 1
        assert len(set(options)) == 4
        assert 5 not in options
    assert questions.skipped == N_SCENES  # the product without a type
    assert len(questions.scene) + questions.skipped == relevant.sum()


def test_questions_depend_on_the_seed_alone() -> None:
    first, again, other = (draw_questions(truth(), TYPES, seed=seed).options for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("scores", "fitb", "auc"),
    [
        (lambda relevant: relevant.astype(float), 1.0, 1.0),
        (lambda relevant: -relevant.astype(float), 0.0, 0.0),
        (lambda relevant: np.zeros(relevant.shape), 0.25, 0.5),
    ],
)
def test_perfect_inverse_and_constant_scores(
    scores: Callable[[np.ndarray], np.ndarray], fitb: float, auc: float
) -> None:
    relevant = truth()
    assert fill_in_the_blank(scores(relevant), draw_questions(relevant, TYPES)).value == pytest.approx(fitb)
    assert auc_same_type(scores(relevant), relevant, TYPES).value == pytest.approx(auc)


def test_random_scores_give_chance_within_the_interval() -> None:
    relevant = truth()
    scores = np.random.default_rng(7).random(relevant.shape)
    fitb = fill_in_the_blank(scores, draw_questions(relevant, TYPES))
    auc = auc_same_type(scores, relevant, TYPES)
    assert fitb.low < 0.25 < fitb.high
    assert auc.low < 0.5 < auc.high


def test_examples_pair_each_score_with_its_label_and_scene() -> None:
    relevant = truth()
    questions = draw_questions(relevant, TYPES)
    scores, labels, scenes = questions.examples(relevant.astype(float))
    assert np.array_equal(scores, labels)
    assert labels.mean() == pytest.approx(0.25)
    assert np.array_equal(np.unique(scenes), np.unique(questions.scene))


def test_a_truth_too_small_to_ask_about_is_refused() -> None:
    relevant = np.asarray([[True, False], [False, True]])
    with pytest.raises(TruthError, match="too small to ask about"):
        draw_questions(relevant, ["lamp", "lamp"])
    with pytest.raises(TruthError, match="too small to compare"):
        auc_same_type(np.zeros((2, 2)), relevant, ["lamp", "rug"])
