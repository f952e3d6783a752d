"""The whole thing as a team runs it: `dagster dev` with its daemon, a watched folder, a feed that changes and breaks.

It takes minutes and is run by `make e2e`, which sets SCENE_PIPELINE_E2E.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.monitoring.history import ScoringRecord, read_history
from scene_pipeline_tests.defs.dagster_dev import DagsterDev, dagster_dev
from scene_pipeline_tests.defs.receiver import Receiver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("SCENE_PIPELINE_E2E"), reason="takes minutes; run by `make e2e`"),
]

KINDS = ("CERAMIC VASE 8X8X14", "WALNUT SIDE TABLE 45x45 cm", "LINEN CUSHION 50x50 CM", "BRASS TABLE LAMP 40 CM")
COLORS = ("WHITE", "BLUE", "GREEN", "BLACK", "RED", "BEIGE")
LIBRARY_SENSORS = ("scene_library_sensor", "rescore_on_new_bundle", "watch_quality")


def picture(path: Path, seed: int, size: tuple[int, int] = (160, 160)) -> None:
    pixels = np.full((size[1], size[0], 3), 250, dtype=np.uint8)
    pixels[size[1] // 4 : -size[1] // 4, size[0] // 4 : -size[0] // 4] = np.random.default_rng(seed).integers(0, 255, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_catalog(shop: Path, rows: int = 24, changed: str = "") -> None:
    """Write the feed; `changed` is added to the first product's text."""
    with (shop / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "sku_id", "description", "primary_image"])
        for row in range(rows):
            text = f"{KINDS[row % 4]} {COLORS[row // 4]}" + (changed if row == 0 else "")
            writer.writerow([f"{row:03}", f"S-{row:03}", text, f"products/{row:03}.png"])


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shop")
    for row in range(24):
        picture(root / "products" / f"{row:03}.png", row)
    write_catalog(root)
    (root / "scenes").mkdir()
    return root


@pytest.fixture(scope="module")
def dev(shop: Path, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterDev]:
    settings = {
        "SCENE_PIPELINE_ARTIFACTS": str(shop / "artifacts"),
        "SCENE_PIPELINE_CATALOG": str(shop / "catalog.csv"),
        "SCENE_PIPELINE_SCENES": str(shop / "scenes"),
        "SCENE_PIPELINE_SENSOR_SECONDS": "3",
        "SCENE_PIPELINE_REFRESH_CRON": "* * * * *",
        "SCENE_PIPELINE_UI_URL": "http://ui.example",
        **receiver.settings,
    }
    with dagster_dev(tmp_path_factory.mktemp("home"), settings) as dev:
        dev.start_sensors(LIBRARY_SENSORS)
        yield dev


def scorings(shop: Path, library: str) -> list[ScoringRecord]:
    return [item for item in read_history(shop / "artifacts") if item.library == library]


def current(shop: Path) -> str:
    return (shop / "artifacts" / "bundles" / "CURRENT").read_text().strip()


def build(dev: DagsterDev) -> dg.DagsterRun:
    return dev.finished(dev.launch("build_bundle"))


def test_a_bundle_is_built_and_no_library_is_scored_yet(dev: DagsterDev, shop: Path) -> None:
    assert build(dev).status == dg.DagsterRunStatus.SUCCESS
    assert current(shop)
    assert dev.runs("score_scenes") == []


def test_a_dropped_folder_is_registered_and_scored_once(dev: DagsterDev, shop: Path) -> None:
    for library, count in (("spring", 3), ("summer", 2)):
        for scene in range(count):
            picture(shop / ".incoming" / library / f"{scene}.png", 100 + scene, (320, 240))
        (shop / ".incoming" / library).rename(shop / "scenes" / library)
    dev.wait(lambda: scorings(shop, "spring") and scorings(shop, "summer"))
    dev.settle()
    assert [(item.scored, item.taken_over) for item in scorings(shop, "spring")] == [(3, 0)]
    assert [(item.scored, item.taken_over) for item in scorings(shop, "summer")] == [(2, 0)]
    with dev.instance() as instance:
        assert set(instance.get_dynamic_partitions("scene_libraries")) == {"spring", "summer"}
    folder = shop / "artifacts" / "scenes" / "spring"
    listed = pq.read_table(folder / "recommendations.parquet", columns=["scene", "rank"]).to_pylist()
    assert {row["scene"] for row in listed if row["rank"] == 1} == {"0.png", "1.png", "2.png"}
    assert (folder / "lookbook.html").exists()
    assert (folder / "recommendations.xlsx").exists()
    assert "scene_pipeline_mean_confidence" in (shop / "artifacts" / "quality" / "metrics.prom").read_text()


