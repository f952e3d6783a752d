"""Model a night and a query at 10 and 100 million products, from parts measured here and assumptions that are printed.

    python -m benchmarks.scale [--json] [--products 20000]

Measured on this machine, in this run: bytes of a faiss index a product, bytes of a shard's answer, seconds of writing
and sealing a product, of searching it once, and of embedding a picture with the compact encoder. Everything else is an
assumption and stands beside the figures; nothing at these sizes was run.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims import Claim, report

DIMENSION, K = 768, 50
SIZES = (10_000_000, 100_000_000)


@dataclass(frozen=True)
class Assumptions:
    """What is not measured."""

    changed_share: float = 0.01  # of the products, a night
    new_pictures_share: float = 0.25  # of the changed products: the others have another price or text
    machine_memory_gb: float = 64.0
    memory_used_share: float = 0.7  # of a machine's memory for its shard
    cores: int = 16  # a machine, each as fast as the one measured
    queries_a_second: float = 100.0
    network_gbit: float = 10.0
    efficiency: float = 0.8  # of many machines over one, by Ray's cost and the last shard's wait


@dataclass(frozen=True)
class Parts:
    """What was measured, a product or a picture."""

    index_bytes: float
    row_bytes: float
    answer_bytes: float
    write_s: float
    scan_s: float
    embed_s: float


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return processor seconds and what came of the work."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def measure(n: int) -> Parts:
    """Return the parts, with `n` made-up products and 32 pictures of the sample."""
    from scene_pipeline.encoders.export import export_onnx
    from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
    from scene_pipeline.encoders.spec import get_spec
    from scene_pipeline.images.decode import decode_image
    from scene_pipeline.index.faiss_index import FaissProductIndex
    from scene_pipeline.index.port import IndexSchema, Records
    from scene_pipeline.sample import sample_path

    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    fields = {"price": rng.uniform(1, 500, n).tolist(), "category": ["vases"] * n}
    texts = ["a vase of blue ceramic, 20 cm high, for the living room"] * n
    records = Records([f"p{row:09}" for row in range(n)], [f"{row:064x}" for row in range(n)], vectors, texts, fields)
    with tempfile.TemporaryDirectory(prefix="scene-scale-") as name:
        folder = Path(name)
        index = FaissProductIndex(folder / "index")

        def write() -> None:
            with index.stage("v1", IndexSchema(DIMENSION, {"price": "number", "category": "text"})) as writer:
                writer.upsert(records)
                writer.seal()
            index.publish("v1")

        write_s, _ = timed(write)
        stored = folder / "index" / "v1"
        index_bytes = (stored / "index.faiss").stat().st_size / n
        row_bytes = ((stored / "rows.parquet").stat().st_size + (stored / "vectors.npy").stat().st_size) / n
        with index.open() as snapshot:
            hits = snapshot.search(vectors[0], K)
            scan_s, _ = timed(lambda: [snapshot.search(query, K) for query in vectors[:50]])
        pictures = [decode_image(path) for path in sorted((sample_path() / "products").glob("*"))[:32]]
        export_onnx(get_spec("compact"), folder / "tower.onnx", pictures[:4])
        encoder = OnnxImageEncoder.open(folder / "tower.onnx", get_spec("compact"), threads=1)
        embed_s, _ = timed(lambda: encoder.embed(pictures))
    answer = sum(len(identity) for identity in hits.ids) + hits.inner.nbytes  # what a shard's answer holds
    return Parts(index_bytes, row_bytes, answer, write_s / n, scan_s / 50 / n, embed_s / len(pictures))


def model(products: int, parts: Parts, given: Assumptions) -> dict[str, float]:
    """Return the figures of a catalog of `products`."""
    memory_gb = products * parts.index_bytes / 1e9
    machines = max(1, int(np.ceil(memory_gb / (given.machine_memory_gb * given.memory_used_share))))
    cores = machines * given.cores
    changed = products * given.changed_share
    embed_core_h = changed * given.new_pictures_share * parts.embed_s / 3600
    write_core_h = products * parts.write_s / 3600  # a faiss shard is built whole, whatever changed
    rate = given.queries_a_second
    shard_bytes = DIMENSION * 4 + parts.answer_bytes
    return {
        "memory_gb": memory_gb,
        "disk_gb_a_version": products * (parts.row_bytes + parts.index_bytes) / 1e9,
        "machines": float(machines),
        "scan_ms_a_query_on_all_cores": 1e3 * products * parts.scan_s / cores,
        "scan_cores_at_the_rate": rate * products * parts.scan_s,
        "network_mbit_at_the_rate": 8e-6 * rate * machines * shard_bytes,
        "network_share": 8e-9 * rate * machines * shard_bytes / given.network_gbit,
        "night_embedding_h": embed_core_h / (cores * given.efficiency),
        "night_building_h": write_core_h / (cores * given.efficiency),
        "night_core_h": embed_core_h + write_core_h,
    }


def claims_of(figures: dict[int, dict[str, float]], given: Assumptions) -> list[Claim]:
    """Return what is stated, one claim a figure."""
    units = {
        "gb": "GB",
        "ms": "ms",
        "mbit": "Mbit/s",
        "share": "share",
        "h": "h",
        "machines": "machines",
        "cores": "cores",
    }
    claims = []
    for products, found in figures.items():
        for name, value in found.items():
            unit = next(unit for part, unit in units.items() if part in name.split("_"))
            against = f"modeled; {given.machine_memory_gb:g} GB and {given.cores} cores a machine"
            claims.append(Claim(f"{name}, {products:,} products", round(value, 3), unit, "stated", True, against, 1))
    return claims


def main() -> int:
    """Print the model; return 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--products", type=int, default=20_000, help="products that the parts are measured with")
    arguments = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parts, given = measure(arguments.products), Assumptions()
    figures = {products: model(products, parts, given) for products in SIZES}
    if not arguments.json:
        print(f"measured with {arguments.products:,} products of {DIMENSION} dimensions: {parts}")
        print(f"assumed: {given}")
    return report(claims_of(figures, given), arguments, parts=asdict(parts), assumptions=asdict(given))


if __name__ == "__main__":
    sys.exit(main())
