"""The shipped sample keeps its promises: every picture decodes, every table refers to what exists."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from scene_pipeline.sample import sample_path
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline_tests.sample.fits import WRONG_SKUS, sample_fits, sample_rows

SAMPLE = sample_path()
NO_PICTURE = "products/sp-0905.webp"


def valid_products() -> list[dict[str, str]]:
    return [row for row in sample_rows("catalog.csv") if row["sku_id"] not in WRONG_SKUS]


def scene_files() -> dict[str, Path]:
    return {f"{path.parent.name}/{path.name}": path for path in (SAMPLE / "scenes").glob("*/*.webp")}


def test_it_is_large_enough_and_small_enough() -> None:
    assert len(valid_products()) >= 240
    assert len(scene_files()) >= 24
    assert len({key.split("/")[0] for key in scene_files()}) == 2
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) <= 10_000_000


def test_every_picture_of_the_catalog_decodes_but_the_missing_one() -> None:
    for row in valid_products():
        path = SAMPLE / row["primary_image"]
        if row["primary_image"] == NO_PICTURE:
            assert not path.exists()
            continue
        with Image.open(path) as image:
            image.load()
            assert image.size == (384, 384)


def test_no_picture_is_left_over() -> None:
    named = {row["primary_image"] for row in valid_products()}
    assert {f"products/{path.name}" for path in (SAMPLE / "products").iterdir()} == named - {NO_PICTURE}


def test_packshots_have_a_pale_background() -> None:
    for row in valid_products()[::7]:
        if row["primary_image"] != NO_PICTURE:
            with Image.open(SAMPLE / row["primary_image"]) as image:
                grey = image.convert("L")
                corners = [grey.getpixel(at) for at in ((2, 381), (381, 381), (2, 2), (381, 2))]
            assert min(corners) > 150, row["sku_id"]  # type: ignore[type-var]


def test_scenes_decode_and_are_described() -> None:
    for path in scene_files().values():
        with Image.open(path) as image:
            image.load()
            assert min(image.size) >= 500
    described = [row["scene"] for row in sample_rows("truth/scenes.csv")]
    assert sorted(described) == sorted(scene_files())


@pytest.mark.parametrize(("column", "kind"), [("room", "rooms"), ("style", "styles"), ("palette", "palettes")])
def test_truth_uses_the_vocabulary_and_covers_it(column: str, kind: str) -> None:
    known = {record.id for record in getattr(load_vocabulary(), kind)}
    used = {row[column] for row in sample_rows("truth/scenes.csv")}
    assert used <= known
    if column != "palette":
        assert used == known - {"laundry", "outdoor"}  # rooms that the studio does not build


def test_wrong_rows_are_wrong_as_documented() -> None:
    by_sku = {row["sku_id"]: row for row in sample_rows("catalog.csv")}
    assert by_sku["SP-0901"]["description"] == ""
    assert by_sku["SP-0903"]["id"] == ""
    assert by_sku["SP-0904"]["primary_image"].startswith("../")
    repeated = [key for key, count in Counter(row["id"] for row in sample_rows("catalog.csv")).items() if count > 1]
    assert repeated == [by_sku["SP-0902"]["id"]]


def test_valid_products_are_complete_and_unique() -> None:
    products = valid_products()
    assert all(row["id"] and row["description"] for row in products)
    assert len({row["sku_id"] for row in products}) == len(products)


def test_placed_products_are_known_and_fit_and_lie_inside() -> None:
    fits = sample_fits()
    placed = sample_rows("truth/placed.csv")
    for row in placed:
        assert fits[row["scene"]][row["sku_id"]]
        x, y, w, h = (float(row[key]) for key in "xywh")
        assert w > 0
        assert h > 0
        assert x >= 0
        assert y >= 0
        assert x + w <= 1.0002
        assert y + h <= 1.0002
    assert {row["scene"] for row in placed} == set(scene_files())


def test_fits_names_known_scenes_and_products_once() -> None:
    with (Path(__file__).parent / "fits.csv").open(encoding="utf-8", newline="") as stream:
        pairs = Counter((row["scene"], row["sku_id"]) for row in csv.DictReader(stream))
    assert set(pairs.values()) == {1}
    assert set(pairs) <= {(scene, row["sku_id"]) for scene in scene_files() for row in valid_products()}
    share = len(pairs) / (len(scene_files()) * len(valid_products()))
    assert 0.03 < share < 0.4
