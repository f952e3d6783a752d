"""Measure the HTTP service: what it adds to the matcher, how it behaves beyond its limits, reloads, misuse and kills.

    python -m benchmarks.service [--json] [--artifacts DIR] [--size 100000] [--rounds 60] [--reloads 50]

Without --artifacts a bundle of `size` products is published as `benchmarks.serving` does. Server and clients share the
machine; clients are threads of this process with kept-alive connections. In-process answers and HTTP answers are taken
in turn, so that both meet the same neighbors; `busy_elsewhere` says how many cores other processes used.
"""

import argparse
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.claims import Claim, at_least, at_most, report
from benchmarks.serving import busy_s

ROOT = Path(__file__).parents[1]
CORES = len(os.sched_getaffinity(0))
IN_TURN = 12
"""How often rates of threads and of HTTP are taken in turn: a machine's speed drifts."""

PATIENT = {"max_wait_s": 600, "deadline_s": 600}


@dataclass(frozen=True)
class Server:
    """A running `scene-pipeline serve`."""

    port: int
    process: subprocess.Popen[str]

    def cpu_s(self) -> float:
        """Return the processor seconds that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def loop_cpu_s(self) -> float:
        """Return the processor seconds of the thread that moves bytes, the first one; refusals happen there alone."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9

    def memory_mb(self, name: str = "VmRSS") -> float:
        """Return resident memory now, or at its peak (VmHWM)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1000


@contextmanager
def server(artifacts: Path, **settings: object) -> Iterator[Server]:
    """Run a server on a free port."""
    environment = {f"SCENE_PIPELINE_SERVE_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "scene_pipeline.cli", "serve", "--artifacts", str(artifacts), "--port", "0"]
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    port = next(int(found[1]) for line in process.stderr if (found := re.search(r"listens on http://\S+:(\d+)", line)))
    threading.Thread(target=lambda: [None for _ in process.stderr or ()], daemon=True).start()
    running = Server(port, process)
    for _ in range(600):
        try:
            call(connection(running), "GET", "/readyz")
            break
        except OSError:
            time.sleep(0.1)
    try:
        yield running
    finally:
        process.terminate()
        process.wait(60)


def connection(running: Server) -> http.client.HTTPConnection:
    """Return a connection that is kept alive between calls."""
    return http.client.HTTPConnection("127.0.0.1", running.port, timeout=120)


def call(
    opened: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, kind: str = "image/webp"
) -> tuple[int, bytes]:
    """Return status and body of a call."""
    opened.request(method, path, body, {"Content-Type": kind} if body is not None else {})
    answer = opened.getresponse()
    return answer.status, answer.read()


def recommend(opened: http.client.HTTPConnection, picture: bytes) -> int:
    """Ask for ten products of a photograph and return the status."""
    return call(opened, "POST", "/v1/recommendations:from-image?k=10", picture)[0]


def crowd(running: Server, clients: int, answers: int, pictures: Sequence[bytes]) -> tuple[list[float], int, float]:
    """Ask `answers` times from `clients` threads; return milliseconds of those answered, refusals, and all seconds."""
    times: list[float] = []
    refused = [0]
    numbers = iter(range(answers))
    lock = threading.Lock()

    def client() -> None:
        opened = connection(running)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            started = time.perf_counter()
            status = recommend(opened, pictures[number % len(pictures)])
            with lock:
                if status == 200:
                    times.append(1000 * (time.perf_counter() - started))
                else:
                    refused[0] += 1

    threads = [threading.Thread(target=client) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, refused[0], time.perf_counter() - started


def p95(times: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return float(np.quantile(times, 0.95))


def timed(job: Callable[[], object]) -> float:
    """Return the milliseconds that a job takes."""
    started = time.perf_counter()
    job()
    return 1000 * (time.perf_counter() - started)


def measure_speed(artifacts: Path, pictures: Sequence[bytes], rounds: int) -> tuple[list[Claim], dict[str, Any]]:
    """Compare HTTP with the matcher in this process, and a regenerated list with a first one."""
    from scene_pipeline.matching.matcher import SceneMatcher

    matcher = SceneMatcher.open(artifacts)
    inside, outside, again = [], [], []
    answers = max(2 * rounds, 80)
    with server(artifacts, **PATIENT) as running:
        opened = connection(running)
        scene = json.loads(call(opened, "POST", "/v1/scenes", pictures[0])[1])["scene_id"]
        for number in range(rounds + 5):
            picture = pictures[number % len(pictures)]
            inside.append(timed(lambda picture=picture: matcher.recommend(picture, k=10)))
            outside.append(timed(lambda picture=picture: recommend(opened, picture)))
            wanted = json.dumps({"scene_id": scene, "wishes": {"diversity": number / (rounds + 5)}}).encode()
            again.append(
                timed(lambda wanted=wanted: call(opened, "POST", "/v1/recommendations", wanted, "application/json"))
            )
        inside, outside, again = inside[5:], outside[5:], again[5:]
        alone: list[float] = []
        threads_rates: list[float] = []
        rates: dict[int, list[float]] = {8: [], 16: [], 64: []}
        for _ in range(IN_TURN):
            with ThreadPoolExecutor(CORES) as pool:
                started = time.perf_counter()
                alone += pool.map(
                    lambda n: timed(lambda: matcher.recommend(pictures[n % len(pictures)], k=10)), range(answers)
                )
                threads_rates.append(answers / (time.perf_counter() - started))
            for n, found in rates.items():
                found.append(answers / crowd(running, n, answers, pictures)[2])
        shares = {n: float(np.median(np.divide(found, threads_rates))) for n, found in rates.items()}
        cpu = running.cpu_s()
        crowd(running, 2, answers, pictures)
        answer_cpu = (running.cpu_s() - cpu) / answers
    claims = [
        at_most(
            "HTTP p95 over in-process p95, one client", p95(outside) / p95(inside), 1.25, unit="ratio",
            against=f"in-process p95 {p95(inside):.1f} ms, HTTP {p95(outside):.1f} ms, taken in turn", n=rounds,
        ),
        at_least(
            "answers/s at 8 to 64 clients over in-process threads", min(shares.values()), 0.9, unit="ratio",
            against=f"{CORES} threads {np.median(threads_rates):.1f}/s; median of {IN_TURN} turns", n=IN_TURN * answers,
        ),
        at_most(
            "regenerate over first answer, median", float(np.median(again) / np.median(outside)), 0.3, unit="ratio",
            against=f"first answer {np.median(outside):.1f} ms", n=rounds,
        ),
    ]  # fmt: skip
    return claims, {
        "http_p95_ms": p95(outside), "in_process_p95_ms": p95(inside), "regenerate_p50_ms": float(np.median(again)),
        "threads_per_s": threads_rates, "http_per_s": rates, "service_p95_ms": p95(alone), "answer_cpu_s": answer_cpu,
    }  # fmt: skip


def measure_refusals(artifacts: Path, pictures: Sequence[bytes], rounds: int, figures: dict[str, Any]) -> list[Claim]:
    """Measure 64 clients under the usual wait budget, and the processor time of a refusal."""
    budget_s = 1.0
    with server(artifacts, max_wait_s=budget_s) as running:
        crowd(running, CORES, 20, pictures)
        times, refused, _ = crowd(running, 64, 20 * rounds, pictures)
    bound = figures["service_p95_ms"] + 1000 * budget_s
    figures["refused_at_64"] = refused
    with server(artifacts, max_wait_s=0.000001, refusal_hold_s=0.000001, workers=1) as running:
        stop = threading.Event()

        def keep_busy() -> None:
            opened = connection(running)
            while not stop.is_set():
                recommend(opened, pictures[0])

        busy = [threading.Thread(target=keep_busy) for _ in range(2)]
        for thread in busy:
            thread.start()
        before = running.loop_cpu_s()
        _, refusals, _ = crowd(running, 4, 40 * rounds, pictures)
        used = running.loop_cpu_s() - before
        stop.set()
        for thread in busy:
            thread.join()
    refusal_cpu = used / max(refusals, 1)  # with the loop's share of what was answered meanwhile: an upper bound
    figures["refusal_cpu_s"] = refusal_cpu
    return [
        at_most(
            "p95 of those answered at 64 clients", p95(times), bound, unit="ms",
            against=f"service time p95 {figures['service_p95_ms']:.0f} ms + wait budget; {refused} refused",
            n=len(times),
        ),
        at_most(
            "processor time of a refusal over an answer", refusal_cpu / figures["answer_cpu_s"], 0.02, unit="ratio",
            against=f"answer {1000 * figures['answer_cpu_s']:.1f} ms of processor time", n=refusals,
        ),
    ]  # fmt: skip


def measure_reloads(artifacts: Path, pictures: Sequence[bytes], reloads: int, figures: dict[str, Any]) -> list[Claim]:
    """Promote one version after the other while 8 clients ask; count failures and watch the memory."""
    from scene_pipeline.bundle.layout import current_version, point_to
    from scene_pipeline.bundle.manifest import read_manifest, write_manifest

    with tempfile.TemporaryDirectory(prefix="scene-reloads-") as temporary:
        own = Path(temporary)
        first = str(current_version(artifacts))
        root = own / "bundles"
        shutil.copytree(artifacts / "bundles" / first, root / first)
        second = f"3000{first[4:]}"
        shutil.copytree(root / first, root / second)
        write_manifest(root / second, msgspec.structs.replace(read_manifest(root / second), bundle_version=second))
        point_to(root, first)
        failures, memory, requested = [0], [], [0]
        stop = threading.Event()
        # Few scenes are kept: the cache fills with every request, and what reloads leave behind is measured here.
        with server(own, **PATIENT, reload_poll_s=0.05, max_scenes=8) as running:

            def ask() -> None:
                opened = connection(running)
                while not stop.is_set():
                    failures[0] += recommend(opened, pictures[0]) != 200
                    requested[0] += 1

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            opened = connection(running)
            for number in range(reloads):
                wanted = (second, first)[number % 2]
                point_to(root, wanted)
                while json.loads(call(opened, "GET", "/readyz")[1])["bundle_version"] != wanted:
                    time.sleep(0.02)
                memory.append(running.memory_mb())
            stop.set()
            for thread in threads:
                thread.join()
    figures["reload_memory_mb"] = memory
    tenth = float(np.median(memory[8:12]))
    return [
        at_most(f"failed requests over {reloads} reloads, 8 clients", failures[0], 0, unit="requests",
                against="the bound", n=requested[0]),
        at_most("memory from the 10th to the last reload", float(np.median(memory[-4:])) / tenth - 1, 0.05,
                unit="share", against=f"{tenth:.0f} MB after the 10th", n=reloads),
    ]  # fmt: skip


def measure_misuse(artifacts: Path, pictures: Sequence[bytes]) -> list[Claim]:
    """Trickle headers and bodies, and send decode bombs on every worker."""
    from PIL import Image

    from scene_pipeline_tests.service.pictures import jpeg_of_single_components

    bombs: list[bytes] = []
    for kind, size, more in (
        ("WEBP", (3100, 3100), {"lossless": True, "quality": 0}),
        ("PNG", (3100, 3100), {}),
        ("JPEG", (14_000, 10_500), {"quality": 30}),
        ("JPEG", (7000, 5700), {"quality": 30, "progressive": True}),
        ("WEBP", (7000, 7000), {"quality": 10}),
    ):
        stream = io.BytesIO()
        Image.new("RGB" if kind == "JPEG" else "RGBA", size, (9, 99, 9)).save(stream, kind, **more)
        bombs.append(stream.getvalue())
    bombs.append(jpeg_of_single_components(8000, 6250))
    with server(artifacts, **PATIENT) as running:
        crowd(running, CORES, 8, pictures)
        cut_s, normal = trickle(running, pictures[0])
        resident = running.memory_mb()
        threads = [
            threading.Thread(target=lambda bomb=bomb: recommend(connection(running), bomb))
            for bomb in bombs
            for _ in range(2 * CORES)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        above = running.memory_mb("VmHWM") - resident
    return [
        at_most("100 trickling headers and 50 trickling bodies: all cut", cut_s, 10, unit="s",
                against=f"a normal request meanwhile answered {normal}", n=150),
        at_most("decode bombs on every worker, above resident", above, 300, unit="MB",
                against=f"{resident:.0f} MB resident", n=len(threads)),
    ]  # fmt: skip


def trickle(running: Server, picture: bytes) -> tuple[float, int]:
    """Return the seconds until all trickling connections are cut, and the status of a normal request meanwhile."""
    headers = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(100)]
    bodies = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(50)]
    for opened in bodies:
        opened.sendall(b"POST /v1/scenes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n")
    started, normal = time.monotonic(), 0
    waiting = dict.fromkeys(headers, b"G") | dict.fromkeys(bodies, b"x")
    while waiting and time.monotonic() - started < 30:
        for opened, byte in list(waiting.items()):
            try:
                opened.sendall(byte)
                opened.settimeout(0.002)
                while opened.recv(4096):
                    pass
                del waiting[opened]
            except TimeoutError:
                continue
            except OSError:
                del waiting[opened]
        normal = normal or recommend(connection(running), picture)
        time.sleep(0.1)
    return time.monotonic() - started if not waiting else float("inf"), normal


def measure_kills(artifacts: Path) -> list[Claim]:
    """Kill a server amid events and count what was acknowledged and is not there, and what is there twice."""
    import sqlite3

    from scene_pipeline.events.schema import Action

    with tempfile.TemporaryDirectory(prefix="scene-kill-") as temporary:
        own = Path(temporary)
        (own / "bundles").symlink_to((artifacts / "bundles").resolve())
        acknowledged: set[str] = set()

        def send(running: Server, start: int) -> None:
            opened = connection(running)
            for number in range(start, start + 10_000):
                names = [f"e{number}-{part}" for part in range(10)]
                events = [
                    {"event_id": name, "recommendation_id": "r", "kind": "click", "product_id": name} for name in names
                ]
                try:
                    status, _ = call(
                        opened, "POST", "/v1/events", json.dumps({"events": events}).encode(), "application/json"
                    )
                except (OSError, http.client.HTTPException):
                    return
                if status == 202:
                    acknowledged.update(names)

        with server(own) as running:
            threads = [threading.Thread(target=send, args=(running, 100_000 * n)) for n in range(4)]
            started = time.perf_counter()
            for thread in threads:
                thread.start()
            while len(acknowledged) < 5_000 and time.perf_counter() - started < 60:
                time.sleep(0.01)
            running.process.send_signal(signal.SIGKILL)
            rate = len(acknowledged) / (time.perf_counter() - started)
            for thread in threads:
                thread.join()
        with sqlite3.connect(own / "events" / "events.sqlite") as database:
            stored = [name for (name,) in database.execute("SELECT event_id FROM events")]
    wanted = {Action("r", "click", action_id=name).event_id for name in acknowledged}  # a store keeps hashes of ids
    against = f"{rate:.0f} acknowledged/s from 4 clients"
    return [
        at_most("acknowledged events lost by SIGKILL", len(wanted - set(stored)), 0, unit="events",
                against=against, n=len(acknowledged)),
        at_most("events doubled", len(stored) - len(set(stored)), 0, unit="events", against=against, n=len(stored)),
    ]  # fmt: skip


def main() -> int:
    """Run the benchmark; return 0 when every claim holds, else 1."""
    from scene_pipeline.sample import sample_photographs

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--artifacts", type=Path, help="artifacts folder with a promoted bundle")
    parser.add_argument("--size", type=int, default=100_000, help="products of the bundle that is made without it")
    parser.add_argument("--rounds", type=int, default=60, help="answers of each kind with one client")
    parser.add_argument("--reloads", type=int, default=50, help="versions promoted one after the other")
    arguments = parser.parse_args()
    pictures = [path.read_bytes() for path in sample_photographs()]
    with tempfile.TemporaryDirectory(prefix="scene-service-") as temporary:
        artifacts = arguments.artifacts or _published(Path(temporary), arguments.size)
        started, all_before, own_before = time.perf_counter(), busy_s()[0], sum(os.times()[:4])
        claims, figures = measure_speed(artifacts, pictures, arguments.rounds)
        for part in (
            lambda: measure_refusals(artifacts, pictures, arguments.rounds, figures),
            lambda: measure_misuse(artifacts, pictures),
            lambda: measure_kills(artifacts),
            lambda: measure_reloads(artifacts, pictures, arguments.reloads, figures),
        ):
            print(claims, file=sys.stderr, flush=True)  # what is measured so far, should a later part be cut off
            claims += part()
        own = sum(os.times()[:4]) - own_before  # with the servers, which have ended
        elsewhere = (busy_s()[0] - all_before - own) / (time.perf_counter() - started)
    return report(claims, arguments, figures=figures, cores=CORES, busy_elsewhere=round(elsewhere, 2))


def _published(folder: Path, size: int) -> Path:
    from benchmarks._vectors import CATALOGS
    from benchmarks.serving import publish_bundle, real_rows

    catalog = next(path for path in CATALOGS if path.is_file())
    publish_bundle(folder, size, real_rows(catalog), "compact")
    return folder


if __name__ == "__main__":
    sys.exit(main())
