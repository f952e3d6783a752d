from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pyarrow as pa
import pytest
from PIL import Image

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.bundle.open import Bundle
from scene_pipeline.images.store import ImageStore
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.reporting.library import calibration_note, lookbook_of
from scene_pipeline.reporting.lookbook import write_lookbook
from scene_pipeline.scene_libraries.score import LibraryResult

FITTED = CalibrationMap(
    method="isotonic",
    encoder_id="compact",
    calibrated=True,
    x=(0.0,),
    y=(0.5,),
    set_name="the sample",
    n=4321,
    ece=0.03,
)


def bundle_of(rows: list[dict[str, Any]]) -> Bundle:
    table = pa.Table.from_pylist(rows)
    answers = SimpleNamespace(
        version="v7",
        manifest=SimpleNamespace(image_encoder={"id": "compact"}),
        calibration=FITTED,
        products=table.select,
        vocabulary=None,
    )
    return cast(Bundle, answers)


def product_row(product_id: str, **given: Any) -> dict[str, Any]:
    """Return a row of a product table; its size is stated in cm."""
    plain = {"title": None, "sentence": "Oak stool, 40 cm.", "price": None, "currency": None, "extra": "{}"}
    return {"product_id": product_id, **plain, "dimensions": [], "image_sha256": None, "brand": None, **given}


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def test_titles_prices_and_pictures_come_from_the_bundle(
    tmp_path: Path, images: ImageStore, make_result: Callable[..., SceneResult], picture: Callable[..., Path]
) -> None:
    sha256 = images.add(Image.new("RGB", (20, 20)))
    rows = [
        product_row(
            "p1",
            title="Ada",
            brand="Orlo",
            price=1234.5,
            currency="EUR",
            image_sha256=sha256,
            extra='{"URL": "https://a.example/1"}',
        ),
        product_row("p2", price=None, image_sha256="0" * 64),
        product_row("p3", sentence="Jug, 8 × 7 in.", price=0.0, extra='{"url": "javascript:alert(1)"}'),
    ]
    picture("b.jpg")
    picture("a.jpg")
    result = LibraryResult(Request(10), {"b.jpg": make_result(3), "a.jpg": make_result(1)}, {"z.jpg": "damaged"})
    book = lookbook_of("spring", result, tmp_path, bundle_of(rows), images)
    assert [scene.name for scene in book.scenes] == ["a.jpg", "b.jpg"]
    assert book.failures == (("z.jpg", "damaged"),)
    assert (book.bundle_version, book.encoder_id) == ("v7", "compact")
    first, second, third = book.scenes[1].products
    assert (first.title, first.subtitle, first.price, first.image) == (
        "Ada",
        "Oak stool, 40 cm",
        "1,234.50 EUR",
        images.path(sha256),
    )
    assert (second.title, second.subtitle, second.price, second.image) == ("Oak stool, 40 cm", "", None, None)
    assert (third.title, third.price, third.image) == ("Jug, 20 × 18 cm", "0.00", None)
    write_lookbook(tmp_path / "out.html", book)
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert '<a href="https://a.example/1" rel="noopener noreferrer">Ada</a>' in page
    assert "1,234.50 EUR" in page
    assert "javascript:alert" not in page
    assert '<p class="subtitle">Oak stool, 40 cm</p>' in page


def test_the_note_says_what_a_confidence_rests_on() -> None:
    assert "uncalibrated" in calibration_note(uncalibrated("compact"), calibrated=False)
    assert "4,321 labeled pairs of the sample; on scenes held out it was off by 3.0%" in calibration_note(
        FITTED, calibrated=True
    )
    shown = msgspec.structs.replace(FITTED, ece_shown=0.05)
    assert "it was off by 5.0%" in calibration_note(shown, calibrated=True)
    assert "held out" not in calibration_note(msgspec.structs.replace(FITTED, ece=None), calibrated=True)
    assert "not calibrated on photographs" in calibration_note(FITTED, calibrated=False)
