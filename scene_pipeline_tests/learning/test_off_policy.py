"""Off-policy estimates cover the truth, and are refused where a log cannot carry them."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.policy import bandit_claims
from scene_pipeline.errors import LearningError
from scene_pipeline.learning.off_policy import LoggedRewards, cross_fitted_rates, evaluate_policy

LOGGING, TARGET, RATES = np.full(4, 0.25), np.array([0.7, 0.1, 0.1, 0.1]), np.array([0.3, 0.1, 0.05, 0.2])


def _log(seed: int, n: int = 5000, logging: np.ndarray = LOGGING, target: np.ndarray = TARGET) -> LoggedRewards:
    generator = np.random.default_rng(seed)
    shown = generator.choice(4, size=n, p=logging)
    rewards = (generator.random(n) < RATES[shown]).astype(float)
    rates, fold = cross_fitted_rates(shown, np.zeros(4, dtype=int), rewards)
    return LoggedRewards(
        rewards, target[shown] / logging[shown], predicted=rates[fold, shown], predicted_target=rates[fold] @ target
    )


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    truth = float(RATES @ TARGET)
    covered = {"ips": 0, "snips": 0, "dr": 0}
    for seed in range(200):
        for name, estimate in evaluate_policy(_log(seed)).estimates.items():
            covered[name] += estimate.low <= truth <= estimate.high
    assert all(180 <= count <= 199 for count in covered.values()), covered


def test_the_doubly_robust_interval_is_no_wider_than_that_of_ips() -> None:
    found = evaluate_policy(_log(0)).estimates
    assert found["dr"].high - found["dr"].low < found["ips"].high - found["ips"].low


@pytest.mark.parametrize(
    ("n", "logging", "refused"),
    [(5000, LOGGING, False), (400, LOGGING, True), (20_000, np.array([0.005, 0.395, 0.3, 0.3]), True)],
    ids=["enough", "too few", "too unlike"],
)
def test_a_small_effective_sample_gives_no_figure(n: int, logging: np.ndarray, refused: bool) -> None:
    report = evaluate_policy(_log(0, n, logging))
    assert bool(report.refused) == refused
    assert bool(report.estimates) != refused
    assert evaluate_policy(_log(0, n, logging), clip=1.5).refused == report.refused


def test_clipping_is_stated() -> None:
    report = evaluate_policy(_log(0), clip=2.0)
    assert report.clip == 2.0
    assert 0.1 < report.clipped_mass < 0.5


def test_rows_of_one_unit_count_as_one() -> None:
    log = _log(0)
    doubled = LoggedRewards(
        np.repeat(log.rewards, 2), np.repeat(log.weights, 2), units=np.repeat(np.arange(len(log.rewards)), 2)
    )
    one, two = evaluate_policy(LoggedRewards(log.rewards, log.weights)), evaluate_policy(doubled)
    assert two.n == one.n
    assert two.estimates["ips"].high == pytest.approx(one.estimates["ips"].high)
    assert two.effective_sample == pytest.approx(one.effective_sample)


@pytest.mark.parametrize("weights", [np.array([1.0, -1.0]), np.array([1.0, np.inf]), np.array([1.0])])
def test_weights_that_are_none_are_refused(weights: np.ndarray) -> None:
    with pytest.raises(LearningError, match="weights"):
        evaluate_policy(LoggedRewards(np.ones(2), weights))


def test_open_bandit_is_estimated_or_refused(shared_data: Path) -> None:
    claims, details = bandit_claims(shared_data / "open_bandit")
    assert [claim.holds for claim in claims] == [True, True, True]
    assert "effective sample is 2 of 10,000" in details["bts -> random, women"]["refused"]
