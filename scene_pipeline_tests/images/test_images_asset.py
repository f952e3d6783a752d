"""The asset as Dagster runs it: what it tells, what blocks, and which switches reach the fetcher."""

import base64
import csv
import re
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from scene_pipeline.defs.catalog import raw_catalog, validated_catalog
from scene_pipeline.defs.failures import failure_line
from scene_pipeline.defs.images import FetchConfig, product_images
from scene_pipeline.defs.resources import (
    ArtifactStore,
    CatalogSource,
    EncoderChoice,
    QualityMonitor,
    VocabularyFolder,
)
from scene_pipeline.images.types import FetchSettings


def materialize(folder: Path, **config: Any) -> dg.ExecuteInProcessResult:
    """Read the catalog of `folder` and fetch its pictures."""
    return dg.materialize(
        [raw_catalog, validated_catalog, product_images],
        resources={
            "store": ArtifactStore(root=str(folder / "artifacts")),
            "catalog": CatalogSource(path=str(folder / "catalog.csv")),
            "encoder": EncoderChoice(),
            "vocabulary": VocabularyFolder(),
            "monitor": QualityMonitor(),
        },
        run_config=dg.RunConfig(ops={"product_images": FetchConfig(**config)}),
        raise_on_error=False,
    )


def check_named(result: dg.ExecuteInProcessResult, name: str) -> dg.AssetCheckEvaluation:
    (check,) = [check for check in result.get_asset_check_evaluations() if check.check_name == name]
    return check


@pytest.fixture
def shop(server: Any, tmp_path: Path) -> Path:
    """A catalog of 60 products on the local server: 40 good pictures, 10 missing, 10 not for AI."""
    with (tmp_path / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "sku_id", "description", "primary_image"])
        for number in range(60):
            body = server.picture(number)
            if number % 6 == 0:
                url = server.url(f"/gone{number}")
            elif number % 6 == 1:
                url = server.add(f"/noai{number}", server.reply(200, body, X_Robots_Tag="noai"))
            else:
                url = server.add(f"/{number}", server.reply(200, body))
            writer.writerow([f"p{number}", f"S{number}", f"CERAMIC VASE {number} WHT", url])
    return tmp_path


def test_the_asset_tells_what_became_of_the_pictures(server: Any, shop: Path) -> None:
    result = materialize(shop, allow_hosts=[server.host])
    assert result.success
    (event,) = result.asset_materializations_for_node("product_images")
    reported = {name: entry.value for name, entry in event.metadata.items()}
    assert reported["dagster/row_count"] == 60
    assert reported["products_without_picture"] == 20
    for line in ("| ok | 40 | 66.7% |", r"| not\_found | 10 | 16.7% |", "| robots | 10 | 16.7% |"):
        assert line in str(reported["outcomes"])
    assert f"{server.host}: " in str(reported["slowest_hosts"])
    assert float(str(reported["fetched_per_second"])) > 0
    sheet = re.search(r"base64,([^)]+)\)", str(reported["sample"]))
    assert sheet is not None
    assert base64.b64decode(sheet[1]).startswith(b"\xff\xd8")
    assert sum(len(str(value)) for value in reported.values()) < 150_000
    check = check_named(result, "most_products_have_a_picture")
    assert (check.check_name, check.passed, check.blocking) == ("most_products_have_a_picture", True, True)
    assert check.description == "20 of 60 products have no picture, 50% may"


def test_too_many_products_without_a_picture_block_what_follows(server: Any, shop: Path) -> None:
    result = materialize(shop, allow_hosts=[server.host], max_without_image=0.3)
    check = check_named(result, "most_products_have_a_picture")
    assert (check.check_name, check.passed, check.blocking) == ("most_products_have_a_picture", False, True)
    assert "20 of 60 products (33.3%) have no picture, more than the 30.0% allowed" in (check.description or "")
    status = pq.read_table(shop / "artifacts" / "images" / "status.parquet")
    assert status.num_rows == 60, "what was had is kept for the next run"


def test_a_private_host_is_refused_unless_allowed(server: Any, shop: Path) -> None:
    result = materialize(shop)
    check = check_named(result, "most_products_have_a_picture")
    assert not check.passed
    assert "60 forbidden_address" in (check.description or "")
    assert server.connections == 0


