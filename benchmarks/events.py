"""Whether events survive: SIGKILL amid ingestion, compaction and erasure, and a million events in one night.

Kills are real: a process of its own works on the folder and is killed at a random moment, again and again. What it had
acknowledged before must be there once, and of an erased subject no byte may be left in any file.
"""

import argparse
import datetime as dt
import itertools
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from msgspec.structs import replace

from benchmarks.claims import Claim, at_most, report
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.events.compaction import compact
from scene_pipeline.events.erasure import erase_subject, finish_erasures
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.events.partitions import ACTIONS, EXPOSURES, part_files
from scene_pipeline.events.schema import Action, ExposedProduct, Exposure
from scene_pipeline.events.store import in_batches

START = dt.datetime(2026, 5, 1, tzinfo=dt.UTC).timestamp()
LATER = dt.date(2027, 1, 1)
NAMES = (
    "base_similarity",
    "style_alignment",
    "color_harmony",
    "material_quality",
    "size_appropriateness",
    "category_fit",
)
PRIOR = np.array([0.45, 0.20, 0.15, 0.10, 0.05, 0.05])
SHOWN, RUNNERS_UP = 10, 3
KILLS = 20
SUBJECT = "0123456789abcdef" * 2
SECONDS, MEGABYTES = 180.0, 2048.0
READY = -1
"""What a worker prints when it begins, so that it is killed at its work and not while it is starting."""


