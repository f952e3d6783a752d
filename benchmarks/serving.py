"""Measure serving: cold start, latency, memory and threads, on bundles of growing size, against a plain numpy matcher.

    python -m benchmarks.serving [--json] [--sizes 10000,100000,1000000] [--catalog FILE.csv] [--vit]

A bundle of n products is published by the program's own code. Its rows are real ones of the catalogue, drawn again and
again with new ids; their vectors are spread around the real embeddings of those rows as `benchmarks.index` describes.
Scenes are the sample's own. `--vit` adds ViT-B-32 of random weights and the true shape, served in int8.

The peer loads everything, as the first design did: float32 vectors and the whole table in memory. It scores every
product of the catalogue in numpy for each scene, with the same image tower.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.claims import Claim, at_most, report
from benchmarks.index import CATALOGS, spread
from benchmarks.serving_process import ROUNDS

COLD_STARTS = 7
BLOCK = 50_000


def real_rows(catalog: Path) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Return categorised rows of a catalogue, and the unit vectors of their sentences and of their titles alone."""
    from scene_pipeline.catalog.categorise import categorise
    from scene_pipeline.catalog.enrich import enrich
    from scene_pipeline.catalog.read import read_catalog
    from scene_pipeline.catalog.validate import validate
    from scene_pipeline.encoders.text import TextEncoder
    from scene_pipeline.vocabulary import load_vocabulary
    from scene_pipeline.vocabulary.lexicon import load_lexicon

    vocabulary, lexicon = load_vocabulary(), load_lexicon()
    table = categorise(enrich(validate(read_catalog(catalog)).products, vocabulary, lexicon), vocabulary, lexicon)
    encoder = TextEncoder.open()
    titles = [text.split(",")[0] for text in table["description"].to_pylist()]
    return table, encoder.embed(table["sentence"].to_pylist()), encoder.embed(titles)


def publish_bundle(artifacts: Path, n: int, rows: tuple[pa.Table, np.ndarray, np.ndarray], encoder_id: str) -> None:
    """Publish a bundle of `n` products made from `rows`; the image part has the encoder's dimension."""
    from scene_pipeline.bundle.calibration_map import uncalibrated
    from scene_pipeline.encoders.spec import get_spec
    from scene_pipeline.encoders.text import TextEncoder
    from scene_pipeline.images.decode import decode_image
    from scene_pipeline.matching.publish import EmbeddedCatalog, Recipe, publish
    from scene_pipeline.sample import sample_path
    from scene_pipeline.vocabulary import load_vocabulary

    table, texts, pictures = rows
    rng = np.random.default_rng(n)
    drawn = rng.integers(table.num_rows, size=n)
    spec = get_spec(encoder_id)
    if spec.dimension != pictures.shape[1]:  # random weights know no likeness: only the shape matters here
        turn = rng.standard_normal((pictures.shape[1], spec.dimension)).astype(np.float32)
        pictures = pictures @ turn
        pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
    products = table.take(pa.array(drawn))
    ids = pa.array([f"p{row}" for row in range(n)])
    products = products.set_column(products.schema.get_field_index("product_id"), "product_id", ids)
    products = products.set_column(products.schema.get_field_index("sku_id"), "sku_id", ids)
    none = pa.nulls(n, pa.list_(pa.list_(pa.float32())))
    products = (
        products.append_column("has_image", pa.array(np.ones(n, bool)))
        .append_column("image_sha256", pa.nulls(n, pa.string()))
        .append_column("image_lab", none)
        .append_column("image_share", pa.nulls(n, pa.list_(pa.float32())))
    )
    spreads = [
        np.concatenate([spread(real, drawn[at : at + BLOCK], rng) for at in range(0, n, BLOCK)])
        for real in (pictures, texts)
    ]
    samples = [decode_image(path) for path in sorted((sample_path() / "products").iterdir())[:16]]
    recipe = Recipe(spec, TextEncoder.open(), load_vocabulary(), uncalibrated(spec.id), int8=encoder_id != "compact")
    publish(artifacts, EmbeddedCatalog(products, spreads[0], np.ones(n, bool), spreads[1], 0), recipe, samples)


