"""Learned weights become a bundle of their own, which serves only once it is promoted."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from scene_pipeline.bundle.calibration_map import uncalibrated
from scene_pipeline.bundle.checks import CheckResult
from scene_pipeline.bundle.layout import current_version
from scene_pipeline.bundle.write import BundleRefusedError
from scene_pipeline.errors import ExperimentError, LearningError
from scene_pipeline.learning.nightly import CandidateWeights
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.publishing.learned import promote_learned, seal_candidate, seal_learned, with_learned
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


@pytest.mark.slow
def test_a_candidate_is_sealed_through_the_gates_and_promotes_nothing(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo / "bundles", tmp_path / "bundles")
    before = SceneMatcher.open(tmp_path)
    weights = dict.fromkeys(before.weights, 0.0) | {"color_harmony": 0.5, "base_similarity": 0.5}
    version = seal_candidate(tmp_path, CandidateWeights(weights=weights))
    assert SceneMatcher.open(tmp_path, version).weights == weights
    assert current_version(tmp_path) == before.bundle.version


@pytest.mark.slow
def test_a_candidate_that_a_gate_refuses_is_no_bundle(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(demo / "bundles", tmp_path / "bundles")
    weights = dict(SceneMatcher.open(tmp_path).weights)
    before = {path.name for path in (tmp_path / "bundles").iterdir() if not path.name.startswith(".")}
    refusal = CheckResult("calibration", False, True, "confidence is off by .5")
    monkeypatch.setattr("scene_pipeline.publishing.learned.calibration", lambda: lambda _: refusal)
    with pytest.raises(BundleRefusedError, match=r"off by \.5"):
        seal_candidate(tmp_path, CandidateWeights(weights=weights))
    assert before >= {path.name for path in (tmp_path / "bundles").glob("[0-9]*")}


def test_nothing_learned_and_half_of_the_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LearningError, match="no learned weights: too few choices"):
        seal_candidate(tmp_path, CandidateWeights(refused="too few choices"))
    with pytest.raises(ExperimentError, match="--truth and --scenes"):
        seal_candidate(tmp_path, CandidateWeights(weights={"color_harmony": 1.0}), ("truth.csv", ""))
