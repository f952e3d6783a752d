"""Walk through the first minutes as a newcomer does, twice, and write down how long each step takes.

    .venv/bin/python docs/pictures/walk.py [--venv FOLDER] [--write]

1. fresh clone -> `make demo` -> `make ui` -> a library -> its lookbook, opened under another host name;
2. fresh clone -> `make ui` alone -> the job `try_the_sample`, launched in the UI -> the lookbook in the same way.

Headless Chromium sees both servers under names of other machines, which lead to this one. --venv takes an environment
that is there in place of `make setup`. --write replaces the table of docs/first_minutes.md; pictures come to lie here.
Needs the extra `browser`, and the ports 3000 and 3001.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from scene_pipeline_tests.chromium import browser  # noqa: E402

TABLE = ROOT / "docs" / "first_minutes.md"
UI, BOOKS = "http://dagster.example:3000", "http://lookbooks.example:3001"
LIBRARY = "spring_collection"
LONG_S = 1800.0


@dataclass
class Walk:
    """One way through: a folder with a fresh clone, and the steps taken with their seconds."""

    name: str
    clone: Path
    venv: Path | None
    steps: list[tuple[str, float]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What `make` is run with: addresses as other machines would see them, and nothing of the caller's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCENE_PIPELINE", "DAGSTER"))}
        return {**kept, "SCENE_PIPELINE_LOOKBOOK_URL": BOOKS, "PYTHONPATH": str(self.clone)}

    def make(self, target: str) -> list[str]:
        """Return the command of a target."""
        return ["make", *(["-o", ".venv/.ready"] if self.venv else []), target]

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note how long a step takes."""
        started = time.monotonic()
        yield
        self.steps.append((step, time.monotonic() - started))
        print(f"{self.name}: {step}: {self.steps[-1][1]:.1f} s", flush=True)

    def begin(self) -> None:
        """Clone the repository and set it up."""
        with self.timed("git clone"):
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)
        if self.venv:
            (self.clone / ".venv").symlink_to(self.venv)
        else:
            with self.timed("`make setup`"):
                subprocess.run(["make", "setup"], cwd=self.clone, env=self.environment, check=True)

    @contextmanager
    def ui(self) -> Iterator[None]:
        """Run `make ui` until the block ends."""
        process = subprocess.Popen(
            self.make("ui"), cwd=self.clone, env=self.environment, start_new_session=True, preexec_fn=_heed_interrupts
        )
        try:
            with self.timed("`make ui` until the project is loaded"):
                wait(lambda: process.poll() is not None or loaded())
            assert process.poll() is None, "make ui ended"
            yield
        finally:
            for signals in (signal.SIGINT, signal.SIGKILL):
                os.killpg(process.pid, signals)
                try:
                    process.wait(60)
                    break
                except subprocess.TimeoutExpired:
                    continue


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def wait(look: Callable[[], Any], limit_s: float = LONG_S) -> None:
    """Wait until `look` returns something true."""
    end = time.monotonic() + limit_s
    while not look():
        if time.monotonic() > end:
            raise AssertionError(f"nothing after {limit_s:g} s")
        time.sleep(0.5)


