"""Assign a unit to an arm by a salted hash: the same at every visit and on every server."""

import hashlib

from scene_pipeline.experiments.design import Experiment


def assign(experiment: Experiment, unit: str) -> str | None:
    """Return the arm of a unit; None for the holdout and for an unknown (empty) unit."""
    if not unit or _uniform(f"{experiment.shuffle_salt}/holdout/{unit}") < experiment.holdout:
        return None
    place, low = _uniform(f"{experiment.shuffle_salt}/arm/{unit}"), 0.0
    arms = list(experiment.arms)
    for arm in arms[:-1]:
        low += experiment.allocation[arm]
        if place < low:
            return arm
    return arms[-1]


def _uniform(text: str) -> float:
    """Return a number in [0, 1) from the first 8 bytes of a SHA-256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
