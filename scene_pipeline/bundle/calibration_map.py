"""The map from a score to the probability that a product fits, as a bundle carries it in calibration.json."""

from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np

from scene_pipeline.errors import BundleError

Method = Literal["isotonic", "platt", "none"]


class CalibrationMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fitted map, and what it was fitted on.

    method: "isotonic" (straight lines through the points `x`, `y`, both ascending), "platt" (logistic of
    `a * score + b`) or "none" (the score itself). n: labeled examples. prior: share of fitting products assumed.
    ece, brier: on groups held out of the fit; None when there were too few to hold any out. ece_shown: that of the
    products that were shown for them alone; a list is chosen by more than scores. shown: ascending
    deciles (eleven) of the scores of the products that were shown for the scenes of the set. weights: those of the
    factors when it was fitted; a score by other weights means something else. domain: what the scenes of the set are,
    "photographs" or "renders": a map of one is no map of the other. blend: weights of a bundle's encoders, where it has
    several, when it was fitted; left out where it has one.
    """

    method: Method
    encoder_id: str
    calibrated: bool
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    a: float = 1.0
    b: float = 0.0
    set_name: str = ""
    n: int = 0
    prior: float | None = None
    ece: float | None = None
    brier: float | None = None
    ece_shown: float | None = None
    shown: tuple[float, ...] = ()
    weights: dict[str, float] = {}
    domain: str = ""
    blend: dict[str, float] | msgspec.UnsetType = msgspec.UNSET

    def speaks_of(self, domain: str) -> bool:
        """Tell whether the map was learned on pictures of this domain; one that names none speaks of all."""
        return not self.domain or self.domain == domain

    def holds_for(self, weights: Mapping[str, float]) -> bool:
        """Tell whether scores by these weights are those the map was fitted on; one that names none holds for all."""
        return not self.weights or all(abs(self.weights.get(name, 0) - value) < 1e-6 for name, value in weights.items())

    def holds_for_blend(self, blend: Mapping[str, float]) -> bool:
        """Tell whether the map was fitted on scores by encoders blended so; empty where a bundle has one encoder."""
        fitted = self.blend or {}
        return fitted.keys() == blend.keys() and all(abs(fitted[id] - weight) < 1e-6 for id, weight in blend.items())

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Return the confidence of each score as float32, of the same shape and within 0-1."""
        values = np.asarray(scores, dtype=np.float64)
        if self.method == "isotonic":
            mapped = np.interp(values, self.x, self.y)
        elif self.method == "platt":
            mapped = logistic(self.a * values + self.b)
        else:
            mapped = np.clip(values, 0.0, 1.0)
        return mapped.astype(np.float32)

    def to_json(self) -> bytes:
        """Return the map as the bytes of calibration.json."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)

    @classmethod
    def from_json(cls, data: bytes) -> "CalibrationMap":
        """Return the map that `to_json` wrote. Raises BundleError when it is something else."""
        try:
            read = msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise BundleError(f"calibration.json: {error}; build the bundle again") from error
        read.check()
        return read

    def check(self) -> None:
        """Raise BundleError when `calibrated` and `method` disagree or the points are no ascending map into 0-1."""
        if self.calibrated == (self.method == "none"):
            raise BundleError(f"calibration.json: calibrated is {self.calibrated} but method is '{self.method}'")
        if self.method != "isotonic":
            return
        ascending = len(self.x) == len(self.y) > 0 and np.all(np.diff(self.x) > 0) and np.all(np.diff(self.y) >= 0)
        if not (ascending and self.y[0] >= 0 and self.y[-1] <= 1):
            raise BundleError("calibration.json: x and y must be as long as each other, ascending, and y within 0-1")


def uncalibrated(encoder_id: str) -> CalibrationMap:
    """Return the map of an encoder that has no labels: the score as it is, saying that it is not a probability."""
    return CalibrationMap(method="none", encoder_id=encoder_id, calibrated=False)


DRIFTED = 0.25
"""Population stability index from which two distributions of scores count as different."""


def score_drift(calibration: CalibrationMap, scores: np.ndarray) -> float | None:
    """Return how far `scores` shown [n] lie from those the map was fitted on, as a population stability index.

    0: the same in every tenth; above DRIFTED: other scores than those whose meaning was measured, so that confidences
    may mean something else. None without a calibration, or with too few scores (100) to tell.
    """
    if len(calibration.shown) < 3 or len(scores) < 100:
        return None
    inner = np.array(calibration.shown[1:-1])
    found = np.bincount(np.searchsorted(inner, scores), minlength=len(inner) + 1) / len(scores)
    found = np.maximum(found, 0.5 / len(scores))
    expected = 1 / (len(inner) + 1)
    return float(((found - expected) * np.log(found / expected)).sum())


def logistic(values: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-values)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -values))
