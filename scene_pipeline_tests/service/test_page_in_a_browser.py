"""The page in a real browser: the whole walk, by mouse and by keyboard, without a violation and without another host.

Needs the extra `browser` and a Chromium that is installed; skips where one is missing.
"""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.paths import CONTEXT_FOLDER, CONTEXT_WEIGHTS
from scene_pipeline.settings import SUBJECT_KEY_FILE
from scene_pipeline_tests import chromium
from scene_pipeline_tests.service.conftest import SCENE

pytest.importorskip("playwright.sync_api", reason="the extra `browser` is not installed")
pytestmark = pytest.mark.skipif(chromium.CHROMIUM is None, reason="no Chromium is installed")

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
WAIT_MS = 60_000


@pytest.fixture(scope="module")
def address(promoted: Path, serve: Callable[..., Any]) -> str:
    return serve(promoted, max_wait_s=60, deadline_s=60, body_timeout_s=60)[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.browser() as found:
        yield found


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    contexts: list[Any] = []
    requested: list[str] = []
    errors: list[str] = []

    def make(path: str = "/", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, **options})
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requested.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(address + path, wait_until="load")
        return page

    yield make
    for context in contexts:
        context.close()
    assert [url for url in requested if not url.startswith((address, "blob:", "data:"))] == []
    assert [text for text in errors if "Content Security Policy" in text or "Failed to load" not in text] == []


def violations(page: Any) -> list[tuple[str, str]]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the extra `browser` is not installed")
    found = axe.Axe().run(page, options={"runOnly": RULES}).response
    assert found["passes"], "axe looked at nothing"
    return [(item["id"], item["nodes"][0]["html"][:160]) for item in found["violations"]]


def titles(page: Any) -> list[str]:
    return page.locator(".answers .product h3").all_inner_texts()


def settled(page: Any) -> None:
    page.wait_for_timeout(400)
    page.locator(".answers[aria-busy=false] .product").first.wait_for()


