"""The assets through Dagster, in a temporary folder: from a catalog's file to a lookbook, and how they fail."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scene_pipeline.bundle.calibration_map import CalibrationMap
from scene_pipeline.bundle.manifest import read_manifest
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.definitions import defs
from scene_pipeline.defs.launch import run_bundle_build, run_library_scoring
from scene_pipeline.defs.maintenance import rollback_sensor
from scene_pipeline.defs.quality import quality, verification
from scene_pipeline.defs.requests import BuildRequest, ScoringRequest
from scene_pipeline.defs.resources import ArtifactStore, LookbookLinks, QualityMonitor
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.monitoring.alerts import open_alerts
from scene_pipeline.monitoring.history import ScoringRecord, record
from scene_pipeline.publishing import gates as publishing_gates
from scene_pipeline.publishing.gates import evaluation

PRODUCTS = [
    ("001", "CERAMIC VASE 8X8X14 WHT", (236, 236, 232)),
    ("002", "WALNUT SIDE TABLE 45x45 cm", (96, 60, 40)),
    ("003", "LINEN CUSHION, SAGE GREEN, 50x50 CM", (150, 170, 140)),
    ("004", "BRASS TABLE LAMP 40 CM", (180, 140, 60)),
    ("005", "RATTAN BASKET S/2", (190, 150, 100)),
    ("006", "FRAMED PRINT 50x70 CM BLK/WHT", (40, 40, 40)),
    ("007", "ARTIFICIAL FERN IN POT, GREEN, 30 CM", (60, 110, 60)),
    ("008", "STONEWARE BOWL, BLUE, Ø20", (60, 90, 150)),
    ("009", "WOOL RUG 170x240 CM, BEIGE", (205, 190, 165)),
    ("010", "RESIN ELEPHANT FIGURINE 8X7X3 BLK", (50, 50, 50)),
    ("011", "GLASS CANDLE HOLDER S/3", (200, 210, 215)),
    ("012", "OAK BENCH 120 CM", (190, 150, 100)),
]


def picture(path: Path, color: tuple[int, int, int], size: tuple[int, int] = (160, 160)) -> None:
    """Write a colored shape on a white ground: enough for colors and vectors to differ."""
    pixels = np.full((size[1], size[0], 3), 250, dtype=np.uint8)
    pixels[size[1] // 4 : -size[1] // 4, size[0] // 4 : -size[0] // 4] = color
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalog (twelve good rows, one with a bad cell, two without a text), pictures and two scenes."""
    root = tmp_path_factory.mktemp("shop")
    with (root / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "sku_id", "description", "primary_image"])
        for number, text, color in PRODUCTS:
            picture(root / "products" / f"{number}.png", color)
            writer.writerow([number, f"S-{number}", text, f"products/{number}.png"])
        writer.writerow(["013", "S-013", "", "products/001.png"])
        writer.writerow(["014", "S-014", "STEEL TRAY", "../outside.png"])
        writer.writerow(["015", "S-015", "", "products/001.png"])
    scenes = root / "scenes" / "spring"
    picture(scenes / "a.png", (150, 110, 80), (320, 240))
    picture(scenes / "b.png", (90, 110, 150), (320, 240))
    (scenes / "c.jpg").write_text("this is not a picture")
    return root


