"""The nightly steps of learning; each writes a file. A refusal is written too, and does not stop the other steps."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from scene_pipeline.errors import LearningError
from scene_pipeline.files import write_bytes
from scene_pipeline.learning.click_model import ClickModel, fit_click_model
from scene_pipeline.learning.from_events import mean_price, read_logs
from scene_pipeline.learning.logs import Logs
from scene_pipeline.learning.policy_value import evaluate_weights
from scene_pipeline.learning.weights import choices_of, fit_weights
from scene_pipeline.paths import CANDIDATE_WEIGHTS, PROPENSITIES

T = TypeVar("T")


class Propensities(msgspec.Struct, frozen=True):
    """Position bias by rank, relative to the first rank that was explored, or the reason why it was refused.

    price: the mean share of the expected score that exploration cost the lists that were explored.
    """

    examination: dict[int, float] = {}
    low: dict[int, float] = {}
    high: dict[int, float] = {}
    clicks: int = 0
    lists: int = 0
    price: float = 0.0
    refused: str = ""

    def model(self) -> ClickModel | None:
        """Return the click model, None where it was refused."""
        if self.refused:
            return None
        return ClickModel(min(self.examination), self.examination, self.low, self.high, self.clicks)


class CandidateWeights(msgspec.Struct, frozen=True):
    """Learned weights, those in force, and the interval of the held-out gain (nats per list), or why there are none.

    step: how far they went from those in force (0) to those that fit the choices best (1).
    """

    weights: dict[str, float] = {}
    prior: dict[str, float] = {}
    gain: float = 0.0
    gain_low: float = 0.0
    gain_high: float = 0.0
    lists: int = 0
    scenes: int = 0
    choices: int = 0
    improves: bool = False
    step: float = 0.0
    refused: str = ""


class PolicyEstimate(msgspec.Struct, frozen=True):
    """What weights would have earned per shown product, by method, and what was earned, or why it is not known."""

    estimates: dict[str, tuple[float, float, float]] = {}
    on_policy: tuple[float, float, float] = (0.0, 0.0, 0.0)
    effective_sample: float = 0.0
    required_sample: float = 0.0
    n: int = 0
    clip: float | None = None
    clipped_mass: float = 0.0
    unsupported: float = 0.0
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Days:
    """The range of days to learn from; None is open."""

    since: dt.date | None = None
    until: dt.date | None = None


ALL_DAYS = Days()


def estimate_propensities(events: Path, days: Days = ALL_DAYS) -> Propensities:
    """Return position bias from the compacted events."""
    try:
        logs = read_logs(events, days.since, days.until)
        model = fit_click_model(logs)
    except LearningError as error:
        return Propensities(refused=str(error))
    price = mean_price(events, days.since, days.until)
    return Propensities(dict(model.examination), dict(model.low), dict(model.high), model.clicks, logs.n, price)


def learn_weights(
    events: Path, propensities: Propensities, prior: Mapping[str, float], days: Days = ALL_DAYS
) -> CandidateWeights:
    """Return weights learned from debiased actions. Without propensities nothing is learned."""
    model = propensities.model()
    if model is None:
        return CandidateWeights(prior=dict(prior), refused=propensities.refused)
    try:
        logs = read_logs(events, days.since, days.until)
        fit = fit_weights(choices_of(logs, model), _vector(logs, prior))
    except LearningError as error:
        return CandidateWeights(prior=dict(prior), refused=str(error))
    weights = dict(zip(logs.factor_names, np.round(fit.weights, 6).tolist(), strict=True))
    largest = max(weights, key=lambda name: weights[name])
    weights[largest] = round(weights[largest] + 1 - sum(weights.values()), 6)
    return CandidateWeights(
        weights=weights,
        prior=dict(prior),
        gain=fit.gain,
        gain_low=fit.gain_low,
        gain_high=fit.gain_high,
        lists=fit.lists,
        scenes=fit.scenes,
        choices=fit.choices,
        improves=fit.improves,
        step=fit.step,
    )


def estimate_policy(
    events: Path,
    propensities: Propensities,
    weights: Mapping[str, float],
    days: Days = ALL_DAYS,
    clip: float | None = None,
) -> PolicyEstimate:
    """Return what `weights` would have earned on the logged lists, or a refusal."""
    model = propensities.model()
    if model is None or not weights:
        return PolicyEstimate(refused=propensities.refused or "there are no candidate weights to evaluate")
    try:
        logs = read_logs(events, days.since, days.until)
        found = evaluate_weights(logs, model, _vector(logs, weights), clip)
    except LearningError as error:
        return PolicyEstimate(refused=str(error))
    report = found.report
    return PolicyEstimate(
        estimates={name: (item.value, item.low, item.high) for name, item in report.estimates.items()},
        on_policy=(report.on_policy.value, report.on_policy.low, report.on_policy.high),
        effective_sample=report.effective_sample,
        required_sample=report.required_sample,
        n=report.n,
        clip=report.clip,
        clipped_mass=report.clipped_mass,
        unsupported=found.unsupported,
        refused=report.refused or "",
    )


def _vector(logs: Logs, weights: Mapping[str, float]) -> np.ndarray:
    unknown = sorted(set(weights) - set(logs.factor_names))
    if unknown:
        raise LearningError(f"weight '{unknown[0]}' is not a factor of these lists: {', '.join(logs.factor_names)}")
    vector = np.array([weights.get(name, 0.0) for name in logs.factor_names])
    if vector.sum() <= 0:
        raise LearningError("all weights are 0; give at least one factor a weight")
    return vector / vector.sum()


def save(document: msgspec.Struct, path: Path) -> None:
    """Write a step's result as JSON."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(document), indent=1))


def load_propensities(artifacts: Path) -> Propensities:
    """Return the step's result, or a refusal where it has not been made."""
    return _load(artifacts / PROPENSITIES, Propensities) or Propensities(
        refused="position bias has not been estimated; materialize propensities"
    )


def load_candidate(artifacts: Path) -> CandidateWeights:
    """Return the step's result, or a refusal where it has not been made."""
    return _load(artifacts / CANDIDATE_WEIGHTS, CandidateWeights) or CandidateWeights(
        refused="no weights have been learned; materialize candidate_weights"
    )


def _load(path: Path, kind: type[T]) -> T | None:
    return msgspec.json.decode(path.read_bytes(), type=kind) if path.exists() else None
