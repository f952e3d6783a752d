"""Which score means which probability, for each encoder that was measured on labeled scenes."""

from pathlib import Path

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.encoders.spec import EncoderSpec, slug

CALIBRATIONS = Path(__file__).parent / "calibrations"


def calibration_for(spec: EncoderSpec) -> CalibrationMap:
    """Return the calibration that ships for exactly these weights, or one that says it is none."""
    path = CALIBRATIONS / f"{slug(spec)}.json"
    return CalibrationMap.from_json(path.read_bytes()) if path.is_file() else uncalibrated(spec.id)
