"""The assets through Dagster, in a temporary folder: from a catalogue's file to a lookbook, and how they fail."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scene_pipeline.definitions import defs
from scene_pipeline.defs.run import build_bundle, score_library
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.matcher import SceneMatcher

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
    """Write a coloured shape on a white ground: enough for colours and vectors to differ."""
    pixels = np.full((size[1], size[0], 3), 250, dtype=np.uint8)
    pixels[size[1] // 4 : -size[1] // 4, size[0] // 4 : -size[0] // 4] = color
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalogue of twelve good rows and two bad ones, their pictures, and two scenes."""
    root = tmp_path_factory.mktemp("shop")
    with (root / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "sku_id", "description", "primary_image"])
        for number, text, color in PRODUCTS:
            picture(root / "products" / f"{number}.png", color)
            writer.writerow([number, f"S-{number}", text, f"products/{number}.png"])
        writer.writerow(["013", "S-013", "", "products/001.png"])
        writer.writerow(["014", "S-014", "STEEL TRAY", "../outside.png"])
    scenes = root / "scenes" / "spring"
    picture(scenes / "a.png", (150, 110, 80), (320, 240))
    picture(scenes / "b.png", (90, 110, 150), (320, 240))
    (scenes / "c.jpg").write_text("this is no picture")
    return root


def resources(shop: Path, artifacts: Path) -> dict[str, dict[str, str]]:
    return {"store": {"root": str(artifacts)}, "catalog": {"path": str(shop / "catalog.csv")}}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def built(shop: Path, instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts with a promoted bundle of the shop's catalogue and its library scored."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    build_bundle(defs, instance, resources(shop, artifacts))
    score_library(
        defs, instance, shop / "scenes" / "spring", {"store": {"root": str(artifacts)}}, {"match_library": {"k": 5}}
    )
    return artifacts


def test_every_row_ends_somewhere(built: Path) -> None:
    assert pq.read_table(built / "catalog" / "products.parquet").num_rows == 12
    rejects = pq.read_table(built / "catalog" / "rejects.parquet").to_pylist()
    assert [(reject["row"], reject["column"]) for reject in rejects] == [(14, "description"), (15, "primary_image")]


def test_materializations_say_how_many_and_what_version(built: Path, instance: dg.DagsterInstance) -> None:
    for name in ("products", "serving_bundle", "recommendations"):
        event = instance.get_latest_materialization_event(dg.AssetKey(name))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["dagster/row_count"].value
        assert (event.asset_materialization.tags or {})["dagster/data_version"]


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


def test_unchanged_scenes_are_taken_over_and_an_unchanged_catalogue_changes_no_bundle(
    built: Path, shop: Path, instance: dg.DagsterInstance
) -> None:
    before = (built / "bundles" / "CURRENT").read_text()
    build_bundle(defs, instance, resources(shop, built))
    assert (built / "bundles" / "CURRENT").read_text() == before
    score_library(
        defs, instance, shop / "scenes" / "spring", {"store": {"root": str(built)}}, {"match_library": {"k": 5}}
    )
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
def test_a_catalogue_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, instance: dg.DagsterInstance, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / "catalog.csv").write_text(text)
    with pytest.raises(ScenePipelineError, match=message) as caught:
        build_bundle(defs, instance, resources(tmp_path, tmp_path / "artifacts"))
    assert "\n" not in str(caught.value)
    assert "fault of the program" not in str(caught.value)


def test_scoring_without_a_bundle_says_what_to_run(shop: Path, tmp_path: Path, instance: dg.DagsterInstance) -> None:
    with pytest.raises(ScenePipelineError, match="scene-pipeline build"):
        score_library(defs, instance, shop / "scenes" / "spring", {"store": {"root": str(tmp_path)}}, {})


def test_a_bad_setting_is_named_before_work_starts(shop: Path, tmp_path: Path, instance: dg.DagsterInstance) -> None:
    with pytest.raises(ScenePipelineError, match="encoder 'ViT-B-23"):
        build_bundle(defs, instance, {**resources(shop, tmp_path), "encoder": {"id": "ViT-B-23/laion2b_s34b_b79k"}})