def main() -> int:
    """Print the claims, or work until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--skip-million", action="store_true", help="only the kills")
    parser.add_argument("--worker", choices=["ingest", "compact", "erase", "night"])
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.worker:
        return WORKERS[arguments.worker](arguments.folder)
    with tempfile.TemporaryDirectory() as temporary:
        claims = killed(Path(temporary) / "kills", arguments.kills)
        if arguments.skip_million:
            return report(claims, arguments)
        more, details = million(Path(temporary) / "million", arguments.events)
    return report([*claims, *more], arguments, night=details)


def an_exposure(number: int, generator: np.random.Generator, subject: str, at: float) -> Exposure:
    """Return a list of SHOWN products and RUNNERS_UP, each of which may have had three ranks."""
    factors = generator.random((SHOWN + RUNNERS_UP, len(NAMES)))
    factors = factors[np.argsort(-(factors @ PRIOR))]
    scores = factors @ PRIOR
    last = len(factors)
    products = tuple(
        ExposedProduct(
            product_id=f"product-{(number * 7 + rank) % 2000:05}",
            rank=rank,
            score=float(scores[rank - 1]),
            propensity=1 / 3 if 1 < rank < last else 2 / 3,
            shown=rank <= SHOWN,
            factors=tuple(factors[rank - 1].tolist()),
            rank_propensities=tuple(
                (other, 1 / 3 if 1 < rank < last or other != rank else 2 / 3)
                for other in range(max(rank - 1, 1), min(rank + 1, last) + 1)
            ),
        )
        for rank in range(1, last + 1)
    )
    return Exposure(
        request_id=f"request-{number:08}",
        at=at,
        scene=f"scene-{number % 97:04}",
        bundle="b1",
        weights_version="w1",
        products=products,
        factor_names=NAMES,
        subject=subject,
        exploration="swap",
        elapsed_ms=40.0,
        calibrated=True,
    )


# ---------------------------------------------------------------- workers


def ingest(folder: Path) -> int:
    """Write exposures and actions one by one and print the number of each once it is acknowledged."""
    store = open_store(folder)
    generator = np.random.default_rng(0)
    number = int((folder / "next").read_text()) if (folder / "next").exists() else 0
    while True:
        subject = SUBJECT if number % 5 == 0 else f"other-{number % 50}"
        at = START + 86_400 * (number % 3)
        exposure = an_exposure(number, generator, subject, at)
        click = Action(exposure.request_id, "click", exposure.products[0].product_id, at, subject)
        # a caller's own id of an action may name a person, and must go with them
        store.append([exposure, replace(click, action_id=f"{subject}-{number}")])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


def compacting(folder: Path) -> int:
    """Compact once; say when it begins."""
    store = open_store(folder)
    print(READY, flush=True)
    compact(store, events_folder(folder), LATER)
    store.close()
    return 0


def erasing(folder: Path) -> int:
    """Erase SUBJECT once; say when it begins."""
    store = open_store(folder)
    print(READY, flush=True)
    erase_subject(store, events_folder(folder), SUBJECT, ProfileStore.below(folder).forget)
    store.close()
    return 0


def night(folder: Path) -> int:
    """Run the steps of the nightly assets; print seconds and processor seconds of each, and the peak of memory."""
    from scene_pipeline.learning import nightly

    marks = [("start", time.perf_counter(), time.process_time())]

    def mark(name: str) -> None:
        marks.append((name, time.perf_counter(), time.process_time()))

    store, events = open_store(folder), events_folder(folder)
    compact(store, events, LATER)
    store.close()
    mark("compact")
    bias = nightly.estimate_propensities(events)
    mark("propensities")
    candidate = nightly.learn_weights(events, bias, dict(zip(NAMES, PRIOR.tolist(), strict=True)))
    mark("fit")
    policy = nightly.estimate_policy(events, bias, candidate.weights)
    mark("evaluate")
    refused = bias.refused or candidate.refused or policy.refused
    if refused:
        raise SystemExit(f"the night learned nothing: {refused}")
    for (_, wall, cpu), (name, wall_after, cpu_after) in itertools.pairwise(marks):
        print(f"{name}\t{wall_after - wall:.2f}\n{name} cpu\t{cpu_after - cpu:.2f}")
    print(f"megabytes\t{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.1f}")
    return 0


WORKERS = {"ingest": ingest, "compact": compacting, "erase": erasing, "night": night}


# ---------------------------------------------------------------- kills


def run_and_kill(worker: str, folder: Path, seconds: float) -> list[int]:
    """Start a worker, kill it `seconds` after its first output, return the numbers it printed."""
    command = [sys.executable, "-m", "benchmarks.events", "--worker", worker, "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        text = first + process.stdout.read()
    lines = text.split("\n")
    return [int(line) for line in lines[:-1] if int(line) != READY]  # the last may be half a line


def killed(folder: Path, kills: int) -> list[Claim]:
    """Kill ingestion, compaction and erasure, and compare what is there with what was acknowledged."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(1)
    acknowledged: set[int] = set()
    for _ in range(kills):
        (folder / "next").write_text(str(max(acknowledged, default=-1) + 1))
        acknowledged.update(run_and_kill("ingest", folder, generator.uniform(0.05, 0.6)))
        if generator.random() < 0.5:
            run_and_kill("compact", folder, generator.uniform(0.0, 0.3))
    for _ in range(kills):
        run_and_kill("compact", folder, generator.uniform(0.0, 0.3))
    store = open_store(folder)
    compact(store, events_folder(folder), LATER)
    store.close()
    found = events_of(folder)
    lost = sum(1 for number in acknowledged for name in names_of(number) if found[name] == 0)
    doubled = sum(count - 1 for count in found.values() if count > 1)
    (folder / "next").write_text(str(max(acknowledged) + 1))
    acknowledged.update(run_and_kill("ingest", folder, 0.5))
    for _ in range(kills):
        run_and_kill("erase", folder, generator.uniform(0.0, 0.3))
    store = open_store(folder)
    finish_erasures(store, events_folder(folder), ProfileStore.below(folder).forget)
    erase_subject(store, events_folder(folder), SUBJECT, ProfileStore.below(folder).forget)
    left = [path for path in folder.rglob("*") if path.is_file() and holds(path, SUBJECT)]
    store.close()
    kept = events_of(folder)
    gone = sum(1 for number in acknowledged if number % 5 for name in names_of(number) if not kept[name])
    against = f"{kills} kills of each, {len(acknowledged):,} requests"
    n = 2 * len(acknowledged)
    return [
        at_most("acknowledged events lost by SIGKILL", lost, 0, unit="events", against=against, n=n),
        at_most("events doubled by SIGKILL", doubled, 0, unit="events", against=against, n=n),
        at_most("files that hold an erased subject in any byte", len(left), 0, unit="files", against=against, n=n),
        at_most("events of others lost by an interrupted erasure", gone, 0, unit="events", against=against, n=n),
    ]  # fmt: skip


