"""What other weights would have earned on the logged lists, by the position-based estimator (Li et al., KDD 2018).

A product's exposure under a policy is its expected examination over the ranks it may have. Rewards of the log are
weighted by the exposure under the other weights, divided by that under the weights that ran.
"""

from dataclasses import dataclass

import numpy as np

from scene_pipeline.learning.click_model import ClickModel
from scene_pipeline.learning.logs import Logs
from scene_pipeline.learning.off_policy import LoggedRewards, PolicyReport, evaluate_policy

MAX_UNSUPPORTED = 0.05
FOLDS = 5
BLOCK = 1_000_000
"""Number of ranks computed at once."""


@dataclass(frozen=True, slots=True)
class WeightsValue:
    """Estimated rewards per shown product under other weights.

    unsupported: share of their exposure on products that the log could never have shown.
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
    exposure = _logged_exposure(logs, click_model, length)
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


def _logged_exposure(logs: Logs, click_model: ClickModel, length: int) -> np.ndarray:
    """Return the expected examination [m] of each row's product over the ranks that it could have had."""
    found = np.zeros(len(logs.rank))
    for start in range(0, len(logs.support_row), BLOCK):
        part = slice(start, start + BLOCK)
        rank, row = logs.support_rank[part], logs.support_row[part]
        value = np.where(rank <= length, click_model.at(rank) * logs.support_probability[part], 0.0)
        first = int(row.min())
        sums = np.bincount(row - first, weights=value)
        found[first : first + len(sums)] += sums
    return found


def _target_exposure(logs: Logs, click_model: ClickModel, weights: np.ndarray, length: int) -> np.ndarray:
    """Return the examination [m] of each row's rank among its list and runners-up by `weights`; 0 beyond the list."""
    # a list keeps its own number of places
    places = np.bincount(logs.request[logs.shown], minlength=logs.n)
    found = np.empty(len(logs.rank))
    for rows in logs.blocks():
        request = logs.request[rows]
        order = np.lexsort((logs.rank[rows], -(logs.factors[rows] @ weights), request))
        sizes = np.bincount(request - request[0])
        sizes = sizes[sizes > 0]
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
        found[rows] = np.where(rank <= places[request], click_model.at(np.minimum(rank, length)), 0.0)
    return found


def _attraction(logs: Logs, click_model: ClickModel) -> np.ndarray:
    """Return the expected reward [m] of each row's product once examined: a cross-fitted ridge regression."""
    width = logs.factors.shape[1] + 1
    fold = np.random.default_rng(0).permutation(logs.n) % FOLDS
    grams, products, counts = np.zeros((FOLDS, width, width)), np.zeros((FOLDS, width)), np.zeros(FOLDS)
    for rows in logs.blocks():
        shown = logs.shown[rows]
        seen = _design(logs.factors[rows][shown]) * click_model.at(logs.rank[rows][shown])[:, None]
        own, reward = fold[logs.request[rows][shown]], logs.reward[rows][shown]
        for index in range(FOLDS):
            part = seen[own == index]
            grams[index] += part.T @ part
            products[index] += part.T @ reward[own == index]
            counts[index] += len(part)
    coefficients = np.stack(
        [
            np.linalg.solve(
                grams.sum(axis=0) - grams[index] + 1e-6 * (counts.sum() - counts[index]) * np.eye(width),
                products.sum(axis=0) - products[index],
            )
            for index in range(FOLDS)
        ]
    )
    found = np.empty(len(logs.rank))
    for rows in logs.blocks():
        found[rows] = (_design(logs.factors[rows]) * coefficients[fold[logs.request[rows]]]).sum(axis=1)
    return np.clip(found, 0.0, 1.0)


def _design(factors: np.ndarray) -> np.ndarray:
    """Return factors [m, F] in double precision, and a column of ones."""
    return np.column_stack([factors, np.ones(len(factors))]).astype(np.float64)
