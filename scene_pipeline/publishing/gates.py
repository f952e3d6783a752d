"""Quality gates of a bundle, as checks of the sealed folder that run before it is promoted."""

import csv
from pathlib import Path

from scene_pipeline.bundle.checks import Check, CheckResult
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.sample import sample_libraries, sample_path
from scene_pipeline.scenes.reference import shipped_reference

ECE_CEILING = 0.1
"""Largest calibration error on scenes held out, unless a deployment sets another."""


MIN_ROOMS_RIGHT = 8
"""How many of the sample's 25 scenes, in eight kinds of room, an encoder must name: chance does so in one of 120
cases."""


def sanity() -> Check:
    """Return the check that an encoder distinguishes rooms: one with random weights is no better than chance.

    An encoder whose reference ships was measured before it shipped.
    """

    def sanity(folder: Path) -> CheckResult:
        bundle = open_bundle(folder, verify=False)
        matcher = SceneMatcher(bundle)
        if shipped_reference(matcher.spec) is not None:
            return CheckResult("sanity", True, True, f"'{matcher.spec.id}' was measured before it shipped")
        with (sample_path() / "truth" / "scenes.csv").open(encoding="utf-8", newline="") as file:
            rooms = {row["scene"]: row["room"] for row in csv.DictReader(file)}
        named = [matcher.analyze(sample_libraries() / scene).rooms.argmax() for scene in rooms]
        ids = [room.id for room in matcher.vocabulary.rooms]
        right = sum(ids[index] == room for index, room in zip(named, rooms.values(), strict=True))
        message = f"'{matcher.spec.id}' names the room of {right} of the sample's {len(rooms)} scenes"
        if right < MIN_ROOMS_RIGHT:
            message += (
                f", no better than chance ({MIN_ROOMS_RIGHT} are needed): its weights are random or not its own; name "
                "a trained checkpoint, as MODEL//path/to/checkpoint"
            )
        return CheckResult("sanity", right >= MIN_ROOMS_RIGHT, True, message, float(right), float(MIN_ROOMS_RIGHT))

    return sanity


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