def run(what: str, artifacts: Path, scenes: list[str]) -> tuple[dict[str, Any], float]:
    """Run a process of `benchmarks.serving_process`; return what it says and its whole wall time in seconds."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.serving_process", what, str(artifacts), *scenes]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return json.loads(result.stdout), time.perf_counter() - started


def measure(artifacts: Path, scenes: list[str]) -> dict[str, Any]:
    """Return the figures of one bundle and of the peer on it."""
    cold = [run("cold", artifacts, scenes[:1])[1] for _ in range(COLD_STARTS)]
    return {
        "cold_s": float(np.median(cold)),
        "cold_all_s": cold,
        **run("warm", artifacts, scenes)[0],
        "peer": run("peer", artifacts, scenes)[0],
    }


def main() -> int:
    """Run the benchmark; return 0 when every claim holds, else 1, or 2 without a catalogue."""
    from scene_pipeline.sample import sample_path

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of products, comma-separated")
    parser.add_argument("--catalog", type=Path, help="catalogue to take real rows from")
    parser.add_argument("--vit", action="store_true", help="also ViT-B-32 in int8, random weights")
    arguments = parser.parse_args()
    catalog = arguments.catalog or next(path for path in CATALOGS if path.is_file())
    scenes = [str(path) for path in sorted((sample_path() / "scenes").rglob("*.webp"))]
    rows = real_rows(catalog)
    figures: dict[str, Any] = {}
    claims: list[Claim] = []
    with tempfile.TemporaryDirectory(prefix="scene-serving-") as folder:
        for n in map(int, arguments.sizes.split(",")):
            artifacts = Path(folder) / f"compact-{n}"
            started = time.perf_counter()
            publish_bundle(artifacts, n, rows, "compact")
            figures[f"compact-{n}"] = {"publish_s": time.perf_counter() - started, **measure(artifacts, scenes)}
            print(f"{n:,}: {figures[f'compact-{n}']}", file=sys.stderr, flush=True)
            claims += claims_of(n, figures[f"compact-{n}"])
        if arguments.vit:
            checkpoint = random_vit(Path(folder))
            artifacts = Path(folder) / "vit"
            publish_bundle(artifacts, 100_000, rows, f"ViT-B-32//{checkpoint}")
            figures["vit-100000"] = measure(artifacts, scenes)
            p95 = figures["vit-100000"]["recommend_p95_ms"]
            claims.append(
                at_most("recommend p95, ViT-B-32 int8, 100,000 products", p95, 80, unit="ms", against="bound", n=ROUNDS)
            )
    return report(claims, arguments, figures=figures, cores=os.cpu_count(), load=os.getloadavg())


def claims_of(n: int, figure: dict[str, Any]) -> list[Claim]:
    """Return the claims that are made at `n` products."""
    peer = figure["peer"]
    size = f"{n:,} products"
    if n == 100_000:
        return [
            at_most(
                f"new process to first recommendation, {size}",
                figure["cold_s"],
                1.0,
                unit="s",
                against=f"numpy peer {peer['open_s']:.2f} s",
                n=COLD_STARTS,
            ),
            at_most(
                f"recommend p95, compact, decode included, {size}",
                figure["recommend_p95_ms"],
                40,
                unit="ms",
                against=f"numpy peer p95 {peer['recommend_p95_ms']:.1f} ms",
                n=ROUNDS,
            ),
            at_most(
                f"resident memory, {size}",
                figure["resident_mb"],
                500,
                unit="MB",
                against=f"numpy peer {peer['resident_mb']:.0f} MB",
                n=1,
            ),
        ]
    if n == 1_000_000:
        return [
            at_most(
                f"search + filter + score p95, {size}, recall@50 {figure['recall']:.3f}",
                figure["search_filter_score_p95_ms"],
                25,
                unit="ms",
                against=f"numpy peer's whole recommend p95 {peer['recommend_p95_ms']:.0f} ms",
                n=ROUNDS,
            )
        ]
    return []


def random_vit(folder: Path) -> Path:
    """Save a ViT-B-32 of random weights and return its path."""
    import open_clip
    import torch

    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32", pretrained=None)
    path = folder / "vit-b-32-random.pt"
    torch.save(model.state_dict(), path)
    return path


if __name__ == "__main__":
    sys.exit(main())
