"""Measure the vector index against a plain numpy matcher: recall, latency, memory, build time.

    python -m benchmarks.index [--json] [--sizes 10000,100000,1000000] [--catalog FILE.csv]

Vectors and queries are those of `benchmarks._vectors`: made-up products around real ones.

Filters allow whole families of made-up products (those of the same real ones), as a room or style filter does. Each
contender opens its files and answers in a process of its own, one query at a time on one core; the numpy peer holds the
float32 matrix in memory, multiplies, masks and partitions, and its answers are the exact ones recall is counted in.
Memory is what opening and answering adds to a process that has its libraries loaded. The claims are about elapsed time;
on a busy machine the processor time beside it says what the search itself took.
"""

import argparse
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks._processes import resident_mb
from benchmarks._vectors import CATALOGS, QUERIES, Vectors, embed_texts, make_products
from benchmarks.claims import Claim, at_least, at_most, report

SHARES = (1.0, 0.3, 0.03)  # of the products that a filter lets pass
RECALL_K, CANDIDATES = 50, 1_000  # what recall is promised for, and what the matcher asks for


@dataclass(frozen=True)
class World:
    """Files of one size: vectors.f32.npy, family.npy and queries.npy in `folder`, the indexes in folders below."""

    folder: Path
    n: int


def build(world: World, name: str, exact: bool) -> dict[str, Any]:
    """Build and write the index `name`; return its plan, measured recall and seconds."""
    from scene_pipeline.index import IndexPlan, VectorIndex

    vectors = np.load(world.folder / "vectors.f32.npy", mmap_mode="r")
    plan = IndexPlan("SQ8", 0, min(world.n, 65_536), vectors.size) if exact else None
    started = time.perf_counter()
    index = VectorIndex.build(vectors, plan)
    seconds = time.perf_counter() - started
    (world.folder / name).mkdir()
    index.write(world.folder / name)
    return {
        "factory": index.plan.factory,
        "refine_factor": index.plan.refine_factor,
        "build_s": round(seconds, 2),
        "own_recall": round(index.recall, 4),
        "codes_mb": round(index.plan.memory_bytes / 1e6, 1),
    }


def masks(world: World) -> dict[float, npt.NDArray[np.bool_] | None]:
    """Return the allowed rows of each share; None allows all."""
    family = np.load(world.folder / "family.npy")
    chosen = np.random.default_rng(0).random(int(family.max()) + 1)
    return {share: None if share == 1 else (chosen < share)[family] for share in SHARES}


def answer(world: World, name: str) -> dict[str, Any]:
    """Open contender `name` ("numpy" or an index), ask every query, return times, memory and the best 50 rows."""
    import scene_pipeline.index  # noqa: F401 -- so that faiss itself is not counted as the data's memory

    filters = masks(world)
    queries = np.load(world.folder / "queries.npy")
    before = resident_mb()
    started = time.perf_counter()
    search = _numpy_matcher(world) if name == "numpy" else _index_matcher(world, name)
    opened = time.perf_counter() - started
    rows: dict[float, list[list[int]]] = {}
    wall: dict[str, list[float]] = {}
    processor: dict[str, list[float]] = {}
    for share, mask in filters.items():
        for query in queries[:5]:
            search(query, CANDIDATES, mask)
        rows[share] = []
        for k in (RECALL_K, CANDIDATES):
            key = f"{share}@{k}"
            wall[key], processor[key] = [], []
            for query in queries:
                started, used = time.perf_counter(), time.thread_time()
                found = search(query, k, mask)
                wall[key].append((time.perf_counter() - started) * 1e3)
                processor[key].append((time.thread_time() - used) * 1e3)
                if k == RECALL_K:
                    rows[share].append(found.tolist())
    return {
        "open_ms": opened * 1e3,
        "resident_mb": resident_mb() - before,
        "p50": {key: float(np.median(times)) for key, times in wall.items()},
        "p95": {key: float(np.quantile(times, 0.95)) for key, times in wall.items()},
        "processor_p95": {key: float(np.quantile(times, 0.95)) for key, times in processor.items()},
        "rows": rows,
    }


