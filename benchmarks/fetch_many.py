"""Fetch very many URLs of which one in twenty fails, in every way, and then fetch again.

    python -m benchmarks.fetch_many [--json] [--count 100000]

A local server answers at once with 500 different small JPEGs under ever new URLs; every twentieth URL fails, in one of
the ways of KINDS in turn. Counted are the outcomes by reason, the memory, and what the next run asks the server for:
only what may have fixed itself, nothing that was had and nothing that failed for good.

Memory is the proportional set size of the fetching process and its decoders, read ten times a second; its growth is the
mean of the ninth tenth of the run less the mean of the third.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks._processes import Ran, run
from benchmarks.claims import Claim, at_least, at_most, report
from benchmarks.download import REPOSITORY, make_pictures, requested, serving
from scene_pipeline.images.pool import usable_cores
from scene_pipeline.images.schema import OK, REASONS

EVERY = 20  # of so many URLs one fails
SIDE, PICTURES = 120, 500
RETRIES = 1
KINDS = {
    "missing": "not_found",
    "denied": "access_denied",
    "refused": "client_error",
    "unavailable": "server_error",
    "busy": "rate_limited",
    "loop": "too_many_redirects",
    "inside": "forbidden_address",
    "file": "forbidden_redirect",
    "noai": "robots",
    "broken": "broken_image",
    "page": "not_an_image",
    "encoding": "bad_encoding",
    "empty": "empty",
    "bomb": "too_many_pixels",
    "huge": "too_large",
    "noise": "bad_response",
    "cut": "incomplete_body",
    "reset": "connection",
    "slow": "timeout",
    "ftp": "bad_url",
    "outside": "outside_catalog",
}
"""Kind of failure -> reason of the row."""
UNASKED = {"ftp": "ftp://{host}/{number}.jpg", "outside": "../../{number}.jpg"}
"""Kinds that never reach a server."""

PROGRAM = """
import json, sys
from pathlib import Path
import pyarrow.parquet as pq
from scene_pipeline.files import atomic_path
from scene_pipeline.images.report import outcomes
from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchSettings, ImageRequest
urls, out, host, retries = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
with urls.open() as lines:
    requests = [ImageRequest(str(n), "primary", 0, line.strip()) for n, line in enumerate(lines)]
settings = FetchSettings(out, allow_hosts=(host,), concurrency=64, per_host=64, read_timeout_s=2,
                         retries=retries, backoff_s=0.05, breaker_failures=1000)
table = out / "status.parquet"
previous = pq.read_table(table) if table.exists() else None
last = {}
status = fetch_images(requests, ImageStore(out), previous, settings, lambda state: last.update(rate=state.rate))
with atomic_path(table) as temporary:
    pq.write_table(status, temporary)
tries = status.group_by("reason").aggregate([("tries", "sum")])
tries = dict(zip(tries["reason"].to_pylist(), tries["tries_sum"].to_pylist()))
print(json.dumps({"outcomes": outcomes(status), "rows": status.num_rows, "tries": tries, **last}))
"""


def domain_of(number: int) -> str:
    """Return what URL number `number` does: every twentieth fails, the kinds in turn."""
    return list(KINDS)[number // EVERY % len(KINDS)] if number % EVERY == 0 else "ok"


def url_of(host: str, number: int) -> str:
    """Return URL number `number`."""
    kind = domain_of(number)
    return UNASKED.get(kind, "http://{host}/{kind}/{number}").format(host=host, kind=kind, number=number)


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
            urls.write_text("\n".join(url_of(host, number) for number in range(count)))
            for _ in range(2):
                requested(host)
                command = [sys.executable, str(root / "program.py"), str(urls), str(root / "out"), host, str(RETRIES)]
                ran = run(command, REPOSITORY)
                runs.append({**json.loads(ran.output), "requests": requested(host)["kinds"], **_memory(ran)})
                note(runs[-1])
    return {"count": count, "runs": runs, "kinds": Counter(domain_of(number) for number in range(count))}


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
    right = sum(min(number, first["outcomes"].get(KINDS.get(kind, OK), 0)) for kind, number in kinds.items())
    due = {kind: second["tries"][reason] for kind, reason in KINDS.items() if _due(kind)}
    came = Counter(second["requests"])
    off = sum(abs(came[kind] - due.get(kind, 0)) for kind in came.keys() | due.keys())
    grown_kb = (first["late_mb"] - first["early_mb"]) * 1000 / (0.6 * count)
    wording = "growth of memory while fetching, status rows included"
    urls = sum(kinds[kind] for kind in due)
    against = (
        f"{came.total()} came for {urls} URLs that may have fixed themselves, as many as their rows count as tries"
    )
    return [
        at_least("rows with the right outcome", right / count, 1.0, unit="", against="what was served", n=count),
        at_most(wording, grown_kb, 2.0, unit="kB a URL", against=f"{first['early_mb']:.0f} MB early", n=count),
        at_most(
            "requests of the second run that were not due, or not counted", off, 0, unit="", against=against, n=count
        ),
    ]


def _due(kind: str) -> bool:
    """Return whether a URL of this kind is requested again by the second run."""
    return kind not in UNASKED and not REASONS[KINDS[kind]].rests


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