def build_of(shop: Path, artifacts: Path, **others: Any) -> BuildRequest:
    return BuildRequest(artifacts, shop / "catalog.csv", **others)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def built(shop: Path, instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts with a promoted bundle of the shop's catalog and its library scored."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    run_bundle_build(defs, instance, build_of(shop, artifacts))
    library = shop / "scenes" / "spring"
    run_library_scoring(defs, instance, ScoringRequest(artifacts, library, Request(k=5)))
    return artifacts


def test_every_row_ends_somewhere(built: Path) -> None:
    assert pq.read_table(built / "catalog" / "products.parquet").num_rows == 13
    rejects = pq.read_table(built / "catalog" / "rejects.parquet").to_pylist()
    assert [(reject["row"], reject["column"]) for reject in rejects] == [(14, "description"), (16, "description")]
    dropped = pq.read_table(built / "catalog" / "dropped.parquet").to_pylist()
    assert [(cell["row"], cell["column"]) for cell in dropped] == [(15, "primary_image")]


def test_materializations_say_how_many_and_what_version(built: Path, instance: dg.DagsterInstance) -> None:
    for name in (
        *("raw_catalog", "products", "rejects", "enriched_products", "categorized_products", "product_images"),
        *("image_embeddings", "text_embeddings", "serving_bundle", "scene_analyses", "recommendations", "workbook"),
    ):
        event = instance.get_latest_materialization_event(dg.AssetKey(name))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["dagster/row_count"].value, name
        assert float(str(event.asset_materialization.metadata["seconds"].value)) >= 0
        assert (event.asset_materialization.tags or {})["dagster/data_version"]


def test_the_link_to_a_lookbook_is_no_file_of_this_machine(built: Path, instance: dg.DagsterInstance) -> None:
    event = instance.get_latest_materialization_event(dg.AssetKey("lookbook"))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert metadata["page"].value == "http://127.0.0.1:3001/lookbooks/spring"
    assert metadata["file"].value == str(built / "scenes" / "spring" / "lookbook.html")
    links = LookbookLinks(address="https://books.example/")
    assert links.link("spring") == "https://books.example/lookbooks/spring"


def test_the_bundle_answers_without_dagster(built: Path, shop: Path) -> None:
    result = SceneMatcher.open(built).recommend(shop / "scenes" / "spring" / "a.png", k=4)
    assert len(result.recommendations) == 4
    assert [item.rank for item in result.recommendations] == [1, 2, 3, 4]
    scores = [item.score for item in result.recommendations]
    assert scores == sorted(scores, reverse=True)
    for item in result.recommendations:
        assert 0 <= item.confidence <= 1
        assert item.placement
        assert item.reason.endswith(".")
        assert set(item.factors) == set(SceneMatcher.open(built).vocabulary.scoring.weights)


def test_the_manifest_states_what_the_image_tower_was_checked_on(built: Path) -> None:
    tower = open_bundle(built).manifest.image_tower
    assert tower["precision"] == "fp32"
    assert tower["samples"] > 0
    assert tower["fp32_cosine"] >= 0.9995
    assert tower["checked_on"]


def test_a_library_is_scored_and_its_broken_scene_reported(built: Path) -> None:
    folder = built / "scenes" / "spring"
    rows = pq.read_table(folder / "recommendations.parquet").to_pylist()
    assert [(row["scene"], row["rank"]) for row in rows] == [
        (name, k) for name in ("a.png", "b.png") for k in range(1, 6)
    ]
    scenes = {row["scene"]: row for row in pq.read_table(folder / "scenes.parquet").to_pylist()}
    assert scenes["c.jpg"]["outcome"] == "failed"
    assert "c.jpg" in scenes["c.jpg"]["reason"]
    page = (folder / "lookbook.html").read_text(encoding="utf-8")
    assert "a.png" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    header = (folder / "recommendations.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert "factor_base_similarity" in header


def test_unchanged_scenes_are_taken_over_and_an_unchanged_catalog_changes_no_bundle(
    built: Path, shop: Path, instance: dg.DagsterInstance
) -> None:
    before = (built / "bundles" / "CURRENT").read_text()
    run_bundle_build(defs, instance, build_of(shop, built))
    assert (built / "bundles" / "CURRENT").read_text() == before
    library = shop / "scenes" / "spring"
    run_library_scoring(defs, instance, ScoringRequest(built, library, Request(k=5)))
    assert json.loads((built / "scenes" / "spring" / "results.json").read_text())["reused"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "catalog.csv"),
        ("", "empty"),
        ("id,sku_id,primary_image\n1,a,b.jpg\n", "description"),
        ("id,sku_id,description,primary_image\n,a,,x.jpg\n,b,,y.jpg\n", "none of its 2 rows can be used"),
    ],
)
def test_a_catalog_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, instance: dg.DagsterInstance, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / "catalog.csv").write_text(text)
    with pytest.raises(ScenePipelineError, match=message) as caught:
        run_bundle_build(defs, instance, build_of(tmp_path, tmp_path / "artifacts"))
    assert "\n" not in str(caught.value)
    assert "fault of the program" not in str(caught.value)


