"""A bundle of several encoders: each in a folder of its own, with its cost; what is lost leaves the rest."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.bundle.members import MEMBERS
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.defs.bundle import embedded_catalog
from scene_pipeline.defs.embeddings import sample_pictures
from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.encoders.ensemble import PHRASES
from scene_pipeline.encoders.spec import SPECS, get_spec
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.evaluation.truth import FitLabels
from scene_pipeline.evaluation.user_calibration import calibrate_on
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.publishing.calibrations import calibration_for
from scene_pipeline.publishing.members import WHITENED, EmbeddedMember, whitening
from scene_pipeline.publishing.publish import BundleRecipe, EmbeddedCatalog, Published, publish
from scene_pipeline.publishing.recalibrate import recalibrate
from scene_pipeline.sample import sample_libraries, sample_photographs
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline_tests.sample.fits import sample_fits

LITE2 = SPECS["efficientnet-lite2"]
SCENE = sample_photographs()[0]


def build(artifacts: Path, demo: Path, *members: EmbeddedMember) -> Published:
    """Publish the demo's catalog with further encoders."""
    store = ArtifactStore(root=str(demo))
    catalog = embedded_catalog(store, get_spec("compact"))
    recipe = BundleRecipe(
        get_spec("compact"), TextEncoder.open(device="cpu"), load_vocabulary(), uncalibrated("compact")
    )
    keys = sorted({key for key in catalog.products["image_sha256"].to_pylist() if key})
    return publish(artifacts, replace(catalog, members=members), recipe, sample_pictures(store, keys)[:4])


def random_vectors(catalog: EmbeddedCatalog) -> EmbeddedMember:
    """Vectors of lite2 that mean nothing: what is tested here does not depend on them."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((len(catalog.image), LITE2.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return EmbeddedMember(LITE2, np.where(catalog.has_image[:, None], vectors, 0), catalog.has_image)


@pytest.fixture(scope="module")
def built(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Artifacts of a bundle of compact, lite2 and captions."""
    artifacts = tmp_path_factory.mktemp("ensemble")
    catalog = embedded_catalog(ArtifactStore(root=str(demo)), get_spec("compact"))
    build(artifacts, demo, random_vectors(catalog), EmbeddedMember(PHRASES))
    yield artifacts
    shutil.rmtree(artifacts)


def test_each_encoder_has_its_folder_and_its_cost(built: Path) -> None:
    bundle = open_bundle(built)
    members = bundle.manifest.members
    assert [member.id for member in members] == ["compact", "efficientnet-lite2", "captions"]
    assert [member.weight for member in members] == pytest.approx([3**-0.5] * 3)
    assert all(member.cost and member.cost.scene_ms > 0 and member.cost.build_s > 0 for member in members)
    for member in members[1:]:
        assert any(name.startswith(f"{member.folder}/") for name in bundle.manifest.files)


def test_all_encoders_read_a_scene_and_none_is_missed(built: Path) -> None:
    matcher = SceneMatcher.open(built)
    assert matcher.encoder_id == "compact,efficientnet-lite2,captions"
    assert matcher.decoded_side == 2 * LITE2.input_size
    result = matcher.recommend(SCENE)
    assert result.encoder_id == matcher.encoder_id
    assert "read without" not in result.scene.note
    scene = matcher.analyze(SCENE)
    assert scene.others["efficientnet-lite2"].shape == (10, WHITENED)
    assert scene.others["captions"].shape == (1, PHRASES.dimension)


def test_one_encoder_of_several_alone_scores_as_it_does_in_a_bundle_of_its_own(built: Path, demo: Path) -> None:
    several, one = SceneMatcher.open(built), SceneMatcher.open(demo)
    assert several.ensemble is not None
    alone = several.with_ensemble(several.ensemble.only("compact"))
    scene = one.analyze(SCENE)
    found, expected = (
        scored.scores[np.argsort(scored.rows)] for scored in (alone.score_all(scene), one.score_all(scene))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)  # two copies of the arrays in memory: the last bit differs
    assert one.ensemble is None
    assert not one.bundle.manifest.members


