"""Take the pictures of docs/service.md from a real run: `.venv/bin/python docs/pictures/take_page.py ARTIFACTS`.

Starts the service on the promoted bundle of ARTIFACTS and photographs its page in a Chromium that is installed. Needs
the extras `serve` and `browser`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from scene_pipeline_tests.chromium import CHROMIUM, browser, save  # noqa: E402

PATIENT = {"SCENE_PIPELINE_SERVE_MAX_WAIT_S": "60", "SCENE_PIPELINE_SERVE_DEADLINE_S": "60"}


def main() -> int:
    """Write the pictures beside this file and return 0."""
    if CHROMIUM is None or len(sys.argv) != 2:
        raise SystemExit("give the artifacts folder, and install a Chromium")
    command = [sys.executable, "-m", "scene_pipeline.cli", "serve", "--artifacts", sys.argv[1], "--port", "0"]
    process = subprocess.Popen(command, env={**os.environ, **PATIENT}, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    address = next(found[1] for line in process.stderr if (found := re.search(r"listens on (http://\S+)", line)))
    try:
        with browser() as chromium:
            take(chromium, address)
    finally:
        process.terminate()
        process.wait(30)
    return 0


def take(chromium: Any, address: str) -> None:
    """Photograph the start, a list with a pinned product, a comparison in the dark, and a telephone."""
    page = chromium.new_page(viewport={"width": 1500, "height": 1100})
    page.set_default_timeout(60_000)
    page.goto(address, wait_until="networkidle")
    save(page, HERE / "page-start.webp")
    page.locator(".scenes button").nth(10).click()
    _settle(page)
    page.get_by_role("button", name="Pin").nth(1).click()
    _settle(page)
    save(page, HERE / "page-list.webp")
    address_of_list = page.url
    page.close()
    page = chromium.new_page(viewport={"width": 1700, "height": 1100}, color_scheme="dark")
    page.goto(address_of_list, wait_until="load")
    _settle(page)
    page.get_by_role("button", name="Compare from here").click()
    page.get_by_label("Price to").fill("25")
    page.locator(".list .only").first.wait_for()
    _settle(page)
    save(page, HERE / "page-compare-dark.webp")
    page.close()
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(address_of_list, wait_until="load")
    _settle(page)
    save(page, HERE / "page-telephone.webp")
    page.close()


def _settle(page: Any) -> None:
    page.wait_for_timeout(1000)
    page.locator(".answers[aria-busy=false] .product").first.wait_for()
    page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    sys.exit(main())
