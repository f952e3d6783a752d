"""A bundle behind the port: constraints as a filter let the same products through as the matcher's mask."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pytest

from scene_pipeline.bundle.layout import PRODUCT_FEATURES
from scene_pipeline.bundle.open import Bundle, open_bundle
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.index.columns import Columns
from scene_pipeline.index.faiss_index import FaissSnapshot
from scene_pipeline.index.port import Hits, IndexSchema, Snapshot
from scene_pipeline.index.where import Where, check_where
from scene_pipeline.matching.filtering import allowed_products, near_colors
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.product_source import FIELDS, ProductSource, bundle_snapshot, field_values, where_of
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.matching.variants import ProductVariants
from scene_pipeline.sample import sample_libraries
from scene_pipeline_tests.matching.test_scoring import CATEGORIES, features
from scene_pipeline_tests.matching.test_variants import read, variant


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
        Constraints(colors=("Green", "brown"), max_price=90),
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


def test_a_color_that_is_none_is_refused() -> None:
    with pytest.raises(ScenePipelineError, match="neither #rrggbb nor one of white, cream"):
        where_of(Constraints(colors=("mauve-ish",)))


HEXES = ["#aabbcc", "#204060", "#ffffff", "#000000", "#7a3b2e", "#31a354"]


@pytest.mark.parametrize("wanted", [(name,) for name in HEXES] + [("#aabbcc", "red")], ids=str)
def test_a_color_by_its_numbers_finds_all_that_are_near_it_and_few_others(wanted: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    colors = rng.uniform((0, -60, -60), (100, 60, 60), (2000, 3)).tolist()
    made = features(*({"color_lab": [color]} for color in colors))
    passed = passing(made, None, Constraints(colors=wanted))
    near = near_colors(made, wanted)
    assert near.any()
    assert not (near & ~passed).any()
    assert passed.sum() <= 3 * near.sum() + 20, "a cell is not much larger than it must be"


def test_a_product_passes_by_one_of_its_variants() -> None:
    """The mask decides: what it lets through must pass the filter, and without variants nothing else may."""
    catalog = [
        [],
        [variant("cheap", price=5.0, stock_level=0), variant("dear", price=50.0)],
        [variant("small", size_cm=[20, 10]), variant("large", size_cm=[200, 10], price=90.0)],
        [variant("sold out", stock_level=0)],
        [variant("no price", price=None)],
    ]
    variants, made = read(*catalog)
    for constraints in (
        Constraints(max_price=8),
        Constraints(min_price=40),
        Constraints(max_price=8, in_stock=True),
        Constraints(in_stock=True),
        Constraints(min_size_cm=150),
        Constraints(min_size_cm=150, max_price=20),
        Constraints(max_size_cm=50, min_price=5, max_price=15),
    ):
        passed = passing(made, variants, constraints)
        try:
            mask = allowed_products(constraints, made, CATEGORIES, lambda: pa.chunked_array([], pa.string()), variants)
        except ScenePipelineError:
            mask = np.zeros(len(catalog), bool)
        assert mask is not None
        assert not (mask & ~passed).any(), constraints
        assert passed[0] == mask[0], "a product without variants is decided by its own fields"
    assert passing(made, variants, Constraints(max_price=8, in_stock=True))[1], "which the source takes out"


def passing(made: ProductFeatures, variants: ProductVariants | None, constraints: Constraints) -> np.ndarray:
    """Return which products an index lets through."""
    n = len(made.price)
    given = {"category": "functional_beauty", "product_type": None, "brand": None, "availability": "in_stock"}
    table = pa.table(
        {
            **{name: pa.array([value] * n, pa.string()) for name, value in given.items()},
            "price": made.price,
            "largest_cm": made.largest_cm,
            "rooms": pa.array([[]] * n, pa.list_(pa.string())),
        }
    )
    where = where_of(constraints)
    assert where is not None
    check_where(where, FIELDS)
    return Columns(n, FIELDS, field_values(table, made, variants)).mask(where)


def test_no_constraint_is_no_filter() -> None:
    assert where_of(Constraints()) is None


@pytest.mark.parametrize(
    "constraints",
    [Constraints(), Constraints(max_price=60, colors=("blue", "green")), Constraints(colors=("#31597a",))],
    ids=str,
)
def test_a_matcher_with_an_index_recommends_what_one_without_does(
    demo: Path, bundle: Bundle, snapshot: FaissSnapshot, constraints: Constraints
) -> None:
    matcher = SceneMatcher.open(demo, verify=False)
    scene = matcher.analyze(next(sample_libraries().rglob("*.webp")))
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
    scene = matcher.analyze(next(sample_libraries().rglob("*.webp")))
    assert {item.product_id for item in matcher.recommend_for(scene, k=10).recommendations} <= set(ids[:3])


def test_an_index_of_another_encoder_is_refused(bundle: Bundle) -> None:
    class Other:
        schema = IndexSchema(3)

    with pytest.raises(ScenePipelineError, match=r"3 dimensions .* sync the index"):
        ProductSource(bundle, cast(Snapshot, Other()))