def ask(query: str) -> Any:
    """Return the data of a GraphQL query, None where nobody answers yet."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request("http://127.0.0.1:3000/graphql", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


def loaded() -> bool:
    """Tell whether Dagster has loaded the project."""
    found = ask("{repositoriesOrError{...on RepositoryConnection{nodes{name}}}}")
    return bool(found and found["repositoriesOrError"].get("nodes"))


def succeeded(job: str) -> bool:
    """Tell whether a run of a job has succeeded. Raises AssertionError when it failed."""
    found = ask("{runsOrError{...on Runs{results{jobName status}}}}")
    states = {
        run["status"]
        for run in (found or {"runsOrError": {"results": []}})["runsOrError"]["results"]
        if run["jobName"] == job
    }
    assert "FAILURE" not in states, f"{job} failed"
    return "SUCCESS" in states


def from_the_demo(walk: Walk, browser: Any) -> None:
    """Run the demo first, then open what it made."""
    walk.begin()
    with walk.timed("`make demo`"):
        subprocess.run(walk.make("demo"), cwd=walk.clone, env=walk.environment, check=True)
    with walk.ui():
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        with walk.timed("the runs of the demo in the UI"):
            page.goto(f"{UI}/runs", wait_until="load")
            page.get_by_text("build_bundle").first.wait_for(timeout=120_000)
        save(page, "walk-demo-runs")
        open_lookbook(walk, page, "demo")


def from_the_ui(walk: Walk, browser: Any) -> None:
    """Start with the UI alone."""
    walk.begin()
    with walk.ui():
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        with walk.timed("the job `try_the_sample` in the UI"):
            page.goto(f"{UI}/locations/scene_pipeline.definitions/jobs/try_the_sample/playground", wait_until="load")
            button = page.get_by_role("button", name="Launch run")
            button.wait_for(timeout=120_000)
        save(page, "walk-ui-job")
        with walk.timed("launched, until bundle and lookbooks are there"):
            button.click()
            wait(lambda: succeeded("try_the_sample"))
        open_lookbook(walk, page, "ui")


def open_lookbook(walk: Walk, page: Any, name: str) -> None:
    """Go to a library's lookbook in the UI, and follow the link."""
    with walk.timed("the library's lookbook in the UI"):
        page.goto(f"{UI}/assets/lookbook?view=partitions&partition={LIBRARY}", wait_until="load")
        link = page.locator(f"a[href='{BOOKS}/lookbooks/{LIBRARY}']").first
        link.wait_for(timeout=120_000)
    save(page, f"walk-{name}-library")
    with walk.timed("the lookbook itself, under another host name"):
        with page.context.expect_page() as opened:
            link.click()
        book = opened.value
        book.get_by_role("heading", level=1).wait_for(timeout=120_000)
        assert book.url == f"{BOOKS}/lookbooks/{LIBRARY}", book.url
        assert book.locator("article.scene").count() > 5
    save(book, f"walk-{name}-lookbook")


def save(page: Any, name: str) -> None:
    """Write a picture beside this file."""
    page.wait_for_timeout(1500)
    target = Path(tempfile.gettempdir()) / f"{name}.png"
    page.screenshot(path=str(target))
    with Image.open(target) as image:
        image.convert("RGB").save(HERE / f"{name}.webp", quality=80, method=6)
    target.unlink()


def write_table(walks: Sequence[Walk]) -> None:
    """Replace the table of the docs."""
    text = TABLE.read_text(encoding="utf-8")
    head, _, rest = text.partition("<!-- steps -->\n")
    _, _, tail = rest.partition("<!-- end -->")
    rows = [f"| {walk.name} | {step} | {seconds:.1f} s |" for walk in walks for step, seconds in walk.steps]
    lines = ["| walk | step | time |", "| --- | --- | --- |", *rows, ""]
    TABLE.write_text(f"{head}<!-- steps -->\n" + "\n".join(lines) + f"<!-- end -->{tail}", encoding="utf-8")


def main() -> int:
    """Walk both ways and return 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=lambda text: Path(text).resolve())
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    for port in (3000, 3001):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    names = ",".join(f"MAP {url.split('/')[2].split(':')[0]} 127.0.0.1" for url in (UI, BOOKS))
    with tempfile.TemporaryDirectory() as temporary, browser(f"--host-resolver-rules={names}") as chromium:
        walks = []
        for name, walk_through in (("from `make demo`", from_the_demo), ("from `make ui`", from_the_ui)):
            walks.append(Walk(name, Path(temporary) / f"clone-{len(walks)}", arguments.venv))
            walk_through(walks[-1], chromium)
    if arguments.write:
        write_table(walks)
    return 0


if __name__ == "__main__":
    sys.exit(main())
