"""Take the pictures of docs/service.md from a real run: `.venv/bin/python docs/pictures/take_page.py ARTIFACTS`.

Starts the service on the promoted bundle of ARTIFACTS and photographs its page in a Chromium that is installed. Needs
the extras `serve` and `browser`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
PATIENT = {"SCENE_PIPELINE_SERVE_MAX_WAIT_S": "60", "SCENE_PIPELINE_SERVE_DEADLINE_S": "60"}


def main() -> int:
    """Write the pictures beside this file and return 0."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None or len(sys.argv) != 2:
        raise SystemExit("give the artifacts folder, and install a Chromium")
    command = [sys.executable, "-m", "scene_pipeline.cli", "serve", "--artifacts", sys.argv[1], "--port", "0"]
    process = subprocess.Popen(command, env={**os.environ, **PATIENT}, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    address = next(found[1] for line in process.stderr if (found := re.search(r"listens on (http://\S+)", line)))
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            take(browser, address)
            browser.close()
    finally:
        process.terminate()
        process.wait(30)
    return 0


def take(browser: Any, address: str) -> None:
    """Photograph the start, a list with a pinned product, a comparison in the dark, and a telephone."""
    page = browser.new_page(viewport={"width": 1500, "height": 1100})
    page.set_default_timeout(60_000)
    page.goto(address, wait_until="networkidle")
    _save(page, "page-start")
    page.locator(".scenes button").nth(10).click()
    _settle(page)
    page.get_by_role("button", name="Pin").nth(1).click()
    _settle(page)
    _save(page, "page-list")
    address_of_list = page.url
    page.close()
    page = browser.new_page(viewport={"width": 1700, "height": 1100}, color_scheme="dark")
    page.goto(address_of_list, wait_until="load")
    _settle(page)
    page.get_by_role("button", name="Compare from here").click()
    page.get_by_label("Price to").fill("60")
    page.locator(".list .only").first.wait_for()
    _settle(page)
    _save(page, "page-compare-dark")
    page.close()
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(address_of_list, wait_until="load")
    _settle(page)
    _save(page, "page-telephone")
    page.close()


def _settle(page: Any) -> None:
    page.wait_for_timeout(1000)
    page.locator(".answers[aria-busy=false] .product").first.wait_for()
    page.wait_for_load_state("networkidle")


def _save(page: Any, name: str) -> None:
    target = HERE / f"{name}.png"
    page.screenshot(path=str(target))
    with Image.open(target) as image:
        image.convert("RGB").save(target.with_suffix(".webp"), quality=80, method=6)
    target.unlink()
    print(target.with_suffix(".webp").name)


if __name__ == "__main__":
    sys.exit(main())
