"""The index follows the bundle: what changed is written, checks come before publishing, rollbacks write nothing."""

import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from scene_pipeline.bundle.open import Bundle, open_bundle
from scene_pipeline.defs.bundle import embedded_catalog
from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.encoders.spec import get_spec
from scene_pipeline.errors import BundleError, ProductIndexError
from scene_pipeline.index.faiss_index import FaissProductIndex
from scene_pipeline.index.fuse import Fusion
from scene_pipeline.publishing import product_index
from scene_pipeline.publishing.product_index import FUSION, follow, follow_current, index_agreement, sync_index
from scene_pipeline.publishing.publish import EmbeddedCatalog


@pytest.fixture(scope="module")
def bundle(demo: Path) -> Bundle:
    return open_bundle(demo)


@pytest.fixture(scope="module")
def catalog(demo: Path) -> EmbeddedCatalog:
    return embedded_catalog(ArtifactStore(root=str(demo)), get_spec("compact"))


@pytest.fixture
def index(tmp_path: Path) -> FaissProductIndex:
    return FaissProductIndex(tmp_path / "index")


def renamed(bundle: Bundle, version: str) -> Bundle:
    """Return the same bundle under another version's name, as a later build would be."""
    return replace(bundle, manifest=msgspec.structs.replace(bundle.manifest, bundle_version=version))


def test_the_first_sync_writes_all_and_the_next_nothing(
    index: FaissProductIndex, bundle: Bundle, catalog: EmbeddedCatalog, tmp_path: Path
) -> None:
    first = sync_index(index, bundle, lambda: catalog, tmp_path)
    count = bundle.products_count()
    assert (first.written, first.count, first.unchanged) == (count, count, False)
    assert [check.name for check in first.checks if check.passed] == ["count", "digest", "agreement"]
    again = sync_index(index, bundle, lambda: catalog, tmp_path)
    assert (again.written, again.unchanged, again.digest) == (0, True, first.digest)
    later = sync_index(index, renamed(bundle, "29990101T000000Z-aaaaaaaa"), lambda: catalog, tmp_path)
    assert (later.written, later.deleted, later.digest) == (0, 0, first.digest)
    with index.open() as snapshot:
        assert snapshot.version == "29990101T000000Z-aaaaaaaa"
        assert index_agreement(snapshot, bundle) > 0.99


def test_means_that_moved_a_little_change_no_row(
    index: FaissProductIndex, bundle: Bundle, catalog: EmbeddedCatalog, tmp_path: Path
) -> None:
    """Each night the means of the catalog move: fused anew, every vector would be another."""
    sync_index(index, bundle, lambda: catalog, tmp_path)
    own = bundle.fusion
    for moved, written in ((0.01, 0), (0.2, bundle.products_count())):
        step = np.zeros_like(own.text_mean)
        step[0] = moved
        fusion = Fusion(own.image_mean, own.text_mean + step, own.image_dim, own.text_dim)
        later = replace(renamed(bundle, f"29990101T000000Z-{written:08}"), fusion=fusion)
        report = sync_index(index, later, lambda: catalog, tmp_path)
        assert (report.written, report.refitted) == (written, written > 0)


def test_after_a_rollback_the_sealed_version_is_published_again(
    index: FaissProductIndex, bundle: Bundle, catalog: EmbeddedCatalog, tmp_path: Path
) -> None:
    sync_index(index, bundle, lambda: catalog, tmp_path)
    later = renamed(bundle, "29990101T000000Z-aaaaaaaa")
    sync_index(index, later, lambda: catalog, tmp_path)
    assert follow(index, bundle.version)
    with index.open() as snapshot:
        assert snapshot.version == bundle.version
    assert not follow(index, "nothing")
    url = f"faiss:{tmp_path / 'index'}"
    assert follow_current(url, later.version) == f"the product index serves {later.version}"
    assert "no such version" in follow_current(url, "nothing")


def test_a_version_that_fails_a_check_is_not_published(
    index: FaissProductIndex,
    bundle: Bundle,
    catalog: EmbeddedCatalog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sync_index(index, bundle, lambda: catalog, tmp_path)
    before = (tmp_path / FUSION).read_bytes()
    monkeypatch.setattr(product_index, "AGREEMENT", 1.01)
    report = sync_index(index, renamed(bundle, "29990101T000000Z-aaaaaaaa"), lambda: catalog, tmp_path)
    assert report.refused
    assert [check.name for check in report.checks if not check.passed] == ["agreement"]
    with index.open() as snapshot:
        assert snapshot.version == bundle.version
    assert [info.version for info in index.versions()] == [bundle.version]
    assert (tmp_path / FUSION).read_bytes() == before


def test_wrong_vectors_do_not_agree(
    index: FaissProductIndex, bundle: Bundle, catalog: EmbeddedCatalog, tmp_path: Path
) -> None:
    wrong = replace(catalog, text=catalog.text[::-1].copy())
    assert sync_index(index, bundle, lambda: wrong, tmp_path).refused
    with pytest.raises(ProductIndexError, match="published yet"):
        index.open()


def test_another_catalog_is_refused(
    index: FaissProductIndex, bundle: Bundle, catalog: EmbeddedCatalog, tmp_path: Path
) -> None:
    products = catalog.products
    other = pc.call_function("utf8_upper", [products["product_id"]])
    at = products.schema.get_field_index("product_id")
    changed = products.set_column(at, products.schema.field(at), pa.chunked_array(other.chunks[::-1] or other.chunks))
    shuffled = replace(catalog, products=changed.slice(1))
    with pytest.raises(BundleError, match="materialize serving_bundle"):
        sync_index(index, bundle, lambda: shuffled, tmp_path)
    assert index.versions() == []


def test_versions_of_bundles_that_are_gone_are_dropped(
    index: FaissProductIndex, bundle: Bundle, catalog: EmbeddedCatalog, tmp_path: Path
) -> None:
    for name in ("29990101T000000Z-aaaaaaaa", "29990102T000000Z-bbbbbbbb"):
        sync_index(index, renamed(bundle, name), lambda: catalog, tmp_path)
    report = sync_index(index, bundle, lambda: catalog, tmp_path)
    assert set(report.dropped) == {"29990102T000000Z-bbbbbbbb"}
    assert [info.version for info in index.versions()] == [bundle.version]
    shutil.rmtree(tmp_path / "index")
