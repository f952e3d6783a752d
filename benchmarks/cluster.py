"""Measure Ray on this machine: what embedding over shards costs more than a plain run, and what a killed shard costs.

    python -m benchmarks.cluster [--json] [--pictures 2000] [--products 20000] [--queries 200] [--catalog-pictures DIR]

A cluster of two nodes, both on 127.0.0.1. Embedding: the pictures are embedded by `embed_in_shards` in this process and
with Ray, once a few and once all; the processor time of the difference is what they cost when everything is warm.
Processor time is that of this process and of all that descend from it. Search:
four shards as actors, asked one query after the other; amid the queries the process of one is killed.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from benchmarks._processes import processor_seconds
from benchmarks.claims import Claim, at_least, at_most, report
from scene_pipeline.compute.ray_cluster import RayCompute, import_ray, loopback_only
from scene_pipeline.compute.shards import Compute, LocalCompute
from scene_pipeline.encoders.embed import EmbedSettings
from scene_pipeline.encoders.sharded import EmbedJob, embed_in_shards
from scene_pipeline.encoders.spec import get_spec
from scene_pipeline.files import sha256_file
from scene_pipeline.index.port import IndexSchema, Records
from scene_pipeline.index.sharded import ShardSearcher, write_shards
from scene_pipeline.sample import sample_path

ROOT = Path(__file__).parents[1]
PICTURES = (ROOT.parent / "shared" / "data" / "ikea" / "products", sample_path() / "products")
WARM = 64  # pictures that warm up
SHARD = 128
SHARDS, DIMENSION, K = 4, 256, 50
DEADLINE_S = 2.0
KILLS = 12
"""How often a shard is killed: few queries meet each."""


def tree_seconds() -> float:
    """Return the processor time of this process and of all that descend from it and live."""
    return processor_seconds(*psutil.Process().children(recursive=True))


@contextmanager
def output_to_stderr() -> Iterator[None]:
    """Send what anything writes to file descriptor 1 to standard error: Ray's C++ part logs there, past sys.stdout."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def two_nodes() -> Iterator[Any]:
    """Yield Ray, connected to a cluster of two nodes on this machine."""
    from ray.cluster_utils import Cluster

    ray = import_ray()
    loopback_only()
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 2, "node_ip_address": "127.0.0.1", "include_dashboard": False},
    )
    try:
        cluster.add_node(num_cpus=2, node_ip_address="127.0.0.1")
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        yield ray
    finally:
        ray.shutdown()
        cluster.shutdown()


@dataclass(frozen=True)
class Embedded:
    """Processor seconds and files of a run."""

    seconds: float
    files: dict[str, str]


def embed(pictures: dict[str, Path], tower: Path, folder: Path, compute: Compute) -> Embedded:
    """Embed all pictures into a new folder."""
    settings = EmbedSettings(batch_size=16, decode_workers=1, shard_size=SHARD)
    before = tree_seconds()
    peak = before
    job = EmbedJob(tower, get_spec("compact"), folder, settings=settings)

    def progress(done: int, total: int) -> None:
        nonlocal peak  # actors are gone when the run is over, and their time with them
        peak = max(peak, tree_seconds())

    embed_in_shards(pictures, job, compute, progress)
    used = max(peak, tree_seconds()) - before
    return Embedded(used, {path.name: sha256_file(path) for path in sorted(folder.iterdir())})


def embedding_claims(ray: Any, pictures: dict[str, Path], note: Any) -> list[Claim]:
    """Return the claims about embedding with and without Ray."""
    from scene_pipeline.encoders.export import export_onnx
    from scene_pipeline.images.decode import decode_image

    few = dict(list(pictures.items())[:WARM])
    with tempfile.TemporaryDirectory(prefix="scene-cluster-") as name:
        folder = Path(name)
        samples: list[Image.Image] = [decode_image(path) for path in list(pictures.values())[:8]]
        export_onnx(get_spec("compact"), folder / "tower.onnx", samples)
        runs: dict[str, tuple[Embedded, Embedded]] = {}
        for label, compute in (("plain", LocalCompute()), ("ray", RayCompute(ray, 2))):
            runs[label] = tuple(  # pyright: ignore[reportArgumentType]
                embed(some, folder / "tower.onnx", folder / f"{label}-{len(some)}", compute) for some in (few, pictures)
            )
            note(f"{label}: {runs[label][0].seconds:.1f} s for {len(few)}, {runs[label][1].seconds:.1f} s for all")
    plain, ours = (whole.seconds - warm.seconds for warm, whole in (runs["plain"], runs["ray"]))
    n = len(pictures)
    compared = f"{len(runs['plain'][1].files)} files, by SHA-256"
    same = runs["plain"][1].files == runs["ray"][1].files
    return [
        at_most(
            f"processor time of embedding {n:,} pictures with Ray on two nodes over the plain run, warm",
            ours / max(plain, 1e-9),
            1.25,
            unit="times",
            against=f"the plain run, {1000 * plain / (n - len(few)):.1f} ms a picture",
            n=n,
        ),
        at_most(
            "files that differ from those of the plain run",
            0 if same else 1,
            0,
            unit="files",
            against=compared,
            n=n,
        ),
    ]


