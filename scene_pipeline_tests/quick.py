"""`make quick`: lint, types and the tests of what changed since main, in under a minute on two cores.

Tests are those of the changed files' names, then those of the architecture, then all that import a changed module. What
does not fit in the minute is skipped and named; `make test` runs everything.
"""

import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parent.parent
TESTS_S = 40.0
"""So long after the start, lint and collection included, no further test is begun."""
LAST_S = 10.0
"""So much later the test under way, or the fixture it waits for, is given up."""


class Deadline:
    """Skip every test that would begin after the deadline, and one that lasts `last_s` seconds beyond it."""

    def __init__(self, seconds: float, last_s: float = LAST_S) -> None:
        self.end = time.monotonic() + seconds
        self.last_s = last_s
        self.skipped: Counter[str] = Counter()
        self._running = ""

    def pytest_sessionstart(self) -> None:
        """Called by pytest before it collects."""
        signal.signal(signal.SIGALRM, self._give_up)
        signal.setitimer(signal.ITIMER_REAL, max(0.001, self.end + self.last_s - time.monotonic()))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Called by pytest before each test."""
        self._running = item.nodeid.partition("::")[0]
        if time.monotonic() > self.end:
            self._skip()

    def pytest_runtest_teardown(self) -> None:
        """Called by pytest after each test."""
        self._running = ""

    def _give_up(self, number: int, frame: object) -> None:
        if self._running:
            self._skip()

    def _skip(self) -> NoReturn:
        self.skipped[self._running] += 1
        pytest.skip("the minute is over")


def changed_files(root: Path, base: str = "main") -> list[str]:
    """Return the Python files that differ from where this branch left `base`, and those not committed yet."""
    branched = _git(root, "merge-base", base, "HEAD") or ["HEAD"]
    names = [*_git(root, "diff", "--name-only", branched[0]), *_git(root, "ls-files", "--others", "--exclude-standard")]
    return sorted({name for name in names if name.endswith(".py") and (root / name).is_file()})


def find_tests(changed: Sequence[str], tests: dict[str, str]) -> list[str]:
    """Return the test files for the changed files, the closest first. `tests` is test file -> its text."""
    own = [name for name in changed if name in tests]
    modules = [name.removesuffix(".py").replace("/", ".") for name in changed if name.startswith("scene_pipeline/")]
    named = [
        name
        for name in tests
        for module in modules
        if re.search(rf"(^|_){module.rsplit('.', 1)[1]}\.py$", name.rsplit("/", 1)[1])
        and module.split(".")[1:-1] == name.split("/")[1:-1]
    ]
    importing = [
        name
        for name, text in tests.items()
        for module in modules
        if re.search(rf"^\s*(from {re.escape(module)} import|import {re.escape(module)}\b)", text, re.MULTILINE)
    ]
    return list(dict.fromkeys([*own, *named, "scene_pipeline_tests/test_architecture.py", *importing]))


def _git(root: Path, *arguments: str) -> list[str]:
    found = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return found.stdout.splitlines()


def main() -> int:
    """Run the checks and return the exit status."""
    started = time.monotonic()
    changed = changed_files(ROOT)
    if not changed:
        print("no Python file differs from main")
        return 0
    print(f"{len(changed)} changed: {', '.join(changed[:6])}{' …' if len(changed) > 6 else ''}")
    tools = Path(sys.executable).parent
    types = subprocess.Popen([tools / "pyright", *changed], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    failed = [
        name
        for name in (["check"], ["format", "--check"])
        if subprocess.run([tools / "ruff", *name, *changed], cwd=ROOT, check=False).returncode
    ]
    texts = {
        str(path.relative_to(ROOT)): path.read_text()
        for path in sorted((ROOT / "scene_pipeline_tests").rglob("test_*.py"))
    }
    deadline = Deadline(TESTS_S - (time.monotonic() - started))
    status = pytest.main(["-q", "-m", "not slow", *find_tests(changed, texts)], plugins=[deadline])
    print(types.communicate()[0].strip())
    if deadline.skipped:
        files = "".join(f"\n  {count} of {name}" for name, count in deadline.skipped.items())
        print(f"{deadline.skipped.total()} tests did not fit in the minute; `make test` runs them:{files}")
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if failed or types.returncode or status not in (0, pytest.ExitCode.NO_TESTS_COLLECTED) else 0


if __name__ == "__main__":
    sys.exit(main())
