"""Maps from score to probability, for each encoder that was measured on labeled scenes."""

from collections.abc import Sequence
from pathlib import Path

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.encoders.ensemble import ensemble_id, ensemble_slug
from scene_pipeline.encoders.spec import EncoderSpec, shipped_file
from scene_pipeline.paths import CALIBRATIONS_FOLDER


def own_calibration(artifacts: Path, specs: Sequence[EncoderSpec]) -> Path:
    """Return the path of the map from a user's own labels for exactly these weights, next to the bundles."""
    return artifacts / CALIBRATIONS_FOLDER / f"{ensemble_slug(specs)}.json"


def calibration_for(specs: Sequence[EncoderSpec], artifacts: Path | None = None) -> CalibrationMap:
    """Return the calibration for exactly these weights: the user's own, else the packaged one, else `uncalibrated`.

    `specs` are the encoders of a bundle, usually one; a map of several contains their blend.

    `artifacts` is where `scene-pipeline calibrate` keeps its map, so that every later build has it too.
    """
    own = None if artifacts is None else own_calibration(artifacts, specs)
    for path in (own, shipped_file(ensemble_slug(specs), "calibration.json")):
        if path is not None and path.is_file():
            return CalibrationMap.from_json(path.read_bytes())
    return uncalibrated(ensemble_id(specs))
