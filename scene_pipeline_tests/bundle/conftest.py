"""A small bundle of made-up products; `write_files` and `build` also run in the subprocesses of the fault tests."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scene_pipeline.bundle import BundleWriter, Check, ManifestFields, Promotion
from scene_pipeline.bundle.manifest import IndexRecord
from scene_pipeline.catalog.schema import CATEGORIZED
from scene_pipeline.files import sha256_bytes
from scene_pipeline.index import VectorIndex, fit, fuse_products
from scene_pipeline.vocabulary import load_vocabulary

IMAGE_DIM, TEXT_DIM = 24, 16


@cache
def _vocabulary() -> tuple[bytes, bytes]:
    return load_vocabulary().parts()


def product_table(n: int, seed: int) -> pa.Table:
    """Return `n` products with every column of the schema."""
    rng = np.random.default_rng(seed)
    made: dict[str, list[object]] = {}
    for field in CATEGORIZED:
        if field.name in ("product_id", "sku_id"):
            made[field.name] = [f"{field.name[0]}{seed}-{row}" for row in range(n)]
        elif field.nullable:
            made[field.name] = [None] * n
        else:
            made[field.name] = [_value(field.type, rng) for _ in range(n)]
    return pa.table(made, schema=CATEGORIZED)


def _value(kind: pa.DataType, rng: np.random.Generator) -> object:
    if pa.types.is_struct(kind):
        return {field.name: _value(field.type, rng) for field in kind}
    if pa.types.is_list(kind):
        return []
    if pa.types.is_boolean(kind):
        return False
    number = int(rng.integers(1_000))
    return f"value {number}" if pa.types.is_string(kind) else number


def write_files(folder: Path, n: int = 60, seed: int = 0) -> ManifestFields:
    """Write every file of a bundle but the manifest into `folder`; return what the manifest states."""
    rng = np.random.default_rng(seed)
    has_image = rng.random(n) < 0.9
    image, text = rng.normal(size=(n, IMAGE_DIM)), rng.normal(size=(n, TEXT_DIM))
    fusion = fit(image, text, has_image)
    index = VectorIndex.build(fuse_products(image, text, has_image, fusion), recall_floor=0.9, threads=1)
    index.write(folder)
    fusion.write(folder / "fusion.npz")
    pq.write_table(product_table(n, seed), folder / "products.parquet")
    np.savez(folder / "prompts.npz", rooms=rng.normal(size=(8, IMAGE_DIM)))
    (folder / "image_encoder.onnx").write_bytes(rng.bytes(20_000))
    words, scoring = _vocabulary()
    (folder / "vocabulary.json").write_bytes(words)
    (folder / "scoring.json").write_bytes(scoring)
    (folder / "calibration.json").write_text(
        f'{{"method": "none", "encoder_id": "test", "calibrated": false, "n": {seed}}}'
    )
    return ManifestFields(
        data_version=sha256_bytes(str((n, seed)).encode()),
        image_encoder={"id": "made-up", "dimension": IMAGE_DIM},
        text_encoder="made-up-text",
        counts={"products": n, "with_image": int(has_image.sum())},
        index=IndexRecord(index.plan.factory, index.recall, index.recall_queries, index.plan.refine_factor),
        evaluation={"hit@10": 0.5, "seal": "0" * 64},
        calibration={"calibrated": False},
    )


def build(root: Path, n: int = 60, seed: int = 0, checks: Sequence[Check] = ()) -> Promotion:
    """Write, seal and promote a bundle under `root`."""
    with BundleWriter(root) as writer:
        writer.seal(write_files(writer.folder, n, seed))
        return writer.promote(checks)


@pytest.fixture
def build_bundle() -> Callable[..., Promotion]:
    return build


@pytest.fixture
def write_bundle_files() -> Callable[..., ManifestFields]:
    return write_files


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """An artifacts folder with two promoted bundles: 60 products of seed 0, then 80 of seed 1."""
    build(tmp_path / "bundles", 60, 0)
    build(tmp_path / "bundles", 80, 1)
    return tmp_path
