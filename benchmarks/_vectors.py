"""Made-up products around real ones, as vectors: what the benchmarks of indexes and of serving search.

Vectors are made from real texts. Every description of the catalog is embedded with all-MiniLM-L6-v2; a made-up
product is the embedding of a random real one, moved by 0.35 times the difference of two other real embeddings (so that
it moves the way real products differ) and by isotropic noise of length 0.15, then normalized. The text part of the
fused vector comes from descriptions, the image part in the same way from the titles alone, which stand in for pictures
in the shared space of the compact encoder. Queries are made alike, are not in the index, and weigh picture and text
half and half.
"""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).parents[1]
CATALOGS = (
    REPOSITORY.parent / "shared" / "data" / "ikea" / "catalog.csv",
    REPOSITORY / "scene_pipeline" / "sample" / "catalog.csv",
)
QUERIES = 50
BLOCK = 50_000

Vectors = npt.NDArray[np.float32]


def embed_texts(catalog: Path) -> tuple[Vectors, Vectors]:
    """Return unit MiniLM vectors [rows, 384] of the descriptions, and of their titles."""
    import torch

    from scene_pipeline.encoders.text import TextEncoder

    torch.set_num_threads(1)  # small batches: on busy cores, two threads mostly wait for each other
    with catalog.open(newline="", encoding="utf-8-sig") as stream:
        descriptions = [row["description"] for row in csv.DictReader(stream)]
    encoder = TextEncoder.open()
    titles = [" ".join(text.split(",")[0].split()[1:]) or text for text in descriptions]
    return encoder.embed(descriptions), encoder.embed(titles)


def spread(real: Vectors, family: npt.NDArray[np.int64], rng: np.random.Generator) -> Vectors:
    """Return a vector around the real one of each family, as the module says."""
    first, second = rng.integers(len(real), size=(2, len(family)))
    noise = rng.standard_normal((len(family), real.shape[1]), dtype=np.float32)
    noise *= 0.15 / np.linalg.norm(noise, axis=1, keepdims=True)
    vectors = real[family] + np.float32(0.35) * (real[first] - real[second]) + noise
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_products(folder: Path, n: int, real: tuple[Vectors, Vectors]) -> None:
    """Write `n` fused vectors, their families and the queries: vectors.f32.npy, family.npy and queries.npy."""
    from scene_pipeline.index import fit, fuse_products, fuse_query

    rng = np.random.default_rng(n)
    texts, pictures = real
    everything = np.ones(len(texts), bool)
    fusion = fit(pictures, texts, everything)
    family = rng.integers(len(texts), size=n)
    vectors = np.lib.format.open_memmap(folder / "vectors.f32.npy", "w+", np.float32, (n, fusion.dimension))
    for start in range(0, n, BLOCK):
        rows = family[start : start + BLOCK]
        block = fuse_products(spread(pictures, rows, rng), spread(texts, rows, rng), np.ones(len(rows), bool), fusion)
        vectors[start : start + BLOCK] = block
    vectors.flush()
    requested = rng.integers(len(texts), size=QUERIES)
    queries = [
        fuse_query(picture, text, fusion, 0.5)
        for picture, text in zip(spread(pictures, requested, rng), spread(texts, requested, rng), strict=True)
    ]
    np.save(folder / "family.npy", family)
    np.save(folder / "queries.npy", np.stack(queries))