def _numpy_matcher(world: World) -> Any:
    vectors = np.load(world.folder / "vectors.f32.npy")

    def search(query: Vectors, k: int, mask: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.int64]:
        scores = vectors @ query
        if mask is not None:
            scores[~mask] = -np.inf
        k = min(k, len(scores) if mask is None else int(mask.sum()))
        best = np.argpartition(-scores, k - 1)[:k]
        return best[np.argsort(-scores[best])]

    return search


def _index_matcher(world: World, name: str) -> Any:
    from scene_pipeline.index import VectorIndex

    index = VectorIndex.open(world.folder / name)
    return lambda query, k, mask: index.search(query, k, mask)[0]


def measure(n: int, real: tuple[Vectors, Vectors], note: Any) -> dict[str, Any]:
    """Return the figures of all contenders at `n` products."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="scene-index-") as name:
        world = World(Path(name), n)
        make_products(world.folder, n, real)
        note(f"{n:,}: vectors made")
        built = {"plan": build(world, "plan", exact=False)}
        if built["plan"]["refine_factor"]:
            built["exact"] = build(world, "exact", exact=True)
        note(f"{n:,}: {built}")
        answers = {}
        for contender in ("numpy", *built):
            with spawn.Pool(1) as pool:
                answers[contender] = pool.apply(answer, (world, contender))
            note(f"{n:,}: {contender} p95 {answers[contender]['p95']} processor {answers[contender]['processor_p95']}")
    truth = answers["numpy"]["rows"]
    for contender in answers.values():
        contender["recall"] = {
            share: float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(rows, truth[share], strict=True)]))
            for share, rows in contender.pop("rows").items()
        }
    return {"n": n, "built": built, "answers": answers}


def claims_of(figures: dict[str, Any]) -> list[Claim]:
    """Return the claims at one size."""
    n, plan, peer = figures["n"], figures["answers"]["plan"], figures["answers"]["numpy"]
    claims = []
    for share in SHARES:
        case = f"{n:,} products, {'no filter' if share == 1 else f'{share:.0%} pass'}"
        key = f"{share}@{CANDIDATES}"
        numpy_p95 = peer["p95"][key]
        claims += [
            at_least(
                f"recall@50, {case}",
                plan["recall"][share],
                0.97,
                unit="share",
                against="numpy float32, exact, same run",
                n=QUERIES,
            ),
            at_most(
                f"search p95, {CANDIDATES:,} candidates, {case}",
                plan["p95"][key],
                25.0 if n >= 1_000_000 else numpy_p95,
                unit="ms",
                against=f"numpy, p95 {numpy_p95:.1f} ms in the same run",
                n=QUERIES,
            ),
        ]
    claims.append(
        at_most(
            f"memory after all queries, {n:,} products",
            plan["resident_mb"],
            peer["resident_mb"],
            unit="MB",
            against="numpy, same run",
            n=1,
        )
    )
    if n >= 1_000_000:
        built = figures["built"]["plan"]
        claims.append(at_most(f"build, {n:,} products", built["build_s"], 120, unit="s", against=built["factory"], n=1))
    return claims


def main() -> int:
    """Run the benchmark; return 0 when every claim holds, else 1, or 2 without a catalog."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of products, comma-separated")
    parser.add_argument("--catalog", type=Path, help="CSV with a `description` column to take texts from")
    arguments = parser.parse_args()
    catalog = arguments.catalog or next((path for path in CATALOGS if path.is_file()), None)
    if catalog is None or not catalog.is_file():
        print("no catalog to take texts from; name one with --catalog FILE.csv", file=sys.stderr)
        return 2

    def note(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for the processes that answer: one core each
    real = embed_texts(catalog)
    figures = [measure(int(size), real, note) for size in arguments.sizes.split(",")]
    claims = [claim for figure in figures for claim in claims_of(figure)]
    machine = {"cores": os.cpu_count(), "architecture": platform.machine(), "load_average": os.getloadavg()}
    return report(claims, arguments, figures=figures, texts=len(real[0]), machine=machine)


if __name__ == "__main__":
    sys.exit(main())
