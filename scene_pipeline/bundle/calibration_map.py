"""The map from a score to the probability that a product fits, as a bundle carries it in calibration.json."""

from typing import Literal

import msgspec
import numpy as np

from scene_pipeline.errors import BundleError

Method = Literal["isotonic", "platt", "none"]


class CalibrationMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fitted map, and what it was fitted on.

    method: "isotonic" (straight lines through the points `x`, `y`, both ascending), "platt" (logistic of
    `a * score + b`) or "none" (the score itself). n: labelled examples. prior: share of fitting products assumed.
    ece, brier: on groups held out of the fit; None when there were too few groups to hold any out.
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
    """Return the map of an encoder that has no labels: the score as it is, saying that it is no probability."""
    return CalibrationMap(method="none", encoder_id=encoder_id, calibrated=False)


def logistic(values: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-values)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -values))
