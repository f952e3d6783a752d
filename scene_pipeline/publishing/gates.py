"""What a bundle must reach on labeled scenes before it is promoted: as checks of the sealed folder."""

from pathlib import Path

from scene_pipeline.bundle.checks import Check, CheckResult
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.matching.matcher import SceneMatcher

ECE_CEILING = 0.1
"""Largest calibration error on scenes held out, unless a deployment sets another."""


def calibration(ceiling: float = ECE_CEILING) -> Check:
    """Return the check that the calibration error stated with the map is at most `ceiling`."""

    def calibration(folder: Path) -> CheckResult:
        known = open_bundle(folder, verify=False).calibration
        if not known.calibrated:
            return CheckResult("calibration", True, True, "this encoder is not calibrated, and every table says so")
        if known.ece is None:
            return CheckResult("calibration", True, True, "too few labeled scenes were there to hold any out")
        passed = known.ece <= ceiling
        message = f"confidence is off by {known.ece:.3f} on average on scenes held out, the bound is {ceiling:g}"
        if not passed:
            message += "; calibrate the encoder on more labeled scenes"
        return CheckResult("calibration", passed, True, message, known.ece, ceiling, {"pairs": known.n})

    return calibration


def evaluation(truth: str, scenes: str, floor: float) -> Check:
    """Return the check that hit@10 on the labeled scenes reaches `floor`; without labeled scenes it passes."""

    def evaluation(folder: Path) -> CheckResult:
        from scene_pipeline.evaluation.protocol import measure_matches
        from scene_pipeline.evaluation.truth import read_match_truth

        if not truth:
            return CheckResult("evaluation", True, True, "no labeled scenes are configured (SCENE_PIPELINE_TRUTH)")
        pairs = read_match_truth(Path(truth).expanduser())
        matcher = SceneMatcher.open(folder, verify=False)
        report = measure_matches(matcher, Path(scenes).expanduser(), pairs).report
        hit = report.estimates["hit@10"].value
        message = f"hit@10 is {hit:.3f} on {report.n_scenes} labeled scenes, the bound is {floor:g}"
        if hit < floor:
            message += "; compare catalog and encoder with those of the bundle before"
        return CheckResult("evaluation", hit >= floor, True, message, hit, floor, {"scenes": report.n_scenes})

    return evaluation
