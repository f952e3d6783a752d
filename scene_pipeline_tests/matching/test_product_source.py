"""A bundle behind the port: constraints as a filter let the same products through as the matcher's mask."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from scene_pipeline.bundle.layout import PRODUCT_FEATURES
from scene_pipeline.bundle.open import Bundle, open_bundle
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.index.faiss_index import FaissSnapshot
from scene_pipeline.index.port import Hits, IndexSchema, Snapshot
from scene_pipeline.index.where import Where
from scene_pipeline.matching.filtering import allowed_products
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.product_source import ProductSource, bundle_snapshot, where_of
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.sample import sample_path


@pytest.fixture(scope="module")
def bundle(demo: Path) -> Bundle:
    return open_bundle(demo)


@pytest.fixture(scope="module")
def snapshot(bundle: Bundle) -> Iterator[FaissSnapshot]:
    with bundle_snapshot(bundle) as opened:
        yield opened


@pytest.mark.parametrize(
    "constraints",
    [
        Constraints(max_price=50),
        Constraints(min_price=20, max_price=80, in_stock=True),
        Constraints(max_size_cm=40),
        Constraints(categories=("statement_vases", "lighting_accents")),
        Constraints(without_categories=("soft_textiles",)),
        Constraints(colors=("blue",)),
        Constraints(colors=("Green", "brown"), in_stock=True),
    ],
    ids=str,
)
def test_a_filter_passes_what_the_constraints_allow(
    bundle: Bundle, snapshot: FaissSnapshot, constraints: Constraints
) -> None:
    features = ProductFeatures.load(bundle.path / PRODUCT_FEATURES)
    categories = [category.id for category in bundle.vocabulary.categories]
    mask = allowed_products(constraints, features, categories, lambda: bundle.products(["brand"])["brand"])
    assert mask is not None
    assert 0 < mask.sum() < len(mask)
    query = np.asarray(bundle.index.vectors[0], np.float32)
    hits = snapshot.search(query, 1000, where_of(constraints))
    ids = bundle.products(["product_id"])["product_id"].to_pylist()
    assert set(hits.ids) == {ids[row] for row in np.flatnonzero(mask)}
    _, inner = bundle.index.search(query, 10, mask)
    np.testing.assert_allclose(hits.inner[:10], inner, atol=1e-6)


def test_a_color_by_its_numbers_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ScenePipelineError, match="use one of white, cream"):
        where_of(Constraints(colors=("#aabbcc",)))


def test_no_constraint_is_no_filter() -> None:
    assert where_of(Constraints()) is None


@pytest.mark.parametrize("constraints", [Constraints(), Constraints(max_price=60, colors=("blue", "green"))], ids=str)
def test_a_matcher_with_an_index_recommends_what_one_without_does(
    demo: Path, bundle: Bundle, snapshot: FaissSnapshot, constraints: Constraints
) -> None:
    matcher = SceneMatcher.open(demo, verify=False)
    scene = matcher.analyze(next((sample_path() / "scenes").rglob("*.webp")))
    request = Request(k=5, constraints=constraints)
    alone = matcher.recommend_for(scene, request)
    with_index = matcher.with_products(snapshot).recommend_for(scene, request)
    assert with_index.recommendations == alone.recommendations


def test_an_index_decides_what_passes_now(demo: Path, bundle: Bundle, snapshot: FaissSnapshot) -> None:
    """As when a database has another price than the bundle: what it finds is recommended, and nothing else."""

    class Few:
        schema = snapshot.schema

        def search(self, query: np.ndarray, k: int, where: Where | None = None) -> Hits:
            return replace(snapshot.search(query, k, where), ids=(*ids[:3], "not in the bundle"))

    ids = bundle.products(["product_id"])["product_id"].to_pylist()
    matcher = SceneMatcher.open(demo, verify=False).with_products(cast(Snapshot, Few()))
    scene = matcher.analyze(next((sample_path() / "scenes").rglob("*.webp")))
    assert {item.product_id for item in matcher.recommend_for(scene, k=10).recommendations} <= set(ids[:3])


def test_an_index_of_another_encoder_is_refused(bundle: Bundle) -> None:
    class Other:
        schema = IndexSchema(3)

    with pytest.raises(ScenePipelineError, match=r"3 dimensions .* sync the index"):
        ProductSource(bundle, cast(Snapshot, Other()))
