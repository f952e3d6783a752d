"""Filters: what a leaf says of unknown values, and what is refused before any engine sees it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.columns import Columns
from scene_pipeline.index.where import And, AnyOf, Eq, In, Not, Or, Range, Where, check_where, where_key
from scene_pipeline_tests.index.products import SCHEMA, make

Holds = Callable[[dict[str, Any]], bool]

FILTERS: dict[str, tuple[Where, Holds]] = {
    "text equals": (Eq("category", "vases"), lambda row: row["category"] == "vases"),
    "number equals": (Eq("price", 12.5), lambda row: row["price"] == 12.5),
    "flag is yes": (Eq("in_stock", True), lambda row: row["in_stock"] is True),
    "flag is no": (Eq("in_stock", False), lambda row: row["in_stock"] is False),
    "one of": (In("category", ("vases", "rugs", "nothing")), lambda row: row["category"] in ("vases", "rugs")),
    "none of an empty choice": (In("category", ()), lambda row: False),
    "between": (Range("price", 20, 40), lambda row: row["price"] is not None and 20 <= row["price"] <= 40),
    "at most": (Range("price", high=40), lambda row: row["price"] is not None and row["price"] <= 40),
    "any of several": (
        AnyOf("rooms", ("kitchen", "office")),
        lambda row: bool({"kitchen", "office"} & set(row["rooms"])),
    ),
    "both": (
        And((Eq("category", "lamps"), Range("price", high=50))),
        lambda row: row["category"] == "lamps" and row["price"] is not None and row["price"] <= 50,
    ),
    "either": (
        Or((Eq("category", "lamps"), AnyOf("rooms", ("office",)))),
        lambda row: row["category"] == "lamps" or "office" in row["rooms"],
    ),
    "all of nothing": (And(()), lambda row: True),
    "any of nothing": (Or(()), lambda row: False),
    "not, the unknown included": (Not(Eq("category", "vases")), lambda row: row["category"] != "vases"),
    "not a range, the unknown included": (
        Not(Range("price", low=30)),
        lambda row: row["price"] is None or row["price"] < 30,
    ),
    "not both": (
        Not(And((Range("price", low=30), Eq("in_stock", True)))),
        lambda row: not (row["price"] is not None and row["price"] >= 30 and row["in_stock"] is True),
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_mask_says_what_the_tree_says(name: str) -> None:
    where, holds = FILTERS[name]
    made = make()
    mask = Columns(len(made.records), SCHEMA.fields, made.records.fields).mask(where)
    np.testing.assert_array_equal(mask, [holds(row) for row in made.rows])


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (Eq("brand", "x"), "no field 'brand'"),
        (Range("category", 1, 2), "is a text field"),
        (Eq("price", "cheap"), "cannot be compared with 'cheap'"),
        (Eq("price", True), "cannot be compared with True"),
        (AnyOf("category", ("vases",)), "AnyOf cannot be applied"),
        (Not(And((Eq("in_stock", "yes"),))), "cannot be compared with 'yes'"),
        (Eq("category'; DROP TABLE products; --", "x"), "no field"),
    ],
)
def test_a_filter_that_does_not_fit_is_refused(where: Where, says: str) -> None:
    with pytest.raises(ProductIndexError, match=says):
        check_where(where, SCHEMA.fields)


def test_different_trees_have_different_keys() -> None:
    trees = [where for where, _ in FILTERS.values()] + [None, In("category", ("vases",))]
    assert len({where_key(where) for where in trees}) == len(trees)
    assert where_key(Eq("category", "a")) == where_key(Eq("category", "a"))
