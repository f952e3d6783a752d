"""Learned weights become a bundle of their own, which serves only once it is promoted."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from scene_pipeline.bundle.calibration_map import uncalibrated
from scene_pipeline.bundle.layout import current_version
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.publishing.learned import promote_learned, seal_learned, with_learned
from scene_pipeline.vocabulary import load_vocabulary


@pytest.mark.slow
def test_learned_weights_are_sealed_tried_and_promoted(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo / "bundles", tmp_path / "bundles")
    before = SceneMatcher.open(tmp_path)
    weights = dict.fromkeys(before.weights, 0.0) | {"color_harmony": 0.6, "style_alignment": 0.4}
    version = seal_learned(tmp_path, weights, Image.new("RGB", (256, 256), "beige"))
    assert current_version(tmp_path) == before.bundle.version
    learned = SceneMatcher.open(tmp_path, version)
    assert learned.weights == weights
    assert not learned.calibration.calibrated
    assert before.weights != weights

    given = load_vocabulary(), uncalibrated("compact")
    assert with_learned(tmp_path, before.spec.id, *given) == given
    promote_learned(tmp_path, version, "an-experiment")
    assert current_version(tmp_path) == version
    vocabulary, _ = with_learned(tmp_path, before.spec.id, *given)
    assert vocabulary.scoring.weights_for(before.spec.id) == weights
    assert with_learned(tmp_path, "another-encoder", *given) == given
