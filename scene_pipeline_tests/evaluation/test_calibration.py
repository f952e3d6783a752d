import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression, isotonic_regression
from sklearn.linear_model import LogisticRegression

from scene_pipeline.bundle.calibration_map import CalibrationMap, Method, uncalibrated
from scene_pipeline.errors import BundleError, TruthError
from scene_pipeline.evaluation.calibration import (
    brier,
    ece,
    fit_calibration,
    held_out_confidence,
    pool_adjacent_violators,
    reliability_table,
)


def drawn(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores whose true probability is their square, in scenes of ten."""
    generator = np.random.default_rng(seed)
    scores = generator.random(n)
    return scores, (generator.random(n) < scores**2).astype(float), np.arange(n) // 10


@given(st.lists(st.tuples(st.floats(-5, 5, allow_subnormal=False), st.floats(0.01, 10)), min_size=1, max_size=40))
def test_pooling_agrees_with_scikit_learn(rows: list[tuple[float, float]]) -> None:
    values, weights = np.asarray(rows).T
    expected = isotonic_regression(values, sample_weight=weights)
    np.testing.assert_allclose(pool_adjacent_violators(values, weights), expected, atol=1e-6)


def test_a_score_that_overstates_is_mapped_to_what_happens() -> None:
    scores, labels, groups = drawn()
    raw = ece(scores, labels)
    for method in ("isotonic", "platt"):
        fitted = fit_calibration(scores, labels, method, groups=groups, set_name="drawn", encoder_id="e")
        assert fitted.ece is not None
        assert fitted.ece < 0.05 < raw
        assert fitted.apply(np.asarray([0.5])) == pytest.approx(0.25, abs=0.06)
        assert (fitted.set_name, fitted.encoder_id, fitted.n) == ("drawn", "e", 4000)
        assert fitted.calibrated


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_a_map_is_monotone_within_0_1_float32_and_keeps_the_shape(method: Method) -> None:
    scores, labels, _ = drawn(200)
    mapped = fit_calibration(scores, labels, method).apply(np.linspace(-3, 3, 600).reshape(2, 300))
    assert mapped.dtype == np.float32
    assert mapped.shape == (2, 300)
    assert np.all(np.diff(mapped.ravel()) >= 0)
    assert mapped.min() >= 0
    assert mapped.max() <= 1


def test_a_few_examples_never_claim_certainty() -> None:
    fitted = fit_calibration(np.asarray([0.1, 0.2, 0.8, 0.9]), np.asarray([0, 0, 1, 1]))
    assert fitted.y == pytest.approx((1 / 6, 1 / 6, 5 / 6, 5 / 6))
    assert fitted.x == pytest.approx((0.1, 0.2, 0.8, 0.9))
    assert fitted.ece is None
    assert fitted.brier is None


def test_the_stored_points_are_corners_and_lose_nothing() -> None:
    scores, labels, _ = drawn()
    fitted = fit_calibration(scores, labels)
    assert len(fitted.x) < 200
    reference = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    np.testing.assert_allclose(fitted.apply(scores), reference.predict(scores), atol=1 / 4002 + 1e-6)


def test_platt_agrees_with_logistic_regression_on_many_examples() -> None:
    scores, labels, _ = drawn(20000)
    fitted = fit_calibration(scores, labels, "platt")
    reference = LogisticRegression(C=1e9).fit(scores[:, None], labels)
    assert fitted.a == pytest.approx(reference.coef_[0, 0], rel=0.01)
    assert fitted.b == pytest.approx(reference.intercept_[0], rel=0.01)


def test_platt_stays_finite_where_the_labels_can_be_separated() -> None:
    fitted = fit_calibration(np.asarray([0.1, 0.2, 0.8, 0.9] * 5), np.asarray([0, 0, 1, 1] * 5), "platt")
    low, high = fitted.apply(np.asarray([0.1, 0.9]))
    assert 0 < low < 0.1
    assert 0.9 < high < 1


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_the_prior_moves_the_mean_confidence(method: Method) -> None:
    scores, labels, _ = drawn()
    fitted = fit_calibration(scores, labels, method, prior=0.05)
    assert fitted.prior == pytest.approx(0.05)
    weights = np.where(labels == 1, 0.05 / labels.mean(), 0.95 / (1 - labels.mean()))
    assert np.average(fitted.apply(scores), weights=weights) == pytest.approx(0.05, abs=0.01)


def test_held_out_means_that_no_scene_judges_itself() -> None:
    # Each scene has a score of its own and a label by the toss of a coin: nothing can be learned across scenes.
    generator = np.random.default_rng(1)
    groups = np.repeat(np.arange(200), 5)
    scores = generator.random(200)[groups]
    labels = (generator.random(200) < 0.5).astype(float)[groups]
    seen = fit_calibration(scores, labels).apply(scores)
    held_out = held_out_confidence(scores, labels, groups)
    assert np.corrcoef(seen, labels)[0, 1] > 0.1
    assert abs(np.corrcoef(held_out, labels)[0, 1]) < 0.15
    fitted = fit_calibration(scores, labels, groups=groups)
    assert fitted.ece == pytest.approx(ece(held_out, labels))
    assert fitted.brier == pytest.approx(brier(held_out, labels))


def test_ece_and_the_reliability_table_have_their_textbook_values() -> None:
    confidence, labels = np.asarray([0.95, 0.95, 0.25, 1.0]), np.asarray([1, 0, 0, 1])
    table = reliability_table(confidence, labels)
    assert [(row.n, row.low) for row in table] == [(1, 0.2), (3, 0.9)]
    assert table[1].accuracy == pytest.approx(2 / 3)
    assert ece(confidence, labels) == pytest.approx(0.25 * 0.25 + 0.75 * abs(2.9 / 3 - 2 / 3))
    assert brier(confidence, labels) == pytest.approx((0.05**2 + 0.95**2 + 0.25**2) / 4)


def test_a_map_survives_its_json_and_an_altered_one_is_refused() -> None:
    scores, labels, groups = drawn(300)
    fitted = fit_calibration(scores, labels, groups=groups, set_name="s", encoder_id="e")
    assert CalibrationMap.from_json(fitted.to_json()) == fitted
    for old, new in [(b'"isotonic"', b'"none"'), (b'"x": [', b'"x": [9.5,'), (b'"n":', b'"m":'), (b"{", b"")]:
        with pytest.raises(BundleError, match=r"calibration\.json"):
            CalibrationMap.from_json(fitted.to_json().replace(old, new, 1))


def test_an_uncalibrated_map_returns_the_score_and_says_so() -> None:
    plain = uncalibrated("compact")
    assert not plain.calibrated
    assert plain.apply(np.asarray([-0.5, 0.3, 1.5])).tolist() == pytest.approx([0.0, 0.3, 1.0])
    assert CalibrationMap.from_json(plain.to_json()) == plain


@pytest.mark.parametrize(
    ("scores", "labels", "method", "prior", "message"),
    [
        ([0.1, 0.2], [1, 1], "isotonic", None, "needs products that fit"),
        ([0.1, 0.2], [0, 2], "isotonic", None, "needs products that fit"),
        ([0.1, 0.2, 0.3], [0, 1], "isotonic", None, "one label a score"),
        ([0.1, float("nan")], [0, 1], "platt", None, "1 scores are not finite"),
        ([0.1, 0.2], [0, 1], "platt", 1.5, "prior is 1.5"),
        ([0.1, 0.2], [0, 1], "none", None, "method 'none' is not one of"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    scores: list[float], labels: list[float], method: Method, prior: float | None, message: str
) -> None:
    with pytest.raises(TruthError, match=message):
        fit_calibration(np.asarray(scores), np.asarray(labels), method, prior)
    with pytest.raises(TruthError, match="too few labeled scenes"):
        held_out_confidence(np.asarray([0.1, 0.2]), np.asarray([0, 1]), np.asarray([0, 1]))
