"""Pictures under the catalog's folder: fetched, described, kept; nothing outside the folder is ever opened."""

import csv
import os
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from filelock import FileLock
from PIL import Image

from scene_pipeline.color.lab import rgb_to_lab
from scene_pipeline.errors import ImageError
from scene_pipeline.images.schema import IMAGE_STATUS, REASONS
from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchProgress, FetchSettings, ImageRequest, image_requests

IKEA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "ikea"


def primary(*urls: str) -> list[ImageRequest]:
    return [ImageRequest(f"p{number}", "primary", 0, url) for number, url in enumerate(urls)]


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog folder with good pictures, and a secret beside it."""
    folder = tmp_path / "catalog"
    (folder / "pictures").mkdir(parents=True)
    Image.new("RGB", (500, 400), (200, 30, 40)).save(folder / "pictures" / "red.jpg")
    Image.new("RGB", (100, 50), (20, 40, 200)).save(folder / "blue.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "secret.png")
    return folder


def test_every_request_gets_one_row_in_order(catalog: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    table = fetch_images(primary("blue.png", "pictures/red.jpg", "blue.png"), store, None, FetchSettings(catalog))
    assert table.schema == IMAGE_STATUS
    rows = table.to_pylist()
    assert [row["product_id"] for row in rows] == ["p0", "p1", "p2"]
    assert [row["outcome"] for row in rows] == ["ok"] * 3
    assert [(row["width"], row["height"]) for row in rows] == [(100, 50), (500, 400), (100, 50)]
    assert rows[0]["sha256"] == rows[2]["sha256"] != rows[1]["sha256"]
    with Image.open(store.path(rows[1]["sha256"])) as copy:
        assert (copy.mode, copy.size) == ("RGB", (420, 336))
    assert rows[1]["color_lab"][0] == pytest.approx(rgb_to_lab((200, 30, 40)).tolist(), abs=1.5)
    assert rows[1]["color_share"] == [pytest.approx(1.0)]


def outside(catalog: Path) -> dict[str, tuple[str, str]]:
    """Build traps in the folder; return url -> (reason, word of the detail)."""
    (catalog / "link.png").symlink_to(catalog.parent / "secret.png")
    (catalog / "out").symlink_to(catalog.parent)
    (catalog / "loop.png").symlink_to(catalog / "loop.png")
    os.mkfifo(catalog / "pipe.png")
    (catalog / "page.jpg").write_text("<!doctype html><p>gone")
    (catalog / "empty.jpg").touch()
    (catalog / "cut.jpg").write_bytes((catalog / "pictures" / "red.jpg").read_bytes()[:-600])
    return {
        "../secret.png": ("outside_catalog", "folder"),
        "pictures/../../secret.png": ("outside_catalog", "folder"),
        str(catalog.parent / "secret.png"): ("outside_catalog", "folder"),
        "link.png": ("outside_catalog", "folder"),
        "out/secret.png": ("outside_catalog", "folder"),
        "../not-there.png": ("outside_catalog", "folder"),
        "loop.png": ("unreadable", "loop"),
        "pipe.png": ("unreadable", "not a file"),
        "pictures": ("unreadable", "not a file"),
        "nul\0.png": ("unreadable", "cannot be read"),
        "a" * 300: ("unreadable", "cannot be read"),
        "gone.png": ("not_found", "fix the path"),
        "page.jpg": ("not_an_image", "web page"),
        "empty.jpg": ("empty", "no bytes"),
        "cut.jpg": ("broken_image", "JPEG"),
        "file:///etc/passwd": ("bad_url", "http"),
        "ftp://example.com/a.png": ("bad_url", "http"),
        "data:image/png;base64,AAAA": ("bad_url", "http"),
        "//example.com/a.png": ("bad_url", "http"),
        "http://": ("bad_url", "http"),
        "http://user:word@example.com/a.png": ("bad_url", "user name"),
        "http://example.com:99999/a.png": ("bad_url", "URL"),
        "http://[::1/a.png": ("bad_url", "URL"),
    }


def test_what_is_outside_or_no_picture_is_a_row_with_its_reason(catalog: Path, tmp_path: Path) -> None:
    expected = outside(catalog)
    table = fetch_images(primary(*expected), ImageStore(tmp_path / "images"), None, FetchSettings(catalog))
    found = {row["url"]: row for row in table.to_pylist()}
    assert {url: row["reason"] for url, row in found.items()} == {url: reason for url, (reason, _) in expected.items()}
    for url, (reason, word) in expected.items():
        assert reason in REASONS
        assert word in found[url]["detail"]
        assert "\n" not in found[url]["detail"]
        assert found[url]["sha256"] is None


def test_links_and_dots_that_stay_inside_are_followed(catalog: Path, tmp_path: Path) -> None:
    (catalog / "alias.jpg").symlink_to(catalog / "pictures" / "red.jpg")
    urls = ("alias.jpg", "pictures/../blue.png", str(catalog / "blue.png"))
    table = fetch_images(primary(*urls), ImageStore(tmp_path / "images"), None, FetchSettings(catalog))
    assert table["outcome"].to_pylist() == ["ok"] * 3


def test_an_unchanged_file_is_not_decoded_again_and_a_changed_one_is(catalog: Path, tmp_path: Path) -> None:
    store, settings, requests = ImageStore(tmp_path / "images"), FetchSettings(catalog), primary("blue.png")
    first = fetch_images(requests, store, None, settings)
    again = fetch_images(requests, store, first, settings)
    assert again.equals(first)
    Image.new("RGB", (100, 50), (0, 200, 0)).save(catalog / "blue.png")
    changed = fetch_images(requests, store, again, settings)
    assert changed["sha256"][0] != first["sha256"][0]
    store.path(changed["sha256"][0].as_py()).unlink()
    assert fetch_images(requests, store, changed, settings)["sha256"] == changed["sha256"]
    assert store.intact(changed["sha256"][0].as_py())
    smaller = FetchSettings(catalog, short_side=32)
    remade = fetch_images(requests, store, changed, smaller).to_pylist()[0]
    with Image.open(store.path(remade["sha256"])) as copy:
        assert min(copy.size) == 32


def test_a_mended_file_is_tried_again_at_once(catalog: Path, tmp_path: Path) -> None:
    store, settings, requests = ImageStore(tmp_path / "images"), FetchSettings(catalog), primary("late.png")
    first = fetch_images(requests, store, None, settings)
    assert first["reason"].to_pylist() == ["not_found"]
    Image.new("RGB", (9, 9)).save(catalog / "late.png")
    assert fetch_images(requests, store, first, settings)["outcome"].to_pylist() == ["ok"]


def test_a_file_larger_than_allowed_is_not_read(catalog: Path, tmp_path: Path) -> None:
    settings = FetchSettings(catalog, max_bytes=100)
    table = fetch_images(primary("pictures/red.jpg"), ImageStore(tmp_path / "images"), None, settings)
    assert table["reason"].to_pylist() == ["too_large"]


def test_progress_ends_complete(catalog: Path, tmp_path: Path) -> None:
    seen: list[FetchProgress] = []
    requests = primary("blue.png", "gone.png", "blue.png")
    fetch_images(requests, ImageStore(tmp_path / "images"), None, FetchSettings(catalog), seen.append)
    last = seen[-1]
    assert (last.total, last.done, last.ok, last.failed, last.by_reason) == (2, 2, 1, 1, {"not_found": 1})
    assert last.eta_s == 0


def test_a_full_or_forbidden_store_is_one_clear_error(catalog: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    (store.root / "store").mkdir(parents=True)
    (store.root / "store" / ".partial").touch()
    with pytest.raises(ImageError, match=r"images: cannot be written .* free space or fix access"):
        fetch_images(primary("blue.png"), store, None, FetchSettings(catalog))


def test_two_runs_at_once_do_not_mix(catalog: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    store.root.mkdir()
    with FileLock(store.root / ".lock"), pytest.raises(ImageError, match="another run"):
        fetch_images(primary("blue.png"), store, None, FetchSettings(catalog))


async def test_runs_inside_a_running_loop(catalog: Path, tmp_path: Path) -> None:
    table = fetch_images(primary("blue.png"), ImageStore(tmp_path / "images"), None, FetchSettings(catalog))
    assert table["outcome"].to_pylist() == ["ok"]


def test_no_requests_give_an_empty_table(tmp_path: Path) -> None:
    table = fetch_images([], ImageStore(tmp_path / "images"), None, FetchSettings(tmp_path))
    assert table.num_rows == 0
    assert table.schema == IMAGE_STATUS


def test_requests_count_positions_within_each_role() -> None:
    images = [
        [{"role": "primary", "url": "a"}, {"role": "detail", "url": "b"}, {"role": "detail", "url": "c"}],
        [],
        [{"role": "primary", "url": "a"}],
    ]
    table = pa.table({"product_id": ["1", "2", "3"], "images": images})
    assert image_requests(table) == [
        ImageRequest("1", "primary", 0, "a"),
        ImageRequest("1", "detail", 0, "b"),
        ImageRequest("1", "detail", 1, "c"),
        ImageRequest("3", "primary", 0, "a"),
    ]


@pytest.mark.slow
@pytest.mark.skipif(not IKEA.is_dir(), reason="the IKEA set is not beside the repository")
def test_all_pictures_of_a_real_catalog(tmp_path: Path) -> None:
    with (IKEA / "catalog.csv").open(newline="") as stream:
        urls = [row["primary_image"] for row in csv.DictReader(stream)]
    start = time.monotonic()
    table = fetch_images(primary(*urls), ImageStore(tmp_path / "images"), None, FetchSettings(IKEA))
    assert Counter(table["outcome"].to_pylist()) == {"ok": 2187}
    assert time.monotonic() - start < 60