def test_scoring_without_a_bundle_says_what_to_run(shop: Path, tmp_path: Path, instance: dg.DagsterInstance) -> None:
    with pytest.raises(ScenePipelineError, match="scene-pipeline build"):
        run_library_scoring(defs, instance, ScoringRequest(tmp_path, shop / "scenes" / "spring"))


def test_a_bad_setting_is_named_before_work_starts(shop: Path, tmp_path: Path, instance: dg.DagsterInstance) -> None:
    with pytest.raises(ScenePipelineError, match="encoder 'ViT-B-23"):
        run_bundle_build(defs, instance, build_of(shop, tmp_path, encoder="ViT-B-23/laion2b_s34b_b79k"))


@pytest.fixture
def degraded(degraded_once: Path, tmp_path: Path) -> Path:
    """A copy of `degraded_once` that a test may change."""
    return shutil.copytree(degraded_once, tmp_path / "degraded")


@pytest.fixture(scope="module")
def degraded_once(
    built: Path, shop: Path, instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A shop, and artifacts in which a second bundle serves that scored the library worse than the first."""
    root = tmp_path_factory.mktemp("degraded")
    artifacts = root / "artifacts"
    shutil.copytree(built, artifacts)
    changed = root / "shop"
    shutil.copytree(shop, changed)
    text = (changed / "catalog.csv").read_text(encoding="utf-8").replace("CERAMIC VASE", "CERAMIC VASE S/3")
    (changed / "catalog.csv").write_text(text, encoding="utf-8")
    before = (artifacts / "bundles" / "CURRENT").read_text().strip()
    run_bundle_build(defs, instance, build_of(changed, artifacts))
    after = (artifacts / "bundles" / "CURRENT").read_text().strip()
    assert after != before
    (artifacts / "quality" / "history.jsonl").unlink()
    for version, failed in ((before, 0), (after, 9)):
        record(
            artifacts,
            ScoringRecord(
                *("2026-11-24T08:00:00+00:00", "spring", version, "compact", 10 - failed, 0, failed, 50),
                mean_confidence=0.5,
                calibrated=False,
                diversity=4.0,
                latency_p95_ms=20.0,
            ),
        )
    return root


def test_a_degraded_bundle_is_rolled_back_and_its_content_is_not_promoted_again(
    degraded: Path, instance: dg.DagsterInstance
) -> None:
    artifacts = degraded / "artifacts"
    store = {"resources": {"store": {"config": {"root": str(artifacts)}}}}
    sensor = rollback_sensor(30)
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    request = sensor(store=ArtifactStore(root=str(artifacts)), monitor=QualityMonitor())
    assert isinstance(request, dg.RunRequest)
    wanted = request.run_config["ops"]["withdraw_bundle"]["config"]
    assert "error_rate is 0.9, the bound is at most 0.1" in wanted["reason"]

    job = defs.resolve_job_def("roll_back_bundle")
    assert job.execute_in_process(run_config={**store, **request.run_config}, instance=instance).success
    assert (artifacts / "bundles" / "CURRENT").read_text().strip() == wanted["promote"]
    event = instance.get_latest_materialization_event(dg.AssetKey("serving_bundle"))
    assert event is not None
    assert event.asset_materialization is not None
    restored = read_manifest(artifacts / "bundles" / wanted["promote"]).data_version
    assert (event.asset_materialization.tags or {})["dagster/data_version"] == restored
    assert list(open_alerts(artifacts)) == [f"rollback:{wanted['withdraw']}"]

    again = sensor(store=ArtifactStore(root=str(artifacts)), monitor=QualityMonitor())
    assert isinstance(again, dg.SkipReason)
    with pytest.raises(ScenePipelineError, match=f"was rolled back as {wanted['withdraw']}"):
        run_bundle_build(defs, instance, build_of(degraded / "shop", artifacts))
    assert (artifacts / "bundles" / "CURRENT").read_text().strip() == wanted["promote"]


def test_quality_and_verification_say_what_is_wrong(degraded: Path, instance: dg.DagsterInstance) -> None:
    artifacts = degraded / "artifacts"
    picture_file = next((artifacts / "images" / "store").glob("??/*.jpg"))
    picture_file.write_bytes(b"altered")
    result = dg.materialize(
        [quality, verification],
        instance=instance,
        resources={"store": ArtifactStore(root=str(artifacts)), "monitor": QualityMonitor()},
    )
    checks = {item.check_name: item for item in result.get_asset_check_evaluations()}
    assert {name for name, item in checks.items() if not item.passed} == {
        *("error_rate", "pictures_as_stored"),
        "reject_rate",  # two of the shop's fourteen rows
    }
    assert picture_file.name in (checks["pictures_as_stored"].description or "")
    assert "error_rate is 0.45, the bound is at most 0.1" in (checks["error_rate"].description or "")
    (made,) = [item.metadata for item in result.asset_materializations_for_node("quality")]
    assert "data:image/png" in str(made["confidence_over_time"].value)
    assert "scene_pipeline_error_rate 0.45" in (artifacts / "quality" / "metrics.prom").read_text()


def test_cleaning_says_what_it_would_remove_before_it_does(degraded: Path, instance: dg.DagsterInstance) -> None:
    artifacts = degraded / "artifacts"
    runs = artifacts / "scenes" / "spring" / "runs"
    for number in range(3):
        shutil.copy(runs.parent / "results.json", runs / f"2020010{number}T000000Z.json")
    count = len(list(runs.iterdir()))
    job = defs.resolve_job_def("clean_artifacts")
    for dry_run, left in ((True, count), (False, 1)):
        config = {
            "resources": {
                "store": {"config": {"root": str(artifacts)}},
                "libraries": {"config": {"root": str(degraded / "shop" / "scenes")}},
            },
            "ops": {"remove_what_is_not_needed": {"config": {"runs_kept": 1, "dry_run": dry_run}}},
        }
        assert job.execute_in_process(run_config=config, instance=instance).success
        assert len(list(runs.iterdir())) == left


@pytest.mark.parametrize(("floor", "passed"), [(0.0, True), (1.1, False)])
def test_the_evaluation_gate_holds_labeled_scenes_against_its_floor(
    built: Path, shop: Path, tmp_path: Path, floor: float, passed: bool
) -> None:
    (tmp_path / "truth.csv").write_text("scene,sku_id\na.png,S-001\nb.png,S-002\n", encoding="utf-8")
    bundle = built / "bundles" / (built / "bundles" / "CURRENT").read_text().strip()
    result = evaluation(str(tmp_path / "truth.csv"), str(shop / "scenes" / "spring"), floor)(bundle)
    assert (result.passed, result.blocking) == (passed, True)
    assert f"on 2 labeled scenes, the bound is {floor:g}" in result.message


@pytest.mark.parametrize(("ece", "passed"), [(0.02, True), (0.2, False), (None, True)])
def test_the_calibration_gate_holds_the_error_against_its_ceiling(
    built: Path, monkeypatch: pytest.MonkeyPatch, ece: float | None, passed: bool
) -> None:
    bundle = open_bundle(built)
    known = CalibrationMap(method="platt", encoder_id="compact", calibrated=True, ece=ece, n=100)
    monkeypatch.setattr(publishing_gates, "open_bundle", lambda *_, **__: replace(bundle, calibration=known))
    assert publishing_gates.calibration(0.1)(bundle.path).passed == passed


def test_a_gate_that_cannot_be_measured_keeps_a_bundle_from_being_promoted(
    built: Path, shop: Path, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    (tmp_path / "truth.csv").write_text("scene,sku_id\na.png,S-001\n", encoding="utf-8")
    gate = {"truth": tmp_path / "truth.csv", "truth_scenes": tmp_path / "none"}
    artifacts = tmp_path / "artifacts"
    for name in ("catalog", "images", "embeddings"):
        shutil.copytree(built / name, artifacts / name)
    with pytest.raises(ScenePipelineError, match=r"serving_bundle, check evaluation: .*none: is not a directory"):
        run_bundle_build(defs, instance, build_of(shop, artifacts, **gate))
    assert not (artifacts / "bundles" / "CURRENT").exists()


def test_two_processes_open_a_new_home_at_once(tmp_path: Path) -> None:
    program = (
        "from scene_pipeline.defs.launch import open_home\n"
        "with open_home() as home: home.get_runs(limit=1), home.all_instigator_state()"
    )
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    together = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [(process.communicate()[1][-2000:], process.returncode) for process in together]
    assert [code for _, code in ended] == [0, 0], ended
