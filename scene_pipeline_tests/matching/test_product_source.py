"""A bundle behind the port: constraints as a filter let the same products through as the matcher's mask."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.bundle.open import Bundle, open_bundle
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.index.faiss_index import FaissSnapshot
from scene_pipeline.matching.filtering import allowed_products
from scene_pipeline.matching.product_features import PRODUCT_FEATURES, ProductFeatures
from scene_pipeline.matching.product_source import bundle_snapshot, where_of
from scene_pipeline.matching.request import Constraints


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
