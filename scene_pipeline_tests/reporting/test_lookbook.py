import base64
import hashlib
import html
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from scene_pipeline.errors import ImageError
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.reporting.lookbook import (
    Lookbook,
    LookbookObject,
    LookbookProduct,
    LookbookScene,
    LookbookSet,
    write_lookbook,
)

HOSTILE = "<script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """Every start tag with its attributes, and the text between tags."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def book(*scenes: LookbookScene, failures: tuple[tuple[str, str], ...] = ()) -> Lookbook:
    return Lookbook(
        library="Spring & summer",
        bundle_version="v7",
        encoder_id="compact",
        created_at=datetime(2026, 3, 1, 8, 5, tzinfo=UTC),
        calibration_note="A note.",
        scenes=scenes,
        failures=failures,
    )


def written(folder: Path, lookbook: Lookbook) -> Page:
    target = folder / "out" / "lookbook.html"
    write_lookbook(target, lookbook)
    return Page(target.read_text(encoding="utf-8"))


@pytest.fixture
def scene(make_result: Callable[..., SceneResult], picture: Callable[..., Path]) -> Callable[..., LookbookScene]:
    def make(name: str = "a.jpg", image: Path | None = None, **result) -> LookbookScene:
        scored = make_result(**result)
        products = tuple(LookbookProduct(item, f"Product {item.rank}", image, "€ 9") for item in scored.recommendations)
        return LookbookScene(name, picture("scene.jpg"), scored.scene, products)

    return make


def test_it_shows_scene_room_style_palette_products_and_reasons(tmp_path: Path, scene) -> None:
    page = written(tmp_path, book(scene()))
    for shown in (
        "Spring & summer", "1 scene, 2 recommendations", "Living room", "Mid-century modern", "Warm neutrals", "80%",
        "#e8e0d0", "Product 1", "€ 9", "Beside the sofa", "It suits the room.", "No picture", "A note.",
        "1 March 2026, 08:05 UTC", "bundle v7", "encoder compact",
    ):  # fmt: skip
        assert shown in page.text, shown


def test_swatches_are_as_wide_as_their_share_of_the_area(tmp_path: Path, scene) -> None:
    page = written(tmp_path, book(scene()))
    first, second = [rect for rect in page.all("rect") if rect.get("height") == "10"]
    assert (first["fill"], second["fill"]) == ("#e8e0d0", "#553c38")
    assert float(first["width"] or 0) == pytest.approx(75, abs=0.1)
    assert float(second["x"] or 0) == pytest.approx(75, abs=0.1)


def test_pictures_are_scaled_down_and_encoded_anew(tmp_path: Path, scene, picture: Callable[..., Path]) -> None:
    page = written(tmp_path, book(scene(image=picture("product.png", (900, 600)), n=1)))
    photograph, packshot = page.all("img")
    for attributes, size in ((photograph, (960, 720)), (packshot, (240, 160))):
        head, _, data = str(attributes["src"]).partition(",")
        assert head == "data:image/webp;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.size == size == (int(attributes["width"] or 0), int(attributes["height"] or 0))
    assert photograph["alt"] == "Photograph of a living room: a.jpg"
    assert packshot["alt"] == "Product 1"


def test_small_pictures_are_not_enlarged(tmp_path: Path, scene, picture: Callable[..., Path]) -> None:
    page = written(tmp_path, book(scene(image=picture("product.png", (60, 40)), n=1)))
    assert page.all("img")[1]["width"] == "60"


def test_a_product_picture_is_embedded_once_and_reused(tmp_path: Path, scene, picture: Callable[..., Path]) -> None:
    image = picture("product.png", (300, 300))
    page = written(tmp_path, book(scene(image=image), scene("b.jpg", image)))
    packshots = [attributes for attributes in page.all("img") if attributes["width"] == "240"]
    assert [attributes.get("src") is not None for attributes in packshots] == [True, False, False, False]
    assert {attributes["data-same"] for attributes in packshots[1:]} == {packshots[0]["id"]}


