"""A Chromium that is installed, headless: for tests of pages and for the pictures of the documentation."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
"""Its path; None where there is none."""


@contextmanager
def browser(*arguments: str) -> Iterator[Any]:
    """Yield a browser that calls nobody by itself. Needs the extra `browser`."""
    from playwright.sync_api import sync_playwright  # pyright: ignore[reportMissingImports]

    if CHROMIUM is None:
        raise SystemExit("no Chromium is installed")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=[*quiet, *arguments])
        yield found
        found.close()


def save(page: Any, target: Path) -> None:
    """Photograph a page as WebP and print the file's name."""
    shot = target.with_suffix(".png")
    page.screenshot(path=str(shot))
    with Image.open(shot) as image:
        image.convert("RGB").save(target, quality=80, method=6)
    shot.unlink()
    print(target.name)
