"""Sixteen threads that answer and reload while bundles are promoted: no error, and memory that levels off.

    python -m benchmarks.soak [--json] [--minutes 10] [--products 280]

Two bundles are built of the sample. Each thread recommends for a scene, reloads and begins again; meanwhile, every
second, the other bundle is promoted (`rollback`). Resident memory is read every second: the median of the last fifth of
the time is held against that of the fifth before the middle, when every thread has seen both bundles many times.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks._processes import resident_mb
from benchmarks.claims import Claim, at_least, at_most, report
from benchmarks.faults import build, cut_catalog
from scene_pipeline.bundle import current_version, list_bundles, rollback
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.sample import sample_photographs

THREADS = 16
GROWTH = 1.05
PROMOTE_S = 1.0


class Soak:
    """What the threads share: the matcher of the moment, what they did, and what went wrong."""

    def __init__(self, artifacts: Path) -> None:
        self.artifacts = artifacts
        self.matcher = SceneMatcher.open(artifacts)
        self.scenes = sample_photographs()
        self.stop = threading.Event()
        self.answers = self.reloads = 0
        self.errors: list[str] = []
        self._lock = threading.Lock()

    def work(self, first: int) -> None:
        """Answer and reload until stopped."""
        number = first
        while not self.stop.is_set():
            number += 1
            try:
                matcher = self.matcher
                result = matcher.recommend(self.scenes[number % len(self.scenes)], k=10)
                assert len(result.recommendations) == 10
                assert result.bundle_version == matcher.bundle.version
                newer = matcher.reload()
            except Exception as error:  # whatever it is, it is what is looked for
                with self._lock:
                    self.errors.append(f"{type(error).__name__}: {error}")
                continue
            with self._lock:
                self.answers += 1
                self.reloads += newer is not matcher
                self.matcher = newer


def soak(artifacts: Path, seconds: float) -> tuple[Soak, list[float], int]:
    """Return the soak after so many seconds, the memory at each of them in MB, and how often a bundle was promoted."""
    state = Soak(artifacts)
    threads = [threading.Thread(target=state.work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    memory, promoted, end = [], 0, time.monotonic() + seconds
    versions = [bundle.version for bundle in list_bundles(artifacts)]
    while time.monotonic() < end:
        time.sleep(PROMOTE_S)
        current = current_version(artifacts)
        rollback(artifacts, next(version for version in versions if version != current))
        promoted += 1
        memory.append(resident_mb())
    state.stop.set()
    for thread in threads:
        thread.join()
    return state, memory, promoted


def main() -> int:
    """Print the claims."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--products", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, first in (("first", 0), ("second", 20)):
            build(cut_catalog(folder / name, first, arguments.products), folder / "artifacts")
        state, memory, promoted = soak(folder / "artifacts", 60 * arguments.minutes)
    fifth = max(1, len(memory) // 5)
    before, after = statistics.median(memory[fifth : 2 * fifth]), statistics.median(memory[-fifth:])
    n = state.answers
    claims: list[Claim] = [
        at_most("errors of answers and reloads", len(state.errors), 0, unit="", against=f"{promoted} promotions", n=n),
        at_least("reloads that took another bundle", state.reloads, promoted // 2, unit="", against="promotions", n=n),
        at_most("memory at the end over that of the second fifth", after / before, GROWTH, unit="×",
                against=f"{before:.0f} MB, then {after:.0f} MB; most {max(memory):.0f} MB", n=len(memory)),
    ]  # fmt: skip
    return report(claims, arguments, errors=state.errors[:20], memory_mb=[round(mb) for mb in memory[::10]])


if __name__ == "__main__":
    sys.exit(main())
