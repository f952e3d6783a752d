"""The contract of the product table: what validation makes keeps it, and each kind of breach is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scene_pipeline.catalog import contract
from scene_pipeline.catalog.contract import contract_failures
from scene_pipeline.catalog.read import read_catalog
from scene_pipeline.catalog.schema import PRODUCTS
from scene_pipeline.catalog.validate import validate

HEADER = "id,description,price,rating,in stock,width,keywords,designer\n"


@pytest.fixture
def products(write: Callable[..., Path]) -> pa.Table:
    body = '1,Vase,"1.299,00 €",4.5,yes,30 cm,a|b,Ann\n2,Lamp,,,,,,\n3,Rug,0,0,no,5,x,\n'
    return validate(read_catalog(write(HEADER + body))).products


def with_value(products: pa.Table, name: str, value: Any) -> pa.Table:
    """Return the table with `value` in the second row of a column."""
    values = products[name].to_pylist()
    values[1] = value
    kind = products.schema.field(name).type
    return products.set_column(products.schema.get_field_index(name), pa.field(name, kind), pa.array(values, kind))


def test_what_validation_makes_keeps_the_contract(products: pa.Table) -> None:
    assert contract_failures(products) == []
    assert contract_failures(PRODUCTS.empty_table()) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("price", -3.0, "row 3, price: -3.0 fails greater_than_or_equal_to(0)"),
        ("customer_rating", 7.0, "row 3, customer_rating: 7.0 fails in_range(0, 5)"),
        ("availability", "maybe", "row 3, availability: maybe fails isin"),
        ("content_hash", "x", "row 3, content_hash: x fails str_matches"),
        ("description", "", "row 3, description:  fails str_length(1"),
        ("description", None, "row 3, description: None fails not_nullable"),
        ("product_id", " 2", "row 3, product_id:  2 fails str_matches"),
        ("product_id", "1", "product_id: 1 ids stand in more than one row"),
        ("row", 1, "row 1, row: 1 fails greater_than_or_equal_to(2)"),
        ("stated_width_cm", 0.0, "row 3, stated_width_cm: 0.0 fails greater_than(0)"),
    ],
)
def test_a_breach_is_named_with_its_row(products: pa.Table, name: str, value: Any, expected: str) -> None:
    assert contract_failures(with_value(products, name, value))[0].startswith(expected)


def test_a_missing_column_and_a_wrong_type_are_breaches(products: pa.Table) -> None:
    assert contract_failures(products.drop_columns(["price"])) == ["products: price fails column_in_dataframe"]
    texts = products.set_column(products.schema.get_field_index("price"), "price", pa.array(["a", "b", "c"]))
    assert "price: a fails dtype('double[pyarrow]')" in contract_failures(texts)[0]


def test_every_chunk_is_looked_at(products: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "CONTRACT_CHUNK", 1)
    assert contract_failures(with_value(products, "price", -1.0)) == [
        "row 3, price: -1.0 fails greater_than_or_equal_to(0)"
    ]