def products(n: int) -> Records:
    """Return made-up products around 200 centers."""
    rng = np.random.default_rng(3)
    centers = rng.normal(size=(200, DIMENSION)).astype(np.float32)
    vectors = centers[rng.integers(200, size=n)] + 0.7 * rng.normal(size=(n, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Records([f"p{row:07}" for row in range(n)], [str(row) for row in range(n)], vectors, [""] * n, {})


def search_claims(ray: Any, n: int, queries: int, note: Any) -> list[Claim]:
    """Return the claims about a shard that is killed amid queries."""
    from scene_pipeline.index.ray_shards import RayShard, ray_shards

    records = products(n)
    requested = records.vectors[np.random.default_rng(4).integers(n, size=queries)]
    with tempfile.TemporaryDirectory(prefix="scene-shards-") as name:
        schema = IndexSchema(DIMENSION)
        folders = write_shards(records, schema, Path(name) / "parts", SHARDS)
        whole = ShardSearcher(write_shards(records, schema, Path(name) / "whole", 1)[0])
        with ray_shards(ray, folders, schema, DEADLINE_S) as snapshot:
            for query in requested[:20]:
                snapshot.search(query, K)
            healthy: list[float] = []
            differ = 0
            for query in requested:
                started = time.perf_counter()
                hits = snapshot.search(query, K)
                healthy.append(time.perf_counter() - started)
                alone = whole.search(query, K)
                differ += hits.ids != alone.ids or hits.coverage != 1
            away: list[float] = []
            back: list[float] = []
            unstated, regained = 0, 0
            for number in range(KILLS):
                shard = snapshot.shards[number % SHARDS]
                assert isinstance(shard, RayShard)
                os.kill(ray.get(shard.actor.pid.remote()), signal.SIGKILL)
                killed = time.perf_counter()
                while time.perf_counter() - killed < 120:
                    query = requested[len(away) % len(requested)]
                    started = time.perf_counter()
                    hits = snapshot.search(query, K)
                    away.append(time.perf_counter() - started)
                    if hits.coverage == 1:
                        regained += 1
                        break
                    unstated += hits.missing != (shard.name,) or abs(hits.coverage - (1 - shard.rows / n)) > 1e-9
                back.append(time.perf_counter() - killed)
            after = [snapshot.search(query, K) for query in requested[:20]]
            again = sum(hits.ids != whole.search(query, K).ids for hits, query in zip(after, requested, strict=False))
    note(f"healthy p50 {1e3 * np.median(healthy):.1f} ms; away {len(away)} queries, p50 {1e3 * np.median(away):.1f} ms")
    against = f"{SHARDS} shards of {n:,} products, one killed, {KILLS} times"
    deadline = f"a deadline of {DEADLINE_S:g} s, with .25 s for merging"
    ratio, usual = float(np.median(away) / np.median(healthy)), f"healthy, {1e3 * np.median(healthy):.1f} ms"
    return [
        at_most(
            "complete answers that differ from the unsharded",
            differ + again,
            0,
            unit="answers",
            against=against,
            n=queries + 20,
        ),
        at_most(
            "longest answer while a shard is away",
            max(away),
            DEADLINE_S + 0.25,
            unit="s",
            against=deadline,
            n=len(away),
        ),
        at_most(
            "answers without the right coverage and missing shard",
            unstated,
            0,
            unit="answers",
            against=against,
            n=len(away),
        ),
        at_most("p50 while a shard is away over healthy", ratio, 1.5, unit="times", against=usual, n=len(away)),
        at_least(
            "full coverage regained", regained / KILLS, 1.0, unit="share", against=f"after {max(back):.1f} s", n=KILLS
        ),
    ]


def main() -> int:
    """Run the benchmark; return 0 when every claim holds, else 1, or 2 without pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--pictures", type=int, default=2000, help="pictures embedded")
    parser.add_argument("--products", type=int, default=20_000, help="products in all shards")
    parser.add_argument("--queries", type=int, default=200, help="queries before a shard is killed")
    parser.add_argument("--catalog-pictures", type=Path, help="folder of pictures to embed")
    arguments = parser.parse_args()
    folder = arguments.catalog_pictures or next((path for path in PICTURES if path.is_dir()), None)
    found = sorted(path for path in folder.rglob("*") if path.is_file()) if folder else []
    if not found:
        print("no pictures to embed; name a folder with --catalog-pictures DIR", file=sys.stderr)
        return 2

    def note(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    pictures = {sha256_file(path): path for path in found[: arguments.pictures]}
    with output_to_stderr(), two_nodes() as ray:
        claims = search_claims(ray, arguments.products, arguments.queries, note)
        claims += embedding_claims(ray, pictures, note)
    return report(claims, arguments, load_average=os.getloadavg())


if __name__ == "__main__":
    sys.exit(main())
