"""Drift is found where a catalog changed, and not where too little is there to compare."""

import pyarrow as pa
import pytest

from scene_pipeline.monitoring.drift import BOUNDS, drift


def products(n: int = 100, category: str = "vase", color: str = "white", price: float = 10, kind: str | None = "vase"):
    return pa.table(
        {
            "category": pa.array([category] * n, pa.string()),
            "colors": pa.array([[color]] * n, pa.list_(pa.string())),
            "price": pa.array([price] * n, pa.float64()),
            "product_type": pa.array([kind] * n, pa.string()),
        }
    )


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        (None, products(), set()),
        (products(), products(), set()),
        (products(), products(5, category="bowl"), set()),  # too few to compare
        (products(), products(category="bowl"), {"drift_categories"}),
        (products(), pa.concat_tables([products(90), products(10, category="bowl")]), set()),
        (products(), pa.concat_tables([products(80), products(20, color="red")]), {"drift_colors"}),
        (products(), products(price=13), {"drift_prices"}),
        (products(), products(price=11), set()),
        (products(), products().set_column(2, "price", pa.nulls(100, pa.float64())), {"drift_prices"}),
        (products(), pa.concat_tables([products(90), products(10, kind=None)]), {"drift_words"}),
    ],
)
def test_drift(before: pa.Table | None, after: pa.Table, broken: set[str]) -> None:
    found = drift(before, after)
    assert [item.name for item in found] == list(BOUNDS)
    assert {item.name for item in found if not item.holds} == broken
    for item in found:
        assert item.message
        assert item.holds or ";" in item.message or ":" in item.message
