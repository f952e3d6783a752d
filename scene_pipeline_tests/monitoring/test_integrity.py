"""Verification finds pictures and vectors that are damaged."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.images.store import ImageStore
from scene_pipeline.monitoring.integrity import verify_pictures, verify_vectors


def test_verification_finds_a_picture_that_changed(tmp_path: Path) -> None:
    images = ImageStore(tmp_path / "images")
    path = images.path(images.add(Image.new("RGB", (8, 8), "red")))
    assert verify_pictures(tmp_path).sound
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    report = verify_pictures(tmp_path)
    assert report.looked_at == 1
    assert [line for line in report.damage if path.name in line and "fetches it again" in line]


def test_verification_finds_a_vector_that_is_no_unit_and_a_shard_that_is_cut(tmp_path: Path) -> None:
    folder = tmp_path / "embeddings" / "compact"
    shard = VectorStore(folder).append(["a"], pa.array([[1.0, 0.0]]).flatten().to_numpy().reshape(1, 2))
    assert shard is not None
    assert verify_vectors(tmp_path).sound
    table = pq.read_table(shard)
    vector = pa.FixedSizeListArray.from_arrays(pa.array([3.0, 4.0], pa.float16()), 2)
    pq.write_table(table.set_column(1, "vector", vector), shard)
    assert "has length 5, not 1" in verify_vectors(tmp_path).damage[0]
    shard.write_bytes(shard.read_bytes()[:-40])
    assert "is damaged" in verify_vectors(tmp_path).damage[0]
