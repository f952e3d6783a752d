"""Fit the map from score to probability, and measure its calibration on held-out scenes."""

from dataclasses import dataclass

import msgspec
import numpy as np

from scene_pipeline.bundle.calibration_map import CalibrationMap, Method, logistic
from scene_pipeline.errors import TruthError

FOLDS = 5
NEWTON_STEPS = 100


def fit_calibration(
    scores: np.ndarray,
    labels: np.ndarray,
    method: Method = "isotonic",
    prior: float | None = None,
    *,
    groups: np.ndarray | None = None,
    set_name: str = "",
    encoder_id: str = "",
) -> CalibrationMap:
    """Return the map fitted on `scores` (shape (n,)) of products that fit (label 1) or do not (label 0).

    prior: the share of fitting products where the map will be used; examples are weighted to it. None keeps the set's
    own share. groups: the scene of each example, shape (n,); `ece` and `brier` of the map come from predictions for
    scenes that were held out of the fit (five folds of whole scenes). Raises TruthError for scores or labels that
    cannot be fitted.
    """
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    _check(scores, labels, method, prior)
    groups = np.arange(len(scores)) if groups is None else np.asarray(groups)
    weights = _weights(labels, prior)
    held_out = _held_out(scores, labels, (method, prior), groups)
    fitted = _fit(scores, labels, weights, method)
    return msgspec.structs.replace(
        fitted,
        encoder_id=encoder_id,
        set_name=set_name,
        n=len(scores),
        prior=float(np.average(labels, weights=weights)),
        ece=None if held_out is None else ece(held_out, labels, weights=weights),
        brier=None if held_out is None else brier(held_out, labels, weights=weights),
    )


def held_out_confidence(
    scores: np.ndarray, labels: np.ndarray, groups: np.ndarray, method: Method = "isotonic", prior: float | None = None
) -> np.ndarray:
    """Return the confidence of each example, shape (n,), by a map that has seen no example of its group.

    For reliability plots and intervals. Raises TruthError when there are too few groups to hold any out.
    """
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    _check(scores, labels, method, prior)
    confidence = _held_out(scores, labels, (method, prior), np.asarray(groups))
    if confidence is None:
        raise TruthError("calibration: too few labeled scenes to hold any out; label at least ten")
    return confidence


def ece(confidence: np.ndarray, labels: np.ndarray, bins: int = 10, weights: np.ndarray | None = None) -> float:
    """Return the expected calibration error: mean distance of confidence and accuracy over `bins` of equal width."""
    table = reliability_table(confidence, labels, bins, weights)
    return sum(row.share * abs(row.confidence - row.accuracy) for row in table)