def holds(path: Path, text: str) -> bool:
    """Return whether a file holds a text in any byte, or in any cell of a Parquet file, which are compressed."""
    if text.encode() in path.read_bytes():
        return True
    return path.suffix == ".parquet" and any(text in str(row) for row in pq.read_table(path).to_pylist())


def names_of(number: int) -> tuple[str, str]:
    """Return the keys under which events_of counts a request's list and its click."""
    return f"list request-{number:08}", f"click request-{number:08}"


def events_of(folder: Path) -> Counter[str]:
    """Count every event of store and partitions by what it is."""
    found: Counter[str] = Counter()
    for path in part_files(events_folder(folder), EXPOSURES):
        found.update(f"list {name}" for name in pq.read_table(path)["event_id"].to_pylist())
    for path in part_files(events_folder(folder), ACTIONS):
        found.update(f"click {name}" for name in pq.read_table(path)["request_id"].to_pylist())
    store = open_store(folder)
    for day in store.days():
        for batch in in_batches(store, day):
            for item in batch:
                kind = "list" if isinstance(item.event, Exposure) else "click"
                found[f"{kind} {item.event.request_id}"] += 1
    store.close()
    return found


# ---------------------------------------------------------------- a million


def million(folder: Path, events: int) -> tuple[list[Claim], dict[str, float]]:
    """Fill a store with lists (three of five events) and clicks (two of five), and run the night on it."""
    started = time.perf_counter()
    fill(folder, events)
    filled = time.perf_counter() - started
    command = [sys.executable, "-m", "benchmarks.events", "--worker", "night", "--folder", str(folder)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures = {name: float(value) for name, value in (line.split("\t") for line in output.strip().split("\n"))}
    cpu = sum(value for name, value in figures.items() if name.endswith("cpu"))
    seconds = sum(value for name, value in figures.items() if name != "megabytes" and not name.endswith("cpu"))
    claims = [
        at_most(
            "one night: compact, position bias, fit, evaluate", seconds, SECONDS, unit="s",
            against=f"the bound; {cpu:.0f} s of processor time", n=events,
        ),
        at_most(
            "one night: peak of memory", figures["megabytes"], MEGABYTES, unit="MB", against="the bound", n=events
        ),
    ]  # fmt: skip
    return claims, {**figures, "fill": filled, "events_per_second_ingested": events / filled}


def fill(folder: Path, events: int) -> None:
    """Write events over ten days, in groups as a busy server does."""
    store = open_store(folder)
    generator = np.random.default_rng(2)
    lists = events * 3 // 5
    pool = [an_exposure(number, generator, "", START) for number in range(500)]
    clicks = events - lists
    pending = []
    for start in range(0, lists, 2000):
        batch: list[Exposure | Action] = []
        for number in range(start, min(start + 2000, lists)):
            model = pool[number % len(pool)]
            at = START + number * (10 * 86_400 / lists)
            request, subject = f"request-{number:08}", f"{number % 30_000:032x}"
            batch.append(
                Exposure(
                    *(request, at, model.scene, "b1", "w1", NAMES, subject),
                    products=model.products,
                    exploration="swap",
                    elapsed_ms=40.0,
                    calibrated=True,
                )
            )
            if number * clicks // lists != (number + 1) * clicks // lists:
                place = int(SHOWN * generator.random() ** 2)
                batch.append(Action(request, "click", model.products[place].product_id, at + 5, subject))
        pending.append(store.submit(batch))
        if len(pending) > 8:
            pending.pop(0).result()
    for future in pending:
        future.result()
    store.close()


if __name__ == "__main__":
    sys.exit(main())
