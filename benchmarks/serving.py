"""Measure serving: cold start, latency, memory and threads, on bundles of growing size, against a plain numpy matcher.

    python -m benchmarks.serving [--json] [--sizes 10000,100000,1000000] [--catalog FILE.csv] [--vit] [--bundles DIR]

A bundle of n products is published by the program's own code. Its rows are real ones of the catalog, drawn again and
again with new ids. Their vectors are spread around the real MiniLM embeddings of those rows (the sentence for the text
part, the title alone for the image part, since the compact encoder's pictures lie in the space of texts): the real
vector, plus 0.35 times the difference of two other real ones, plus isotropic noise of length 0.15, normalized. Scenes
are the sample's own. `--vit` adds ViT-B-32 of random weights and the true shape, served in int8 at 100,000 products;
its image vectors are the same ones, turned at random into its 512 dimensions, since random weights know no similarity.

`--bundles` keeps the bundles and takes those that are there, so that they can be made first (`--prepare`, minutes at a
million) and measured on a quiet machine. `busy_elsewhere` in the document says how many cores other processes used.

The peer loads everything, as the first design did: float32 vectors and the whole table in memory. It scores every
product of the catalog in numpy for each scene, with the same image tower. It is measured up to 100,000 products: a
million rows as Python objects do not fit into the memory of most machines.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks._vectors import CATALOGS, spread
from benchmarks.claims import Claim, at_least, at_most, report
from benchmarks.serving_process import ROUNDS

COLD_STARTS = 7
BLOCK = 50_000
PEER_ROWS = 100_000


def real_rows(catalog: Path) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Return categorized rows of a catalog, and the unit vectors of their sentences and of their titles alone."""
    from scene_pipeline.catalog.categorize import categorize
    from scene_pipeline.catalog.enrich import enrich
    from scene_pipeline.catalog.read import read_catalog
    from scene_pipeline.catalog.validate import validate
    from scene_pipeline.encoders.text import TextEncoder
    from scene_pipeline.vocabulary import load_vocabulary
    from scene_pipeline.vocabulary.lexicon import load_lexicon

    vocabulary, lexicon = load_vocabulary(), load_lexicon()
    table = categorize(enrich(validate(read_catalog(catalog)).products, vocabulary, lexicon), vocabulary, lexicon)
    encoder = TextEncoder.open()
    titles = [text.split(",")[0] for text in table["description"].to_pylist()]
    return table, encoder.embed(table["sentence"].to_pylist()), encoder.embed(titles)


def publish_bundle(artifacts: Path, n: int, rows: tuple[pa.Table, np.ndarray, np.ndarray], encoder_id: str) -> None:
    """Publish a bundle of `n` products made from `rows` at drawn prices; the image part has the encoder's dimension."""
    from scene_pipeline.bundle.calibration_map import uncalibrated
    from scene_pipeline.encoders.spec import get_spec
    from scene_pipeline.encoders.text import TextEncoder
    from scene_pipeline.images.decode import decode_image
    from scene_pipeline.publishing.publish import BundleRecipe, EmbeddedCatalog, publish
    from scene_pipeline.sample import sample_path
    from scene_pipeline.vocabulary import load_vocabulary

    table, texts, pictures = rows
    rng = np.random.default_rng(n)
    drawn = rng.integers(table.num_rows, size=n)
    spec = get_spec(encoder_id)
    if spec.dimension != pictures.shape[1]:  # random weights know no similarity: only the shape matters here
        turn = rng.standard_normal((pictures.shape[1], spec.dimension)).astype(np.float32)
        pictures = pictures @ turn
        pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
    products = table.take(pa.array(drawn))
    ids = pa.array([f"p{row}" for row in range(n)])
    products = products.set_column(products.schema.get_field_index("product_id"), "product_id", ids)
    products = products.set_column(products.schema.get_field_index("sku_id"), "sku_id", ids)
    prices = np.random.default_rng([n, 1]).lognormal(3.6, 1.0, n).round(2)
    for name, value in (("price", pa.array(prices)), ("currency", pa.array(["EUR"] * n))):
        products = products.set_column(products.schema.get_field_index(name), name, value)
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
    recipe = BundleRecipe(
        spec, TextEncoder.open(), load_vocabulary(), uncalibrated(spec.id), int8=encoder_id != "compact"
    )
    publish(artifacts, EmbeddedCatalog(products, spreads[0], np.ones(n, bool), spreads[1], 0), recipe, samples)