def test_the_walk_from_a_dropped_photograph_to_a_reload(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.locator("input[type=file]").first.set_input_files(str(SCENE))
    settled(page)
    assert page.locator(".photograph img").is_visible()
    first = titles(page)
    assert len(first) == 10

    read = page.locator("#fact-room option").first.inner_text()
    room = "bathroom" if "Bathroom" not in read else "kitchen"
    page.select_option("#fact-room", room)
    settled(page)
    assert titles(page) != first
    assert f"room={room}" in page.url

    corrected = titles(page)
    page.get_by_role("button", name=f"Pin {corrected[2]}", exact=True).click()
    settled(page)
    page.locator(".reject").nth(0).click()
    settled(page)
    after = titles(page)
    assert corrected[0] not in after
    assert after[2] == corrected[2]
    page.get_by_role("button", name="Undo").click()
    settled(page)
    assert titles(page)[0] == corrected[0]

    page.get_by_role("button", name=f"Like {corrected[1]}", exact=True).click()
    page.get_by_role("button", name=f"Liked {corrected[1]}", exact=True).wait_for()
    with page.expect_response(lambda answer: answer.url.endswith("/v1/events")) as sent:
        pass
    assert sent.value.status == 202

    kept = titles(page)
    page.reload(wait_until="load")
    settled(page)
    assert titles(page) == kept
    assert page.locator("#fact-room").input_value() == room
    assert page.locator(".photograph img").is_visible()
    assert page.get_by_role("button", name=f"Liked {corrected[1]}", exact=True).count() == 1


DROP = """([data, name, type]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name, { type }));
  return ["dragover", "drop"].map((kind) =>
    document.body.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer })));
}"""


def drop(page: Any, content: bytes, name: str, kind: str) -> None:
    """Drop a file beside everything; the browser itself must not open it."""
    assert page.evaluate(DROP, [base64.b64encode(content).decode(), name, kind]) == [False, False]


def test_a_file_is_dropped_anywhere_and_one_that_is_no_picture_leaves_what_is_shown(
    open_page: Callable[..., Any],
) -> None:
    page = open_page()
    page.locator(".scenes img").first.wait_for()
    drop(page, SCENE.read_bytes(), "room.webp", "image/webp")
    settled(page)
    first, address = titles(page), page.url
    drop(page, b"a letter", "letter.txt", "text/plain")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "The file is not a picture" in alert.inner_text()
    assert (titles(page), page.url) == (first, address)
    assert page.evaluate("document.querySelector('.photograph img').naturalWidth") > 0
    alert.get_by_role("button", name="Close").click()
    alert.wait_for(state="detached")


def test_a_photograph_that_could_not_be_sent_is_sent_again(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.route("**/v1/scenes", lambda route: route.abort())
    page.locator("input[type=file]").first.set_input_files(str(SCENE))
    page.get_by_role("alert").wait_for()
    page.unroute("**/v1/scenes")
    page.get_by_role("button", name="Try again").click()
    settled(page)


def test_a_like_is_sent_again_until_the_server_has_it(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.locator(".scenes button").first.click()
    settled(page)
    page.route("**/v1/events", lambda route: route.abort())
    with page.expect_event("requestfailed", lambda failed: failed.url.endswith("/v1/events")):
        page.get_by_role("button", name="Like").first.click()
    page.unroute("**/v1/events")
    with page.expect_response("**/v1/events") as sent:
        pass
    assert sent.value.status == 202


def test_a_photograph_that_this_tab_lacks_is_chosen_again_and_the_wishes_stay(open_page: Callable[..., Any]) -> None:
    page = open_page("/#scene=unknown&max=60")
    page.get_by_text("no longer in this tab").wait_for()
    page.locator(".nophoto input").set_input_files(str(SCENE))
    settled(page)
    assert page.locator(".photograph img").is_visible()
    assert page.get_by_label("Price to").input_value() == "60"


def test_back_leads_to_the_scene_before_and_then_to_the_start(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.locator(".scenes button").nth(0).click()
    settled(page)
    first, room = page.url, page.locator("#read").inner_text()
    assert page.evaluate("document.activeElement.id") == "main"
    page.get_by_role("button", name="Another photograph").click()
    page.locator(".scenes button").nth(1).click()
    settled(page)
    page.get_by_label("Price to").fill("90")
    settled(page)
    page.go_back()
    page.locator(".scenes").first.wait_for()
    page.go_back()
    settled(page)
    assert (page.url, page.locator("#read").inner_text()) == (first, room)


def test_the_number_of_products_is_typed(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.locator(".scenes button").first.click()
    settled(page)
    page.locator(".advanced summary").click()
    field = page.get_by_label("Products", exact=True)
    field.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Backspace")
    page.keyboard.type("4")
    settled(page)
    assert (field.input_value(), len(titles(page))) == ("4", 4)


def test_marks_are_numbered_and_named(open_page: Callable[..., Any]) -> None:
    page = open_page(viewport={"width": 1400, "height": 500})
    page.locator(".scenes button").first.click()
    settled(page)
    page.get_by_label("Show").select_option("match")
    page.locator(".tag").first.wait_for()
    assert page.locator(".things li").count() == page.locator(".tag").count() == page.locator(".mark").count()
    shown = page.locator(".photograph img").evaluate(
        "(img) => [img.width / img.height, img.naturalWidth / img.naturalHeight]"
    )
    assert shown[0] == pytest.approx(shown[1], rel=0.02), "a cropped photograph is marked in the wrong places"
    assert violations(page) == []


def test_wishes_are_answered_and_two_settings_stand_side_by_side(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.locator(".scenes button").first.click()
    settled(page)
    page.get_by_role("button", name="Compare from here").click()
    page.locator(".lists.two").wait_for()
    page.get_by_label("Price to").fill("40")
    settled(page)
    page.locator(".list .only").first.wait_for()
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    assert len(Path(saved.value.path()).read_text(encoding="utf-8-sig").splitlines()) == 11
    with page.expect_download() as saved:
        page.get_by_role("button", name="Lookbook").click()
    assert 'class="product"' in Path(saved.value.path()).read_text(encoding="utf-8")
    page.get_by_label("Price to").fill("0.01")
    page.get_by_role("alert").wait_for()
    assert "No product is left" in page.get_by_role("alert").inner_text()


def test_earlier_settings_that_cannot_be_answered_say_why_and_the_list_stays(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.locator(".scenes button").first.click()
    settled(page)
    before = titles(page)
    problem = {"type": "urn:problem:invalid", "detail": "it has no answer"}
    page.route("**/v1/recommendations", lambda route: route.fulfill(status=422, json=problem))
    page.get_by_role("button", name="Compare from here").click()
    page.get_by_text("As it was: It has no answer.").wait_for()
    assert titles(page) == before


def test_a_person_reads_corrects_and_deletes_what_is_known(
    browser: Any, promoted: Path, serve: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, key = tmp_path / "artifacts", tmp_path / "key"
    key.write_text("a key of at least sixteen bytes")
    monkeypatch.setenv(SUBJECT_KEY_FILE, str(key))
    (own / CONTEXT_FOLDER).mkdir(parents=True)
    for name in ("bundles", "images"):
        (own / name).symlink_to(promoted / name)
    (own / CONTEXT_FOLDER / CONTEXT_WEIGHTS).write_text("{season: 3, trend: 3, person: 3}")
    address, _ = serve(own, max_wait_s=60, deadline_s=60)
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(address, wait_until="load")
    page.locator(".scenes button").first.click()
    settled(page)
    impersonal = titles(page)

    page.get_by_label("Date").fill("2026-05-01")
    page.get_by_label("Country, two letters").fill("gb")
    page.locator(".reason .context", has_text="Moved up").first.wait_for()
    assert "country=GB" in page.url
    page.get_by_label("Date").fill("")
    settled(page)
    assert titles(page) == impersonal

    page.get_by_label("Person: the shop's own id").fill("anna@example.com")
    page.get_by_role("button", name="Choose for this person").click()
    page.get_by_text("Nothing is known of this person").wait_for()
    page.get_by_label("Prefers").fill("oak")
    page.get_by_role("button", name="Add").click()
    page.locator(".for-you", has_text="For you: oak").wait_for()
    settled(page)
    assert titles(page) != impersonal
    assert "anna" not in page.url
    page.get_by_text("What is known").click()
    page.locator(".profile select").first.select_option("-1")
    page.locator(".for-you", has_text="Nothing telling").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="Delete this profile").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Deleted. Nothing is kept").wait_for()
    settled(page)
    assert titles(page) == impersonal
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_any_state(open_page: Callable[..., Any], scheme: str) -> None:
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    page.locator(".scenes img").first.wait_for()
    assert violations(page) == []
    page.locator(".scenes button").first.click()
    settled(page)
    page.locator(".advanced summary").click()
    page.locator(".choices summary").first.click()
    page.locator(".factors summary").first.click()
    page.get_by_role("button", name="Pin").first.click()
    settled(page)
    assert violations(page) == []
    page.get_by_role("button", name="Compare from here").click()
    page.locator(".lists.two").wait_for()
    page.get_by_label("Price to").fill("0.01")
    page.get_by_role("alert").wait_for()
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 768, 3840])
def test_nothing_is_wider_than_the_window(open_page: Callable[..., Any], width: int) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    page.locator(".scenes button").first.click()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inner = page.locator(".facts").bounding_box()
    for box in (field.bounding_box() for field in page.locator("input:visible, select:visible").all()):
        assert box["x"] + box["width"] <= inner["x"] + inner["width"] + 2


def test_everything_is_reached_by_keyboard(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.locator(".scenes button").first.focus()
    page.keyboard.press("Enter")
    settled(page)
    address = page.url
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Another photograph"
    assert page.url == address
    page.locator(".reject").nth(1).focus()
    page.keyboard.press("Enter")
    settled(page)
    assert page.evaluate("document.activeElement.classList.contains('reject')")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_page_asks_for_a_token_where_the_server_does(
    browser: Any, promoted: Path, serve: Callable[..., Any], token_file: tuple[Path, dict[str, str]]
) -> None:
    path, secrets = token_file
    guarded, _ = serve(promoted, tokens=path, max_wait_s=60, deadline_s=60)
    context = browser.new_context()
    page = context.new_page()
    page.goto(guarded, wait_until="load")
    page.get_by_label("Token").wait_for()
    assert violations(page) == []
    page.get_by_label("Token").fill("none of its")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert "does not know this token" in page.get_by_role("alert").inner_text()
    page.get_by_label("Token").fill(secrets["recommend"])
    page.keyboard.press("Enter")
    page.locator(".scenes button").first.click()
    page.get_by_role("button", name="Like").first.click()
    page.get_by_text("What you like, pin or reject is not recorded").wait_for()  # the token lacks the scope "feedback"
    context.close()


def test_docs_have_no_violation(open_page: Callable[..., Any]) -> None:
    assert violations(open_page("/docs")) == []