def test_a_changed_picture_scores_that_scene_alone(dev: DagsterDev, shop: Path) -> None:
    picture(shop / "scenes" / "spring" / "1.png", 999, (320, 240))
    dev.wait(lambda: len(scorings(shop, "spring")) == 2)
    dev.settle()
    assert [(item.scored, item.taken_over) for item in scorings(shop, "spring")] == [(3, 0), (1, 2)]
    assert len(scorings(shop, "summer")) == 1
    assert [run.tags["dagster/sensor_name"] for run in dev.runs() if "dagster/partition" in run.tags] == [
        *["scene_library_sensor"] * 3
    ]


def test_a_changed_product_rebuilds_a_little_and_scores_every_library_again(dev: DagsterDev, shop: Path) -> None:
    before, stored = current(shop), vectors(shop)
    write_catalog(shop, changed=" S/3")
    dev.start_schedule("refresh_catalog")
    run = dev.wait(lambda: next((r for r in dev.runs("build_bundle") if "dagster/schedule_name" in r.tags), None))
    assert dev.finished(run.run_id).status == dg.DagsterRunStatus.SUCCESS
    dev.stop_schedule("refresh_catalog")
    dev.settle()
    after = current(shop)
    assert after != before
    grown = {name: count - stored[name] for name, count in vectors(shop).items()}
    assert sorted(grown.values()) == [0, 1]  # the new text, and no picture
    dev.wait(lambda: all(scorings(shop, name)[-1].bundle_version == after for name in ("spring", "summer")))
    dev.settle()
    assert [item.scored for item in scorings(shop, "spring")] == [3, 1, 3]
    assert [item.scored for item in scorings(shop, "summer")] == [2, 2]
    scored = [run for run in dev.runs() if run.tags.get("dagster/sensor_name") == "rescore_on_new_bundle"]
    assert sorted(run.tags["dagster/partition"] for run in scored) == ["spring", "summer"]


def test_an_unchanged_catalog_changes_nothing(dev: DagsterDev, shop: Path) -> None:
    before, scored = current(shop), len(read_history(shop / "artifacts"))
    assert build(dev).status == dg.DagsterRunStatus.SUCCESS
    dev.settle()
    assert current(shop) == before
    assert len(read_history(shop / "artifacts")) == scored


def test_a_broken_catalog_is_not_promoted_and_people_are_reported_once(
    dev: DagsterDev, shop: Path, receiver: Receiver
) -> None:
    before = current(shop)
    write_catalog(shop, rows=6)
    run = build(dev)
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert current(shop) == before
    dev.wait(lambda: any("size_change" in item["cause"] for item in receiver.hooks("raised")))
    dev.wait(lambda: receiver.mails and any(path == "/slack" for path, _ in receiver.posts))
    (reported,) = [item for item in receiver.hooks("raised") if "size_change" in item["cause"]]
    assert reported["severity"] == "error"
    assert reported["link"] == f"http://ui.example/runs/{run.run_id}"
    assert "75%" in reported["text"]
    assert any(run.run_id in body["text"] for path, body in receiver.posts if path == "/slack")
    assert any("size_change" in mail and run.run_id in mail.replace("=\r\n", "") for mail in receiver.mails)

    count = len(receiver.posts)
    assert build(dev).status == dg.DagsterRunStatus.FAILURE
    dev.settle()
    assert [item["cause"] for _, item in receiver.posts[count:] if "cause" in item] == []

    write_catalog(shop, changed=" S/3")
    assert build(dev).status == dg.DagsterRunStatus.SUCCESS
    dev.wait(lambda: any("size_change" in item["cause"] for item in receiver.hooks("resolved")))
    assert current(shop) == before


def test_a_library_that_vanishes_is_forgotten(dev: DagsterDev, shop: Path) -> None:
    (shop / "scenes" / "summer").rename(shop / ".incoming" / "summer")
    with dev.instance() as instance:
        dev.wait(lambda: instance.get_dynamic_partitions("scene_libraries") == ["spring"])


def vectors(shop: Path) -> dict[str, int]:
    """Return encoder -> vectors stored."""
    return {path.name: len(VectorStore(path)) for path in (shop / "artifacts" / "embeddings").iterdir()}
