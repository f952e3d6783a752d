"""What people see of a run: counts, the check on products without a picture, the progress line, the contact sheet."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from rich.console import Console

from scene_pipeline.errors import ImageError
from scene_pipeline.images.contact_sheet import contact_sheet
from scene_pipeline.images.report import describe, outcomes, require_images, sample, without_image
from scene_pipeline.images.types import FetchProgress
from scene_pipeline.progress import bars, track

STATUS = pa.table(
    {
        "product_id": ["a", "a", "b", "c", "d"],
        "outcome": ["failed", "ok", "failed", "failed", "ok"],
        "reason": ["timeout", None, "not_found", "not_found", None],
        "sha256": [None, "1", None, None, "2"],
    }
)


def test_outcomes_are_counted_by_reason() -> None:
    assert outcomes(STATUS) == {"not_found": 2, "ok": 2, "timeout": 1}


def test_a_product_needs_one_good_picture() -> None:
    assert without_image(["a", "b", "c", "d", "never-had-any"], STATUS) == ["b", "c", "never-had-any"]


def test_too_many_products_without_a_picture_block() -> None:
    require_images(["a", "b", "c", "d"], STATUS, 0.5)
    with pytest.raises(ImageError, match=r"2 of 4 .*50.0%.* 49.0% .* 2 not_found, 1 timeout; products: b, c"):
        require_images(["a", "b", "c", "d"], STATUS, 0.49)
    require_images([], STATUS, 0.0)


def test_the_sample_is_spread_and_has_no_picture_twice() -> None:
    table = pa.table({"sha256": [str(number // 2) for number in range(40)] + [None]})
    assert sample(table, 5) == ["0", "4", "8", "12", "16"]
    assert sample(table, 100) == [str(number) for number in range(20)]
    assert sample(table.slice(40), 5) == []


PROGRESS = FetchProgress(
    total=3000,
    done=1219,
    reused=4,
    ok=1204,
    failed=15,
    by_reason={"timeout": 3, "not_found": 12},
    bytes=9,
    seconds=6,
    rate=210.4,
    eta_s=8.5,
)


def test_progress_is_one_line_of_counts() -> None:
    assert describe(PROGRESS) == "1,204 ok, 12 not_found, 3 timeout, 210/s"


def test_the_bar_shows_counts() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with bars(console):
        track("Fetching pictures")(PROGRESS.done, PROGRESS.total, describe(PROGRESS))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1219/3000" in shown
    assert "12 not_found" in shown


@pytest.fixture
def noisy(tmp_path: Path) -> list[Path]:
    """Pictures that compress badly, of many shapes."""
    random = np.random.default_rng(0)
    paths = []
    for number, (width, height) in enumerate([(300, 200), (40, 700), (336, 336), (20, 10)] * 12):
        path = tmp_path / f"{number}.jpg"
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
        paths.append(path)
    return paths


def test_the_sheet_holds_all_pictures_within_the_bytes(noisy: list[Path]) -> None:
    data = contact_sheet(noisy, columns=8)
    assert len(data) <= 150_000
    with Image.open(io.BytesIO(data)) as sheet:
        assert sheet.format == "JPEG"
        assert sheet.width / sheet.height == pytest.approx(8 / 6, rel=0.05)


def test_the_sheet_shows_each_picture_in_its_place(tmp_path: Path) -> None:
    colors = [(200, 0, 0), (0, 160, 0), (0, 0, 200)]
    paths = []
    for number, color in enumerate(colors):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", (160, 80), color).save(paths[-1])
    with Image.open(io.BytesIO(contact_sheet(paths, columns=2))) as sheet:
        assert sheet.size == (2 * 164 + 4, 2 * 164 + 4)
        places = [(84, 84), (248, 84), (84, 248)]
        found = [sheet.getpixel(place) for place in places]
        assert sheet.getpixel((84, 20)) == (255, 255, 255)
    for pixel, color in zip(found, colors, strict=True):
        assert pixel == pytest.approx(color, abs=12)


def test_a_sheet_that_cannot_be_made_says_why(noisy: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="at least one picture"):
        contact_sheet([], columns=4)
    with pytest.raises(ImageError, match="do not fit into 900 bytes"):
        contact_sheet(noisy, columns=8, max_bytes=900)
    with pytest.raises(ImageError, match=r"gone\.jpg"):
        contact_sheet([tmp_path / "gone.jpg"], columns=4)
