"""Fetch very many URLs of which one in twenty fails, in every way, and then fetch again.

    python -m benchmarks.fetch_many [--json] [--count 100000]

A local server answers at once with 500 different small JPEGs under ever new URLs; of every 160 URLs, 8 fail, each in
another way. Counted are the outcomes by reason, the memory over the run, and what the next run asks the server for:
only what may have mended itself, nothing that was had and nothing that failed for good.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks._image_server import FAILURES
from benchmarks._processes import Ran, run
from benchmarks.claims import Claim, at_least, at_most, report
from benchmarks.download import REPOSITORY, asked, make_pictures, serving
from scene_pipeline.images.pool import usable_cores
from scene_pipeline.images.schema import OK, REASONS

EVERY = 20  # of so many URLs one fails
SIDE, PICTURES = 120, 500
EXPECTED = {
    "missing": "not_found",
    "broken": "broken_image",
    "page": "not_an_image",
    "unavailable": "server_error",
    "reset": "connection",
    "empty": "empty",
    "cut": "incomplete_body",
    "slow": "timeout",
}
"""Kind of failure -> reason of the row."""

PROGRAM = """
import json, sys
from pathlib import Path
import pyarrow.parquet as pq
from scene_pipeline.files import atomic_path
from scene_pipeline.images.report import outcomes
from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchSettings, ImageRequest
urls, out, host = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
with urls.open() as lines:
    requests = [ImageRequest(str(n), "primary", 0, line.strip()) for n, line in enumerate(lines)]
settings = FetchSettings(out, allow_hosts=(host,), concurrency=64, per_host=64, read_timeout_s=4, retries=1,
                         backoff_s=0.05, breaker_failures=1000)
table = out / "status.parquet"
previous = pq.read_table(table) if table.exists() else None
last = {}
status = fetch_images(requests, ImageStore(out), previous, settings, lambda state: last.update(rate=state.rate))
with atomic_path(table) as temporary:
    pq.write_table(status, temporary)
print(json.dumps({"outcomes": outcomes(status), "rows": status.num_rows, **last}))
"""


def urls_of(host: str, count: int) -> list[str]:
    """Return the URLs: every twentieth fails, the kinds in turn."""
    urls = []
    for number in range(count):
        kind = FAILURES[number // EVERY % len(FAILURES)] if number % EVERY == 0 else "ok"
        urls.append(f"http://{host}/{kind}/{number}")
    return urls


def measure(count: int, note: Any) -> dict[str, Any]:
    """Run twice; return outcomes, memory and requests of both runs."""
    runs = []
    with tempfile.TemporaryDirectory(prefix="fetch-many-") as temporary:
        root = Path(temporary)
        make_pictures(root / "pictures", PICTURES, SIDE)
        (root / "program.py").write_text(PROGRAM)
        (root / "out").mkdir()
        with serving(root / "pictures", 0.0) as host:
            urls = root / "urls.txt"
            wanted = urls_of(host, count)
            urls.write_text("\n".join(wanted))
            for _ in range(2):
                asked(host)
                command = [sys.executable, str(root / "program.py"), str(urls), str(root / "out"), host]
                ran = run(command, REPOSITORY)
                runs.append({**json.loads(ran.output), "requests": asked(host)["requests"], **_memory(ran)})
                note(runs[-1])
    kinds = [url.split("/")[3] for url in wanted]
    return {"count": count, "runs": runs, "kinds": {kind: kinds.count(kind) for kind in sorted(set(kinds))}}


def _memory(ran: Ran) -> dict[str, float]:
    """Return the memory early and late in the run, in megabytes, and its length in seconds."""
    samples = ran.samples_mb
    tenth = max(1, len(samples) // 10)
    early, late = samples[2 * tenth : 3 * tenth], samples[-2 * tenth : -tenth]
    return {
        "seconds": ran.ended - ran.started,
        "early_mb": sum(early) / max(1, len(early)),
        "late_mb": sum(late) / max(1, len(late)),
        "peak_mb": ran.peak_mb,
    }


def claims_of(figures: dict[str, Any]) -> list[Claim]:
    """Return the claims with what was measured for each."""
    count, kinds, (first, second) = figures["count"], figures["kinds"], figures["runs"]
    expected: dict[str, int] = {EXPECTED.get(kind, OK): number for kind, number in kinds.items()}
    right = sum(min(number, first["outcomes"].get(reason, 0)) for reason, number in expected.items())
    due = sum(number for reason, number in expected.items() if reason != OK and not REASONS[reason].rests)
    grown_kb = (first["late_mb"] - first["early_mb"]) * 1000 / (0.6 * count)
    wording = "growth of memory while fetching, status rows included"
    return [
        at_least("rows with the right outcome", right / count, 1.0, unit="", against="what was served", n=count),
        at_most(wording, grown_kb, 2.0, unit="kB a URL", against=f"{first['early_mb']:.0f} MB early", n=count),
        at_most(
            "requests of the second run for each URL that may have mended itself",
            second["requests"] / max(1, due),
            # Each is asked twice, as in the first run; aiohttp asks once more when a kept-alive connection was closed.
            3.0,
            unit="",
            against=f"{due} such URLs",
            n=count,
        ),
    ]


def main() -> int:
    """Run the benchmark; exit status 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--count", type=int, default=100_000, help="URLs")
    arguments = parser.parse_args()

    def note(line: object) -> None:
        print(line, file=sys.stderr, flush=True)

    figures = measure(arguments.count, note)
    machine = {"cores": usable_cores(), "load": os.getloadavg()[0], "python": platform.python_version()}
    return report(claims_of(figures), arguments, figures=figures, machine=machine)


if __name__ == "__main__":
    sys.exit(main())
