"""Which score means which probability, for each encoder that was measured on labeled scenes."""

from pathlib import Path

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.encoders.spec import EncoderSpec, slug

CALIBRATIONS = Path(__file__).parent / "calibrations"


def own_calibration(artifacts: Path, spec: EncoderSpec) -> Path:
    """Return where the map of a person's own labels for exactly these weights is kept, beside the bundles."""
    return artifacts / "calibrations" / f"{slug(spec)}.json"


def calibration_for(spec: EncoderSpec, artifacts: Path | None = None) -> CalibrationMap:
    """Return the calibration for exactly these weights: a person's own, else what ships, else one that says it is none.

    `artifacts` is where `scene-pipeline calibrate` keeps its map, so that every later build has it too.
    """
    own = None if artifacts is None else own_calibration(artifacts, spec)
    for path in (own, CALIBRATIONS / f"{slug(spec)}.json"):
        if path is not None and path.is_file():
            return CalibrationMap.from_json(path.read_bytes())
    return uncalibrated(spec.id)
