"""Validation: every row is a product, folded or a reject that names row, column, value and reason."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_pipeline.catalog.read import read_catalog
from scene_pipeline.catalog.schema import PRODUCTS, REJECTS
from scene_pipeline.catalog.validate import Validated, validate
from scene_pipeline.errors import CatalogError

Write = Callable[..., Path]

GOOD = "1,s1,Vase,a.jpg\n"


def run(write: Write, body: str | bytes, header: str = "id,sku_id,description,primary_image") -> Validated:
    content = (header + "\n").encode() + (body if isinstance(body, bytes) else body.encode())
    return validate(read_catalog(write(content)))


def test_a_good_row_is_a_typed_product(write: Write) -> None:
    header = (
        "id;description;price;sale_price;in stock;rating;reviews;lifestyle_images;keywords;style_tags;height;Designer"
    )
    body = (
        '0042;"Vase,  blue";"1.299,00 €";SR 1,385;yes;"4,5/5";12;"[""a.jpg"", ""b.jpg""]";'
        "\"['x', 'y']\";modern|boho;12 in;Ann\n"
    )
    result = run(write, body, header)
    assert result.products.schema == PRODUCTS
    row = result.products.to_pylist()[0]
    assert row["product_id"] == row["sku_id"] == "0042"
    assert row["description"] == "Vase, blue"
    assert (row["price"], row["sale_price"], row["availability"]) == (1299.0, 1385.0, "in_stock")
    assert (row["customer_rating"], row["review_count"]) == (4.5, 12)
    assert row["images"] == [{"role": "lifestyle", "url": "a.jpg"}, {"role": "lifestyle", "url": "b.jpg"}]
    assert (row["keywords"], row["style_tags"]) == (["x", "y"], ["modern", "boho"])
    assert row["stated_height_cm"] == pytest.approx(30.48)
    assert json.loads(row["extra"]) == {"Designer": "Ann"}
    assert len(row["content_hash"]) == 64


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (",s2,Bowl,b.jpg", "id", "the id is missing"),
        ("2,s2,,b.jpg", "description", "the description is missing"),
        ("2,s2,n/a,b.jpg", "description", "the description is missing"),
        ("2,s2,Bo\0wl,b.jpg", "description", "holds a NUL"),
        ("2,s2,Bowl,b.jpg,x,y", None, "has 6 cells where the header has 4"),
        (f"{'9' * 300},s2,Bowl,b.jpg", "id", "longer than 256"),
    ],
)
def test_a_bad_row_is_a_reject(write: Write, row: str, column: str | None, reason: str) -> None:
    result = run(write, GOOD + row + "\n")
    assert result.rejects.schema == REJECTS
    (reject,) = result.rejects.to_pylist()
    assert (reject["row"], reject["column"]) == (3, column)
    assert reason in reject["reason"]
    assert result.products.num_rows == 1
    assert result.complete


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("2,s2,Bowl,file:///etc/passwd", "primary_image", "not file:"),
        ("2,s2,Bowl,ftp://host/a.jpg", "primary_image", "not ftp:"),
        ("2,s2,Bowl,javascript:alert(1)", "primary_image", "not javascript:"),
        ("2,s2,Bowl,/etc/passwd", "primary_image", "has no host; state its base address"),
        ("2,s2,Bowl,C:\\a.jpg", "primary_image", "is absolute"),
        ("2,s2,Bowl,~/a.jpg", "primary_image", "is absolute"),
        ("2,s2,Bowl,img/../../a.jpg", "primary_image", "leaves the catalog's folder"),
        ("2,s2,Bowl,..\\a.jpg", "primary_image", "leaves the catalog's folder"),
        ("2,s2,Bowl,http:///a.jpg", "primary_image", "names no host"),
        ("2,s2,Bowl,http://[::1/a.jpg", "primary_image", "not a valid URL"),
    ],
)
def test_a_picture_that_cannot_be_used_costs_the_cell(write: Write, row: str, column: str, reason: str) -> None:
    result = run(write, GOOD + row + "\n")
    (drop,) = result.dropped.to_pylist()
    assert (drop["row"], drop["column"]) == (3, column)
    assert reason in drop["reason"]
    assert result.products["images"].to_pylist()[1] == []
    assert result.complete


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("keywords", r'["\ud800"]', "half of a character"),
        ("primary_image", r'["a\udc00.jpg"]', "half of a character"),
        ("price", "about twenty", "is not a price"),
        ("price", "-3", "is not a price"),
        ("customer_rating", "7", "must lie between 0 and 5"),
        ("customer_rating", "good", "is not a number"),
        ("stock_level", "-1", "must lie between"),
        ("width", "wide", "is not a length"),
    ],
)
def test_a_wrong_typed_value_costs_the_cell_not_the_row(write: Write, column: str, value: str, reason: str) -> None:
    result = run(write, f"1,Vase,\n2,Bowl,{value}\n", f"id,description,{column}")
    (drop,) = result.dropped.to_pylist()
    assert (drop["row"], drop["product_id"], drop["column"], drop["value"]) == (3, "2", column, value)
    assert reason in drop["reason"]
    assert result.products["product_id"].to_pylist() == ["1", "2"]


def test_a_title_without_a_description_is_a_text(write: Write) -> None:
    result = run(write, "1,Oak stool,\n2,,\n", "id,title,description")
    assert result.products["description"].to_pylist() == ["Oak stool"]
    assert result.rejects["reason"].to_pylist() == ["the description is missing"]


def test_a_column_of_several_pictures_gives_the_first_as_the_primary_one(write: Write) -> None:
    result = run(write, '1,Vase,"a.jpg, b.jpg"\n', "id,description,images")
    assert result.products["images"].to_pylist() == [
        [{"role": "primary", "url": "a.jpg"}, {"role": "detail", "url": "b.jpg"}]
    ]


@pytest.mark.parametrize(
    ("stated", "low", "high"),
    [
        ("$12.99 - $18.99", 12.99, 18.99),
        ("10-20", 10, 20),
        ("19,90 € bis 29,90 €", 19.9, 29.9),
        ("from 899.00 EUR", 899, 899),
        ("1.299,00 €", 1299, 1299),
        ("Call for price", None, None),
        ("20 - 10", None, None),
    ],
)
def test_a_price_may_be_a_range(write: Write, stated: str, low: float | None, high: float | None) -> None:
    row = run(write, f"1;Vase;{stated}\n", "id;description;price").products.to_pylist()[0]
    assert (row["price"], row["price_low"], row["price_high"]) == (low, low, high)


def test_half_a_character_rejects_its_row_only(write: Write) -> None:
    body = "1,s,Größe,a.jpg\n2,s,Möbel,a.jpg\n3,s,Kü".encode()[:-1] + b"\n"
    result = run(write, body)
    assert result.products["product_id"].to_pylist() == ["1", "2"]
    (reject,) = result.rejects.to_pylist()
    assert (reject["row"], reject["column"]) == (4, "description")


def test_a_short_row_is_filled_up(write: Write) -> None:
    """Exports drop trailing empty cells; nothing required is missing, so nothing is wrong."""
    result = run(write, "1,s1,Vase\n")
    assert result.products["images"].to_pylist() == [[]]


def test_identical_rows_are_folded_and_conflicting_ones_name_both(write: Write) -> None:
    result = run(write, GOOD + GOOD + "1,s1,Bowl,a.jpg\n2,s2,Cup,\n")
    assert result.folded == 1
    (reject,) = result.rejects.to_pylist()
    assert reject["reason"] == "row 4 repeats the id of row 2 with another description"
    assert result.rows_in == 4
    assert result.complete


def test_unknown_columns_make_no_conflict(write: Write) -> None:
    result = run(write, "1,Vase,x\n1,Vase,y\n", "id,description,note")
    assert (result.products.num_rows, result.folded) == (1, 1)


def test_nothing_left_is_an_error_naming_the_commonest_reason(write: Write) -> None:
    with pytest.raises(CatalogError, match="none of its 3 rows can be used; 2 times: the description is missing"):
        run(write, "1,,\n2,,\n,x,\n", "id,description,primary_image")


def test_a_lost_row_is_noticed() -> None:
    with pytest.raises(AssertionError, match="2 rows came in, 0 are accounted for"):
        _ = Validated(PRODUCTS.empty_table(), REJECTS.empty_table(), 0, 2).complete


def test_the_content_hash_follows_the_values_not_the_row(write: Write) -> None:
    first = run(write, GOOD + "2,s,Bowl,\n").products["content_hash"].to_pylist()
    moved = run(write, "2,s,Bowl,\n" + GOOD).products["content_hash"].to_pylist()
    changed = run(write, "2,s,Bowls,\n" + GOOD).products["content_hash"].to_pylist()
    assert first == moved[::-1]
    assert changed[1] == moved[1]
    assert changed[0] != moved[0]


def test_of_the_columns_that_only_came_along_the_link_alone_counts(write: Write) -> None:
    """Exports state the time they were made in each row."""
    header = "id,sku_id,description,primary_image,updated_at,Product URL"
    monday, tuesday, elsewhere = (
        run(write, f"1,s1,Vase,a.jpg,{stamp},https://h/{page}\n", header).products["content_hash"].to_pylist()
        for stamp, page in (("Monday", 1), ("Tuesday", 1), ("Tuesday", 2))
    )
    assert monday == tuesday != elsewhere


def test_an_unknown_stock_word_is_kept_aside(write: Write) -> None:
    row = run(write, "1,Vase,on its way\n", "id,description,availability").products.to_pylist()[0]
    assert row["availability"] is None
    assert json.loads(row["extra"]) == {"availability": "on its way"}
