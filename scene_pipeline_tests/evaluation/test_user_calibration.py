"""A person's own labels become a map that is tested on scenes held out, kept, and published; too few are refused."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.bundle.calibration_map import CalibrationMap
from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.truth import read_fit_labels
from scene_pipeline.evaluation.user_calibration import MIN_PAIRS, calibrate_on
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.publishing.calibrations import calibration_for
from scene_pipeline.publishing.recalibrate import recalibrate
from scene_pipeline.sample import sample_photographs

PER_SCENE = 30
"""Labels of a scene: enough for the noise in them to leave the calibration error below its bound."""


def write_labels(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("scene", "sku_id", "fits"), *rows])
    return path


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a.jpg", "s1", "yes")], "row 2: fits is 'yes'; write 1 for fits and 0 for does not fit"),
        ([("a.jpg", "s1", "1"), ("a.jpg", "s1", "0")], "row 3: s1 in a.jpg is labeled 0 and 1; keep one"),
        ([("a.jpg", "", "1")], "row 2: sku_id is empty"),
    ],
)
def test_a_wrong_label_is_named(tmp_path: Path, rows: list[tuple[str, str, str]], message: str) -> None:
    with pytest.raises(TruthError, match=message):
        read_fit_labels(write_labels(tmp_path / "labels.csv", rows))


def test_a_repeated_label_is_folded(tmp_path: Path) -> None:
    found = read_fit_labels(write_labels(tmp_path / "labels.csv", [("a.jpg", "s1", "1"), ("a.jpg", "s1", "1")]))
    assert found.fits == {"a.jpg": {"s1": True}}


def test_a_map_speaks_of_the_pictures_that_it_was_learned_on() -> None:
    known = CalibrationMap(method="platt", encoder_id="e", calibrated=True, domain="renders")
    assert known.speaks_of("renders")
    assert not known.speaks_of("photographs")
    assert CalibrationMap(method="platt", encoder_id="e", calibrated=True).speaks_of("photographs")


def labels_of_the_sample(matcher: SceneMatcher, folder: Path, target: Path) -> Path:
    """Labels that the scores themselves explain: what lies in the upper half of a scene fits, but for some noise."""
    rng = np.random.default_rng(0)
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    rows: list[tuple[str, str, str]] = []
    for path in sorted(folder.iterdir()):
        scored = matcher.score_all(matcher.analyze(path))
        for place in rng.choice(len(scored.rows), PER_SCENE, replace=False):
            fits = (place < len(scored.rows) / 2) != (rng.random() < 0.2)
            rows.append((path.name, skus[scored.rows[place]], str(int(fits))))
    return write_labels(target, rows)


def test_labels_become_a_new_bundle_version_whose_manifest_holds_the_map(demo: Path, tmp_path: Path) -> None:
    artifacts, scenes = tmp_path / "artifacts", tmp_path / "scenes"
    shutil.copytree(demo / "bundles", artifacts / "bundles")
    scenes.mkdir()
    for path in sample_photographs():
        shutil.copyfile(path, scenes / path.name)
    matcher = SceneMatcher.open(artifacts)
    labels = read_fit_labels(labels_of_the_sample(matcher, scenes, tmp_path / "labels.csv"))
    found = calibrate_on(matcher, scenes, labels)
    known = found.calibration
    assert (known.n, known.domain) == (PER_SCENE * found.n_scenes, "renders")
    assert 12 < found.n_scenes <= 25  # the few that are read as photographs are left out
    kept = {name for name in labels.fits if matcher.analyze(scenes / name).analysis.domain == "renders"}
    used = [fit for name, fits in labels.fits.items() if name in kept for fit in fits.values()]
    assert known.prior == pytest.approx(np.mean(used))
    assert known.ece is not None
    assert known.brier == min(found.brier_by_method.values())
    assert sum(row.n for row in found.table) == known.n
    before = matcher.bundle.version
    promotion = recalibrate(artifacts, CalibrationMap.from_json(known.to_json()))
    opened = SceneMatcher.open(artifacts)
    assert promotion.previous == before
    assert opened.bundle.version == promotion.version
    assert opened.bundle.manifest.calibration["set_name"] == f"labels.csv, {found.n_scenes} renders"
    answers = [opened.recommend(scene, k=1).recommendations[0] for scene in sorted(scenes.iterdir())]
    assert sum(answer.calibrated for answer in answers) == found.n_scenes
    assert calibration_for([opened.spec], artifacts) == known

    few = {scene: dict(list(fits.items())[:2]) for scene, fits in labels.fits.items()}
    with pytest.raises(TruthError, match=rf"labels.csv: has 50 usable labels in 25 scenes .* needs {MIN_PAIRS} in 10"):
        calibrate_on(matcher, scenes, type(labels)("labels.csv", few))
