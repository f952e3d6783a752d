"""Measure the image fetcher against img2dataset on the same local server.

    python -m benchmarks.download [--json] [--count 2000] [--rounds 3]

Both fetch the same distinct 800×800 JPEGs from a server in a process of its own that answers after 20 ms, and write
JPEGs of short side 336 and quality 90 into files. Each run is a fresh process; the two take turns, and medians count.
img2dataset runs with two processes and the number of threads that is best for it (THREADS). Ours also hashes, finds
colors, and writes its journal and status table; img2dataset also writes a JSON file per picture. Rates are counted
twice: over the whole life of the process, and from the first request to the end, which leaves out imports.

The machine's own limits are measured in the same run: downloading without decoding, and decoding bodies from memory,
each with all cores to itself and, in the first, the server.
"""

import argparse
import asyncio
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._processes import Ran, run
from benchmarks.claims import Claim, at_least, at_most, report
from scene_pipeline.images.client import HttpClient
from scene_pipeline.images.normalize import Job, NormalizeSettings
from scene_pipeline.images.pool import DecodePool, usable_cores
from scene_pipeline.images.types import FetchSettings

REPOSITORY = Path(__file__).parents[1]
PEER = REPOSITORY / "benchmarks" / ".peers" / "img2dataset"
PEER_VERSION = "1.47.0"
SIDE, SHORT_SIDE, QUALITY, DELAY_S = 800, 336, 90, 0.02
THREADS = 32
BOUND = 1.2
SHARE = 0.75  # of the lower limit; download and local server take the rest, as all of them share the cores


