"""How long the nightly run takes when nothing changed, and what each kind of change costs.

    python -m benchmarks.nightly [--json] [--parts time,changes] [--products 100000] [--changed-products 1000]

The catalog is made here: every row has a text of its own and a picture file of its own (96 px, so that the first
reading takes minutes and not an hour; an unchanged picture is not read again, so its size does not matter to what is
measured). Its vectors are random unit rows, spread in 24 directions as real ones mostly are, put into the stores under
the true keys: a night on which nothing changed embeds nothing, so it does not matter what they hold. Then the bundle is
built once, and the night is measured as Dagster runs it: `dagster job execute` in a process of its own, its instance on
disk, imports included.

The second part prepares a smaller catalog in the same way and lets five nights follow each other: nothing changed, the
prices of 1%, the rows shuffled, text and picture of one product, nothing again. What is read, embedded, analyzed and
answered is taken from what the assets report; the sample's libraries are scored where the automation condition asks.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import _nights
from benchmarks.claims import Claim, at_most, report

BOUND_S = 60.0
DIRECTIONS = 24
TYPES = (
    "VASE",
    "TABLE LAMP",
    "CUSHION",
    "WALL MIRROR",
    "BASKET",
    "SIDE TABLE",
    "CANDLE HOLDER",
    "FIGURINE",
    "BOWL",
    "RUG",
)
MATERIALS = ("CERAMIC", "BRASS", "LINEN", "WALNUT", "RATTAN", "GLASS", "STONEWARE", "IRON", "OAK", "WOOL")
COLORS = ("WHITE", "BLACK", "BLUE", "GREEN", "BEIGE", "GOLD", "GREY", "RED", "BROWN", "PINK")
BEFORE_VECTORS = (
    "raw_catalog",
    "products",
    "rejects",
    "dropped_cells",
    "enriched_products",
    "categorized_products",
    "product_images",
)

NIGHT = ("job", "execute", "-j", "build_bundle")


def main() -> int:
    """Print the claims."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--parts", default="time,changes")
    parser.add_argument("--changed-products", type=int, default=1000, help="products of the second part")
    parser.add_argument("--folder", type=Path, help="keep what is prepared here, and use it again")
    parser.add_argument("--prepare-only", action="store_true", help="stop before the measurement")
    arguments = parser.parse_args()
    claims: list[Claim] = []
    more: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        if "time" in arguments.parts:
            folder = (arguments.folder or Path(temporary) / "time").resolve()
            if not (folder / "ready").exists():
                prepare(folder, arguments.products)
            if arguments.prepare_only:
                return 0
            more["nights"] = [night(folder), night(folder)]
            claims.append(time_claim(more["nights"], arguments.products))
        if "changes" in arguments.parts:
            folder = Path(temporary) / "changes"
            prepare(folder, arguments.changed_products)
            found, more["changes"] = _nights.measure(folder)
            claims += found
    return report(claims, arguments, **more)


def time_claim(measured: list[dict[str, Any]], products: int) -> Claim:
    """Return the claim on the slower of the nights: the first also finds no picture in the page cache."""
    seconds = max(item["seconds"] for item in measured)
    name = "no-change nightly run, process start to end"
    return at_most(name, seconds, BOUND_S, unit="s", against="the bound", n=products)


def prepare(folder: Path, products: int) -> None:
    """Write catalog and pictures, read them, put random vectors in place, and build the bundle once."""
    if not (folder / "catalog.csv").exists():
        write_catalog(folder, products)
    run_dagster(folder, "asset", "materialize", "--select", ",".join(BEFORE_VECTORS))
    seed_vectors(folder / "artifacts")
    run_dagster(folder, *NIGHT)
    (folder / "ready").write_text(f"{products}\n")


