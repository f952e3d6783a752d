"""Which variant a recommendation shows, and where it is shown."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scene_pipeline.catalog.schema import VARIANT
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.filtering import allowed_products
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.matching.variants import ProductVariants
from scene_pipeline.reporting.answer import answer
from scene_pipeline.reporting.tables import recommendations_table
from scene_pipeline.sample import sample_photographs
from scene_pipeline_tests.matching.test_scoring import CATEGORIES, features

WHITE, BLACK, TEAL = [97.0, 0.0, 1.0], [10.0, 0.0, 0.0], [40.0, -25.0, -8.0]
DARK_ROOM = np.array([[15.0, 1.0, 2.0], [50.0, 10.0, 20.0]])


def variant(sku: str, **columns: Any) -> dict[str, Any]:
    return {"sku_id": sku, "row": 2, "color_lab": WHITE, "price": 10.0, "stock_level": 3.0, **columns}


def read(*products: list[dict[str, Any]]) -> tuple[ProductVariants, ProductFeatures]:
    known = features(*({"price": 10.0, "largest_cm": 20.0} for _ in products))
    return ProductVariants(pa.array(products, pa.list_(VARIANT)), known), known


@pytest.mark.parametrize(
    ("variants", "wishes", "sku"),
    [
        ([variant("w"), variant("b", color_lab=BLACK)], {}, "b"),
        ([variant("w"), variant("b", color_lab=BLACK, stock_level=0)], {}, "w"),
        ([variant("w"), variant("b", color_lab=BLACK, availability="out_of_stock")], {}, "w"),
        ([variant("w"), variant("b", color_lab=BLACK, stock_level=0, availability="preorder")], {}, "b"),
        ([variant("dear", price=20), variant("cheap")], {}, "cheap"),
        ([variant("sale", price=20, sale_price=5), variant("cheap")], {}, "sale"),
        ([variant("big", size_cm=[300, 200]), variant("small", size_cm=[160, 230])], {"max_size_cm": 250}, "small"),
        ([variant("big", size_cm=[300, 200]), variant("small", size_cm=[160, 230])], {"min_size_cm": 250}, "big"),
        ([variant("dear", price=20), variant("b", color_lab=BLACK, price=30)], {"max_price": 25}, "dear"),
        ([variant("cheap"), variant("dear", price=20)], {"min_price": 15}, "dear"),
        ([variant("unknown", color_lab=None), variant("t", color_lab=TEAL)], {}, "t"),
        ([variant("first"), variant("second")], {}, "first"),
        ([variant("out", stock_level=0)], {}, "out"),
        ([variant("out", stock_level=0), variant("t", color_lab=TEAL)], {"in_stock": True}, "t"),
        ([variant("no price", price=None, stock_level=None)], {}, "no price"),
        ([], {}, None),
    ],
)
def test_the_color_that_fits_the_size_that_fits_in_stock(
    variants: list[dict[str, Any]], wishes: dict[str, Any], sku: str | None
) -> None:
    table, _ = read([variant("other")], variants, [])
    chosen = table.choose(1, DARK_ROOM, Constraints(**wishes))
    assert (None if chosen is None else chosen.sku_id) == sku
    assert table.choose(2, DARK_ROOM, Constraints()) is None


RUGS = [
    variant("mid", size_cm=[160, 230]),
    variant("small", size_cm=[80.0, 150.0], price=15),
    variant("big", size_cm=[200, 300], price=9),
    variant("unknown", price=1),
]


@pytest.mark.parametrize(
    ("room", "sku"),
    [
        ((170.0, 240.0), "mid"),
        ((240.0, 170.0), "mid"),
        ((400.0, 400.0), "big"),
        ((400.0, float("inf")), "big"),
        ((60.0, 100.0), "small"),
        (None, "unknown"),
    ],
)
def test_the_largest_size_that_fits_the_room_else_the_smallest(room: tuple[float, float] | None, sku: str) -> None:
    table, _ = read(RUGS)
    chosen = table.choose(0, np.empty((0, 3)), Constraints(), room)
    assert chosen is not None
    assert chosen.sku_id == sku


def test_color_and_stock_come_before_the_size() -> None:
    rugs = [
        variant("dark and small", color_lab=BLACK, size_cm=[80, 150]),
        variant("light and big", size_cm=[160, 230]),
        variant("sold out", color_lab=BLACK, size_cm=[160, 230], stock_level=0),
    ]
    chosen = read(rugs)[0].choose(0, DARK_ROOM, Constraints(), (300.0, 300.0))
    assert chosen is not None
    assert chosen.sku_id == "dark and small"


def test_a_scene_without_colors_leaves_stock_and_price_to_decide() -> None:
    table, _ = read([variant("w", stock_level=0), variant("b", color_lab=BLACK, price=12), variant("t", price=11)])
    chosen = table.choose(0, np.empty((0, 3)), Constraints())
    assert chosen is not None
    assert chosen.sku_id == "t"


@pytest.mark.parametrize(
    ("wishes", "rows"),
    [
        ({"max_price": 15}, [0, 1, 2]),
        ({"max_price": 15, "in_stock": True}, [0, 2]),
        ({"min_price": 15}, [1]),
        ({"max_size_cm": 100, "min_price": 15}, [1]),
        ({"min_size_cm": 100}, [0]),
    ],
)
def test_one_variant_keeps_all_bounds_together(wishes: dict[str, Any], rows: list[int]) -> None:
    table, known = read(
        [variant("rug", size_cm=[300, 200]), variant("runner", size_cm=[80, 60])],
        [variant("cheap", stock_level=0), variant("dear", price=30)],
        [],
    )
    mask = allowed_products(Constraints(**wishes), known, CATEGORIES, lambda: pa.chunked_array([[]]), table)
    assert mask is not None
    assert np.flatnonzero(mask).tolist() == rows


def test_bounds_that_no_single_variant_keeps_are_named() -> None:
    table, known = read([variant("cheap", stock_level=0), variant("dear", price=30)])
    wishes = Constraints(max_price=15, in_stock=True)
    with pytest.raises(ScenePipelineError, match="once all of that in one variant is applied"):
        allowed_products(wishes, known, CATEGORIES, lambda: pa.chunked_array([[]]), table)


@pytest.fixture(scope="module")
def result(demo: Path) -> SceneResult:
    """The demo's answer for a room, as if every product came in white and in black."""
    matcher = copy.copy(SceneMatcher.open(demo))
    assert "variants" in matcher.bundle.products_schema().names
    both = [variant("w", color="White", size="Small"), variant("b", color="Black", color_lab=BLACK, sale_price=7.5)]
    column = pa.array([both] * matcher.bundle.products_count(), pa.list_(VARIANT))
    matcher._opened = replace(matcher._opened, variants=ProductVariants(column, matcher.features))
    matcher._scorer = replace(matcher._scorer, data=matcher._opened)
    picture = sample_photographs()[0]
    return matcher.recommend(picture, Request(k=3, constraints=Constraints(max_price=8)))


def test_a_row_says_which_variant_it_means(result: SceneResult) -> None:
    rows = recommendations_table({"room.webp": result}, "rooms").to_pylist()
    assert [(row["variant"], row["variant_label"]) for row in rows] == [("b", "Black")] * 3
    assert answer(result)["recommendations"][0]["variant"]["color"] == "Black"
    assert SceneResult.from_json(result.to_json()).recommendations[0].variant == result.recommendations[0].variant


def test_the_price_shown_is_that_of_the_variant(result: SceneResult) -> None:
    assert result.recommendations[0].price(99.0) == 7.5
