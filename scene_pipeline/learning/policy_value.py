"""What other weights would have earned on the logged lists, by the position-based estimator (Li et al., KDD 2018).

A product's exposure under a policy is the sum of examination over the ranks it may come to. Rewards of the log count
by exposure under the other weights over exposure under those that ran.
"""

from dataclasses import dataclass

import numpy as np

from scene_pipeline.learning.click_model import ClickModel
from scene_pipeline.learning.logs import Logs
from scene_pipeline.learning.off_policy import LoggedRewards, PolicyReport, evaluate_policy

MAX_UNSUPPORTED = 0.05
FOLDS = 5


@dataclass(frozen=True, slots=True)
class WeightsValue:
    """Estimated rewards per shown product under other weights.

    unsupported: share of their exposure that falls on products which the log could never have shown.
    """

    report: PolicyReport
    unsupported: float


def evaluate_weights(
    logs: Logs, click_model: ClickModel, weights: np.ndarray, clip: float | None = None
) -> WeightsValue:
    """Estimate what `weights` [F] would have earned on these lists and their runners-up, or refuse.

    Refused with a small effective sample, and when more than 5% of the other policy's exposure is unsupported.
    """
    length = int(logs.rank[logs.shown].max(initial=1))
    target = _target_exposure(logs, click_model, weights, length)
    possible = logs.support_rank <= length
    exposure = np.bincount(
        logs.support_row[possible],
        weights=click_model.at(logs.support_rank[possible]) * logs.support_probability[possible],
        minlength=len(logs.rank),
    )
    unsupported = float(target[exposure == 0].sum() / target.sum())
    shown = logs.shown
    attraction = _attraction(logs, click_model)
    direct = np.bincount(logs.request, weights=target * attraction, minlength=logs.n)
    listed = np.bincount(logs.request[shown], minlength=logs.n)
    request = logs.request[shown]
    log = LoggedRewards(
        rewards=logs.reward[shown],
        weights=target[shown] / exposure[shown],
        units=request,
        predicted=click_model.at(logs.rank[shown]) * attraction[shown],
        predicted_target=direct[request] / listed[request],
    )
    report = evaluate_policy(log, clip)
    if unsupported > MAX_UNSUPPORTED and report.refused is None:
        reason = (
            f"{unsupported:.0%} of what these weights would show could never have been shown by the log, at most "
            f"{MAX_UNSUPPORTED:.0%} may; log with more runners-up or a wider exploration"
        )
        report = PolicyReport(
            *({}, reason, report.n, report.effective_sample, report.required_sample),
            *(report.clip, report.clipped_mass, report.on_policy),
        )
    return WeightsValue(report, unsupported)


def _target_exposure(logs: Logs, click_model: ClickModel, weights: np.ndarray, length: int) -> np.ndarray:
    """Return the examination [m] of each row's rank among its list and runners-up by `weights`; 0 beyond the list."""
    order = np.lexsort((logs.rank, -(logs.factors @ weights), logs.request))
    starts = np.flatnonzero(np.diff(logs.request[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, sizes) + 1
    # a list that had fewer places keeps them
    places = np.bincount(logs.request[logs.shown], minlength=logs.n)[logs.request]
    return np.where(rank <= places, click_model.at(np.minimum(rank, length)), 0.0)


def _attraction(logs: Logs, click_model: ClickModel) -> np.ndarray:
    """Return the expected reward [m] of each row's product once examined: a cross-fitted ridge regression."""
    design = np.column_stack([logs.factors, np.ones(len(logs.rank))]).astype(np.float64)
    examination = click_model.at(np.minimum(logs.rank, int(logs.rank[logs.shown].max(initial=1))))
    fold = np.random.default_rng(0).permutation(logs.n)[logs.request] % FOLDS
    found = np.empty(len(logs.rank))
    for index in range(FOLDS):
        kept = logs.shown & (fold != index)
        seen = design[kept] * examination[kept, None]
        gram = seen.T @ seen + 1e-6 * kept.sum() * np.eye(design.shape[1])
        found[fold == index] = design[fold == index] @ np.linalg.solve(gram, seen.T @ logs.reward[kept])
    return np.clip(found, 0.0, 1.0)