def test_the_switches_reach_the_fetcher(server: Any, shop: Path) -> None:
    switches = {
        "respect_robots_header": False,
        "keep_originals": True,
        "short_side": 64,
        "user_agent": "shop/1 (a@b.example)",
    }
    assert materialize(shop, allow_hosts=[server.host], **switches).success
    images = shop / "artifacts" / "images"
    reasons = pq.read_table(images / "status.parquet")["reason"].to_pylist()
    assert (reasons.count(None), reasons.count("not_found")) == (50, 10)
    assert len(list((images / "originals").glob("??/*"))) == 50
    assert {request.headers["user-agent"] for request in server.requests} == {"shop/1 (a@b.example)"}
    requested = len(server.requests)
    assert materialize(shop, allow_hosts=[server.host], permanent_rest_hours=0, **switches).success
    assert sorted(request.path for request in server.requests[requested:]) == sorted(
        f"/gone{n}" for n in range(0, 60, 6)
    )
    requested = len(server.requests)
    assert materialize(shop, allow_hosts=[server.host], revalidate_hours=0, **switches).success
    assert len(server.requests) - requested == 50


def test_a_placeholder_under_unlike_products_is_reported_and_not_used(server: Any, tmp_path: Path) -> None:
    """12 of 30 products answer 200 with "no picture yet"; when one has its own at last, it is had and used."""
    kinds = ["vase", "lamp", "mirror", "rug", "chair", "desk", "stool", "plate", "bench", "clock", "tray", "cushion"]
    placeholder = server.reply(200, server.picture(99))
    texts = [f"{kind} no. {kind[:1]}" for kind in kinds] + [f"Item {number}" for number in range(18)]
    rows = [["id", "sku_id", "description", "primary_image"]]
    for number, text in enumerate(texts):
        own = server.reply(200, server.picture(number))
        rows.append([f"p{number}", f"S{number}", text, server.add(f"/{number}", placeholder if number < 12 else own)])
    with (tmp_path / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    result = materialize(tmp_path, allow_hosts=[server.host])
    assert result.success
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not checks["no_placeholders"].passed
    assert not checks["no_placeholders"].blocking
    line = "12 pictures are not used: one is shown for 12 unlike products (p0, p1, p2 …), as placeholders are"
    assert line in (checks["no_placeholders"].description or "")
    assert checks["most_products_have_a_picture"].description == "12 of 30 products have no picture, 50% may"
    table = pq.read_table(tmp_path / "artifacts" / "images" / "status.parquet")
    assert table["reason"].to_pylist() == ["placeholder"] * 12 + [None] * 18
    requested = len(server.requests)
    assert materialize(tmp_path, allow_hosts=[server.host]).success
    assert len(server.requests) == requested, "what was had is not requested every night"
    server.add("/0", server.reply(200, server.picture(0)))
    assert materialize(tmp_path, allow_hosts=[server.host], revalidate_hours=0).success
    table = pq.read_table(tmp_path / "artifacts" / "images" / "status.parquet")
    assert table["reason"].to_pylist() == [None] + ["placeholder"] * 11 + [None] * 18


@pytest.mark.parametrize(
    ("text", "step", "line"),
    [
        ("primary_image\n1,S-1,VASE,\n", "product_images", "no product of the catalog names a picture"),
        ("price\n1,S-1,VASE,9.95\n", "raw_catalog", "has no column of pictures"),
    ],
)
def test_a_catalog_that_names_no_picture_is_refused_unless_texts_alone_are_allowed(
    text: str, step: str, line: str, tmp_path: Path
) -> None:
    (tmp_path / "catalog.csv").write_text(f"id,sku_id,description,{text}")
    result = materialize(tmp_path, max_without_image=0.99)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_key == step
    assert line in failure_line(failure)[0]
    result = materialize(tmp_path, max_without_image=1.0)
    assert result.success
    assert check_named(result, "most_products_have_a_picture").passed


def test_the_launchpad_starts_from_the_defaults_of_the_fetcher(tmp_path: Path) -> None:
    assert FetchConfig().settings(tmp_path) == FetchSettings(tmp_path)
