"""Scenes at several scales: an option that changes the scene's vector, and nothing else unasked."""

from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.encoders.multiscale import SCALES, embed_scene
from scene_pipeline.images.decode import decode_image
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.sample import sample_path
from scene_pipeline.scene_libraries.score import score_library

SCENE = min((sample_path() / "scenes").rglob("*.webp"))


@pytest.fixture(scope="module")
def whole(demo: Path) -> SceneMatcher:
    return SceneMatcher.open(demo)


def test_a_scene_seen_whole_has_the_towers_own_vector(whole: SceneMatcher) -> None:
    image = decode_image(SCENE, short_side=2 * whole.spec.input_size)
    np.testing.assert_array_equal(whole.analyze(image).vector, whole.encoder.embed([image])[0])


def test_multi_scale_pools_crops_and_makes_no_claim_about_confidence(demo: Path, whole: SceneMatcher) -> None:
    matcher = SceneMatcher.open(demo, multi_scale=True)
    image = decode_image(SCENE)
    scene = matcher.analyze(image)
    np.testing.assert_array_equal(scene.vector, embed_scene(whole.encoder, image, SCALES))
    assert 0.5 < float(scene.vector @ whole.analyze(image).vector) < 0.9999
    assert not any(item.calibrated for item in matcher.recommend(image, k=3).recommendations)


def test_a_library_is_scored_again_when_the_scales_change(demo: Path, whole: SceneMatcher, tmp_path: Path) -> None:
    (tmp_path / SCENE.name).write_bytes(SCENE.read_bytes())
    matcher = SceneMatcher.open(demo, multi_scale=True)
    once = score_library(tmp_path, matcher, Request(3))
    assert once.scales == SCALES
    assert score_library(tmp_path, matcher, Request(3), previous=once).reused == 1
    assert score_library(tmp_path, whole, Request(3), previous=once).reused == 0
