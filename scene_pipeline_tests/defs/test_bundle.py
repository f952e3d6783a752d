"""Tables of different runs are refused, not joined."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from scene_pipeline.defs.bundle import embedded_catalog
from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.encoders.spec import get_spec
from scene_pipeline.encoders.text import MINILM
from scene_pipeline.errors import BundleError


@pytest.fixture
def store(demo: Path, tmp_path: Path) -> ArtifactStore:
    """The demo's tables and vectors, in a folder of their own."""
    for name in ("catalog", "embeddings"):
        shutil.copytree(demo / name, tmp_path / name)
    (tmp_path / "images").mkdir()
    shutil.copy(demo / "images" / "status.parquet", tmp_path / "images")
    return ArtifactStore(root=str(tmp_path))


def test_every_product_gets_its_vectors(store: ArtifactStore) -> None:
    catalog = embedded_catalog(store, get_spec("compact"))
    assert catalog.has_image.mean() > 0.9
    assert len(catalog.image) == len(catalog.text) == catalog.products.num_rows
    assert (catalog.image[catalog.has_image] ** 2).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_pictures_of_another_catalog_are_refused(store: ArtifactStore) -> None:
    products = store.read_table("catalog", "categorized.parquet")
    store.write_table(products.slice(3), "catalog", "categorized.parquet")
    with pytest.raises(BundleError, match=r"status\.parquet: lists pictures of 3 products .* product_images again"):
        embedded_catalog(store, get_spec("compact"))


def test_a_sentence_without_a_vector_is_refused(store: ArtifactStore) -> None:
    products = store.read_table("catalog", "categorized.parquet")
    sentences = ["a new sentence", *products["sentence"].to_pylist()[1:]]
    at = products.schema.get_field_index("sentence")
    changed = products.set_column(at, products.schema.field(at), pa.array(sentences))
    store.write_table(changed, "catalog", "categorized.parquet")
    with pytest.raises(BundleError, match="1 products have a sentence without a vector; materialize text_embeddings"):
        embedded_catalog(store, get_spec("compact"))


def test_an_encoder_that_embedded_nothing_is_refused(store: ArtifactStore) -> None:
    for folder in store.path("embeddings").iterdir():
        if folder.name != MINILM:
            shutil.rmtree(folder)
    with pytest.raises(BundleError, match="no picture has a vector of encoder 'compact' yet"):
        embedded_catalog(store, get_spec("compact"))
