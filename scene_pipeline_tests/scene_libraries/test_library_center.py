"""A library is read against its own mean, and keeps it while most of its scenes stay the same."""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from scene_pipeline.bundle.calibration_map import DRIFTED, CalibrationMap, score_drift
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.sample import sample_libraries, sample_photographs
from scene_pipeline.scene_libraries.score import LibraryResult, score_library
from scene_pipeline.scenes.reference import MIN_SCENES, reference_for


@pytest.fixture(scope="module")
def matcher(demo: Path) -> SceneMatcher:
    return SceneMatcher.open(demo, verify=False)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Ten scenes of the sample in a folder of their own."""
    folder = tmp_path / "library"
    folder.mkdir()
    for path in sample_photographs()[:10]:
        shutil.copy(path, folder / path.name)
    return folder


def test_scenes_that_did_not_change_are_taken_over_with_their_center(library: Path, matcher: SceneMatcher) -> None:
    first = score_library(library, matcher, Request(5))
    assert first.center is not None
    assert len(first.results) == 10
    again = score_library(library, matcher, Request(5), first)
    assert (again.reused, again.center) == (10, first.center)
    newcomer = sample_photographs()[11]
    shutil.copy(newcomer, library / "new.webp")
    grown = score_library(library, matcher, Request(5), again)
    assert (grown.reused, grown.center) == (10, first.center)
    assert list(grown.results) == sorted(grown.results)
    loaded = library.parent / "results.json"
    grown.save(loaded)
    assert LibraryResult.load(loaded).center == first.center


def test_other_wishes_and_mostly_other_scenes_are_scored_anew(library: Path, matcher: SceneMatcher) -> None:
    first = score_library(library, matcher, Request(5))
    lamps = score_library(library, matcher, Request(5, Constraints(categories=("lighting_accents",))), first)
    assert lamps.reused == 0
    assert {item.category for result in lamps.results.values() for item in result.recommendations} == {
        "lighting_accents"
    }
    weighed = score_library(library, matcher, Request(5, weights={"color_harmony": 1.0}), first)
    assert weighed.reused == 0
    assert not any(item.calibrated for result in weighed.results.values() for item in result.recommendations)
    for path in sorted(library.iterdir())[:3]:
        path.unlink()
    fewer = score_library(library, matcher, Request(5), first)
    assert fewer.center is None  # seven are too few to have one
    assert fewer.reused == 0
    assert score_library(library, matcher, Request(5), fewer).reused == len(fewer.results) == MIN_SCENES - 1


def test_a_library_mean_changes_likeness_but_not_what_is_seen(library: Path, matcher: SceneMatcher) -> None:
    scenes = [matcher.analyze(path) for path in sorted(library.iterdir())]
    own = matcher.centered_on(np.stack([scene.vector for scene in scenes]))
    assert not np.allclose(own.center, matcher.center)
    assert own.query(scenes[0]) @ matcher.query(scenes[0]) > 0
    few = matcher.centered_on(np.stack([scene.vector for scene in scenes[: MIN_SCENES - 1]]))
    assert np.array_equal(few.center, matcher.center)


def test_every_product_can_be_scored_and_the_list_is_made_of_the_best(matcher: SceneMatcher) -> None:
    path = next(sample_libraries().rglob("*.webp"))
    scene = matcher.analyze(path)
    whole = matcher.score_all(scene)
    assert sorted(whole.rows.tolist()) == list(range(matcher.bundle.products_count()))
    shown = matcher.shown(scene)
    result = matcher.recommend_for(scene)
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    assert [skus[row] for row in shown] == [item.sku_id for item in result.recommendations]
    assert len({item.category for item in result.recommendations}) in (4, 5)


def test_drift_is_none_without_a_calibration_and_grows_with_distance() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0.6, 0.05, 1000)
    known = CalibrationMap("platt", "x", True, shown=tuple(np.quantile(scores, np.linspace(0, 1, 11)).tolist()))
    same = score_drift(known, rng.normal(0.6, 0.05, 1000))
    moved = score_drift(known, rng.normal(0.7, 0.05, 1000))
    assert same is not None
    assert moved is not None
    assert same < 0.1
    assert moved > DRIFTED
    assert score_drift(known, scores[:50]) is None
    assert score_drift(CalibrationMap("none", "x", False), scores) is None


def test_an_encoder_without_a_shipped_reference_gets_that_of_the_sample(matcher: SceneMatcher) -> None:
    shipped, _ = reference_for(matcher.spec, matcher.encoder, 0.05, matcher.vocabulary.rooms)
    assert shipped == matcher.reference
    other = msgspec.structs.replace(matcher.spec, revision="unknown")
    measured, _ = reference_for(other, matcher.encoder, 0.05, ())
    assert (measured.scenes, measured.temperature, measured.revision) == (25, 0.05, "unknown")
    assert measured.vector @ shipped.vector > 0.5 * np.linalg.norm(measured.vector) * np.linalg.norm(shipped.vector)
