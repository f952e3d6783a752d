"""Which variant a recommendation shows."""

from typing import Any

import numpy as np
import pytest

from scene_pipeline.matching.variants import VariantLimits, choose_variant

WHITE, BLACK, TEAL = [97.0, 0.0, 1.0], [10.0, 0.0, 0.0], [40.0, -25.0, -8.0]
DARK_ROOM = np.array([[15.0, 1.0, 2.0], [50.0, 10.0, 20.0]])


def variant(sku: str, **columns: Any) -> dict[str, Any]:
    known = {"price": 10.0, "sale_price": None, "stock_level": 3.0, "availability": None, "size_cm": None}
    return {"sku_id": sku, "color_lab": WHITE, **known, **columns}


@pytest.mark.parametrize(
    ("variants", "limits", "sku"),
    [
        ([variant("w"), variant("b", color_lab=BLACK)], VariantLimits(), "b"),
        ([variant("w"), variant("b", color_lab=BLACK, stock_level=0)], VariantLimits(), "w"),
        ([variant("w"), variant("b", color_lab=BLACK, availability="out_of_stock")], VariantLimits(), "w"),
        ([variant("dear", price=20), variant("cheap")], VariantLimits(), "cheap"),
        ([variant("sale", price=20, sale_price=5), variant("cheap")], VariantLimits(), "sale"),
        (
            [variant("big", size_cm=[300, 200]), variant("small", size_cm=[160, 230])],
            VariantLimits(max_cm=250),
            "small",
        ),
        ([variant("dear", price=20), variant("b", color_lab=BLACK, price=30)], VariantLimits(max_price=25), "dear"),
        ([variant("unknown", color_lab=None), variant("t", color_lab=TEAL)], VariantLimits(), "t"),
        ([variant("first"), variant("second")], VariantLimits(), "first"),
        ([variant("out", stock_level=0)], VariantLimits(), "out"),
        ([variant("out", stock_level=0)], VariantLimits(in_stock=True), None),
        ([variant("no price", price=None)], VariantLimits(max_price=5), None),
        ([], VariantLimits(), None),
    ],
)
def test_the_color_that_fits_the_size_that_fits_in_stock(
    variants: list[dict[str, Any]], limits: VariantLimits, sku: str | None
) -> None:
    chosen = choose_variant(variants, DARK_ROOM, limits)
    assert (None if chosen is None else chosen["sku_id"]) == sku


def test_a_scene_without_colors_leaves_stock_and_price_to_decide() -> None:
    variants = [variant("w", stock_level=0), variant("b", color_lab=BLACK, price=12), variant("t", price=11)]
    chosen = choose_variant(variants, np.empty((0, 3)))
    assert chosen is not None
    assert chosen["sku_id"] == "t"