def write_catalog(folder: Path, products: int) -> None:
    """Write `products` rows, no two texts or pictures the same."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "sku_id", "description", "primary_image", "price"])
        for row in range(products):
            kind, material, color = TYPES[row % 10], MATERIALS[row // 10 % 10], COLORS[row // 100 % 10]
            size = f"{10 + row // 1000 % 50}x{10 + row // 50_000}x{5 + row % 37} cm"
            name = f"pictures/{row % 256:02x}/{row}.jpg"
            writer.writerow([f"{row:07}", f"S-{row:07}", f"{material} {kind} {color} {size}", name, 5 + row % 400])
    for part in range(256):
        (folder / "pictures" / f"{part:02x}").mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for row in range(products):
        cells = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        image = Image.fromarray(cells).resize((96, 96), Image.Resampling.BICUBIC)
        image.save(folder / "pictures" / f"{row % 256:02x}" / f"{row}.jpg", quality=85)


def seed_vectors(artifacts: Path) -> None:
    """Put a random unit vector, near a plane of DIRECTIONS, under the key of every picture and every sentence."""
    import pyarrow.parquet as pq

    from scene_pipeline.defs.vectors import text_key
    from scene_pipeline.encoders.embedding_store import VectorStore
    from scene_pipeline.encoders.spec import get_spec, slug
    from scene_pipeline.encoders.text import MINILM

    pictures = pq.read_table(artifacts / "images" / "status.parquet", columns=["sha256"])["sha256"].drop_null()
    sentences = pq.read_table(artifacts / "catalog" / "categorized.parquet", columns=["sentence"])["sentence"]
    generator = np.random.default_rng(1)
    directions = generator.standard_normal((DIRECTIONS, 4096))
    for encoder, dimension, keys in (
        (get_spec("compact").id, get_spec("compact").dimension, set(pictures.to_pylist())),
        (MINILM, 384, {text_key(sentence) for sentence in sentences.to_pylist()}),
    ):
        store = VectorStore(artifacts / "embeddings" / slug(encoder))
        missing = store.missing(sorted(keys))
        for start in range(0, len(missing), 4096):
            block = missing[start : start + 4096]
            rows = generator.standard_normal((len(block), DIRECTIONS)) @ directions[:, :dimension]
            rows = (rows + 0.1 * generator.standard_normal(rows.shape)).astype(np.float32)
            store.append(block, rows / np.linalg.norm(rows, axis=1, keepdims=True))


def night(folder: Path) -> dict[str, Any]:
    """Run the nightly job and return its seconds, those of each step, and the bytes it added to the event log."""
    import dagster as dg

    current = folder / "artifacts" / "bundles" / "CURRENT"
    before = current.read_text()
    started = time.perf_counter()
    run_dagster(folder, *NIGHT)
    seconds = time.perf_counter() - started
    if current.read_text() != before:
        raise RuntimeError("the night promoted another bundle: something did change")
    with dg.DagsterInstance.from_config(str(folder / "home")) as instance:
        run = instance.get_runs(limit=1)[0].run_id
        steps = {
            item.step_key: round((item.end_time or 0) - (item.start_time or 0), 2)
            for item in instance.get_run_step_stats(run)
        }
        events = instance.all_logs(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        made = [entry.asset_materialization for entry in events if entry.asset_materialization]
    embedded = {
        item.asset_key.to_user_string(): item.metadata["embedded_now"].value
        for item in made
        if "embedded_now" in item.metadata
    }
    if set(embedded.values()) != {0}:
        raise RuntimeError(f"the night embedded {embedded}: something did change")
    steps["start, imports and end"] = round(seconds - sum(steps.values()), 2)
    return {"seconds": round(seconds, 2), "steps": steps}


def run_dagster(folder: Path, *arguments: str) -> None:
    """Run a `dagster` command in a process of its own. Raises RuntimeError when it fails."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "SCENE_PIPELINE_ARTIFACTS": str(folder / "artifacts"),
        "SCENE_PIPELINE_CATALOG": str(folder / "catalog.csv"),
        "SCENE_PIPELINE_ENCODER": "compact",
    }
    command = [sys.executable, "-m", "dagster", *arguments, "-m", "scene_pipeline.definitions"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(result.stderr[-3000:])


if __name__ == "__main__":
    sys.exit(main())