@pytest.mark.parametrize("folder", ["efficientnet-lite2", "captions"])
def test_a_damaged_member_is_left_out_and_said(built: Path, tmp_path: Path, folder: str) -> None:
    shutil.copytree(built / "bundles", tmp_path / "bundles")
    bundle = open_bundle(tmp_path)
    (bundle.path / MEMBERS / folder / "looks.npy").write_bytes(b"damaged")
    matcher = SceneMatcher.open(tmp_path)
    assert matcher.ensemble is not None
    assert list(matcher.ensemble.problems) == [folder]
    result = matcher.recommend(SCENE)
    assert f"read without {folder}, so that confidence is not calibrated" in result.scene.note
    assert len(result.recommendations) == 10
    assert not any(item.calibrated for item in result.recommendations)


def test_a_member_that_could_not_be_embedded_is_listed_with_the_reason(demo: Path, tmp_path: Path) -> None:
    store = ArtifactStore(root=str(demo))
    catalog = embedded_catalog(store, get_spec("compact"), LITE2)
    (member,) = catalog.members
    assert "embedded no picture" in member.problem
    bundle = build(tmp_path, demo, member).bundle
    assert bundle.manifest.members[1].problem == member.problem
    assert "read without efficientnet-lite2" in SceneMatcher.open(tmp_path).recommend(SCENE).scene.note
    assert build(tmp_path, demo, member).unchanged


def test_a_map_brings_its_blend_and_holds_for_no_other(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "bundles", tmp_path / "bundles")
    blend = {"compact": 0.9, "efficientnet-lite2": 0.0, "captions": 0.3}
    known = CalibrationMap(
        method="platt", encoder_id=",".join(blend), calibrated=True, blend=blend, ece=0.01, set_name="rooms"
    )
    recalibrate(tmp_path, CalibrationMap.from_json(known.to_json()))
    matcher = SceneMatcher.open(tmp_path)
    assert matcher.calibration == known
    assert matcher.ensemble is not None
    assert matcher.ensemble.weights == blend
    assert list(matcher.ensemble.members) == ["captions"], "an encoder without weight is not opened"
    assert matcher.recommend(SCENE, k=1).recommendations[0].calibrated
    specs = [get_spec("compact"), LITE2, PHRASES]
    assert calibration_for(specs, tmp_path) == known
    other = msgspec.structs.replace(known, blend={**blend, "captions": 0.5})
    assert not other.holds_for_blend(blend)


def test_labels_teach_the_blend_and_the_map_of_several_encoders(built: Path, tmp_path: Path) -> None:
    """The vectors of lite2 are random here, so it must lose its weight to the others."""
    shutil.copytree(built / "bundles", tmp_path / "bundles")
    fits: dict[str, dict[str, bool]] = {}
    pairs = [(scene, sku, fit) for scene, known in sample_fits().items() for sku, fit in known.items()]
    for scene, sku, fit in pairs[::7]:
        name = Path(scene).name
        shutil.copyfile(sample_libraries() / scene, tmp_path / name)
        fits.setdefault(name, {})[sku] = fit
    found = calibrate_on(SceneMatcher.open(tmp_path), tmp_path, FitLabels("labels.csv", fits))
    blend = found.calibration.blend
    assert blend
    assert list(blend) == ["compact", "efficientnet-lite2", "captions"]
    assert blend["efficientnet-lite2"] == 0
    assert found.calibration.ece is not None
    assert found.to_json()["blend"] == blend
    recalibrate(tmp_path, found.calibration)
    assert SceneMatcher.open(tmp_path).calibration == found.calibration


def test_a_map_of_one_encoder_names_no_blend() -> None:
    assert b"blend" not in uncalibrated("compact").to_json()
    assert uncalibrated("compact").holds_for_blend({})
    assert not uncalibrated("compact").holds_for_blend({"compact": 1.0, "captions": 0.0})


def test_directions_are_whitened_halfway_and_no_more_than_there_are() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((500, 4)) * (8, 4, 2, 1)
    spread = (vectors @ whitening(vectors)).std(axis=0)
    assert spread == pytest.approx(np.sqrt([8, 4, 2, 1]), rel=0.1)
    assert whitening(vectors[:3]).shape == (4, 2)