def run(what: str, artifacts: Path, scenes: list[str]) -> tuple[dict[str, Any], float]:
    """Run a process of `benchmarks.serving_process`; return what it says and its whole wall time in seconds."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.serving_process", what, str(artifacts), *scenes]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return json.loads(result.stdout), time.perf_counter() - started


def measure(case: "Case", artifacts: Path, scenes: list[str]) -> dict[str, Any]:
    """Return the figures of one bundle, and of the peer on it where it fits."""
    before, started = busy_s(), time.perf_counter()
    cold = [run("cold", artifacts, scenes[:1])[1] for _ in range(COLD_STARTS)]
    figure = {"cold_s": float(np.median(cold)), "cold_all_s": cold, **run("warm", artifacts, scenes)[0]}
    if case.n <= PEER_ROWS:
        figure["peer"] = run("peer", artifacts, scenes)[0]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = children.ru_utime + children.ru_stime - before[1]
    elapsed = time.perf_counter() - started
    return {**figure, "busy_elsewhere": round((busy_s()[0] - before[0] - own) / elapsed, 2)}


def busy_s() -> tuple[float, float]:
    """Return the processor seconds the machine has used, and those of the children that this process waited for."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(map(int, fields[1:4])) / os.sysconf("SC_CLK_TCK"), children.ru_utime + children.ru_stime


@dataclass(frozen=True)
class Case:
    """A bundle to be measured: its folder's name, its size and its image encoder (None: ViT-B-32 at random)."""

    name: str
    n: int
    encoder: str | None

    def is_made(self, folder: Path) -> bool:
        """Tell whether the bundle is below `folder`."""
        return (folder / self.name / "bundles" / "CURRENT").is_file()

    def make(self, folder: Path, rows: tuple[pa.Table, np.ndarray, np.ndarray]) -> None:
        """Publish the bundle below `folder`."""
        started = time.perf_counter()
        encoder = self.encoder or f"ViT-B-32/{random_vit(folder)}"
        publish_bundle(folder / self.name, self.n, rows, encoder)
        print(f"{self.name}: published in {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)


def main() -> int:
    """Run the benchmark; return 0 when every claim holds, else 1."""
    from scene_pipeline.sample import sample_photographs

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of products, comma-separated")
    parser.add_argument("--catalog", type=Path, help="catalog to take real rows from")
    parser.add_argument("--vit", action="store_true", help="also ViT-B-32 in int8, random weights")
    parser.add_argument("--bundles", type=Path, help="folder to keep the bundles in; those there are used again")
    parser.add_argument("--prepare", action="store_true", help="only make the bundles; needs --bundles")
    arguments = parser.parse_args()
    catalog = arguments.catalog or next(path for path in CATALOGS if path.is_file())
    scenes = [str(path) for path in sample_photographs()]
    cases = [Case(f"compact-{size}", int(size), "compact") for size in arguments.sizes.split(",") if size]
    cases += [Case("vit-100000", 100_000, None)] * arguments.vit
    figures: dict[str, Any] = {}
    claims: list[Claim] = []
    with tempfile.TemporaryDirectory(prefix="scene-serving-") as temporary:
        folder = arguments.bundles or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if missing := [case for case in cases if not case.is_made(folder)]:
            rows = real_rows(catalog)
            for case in missing:
                case.make(folder, rows)
        if arguments.prepare:
            return 0
        for case in cases:
            figures[case.name] = measure(case, folder / case.name, scenes)
            print(f"{case.name}: {figures[case.name]}", file=sys.stderr, flush=True)
            claims += claims_of(case, figures[case.name])
    return report(claims, arguments, figures=figures, cores=os.cpu_count())


def claims_of(case: Case, figure: dict[str, Any]) -> list[Claim]:
    """Return the claims that are made about one bundle."""
    size = f"{case.n:,} products"
    p95, peer = figure["recommend_p95_ms"], figure.get("peer", {})
    if case.encoder is None:
        name = f"recommend p95, ViT-B-32 {figure['precision']}, decode included, {size}"
        against = f"numpy peer with the same tower, p95 {peer['recommend_p95_ms']:.1f} ms"
        return [at_most(name, p95, 80, unit="ms", against=against, n=ROUNDS)]
    if case.n == 100_000:
        return [
            at_most(
                f"new process to first recommendation over the numpy peer's opening, {size}",
                figure["cold_s"] / peer["open_s"],
                0.30,
                unit="times",
                against=f"{figure['cold_s']:.2f} s, peer {peer['open_s']:.2f} s, its imports not counted",
                n=COLD_STARTS,
            ),
            at_most(
                f"recommend p95 over the numpy peer's, compact, decode included, {size}",
                p95 / peer["recommend_p95_ms"],
                0.25,
                unit="times",
                against=f"{p95:.1f} ms, peer {peer['recommend_p95_ms']:.1f} ms",
                n=ROUNDS,
            ),
            at_most(
                f"share of a first answer spent on colors and light, {size}",
                figure["colors_p50_ms"] / figure["recommend_p50_ms"],
                0.10,
                unit="share",
                against=f"{figure['colors_p50_ms']:.1f} of {figure['recommend_p50_ms']:.1f} ms",
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
    if case.n == 1_000_000:
        recall = at_least(
            f"recall@50, {size}", figure["recall"], 0.97, unit="share", against="exact search of 200 products", n=200
        )
        name = f"search + filter + score p95, {size}, at that recall"
        elapsed = figure["search_filter_score_p95_ms"]
        return [recall, at_most(name, elapsed, 25, unit="ms", against="the bound", n=ROUNDS)]
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