def make_pictures(folder: Path, count: int, side: int) -> None:
    """Write `count` different JPEGs with the detail of photographs (about 100 kB each at 800 px)."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    bases = []
    for _ in range(6):
        layers = [
            np.asarray(
                Image.fromarray(random.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize(
                    (side * 3 // 2, side * 3 // 2), Image.Resampling.BICUBIC
                ),
                dtype=np.float32,
            )
            for n in (6, 40, side // 3)
        ]
        mixed = 0.6 * layers[0] + 0.27 * layers[1] + 0.13 * layers[2]
        bases.append(Image.fromarray(mixed.clip(0, 255).astype(np.uint8)))
    # No place twice: equal pictures would share a file in a store that names them by content.
    for number, place in enumerate(random.choice((side // 2) ** 2, count, replace=False).tolist()):
        left, top = divmod(place, side // 2)
        picture = bases[number % len(bases)].crop((left, top, left + side, top + side))
        picture.save(folder / f"{number:06}.jpg", quality=88)


@contextmanager
def serving(folder: Path, delay: float) -> Iterator[str]:
    """Run the local server; yield its host and port."""
    command = [sys.executable, "-m", "benchmarks._image_server", str(folder), str(delay)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.wait(60)


def requested(host: str) -> dict[str, Any]:
    """Return when the server was asked first and last since the last call, and how often."""
    with urllib.request.urlopen(f"http://{host}/.times", timeout=120) as answer:
        return json.load(answer)


def install_peer() -> Path:
    """Return the interpreter of an environment with img2dataset, made on the first run."""
    python = PEER / "bin" / "python"
    if not python.exists():
        venv.create(PEER, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", f"img2dataset=={PEER_VERSION}"], check=True)
    return python


OUR_PROGRAM = """
import sys
from pathlib import Path
from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchSettings, ImageRequest
urls, out, host = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
requests = [ImageRequest(str(n), "primary", 0, url) for n, url in enumerate(urls.read_text().split())]
settings = FetchSettings(out, allow_hosts=(host,), short_side={size}, quality={quality})
fetch_images(requests, ImageStore(out), None, settings)
"""

PEER_PROGRAM = """
import sys
from img2dataset import download
if __name__ == "__main__":
    urls, out, count, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    download(url_list=urls, output_folder=out, processes_count={cores}, thread_count=threads, image_size={size},
             resize_mode="keep_ratio", resize_only_if_bigger=True, encode_quality={quality}, output_format="files",
             number_sample_per_shard=count // {cores} + 1, timeout=30)
"""


async def download_only(host: str, count: int) -> float:
    """Return the bodies a second that the client gets when nothing is done with them."""
    settings = FetchSettings(Path(), allow_hosts=(host,))
    slots = asyncio.Semaphore(settings.per_host)
    async with HttpClient(settings) as client:

        async def get(number: int) -> None:
            async with slots:
                await client.get(f"http://{host}/ok/{number}", None, None, lambda: None)

        start = time.perf_counter()
        await asyncio.gather(*(get(number) for number in range(count)))
        return count / (time.perf_counter() - start)


async def decode_only(bodies: list[bytes], out: Path) -> float:
    """Return the pictures a second that the decoding processes make of bodies in memory, files written."""
    recipe = NormalizeSettings(
        root=str(out),
        max_pixels=50_000_000,
        max_bytes=20_000_000,
        short_side=SHORT_SIDE,
        quality=QUALITY,
        keep_originals=False,
    )
    workers = usable_cores()
    slots = asyncio.Semaphore(4 * workers)
    async with DecodePool(recipe, workers, timeout_s=30) as pool:

        async def prepare(body: bytes) -> None:
            async with slots:
                assert (await pool.prepare(Job("a body", data=body))).sha256 is not None

        await asyncio.gather(*(prepare(body) for body in bodies[: 4 * workers]))  # processes started
        start = time.perf_counter()
        await asyncio.gather(*(prepare(body) for body in bodies))
        return len(bodies) / (time.perf_counter() - start)


def files_of(folder: Path) -> list[Path]:
    """Return the pictures below a folder, and check one in fifty for its size."""
    found = sorted(folder.rglob("*.jpg"))
    for path in found[::50]:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            assert image.size == (SHORT_SIDE, SHORT_SIDE), f"{path.name} has {image.size} pixels"
    return found


def measure(count: int, rounds: int, note: Any) -> dict[str, Any]:
    """Return the figures of all rounds."""
    python = install_peer()
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "img2dataset": []}
    limits: dict[str, list[float]] = {"download_only": [], "decode_only": []}
    with tempfile.TemporaryDirectory(prefix="download-") as temporary:
        root = Path(temporary)
        note(f"making {count} pictures")
        make_pictures(root / "pictures", count, SIDE)
        bodies = [path.read_bytes() for path in sorted((root / "pictures").iterdir())]
        commands = {}
        for name, interpreter, text in (("ours", sys.executable, OUR_PROGRAM), ("img2dataset", python, PEER_PROGRAM)):
            program = root / f"run_{name}.py"
            program.write_text(text.format(cores=usable_cores(), size=SHORT_SIDE, quality=QUALITY))
            commands[name] = [str(interpreter), str(program)]
        with serving(root / "pictures", DELAY_S) as host:
            urls = root / "urls.txt"
            urls.write_text("".join(f"http://{host}/ok/{number}\n" for number in range(count)))
            more = {"ours": [host], "img2dataset": [str(count), str(THREADS)]}
            for turn in range(rounds):
                for name, command in commands.items():
                    out = root / f"{name}-{turn}"
                    requested(host)
                    ran = run([*command, str(urls), str(out), *more[name]], REPOSITORY)
                    runs[name].append(_figures(ran, requested(host), count, len(files_of(out))))
                    note(f"{name}: {runs[name][-1]}")
                limits["download_only"].append(asyncio.run(download_only(host, count)))
                limits["decode_only"].append(asyncio.run(decode_only(bodies, root / f"decoded-{turn}")))
                note({name: round(values[-1], 1) for name, values in limits.items()})
    return {
        "count": count,
        "rounds": rounds,
        "runs": runs,
        "limits": {name: statistics.median(values) for name, values in limits.items()},
        "bytes_each": statistics.mean(map(len, bodies)),
    }


def _figures(ran: Ran, span: dict[str, Any], count: int, files: int) -> dict[str, float]:
    assert files == count, f"{files} pictures for {count} URLs: {ran.output[-1000:]}"
    assert span["requests"] == count
    return {
        "rate": count / (ran.ended - ran.started),
        "rate_after_start": count / (ran.ended - span["first"]),
        "cpu_ms_each": 1000 * ran.cpu_s / count,
        "peak_mb": ran.peak_mb,
    }


def claims_of(figures: dict[str, Any]) -> list[Claim]:
    """Return the claims with what was measured for each."""

    def median(name: str, key: str) -> float:
        return statistics.median(run[key] for run in figures["runs"][name])

    count, limits = figures["count"], figures["limits"]
    peer = f"img2dataset {PEER_VERSION}, {usable_cores()} processes of {THREADS} threads"
    claims = []
    for key, words in (("rate", "whole process"), ("rate_after_start", "from the first request to the end")):
        our_rate, peer_rate = median("ours", key), median("img2dataset", key)
        against = f"{peer}: {peer_rate:.1f} pictures/s; ours: {our_rate:.1f}"
        claims.append(
            at_least(f"download and store, {words}", our_rate / peer_rate, BOUND, unit="×", against=against, n=count)
        )
    ours_mb, peer_mb = median("ours", "peak_mb"), median("img2dataset", "peak_mb")
    against = f"{peer}: {peer_mb:.0f} MB"
    claims.append(at_most("peak memory", ours_mb, peer_mb, unit="MB", against=against, n=count))
    share = median("ours", "rate_after_start") / min(limits.values())
    against = f"download only {limits['download_only']:.1f}/s, decode only {limits['decode_only']:.1f}/s"
    claims.append(at_least("share of the machine's lower limit", share, SHARE, unit="", against=against, n=count))
    return claims


def main() -> int:
    """Run the benchmark; exit status 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--count", type=int, default=2000, help="pictures")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    def note(line: object) -> None:
        print(line, file=sys.stderr, flush=True)

    figures = measure(arguments.count, arguments.rounds, note)
    machine = {"cores": usable_cores(), "load": os.getloadavg()[0], "python": platform.python_version()}
    return report(claims_of(figures), arguments, figures=figures, machine=machine)


if __name__ == "__main__":
    sys.exit(main())
