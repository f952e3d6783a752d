"""The lookbook in a real Chromium: 500 scenes, search and filters, keyboard, print, light and dark, and axe.

Needs the extra `browser` and a Chromium that is installed; skips where one is missing.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scene_pipeline.matching.result import SceneResult
from scene_pipeline.reporting.lookbook import LookbookObject, LookbookProduct, LookbookScene, write_lookbook
from scene_pipeline_tests import chromium
from scene_pipeline_tests.reporting.conftest import recommendation, result
from scene_pipeline_tests.reporting.test_lookbook import book

pytest.importorskip("playwright.sync_api", reason="the extra `browser` is not installed")
pytestmark = pytest.mark.skipif(chromium.CHROMIUM is None, reason="no Chromium is installed")

ROOMS = ("living_room", "bedroom", "kitchen", "bathroom", "unknown")
STYLES = ("mid_century_modern", "scandinavian", "industrial")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty photographs and forty product pictures."""
    folder = tmp_path_factory.mktemp("lookbook")
    generator = np.random.default_rng(0)
    for name, count, edge in (("scene", 20, 640), ("product", 40, 240)):
        for number in range(count):
            small = generator.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((edge, edge * 3 // 4), Image.Resampling.BICUBIC)
            picture.save(folder / f"{name}{number}.jpg")
    return folder


def written(folder: Path, scenes: int) -> Path:
    target = folder / f"{scenes}.html"
    pages = (scene(folder, number) for number in range(scenes))
    write_lookbook(target, book(*pages, failures=(("broken.jpg", "is damaged"),)))
    return target


@pytest.fixture(scope="module")
def large(pictures: Path) -> Path:
    """A lookbook of 500 scenes with ten products each."""
    return written(pictures, 500)


@pytest.fixture(scope="module")
def small(pictures: Path) -> Path:
    """A lookbook of 45 scenes: 9 kitchens, 3 of them industrial."""
    return written(pictures, 45)


def scene(folder: Path, number: int) -> LookbookScene:
    scored: SceneResult = result(0, ROOMS[number % 5], STYLES[number % 3])
    products = tuple(
        LookbookProduct(
            replace(recommendation(rank), confidence=round(1 - rank / 12 - number % 3 / 50, 3)),
            f"Vase {number}-{rank}" if rank == 1 else f"Stool {number * 10 + rank}",
            folder / f"product{(number * 7 + rank) % 40}.jpg" if rank < 10 else None,
        )
        for rank in range(1, 11)
    )
    return LookbookScene(f"scene-{number:03}.jpg", folder / f"scene{number % 20}.jpg", scored.scene, products)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.browser() as found:
        yield found


@pytest.fixture
def open_page(browser: Any, small: Path) -> Iterator[Callable[..., Any]]:
    contexts: list[Any] = []

    def make(path: Path = small, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1400, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(path.as_uri(), wait_until="load")
        return page

    yield make
    for context in contexts:
        context.close()


def shown(page: Any, selector: str) -> int:
    return page.locator(f"{selector}:not([hidden])").count()


def test_500_scenes_open_and_filter_without_a_wait(open_page: Callable[..., Any], large: Path) -> None:
    started = time.perf_counter()
    page = open_page(large)
    page.locator(".status", has_text="500 scenes").wait_for()
    opened = time.perf_counter() - started
    assert large.stat().st_size < 40_000_000
    assert opened < 15, f"{opened:.1f} s to open"
    took = page.evaluate(
        """() => { const box = document.querySelector("input[type=search]"); box.value = "vase 123-1";
        const start = performance.now(); box.dispatchEvent(new Event("input", {bubbles: true}));
        return new Promise(done => { const watch = () => document.querySelector(".status").textContent.startsWith("1 ")
            ? done(performance.now() - start) : setTimeout(watch, 5); watch(); }); }"""
    )
    assert took < 1500, f"{took:.0f} ms to search"
    assert shown(page, ".scene") == 1


def test_filters_narrow_together_and_clear(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.select_option("select[name=room]", "kitchen")
    page.locator(".status", has_text="9 of 45 scenes").wait_for()
    page.select_option("select[name=style]", "industrial")
    page.locator(".status", has_text="3 of 45 scenes").wait_for()
    page.locator("input[type=range]").fill("85")
    page.locator(".status", has_text="3 of 45 scenes, 3 products").wait_for()
    page.fill("input[type=search]", "no such thing")
    page.get_by_text("No scene matches").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.locator(".status", has_text="45 scenes, 450 products").wait_for()


def test_everything_is_reached_by_keyboard(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.select_option("select[name=room]", "kitchen")
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    names: list[str] = []
    for _ in range(8):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name"))
    assert names[0] == "Skip to the scenes"
    assert names[1] == "words"
    assert names[5] == "Clear"
    assert names[6].startswith("Details")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.fixture(scope="module")
def marked(pictures: Path) -> Path:
    """A lookbook of two scenes with a thing recognized and a place for every product."""
    scenes = []
    for number in range(2):
        made = scene(pictures, number)
        placed = tuple(
            replace(card, recommendation=replace(card.recommendation, box=(0.1 * at / 2, 0.5, 0.3 + 0.05 * at, 0.9)))
            for at, card in enumerate(made.products)
        )
        thing = LookbookObject("sofa", (0.2, 0.3, 0.6, 0.8), placed[:2])
        scenes.append(replace(made, products=placed, objects=(thing,)))
    target = pictures / "marked.html"
    write_lookbook(target, book(*scenes))
    return target


def test_a_mark_and_its_cards_light_up_together(open_page: Callable[..., Any], marked: Path) -> None:
    page = open_page(marked)
    lit = page.locator(".lit")
    page.locator(".mark[data-mark='0-1'] circle").hover()
    assert lit.evaluate_all("all => all.map(one => one.className.baseVal ?? one.className)").count("product lit") == 2
    page.locator(".section").first.hover()
    assert lit.count() == 0
    page.locator("#c1-4").focus()
    assert page.locator(".mark.lit").get_attribute("data-mark") == "1-4"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.mark ?? location.hash") in ("1-4", "#k1-4")
    page.locator(".mark[data-mark='1-5']").focus()
    assert page.locator(".product.lit").get_attribute("data-mark") == "1-5"


def test_marks_and_their_numbers_are_printed(open_page: Callable[..., Any], marked: Path) -> None:
    page = open_page(marked)
    page.emulate_media(media="print")
    assert page.locator(".mark text").first.is_visible()
    assert page.locator(".product .pin").first.is_visible()
    photograph, marks = (page.locator(part).first.bounding_box() for part in (".photograph img", ".marks"))
    assert photograph["x"] == pytest.approx(marks["x"], abs=1)
    assert photograph["height"] == pytest.approx(marks["height"], abs=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(open_page: Callable[..., Any], scheme: str) -> None:
    """Over the first five scenes: axe on all of them takes long and finds the same."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the extra `browser` is not installed")
    page = open_page(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('.scene').forEach((scene, n) => { if (n > 4) scene.remove(); })")
    page.locator(".scene details summary").first.click()
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    red = int(background.removeprefix("rgb(").split(",")[0])
    assert red > 200 if scheme == "light" else red < 60
    found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]})
    assert found.response["passes"], "axe looked at nothing"
    assert [(item["id"], item["impact"], item["nodes"][0]["html"][:200]) for item in found.response["violations"]] == []


def test_print_gives_a_page_a_scene_without_the_tools(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.select_option("select[name=room]", "kitchen")
    page.select_option("select[name=style]", "industrial")
    page.locator(".status", has_text="3 of 45 scenes").wait_for()
    page.emulate_media(media="print")
    assert not page.locator(".tools").is_visible()
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    assert 4 <= pages <= 6  # a title, a page a scene, and what was not scored


def test_nothing_is_requested_of_a_network(browser: Any, small: Path) -> None:
    page = browser.new_page()
    requested: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(small.as_uri(), wait_until="load")
    assert [url for url in requested if not url.startswith(("file:", "data:"))] == []
    assert errors == []
    page.close()
