"""Take the pictures of the README from real runs: `.venv/bin/python docs/pictures/take.py`.

Starts `dagster dev` on a temporary DAGSTER_HOME, builds the sample, scores its libraries through the sensors, and
photographs UI and lookbook in a Chromium that is installed. Needs the extra `browser`. Takes some minutes.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))
WIDTH, HEIGHT = 1600, 1000


def main() -> int:
    """Write the pictures beside this file and return 0."""
    from playwright.sync_api import sync_playwright

    from scene_pipeline_tests.defs.dagster_dev import dagster_dev, wait

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no Chromium is installed")
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = Path(temporary) / "artifacts"
        settings = {"SCENE_PIPELINE_ARTIFACTS": str(artifacts), "SCENE_PIPELINE_SENSOR_SECONDS": "5"}
        with dagster_dev(Path(temporary) / "home", settings) as dev:
            dev.start_sensors(["scene_library_sensor", "watch_quality"])
            dev.finished(dev.launch("build_bundle"), 900)
            wait(lambda: len(list(artifacts.glob("scenes/*/lookbook.html"))) >= 2, 900)
            dev.settle(20, 900)
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
                take_ui(browser, dev.url)
                take_lookbook(browser, next(iter(sorted(artifacts.glob("scenes/*/lookbook.html")))))
                browser.close()
    return 0


def take_ui(browser: Any, url: str) -> None:
    """Photograph the graph, and the checks of the bundle and of the quality monitor."""
    page = browser.new_page(viewport={"width": 2200, "height": 900})
    page.goto(f"{url}/asset-groups", wait_until="load")
    page.wait_for_timeout(8000)
    _save(page, "graph")
    page.close()
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    for asset in ("serving_bundle", "quality"):
        page.goto(f"{url}/assets/{asset}?view=checks", wait_until="load")
        page.wait_for_timeout(6000)
        _save(page, f"checks-{asset.replace('_', '-')}")
    page.close()


def take_lookbook(browser: Any, path: Path) -> None:
    """Photograph a spread of the lookbook, in light and in dark."""
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": WIDTH, "height": 1300}, color_scheme=scheme)
        page.goto(path.as_uri(), wait_until="load")
        page.evaluate("document.querySelector('.scene').scrollIntoView()")
        page.wait_for_timeout(1500)
        _save(page, f"lookbook-{scheme}")
        page.close()


def _save(page: Any, name: str) -> None:
    target = HERE / f"{name}.png"
    page.screenshot(path=str(target))
    with Image.open(target) as image:
        image.convert("RGB").save(target.with_suffix(".webp"), quality=80, method=6)
    target.unlink()
    print(target.with_suffix(".webp").name)


if __name__ == "__main__":
    sys.exit(main())