def brier(confidence: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the mean squared distance of confidence and outcome (0 or 1)."""
    return float(np.average((np.asarray(confidence, dtype=np.float64) - labels) ** 2, weights=weights))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bin of a reliability plot: its bounds, examples, share of the weight, mean confidence and accuracy."""

    low: float
    high: float
    n: int
    share: float
    confidence: float
    accuracy: float


def reliability_table(
    confidence: np.ndarray, labels: np.ndarray, bins: int = 10, weights: np.ndarray | None = None
) -> tuple[ReliabilityBin, ...]:
    """Return the bins that hold examples, ascending. Inputs have shape (n,), confidences lie within 0-1."""
    confidence, labels = np.asarray(confidence, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    weights = np.ones(len(labels)) if weights is None else weights
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = []
    for index in np.unique(place):
        inside = place == index
        rows.append(
            ReliabilityBin(
                low=float(index / bins),
                high=float((index + 1) / bins),
                n=int(inside.sum()),
                share=float(weights[inside].sum() / weights.sum()),
                confidence=float(np.average(confidence[inside], weights=weights[inside])),
                accuracy=float(np.average(labels[inside], weights=weights[inside])),
            )
        )
    return tuple(rows)


def pool_adjacent_violators(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the non-decreasing sequence nearest to `values` in weighted least squares (shape (n,), linear time)."""
    means: list[float] = []
    masses: list[float] = []
    lengths: list[int] = []
    for value, weight in zip(values, weights, strict=True):
        mean, mass, length = float(value), float(weight), 1
        while means and means[-1] >= mean:
            before = masses.pop()
            mean = (means.pop() * before + mean * mass) / (before + mass)
            mass += before
            length += lengths.pop()
        means.append(mean)
        masses.append(mass)
        lengths.append(length)
    return np.repeat(means, lengths)


def _fit(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, method: Method) -> CalibrationMap:
    if method == "platt":
        a, b = _platt(scores, labels, weights)
        return CalibrationMap(method="platt", encoder_id="", calibrated=True, a=a, b=b)
    x, inverse = np.unique(scores, return_inverse=True)
    mass = np.bincount(inverse, weights=weights)
    y = pool_adjacent_violators(np.bincount(inverse, weights=weights * labels) / mass, mass)
    # n examples cannot show that a score is always right or always wrong: Laplace's rule of succession
    bound = 1 / (len(scores) + 2)
    y = np.clip(y, bound, 1 - bound)
    corner = np.ones(len(x), dtype=bool)
    corner[1:-1] = (y[1:-1] != y[:-2]) | (y[1:-1] != y[2:])
    return CalibrationMap(
        method="isotonic", encoder_id="", calibrated=True, x=tuple(x[corner].tolist()), y=tuple(y[corner].tolist())
    )


def _platt(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept by Newton's method, towards Platt's smoothed targets, which keep both finite."""
    positive, negative = labels.sum(), (1 - labels).sum()
    targets = np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    center, scale = scores.mean(), scores.std() or 1.0
    design = np.column_stack([(scores - center) / scale, np.ones(len(scores))])
    ridge = 1e-9 * np.eye(2)
    parameters = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        predicted = logistic(design @ parameters)
        gradient = design.T @ (weights * (predicted - targets))
        hessian = design.T @ (design * (weights * predicted * (1 - predicted))[:, None]) + ridge
        step = np.linalg.solve(hessian, gradient)
        parameters -= step * min(1.0, 4.0 / float(np.abs(step).max() + 1e-12))  # damped: large steps overshoot
        if np.abs(step).max() < 1e-10:
            break
    a = parameters[0] / scale
    return float(a), float(parameters[1] - a * center)


def _held_out(
    scores: np.ndarray, labels: np.ndarray, how: tuple[Method, float | None], groups: np.ndarray
) -> np.ndarray | None:
    """Return out-of-fold confidences, or None when a fold's remainder would lack one of the two labels."""
    method, prior = how
    names, members = np.unique(groups, return_inverse=True)
    if len(names) < 2 * FOLDS:
        return None
    fold = (np.random.default_rng(0).permutation(len(names)) % FOLDS)[members]
    confidence = np.empty(len(scores))
    for index in range(FOLDS):
        kept, out = fold != index, fold == index
        if len(np.unique(labels[kept])) < 2:
            return None
        fitted = _fit(scores[kept], labels[kept], _weights(labels[kept], prior), method)
        confidence[out] = fitted.apply(scores[out])
    return confidence


def _weights(labels: np.ndarray, prior: float | None) -> np.ndarray:
    if prior is None:
        return np.ones(len(labels))
    share = labels.mean()
    return np.where(labels == 1, prior / share, (1 - prior) / (1 - share))


def _check(scores: np.ndarray, labels: np.ndarray, method: Method, prior: float | None) -> None:
    if method not in ("isotonic", "platt"):
        raise TruthError(f"calibration: method '{method}' is not one of isotonic, platt")
    if scores.shape != labels.shape or scores.ndim != 1:
        raise TruthError(f"calibration: {scores.shape} scores for {labels.shape} labels; give one label a score")
    if not np.isfinite(scores).all():
        raise TruthError(f"calibration: {int((~np.isfinite(scores)).sum())} scores are not finite")
    if set(np.unique(labels).tolist()) != {0.0, 1.0}:
        raise TruthError("calibration: needs products that fit (1) and products that do not (0), and nothing else")
    if prior is not None and not 0 < prior < 1:
        raise TruthError(f"calibration: prior is {prior:g}; it must lie between 0 and 1")