def test_nothing_is_fetched_and_only_its_own_style_and_script_may_act(tmp_path: Path, scene) -> None:
    write_lookbook(tmp_path / "page.html", book(scene()))
    source = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|url\(|@import|<link|<iframe|\bon\w+=", source)
    page = Page(source)
    policy = str(next(meta for meta in page.all("meta") if "http-equiv" in meta)["content"])
    assert "default-src 'none'" in policy
    for tag in ("style", "script"):
        bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", source, re.DOTALL)
        assert len(bodies) == 1
        digest = base64.b64encode(hashlib.sha256(bodies[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any("style" in attributes for _, attributes in page.tags)


def test_hostile_text_stays_text(
    tmp_path: Path, picture: Callable[..., Path], make_result, make_recommendation: Callable[..., Recommendation]
) -> None:
    analysis = replace(make_result(note=HOSTILE).scene, room=replace(make_result().scene.room, value=HOSTILE))
    item = replace(make_recommendation(1), reason=HOSTILE, placement=HOSTILE, sku_id=HOSTILE, category=HOSTILE)
    product = LookbookProduct(item, HOSTILE, None, HOSTILE)
    lookbook = book(LookbookScene(HOSTILE, picture("s.jpg"), analysis, (product,)), failures=((HOSTILE, HOSTILE),))
    page = written(tmp_path, replace(lookbook, library=HOSTILE, calibration_note=HOSTILE, bundle_version=HOSTILE))
    assert len(page.all("script")) == 1
    assert page.text.count(HOSTILE) >= 10
    assert html.escape(HOSTILE) not in page.text


def test_a_score_that_is_not_calibrated_is_never_called_a_confidence(tmp_path: Path, scene) -> None:
    page = written(tmp_path, book(scene(calibrated=False)))
    assert "0.69 score, not calibrated on photographs" in page.text
    assert "Score at least" in page.text
    assert "likely to fit" not in page.text
    calibrated = written(tmp_path, book(scene(calibrated=True)))
    assert "60% likely to fit" in calibrated.text
    assert "Confidence at least" in calibrated.text
    assert "uncalibrated" not in calibrated.text


@pytest.mark.parametrize(
    ("failures", "message"),
    [((), "This library holds no scenes yet."), ((("x.jpg", "/home/me/x.jpg: damaged"),), "None of the scenes")],
)
def test_a_library_without_scenes_says_so(tmp_path: Path, failures, message: str) -> None:
    page = written(tmp_path, book(failures=failures))
    assert message in page.text
    assert page.all("form") == page.all("img") == []
    assert ("x.jpg damaged" in page.text) == bool(failures)
    assert "/home" not in page.text


def test_a_scene_without_products_and_an_unknown_room_are_said_in_words(tmp_path: Path, scene) -> None:
    page = written(tmp_path, book(scene(n=0, room="unknown", style="unknown", note="It shows a dog.")))
    for shown in ("Room not recognized", "style open", "It shows a dog.", "No product passed the filter"):
        assert shown.lower() in page.text.lower()
    assert page.all("img")[0]["alt"] == "Photograph: a.jpg"


def test_filters_offer_what_the_library_holds_with_unknown_last(tmp_path: Path, scene) -> None:
    page = written(
        tmp_path, book(scene(room="unknown"), scene("b.jpg", room="kitchen"), scene("c.jpg", room="kitchen"))
    )
    assert [option["value"] for option in page.all("option")] == ["", "kitchen", "unknown", "", "mid_century_modern"]
    assert "Kitchen (2)" in page.text


def test_a_picture_that_cannot_be_read_is_an_error_and_leaves_no_file(tmp_path: Path, scene) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    broken = replace(scene(), image=tmp_path / "notes.jpg")
    with pytest.raises(ImageError, match=r"notes\.jpg"):
        write_lookbook(tmp_path / "page.html", book(broken))
    assert not list(tmp_path.glob("*.html*"))


def test_sections_marks_and_cards_belong_together(tmp_path: Path, scene, make_recommendation) -> None:
    box = (0.1, 0.2, 0.4, 0.6)
    cards = [LookbookProduct(replace(make_recommendation(n), box=box), f"Card {n}", price="9.00 EUR") for n in (1, 2)]
    thing = LookbookObject("sofas", box, (LookbookProduct(make_recommendation(1), "Like the sofa"),))
    found = LookbookSet(tuple(cards), (1, 4), "45.00 of 90.00 EUR, 45.00 EUR left", "A swap.", "A note on the set.")
    page = written(tmp_path, book(replace(scene(), objects=(thing,), products=tuple(cards), set=found)))
    for shown in ("In this room", "Sofas", "Would belong here", "The set", "45.00 EUR left", "4 pieces", "A swap."):
        assert shown in page.text
    marks = [attributes for attributes in page.all("a") if "mark" in (attributes.get("class") or "").split()]
    pins = [attributes for attributes in page.all("a") if attributes.get("class") == "pin"]
    assert [mark["data-mark"] for mark in marks] == ["0-1", "0-2", "0-3", "0-4", "0-5"]
    assert {pin["href"] for pin in pins} == {f"#{mark['id']}" for mark in marks}
    assert {mark["href"] for mark in marks} == {f"#{pin['id']}" for pin in pins}
    assert "style" not in {name for _, attributes in page.tags for name in attributes}, "the policy forbids it"


def test_a_scene_without_boxes_has_no_marks(tmp_path: Path, scene) -> None:
    page = written(tmp_path, book(scene()))
    assert not page.all("svg") or all(svg.get("class") != "marks" for svg in page.all("svg"))
    assert "In this room" not in page.text


def test_a_style_that_is_not_certain_is_named_nowhere(tmp_path: Path, scene) -> None:
    one = scene(style="industrial")
    unsure = replace(one, analysis=replace(one.analysis, style_certain=False))
    text = written(tmp_path, book(unsure)).text
    assert "style not certain" in text
    assert "Industrial" not in text
