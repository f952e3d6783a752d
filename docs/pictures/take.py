"""Take the pictures of the README from real runs: `.venv/bin/python docs/pictures/take.py`.

Starts `dagster dev` on a temporary DAGSTER_HOME, builds the sample, scores its libraries through the sensors, and
photographs UI and lookbook in a Chromium that is installed. Needs the extra `browser`. Takes some minutes.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))
from scene_pipeline_tests.chromium import browser, save  # noqa: E402

WIDTH, HEIGHT = 1600, 1000


def main() -> int:
    """Write the pictures beside this file and return 0."""
    from scene_pipeline_tests.defs.dagster_dev import dagster_dev, wait

    with tempfile.TemporaryDirectory() as temporary:
        artifacts = Path(temporary) / "artifacts"
        settings = {"SCENE_PIPELINE_ARTIFACTS": str(artifacts), "SCENE_PIPELINE_SENSOR_SECONDS": "5"}
        with dagster_dev(Path(temporary) / "home", settings) as dev:
            dev.start_sensors(["scene_library_sensor", "watch_quality"])
            dev.finished(dev.launch("build_bundle"), 900)
            wait(lambda: len(list(artifacts.glob("scenes/*/lookbook.html"))) >= 2, 900)
            dev.settle()
            with browser() as chromium:
                take_ui(chromium, dev.url)
                take_lookbook(chromium, next(iter(sorted(artifacts.glob("scenes/*/lookbook.html")))))
    return 0


def take_ui(chromium: Any, url: str) -> None:
    """Photograph the graph, and the checks of the bundle and of the quality monitor."""
    page = chromium.new_page(viewport={"width": 2200, "height": 900})
    page.goto(f"{url}/asset-groups", wait_until="load")
    page.wait_for_timeout(8000)
    save(page, HERE / "graph.webp")
    page.close()
    page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    for asset in ("serving_bundle", "quality"):
        page.goto(f"{url}/assets/{asset}?view=checks", wait_until="load")
        page.wait_for_timeout(6000)
        save(page, HERE / f"checks-{asset.replace('_', '-')}.webp")
    page.close()


def take_lookbook(chromium: Any, path: Path) -> None:
    """Photograph a spread of the lookbook, in light and in dark."""
    for scheme in ("light", "dark"):
        page = chromium.new_page(viewport={"width": WIDTH, "height": 1650}, color_scheme=scheme)
        page.goto(path.as_uri(), wait_until="load")
        page.evaluate("document.querySelector('.scene').scrollIntoView()")
        page.wait_for_timeout(1500)
        save(page, HERE / f"lookbook-{scheme}.webp")
        page.close()


if __name__ == "__main__":
    sys.exit(main())
