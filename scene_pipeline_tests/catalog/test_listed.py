"""Variants that one cell lists: an Etsy listing's options and SKUs, Magento's list of children."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.catalog.listed import MAX_VARIANTS, read_variants, write_variants
from scene_pipeline.catalog.read import read_catalog
from scene_pipeline.catalog.validate import validate

Write = Callable[..., Path]

HEADER = [
    *("TITLE", "DESCRIPTION", "PRICE", "CURRENCY_CODE", "QUANTITY", "TAGS", "MATERIALS", "IMAGE1"),
    *("VARIATION 1 TYPE", "VARIATION 1 NAME", "VARIATION 1 VALUES"),
    *("VARIATION 2 TYPE", "VARIATION 2 NAME", "VARIATION 2 VALUES", "SKU"),
]
LISTING = ["Linen cushion", "A cushion.", "45.00", "EUR", "3", "boho", "linen", "https://e.example/1.jpg"]


def listing(write: Write, *cells: str) -> dict[str, Any]:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, [*LISTING, *cells]])
    validated = validate(read_catalog(write(text.getvalue(), "etsy.csv")))
    (product,) = validated.products.to_pylist()
    return product


def shown(product: dict[str, Any]) -> list[tuple[str | None, ...]]:
    return [(v["sku_id"], v["color"], v["size"], v["material"]) for v in product["variants"]]


COLORS = ("Custom Property", "Color", "White,Sage")
SIZES = ("Size", "", "40 x 40 cm, 50 x 50 cm")
NONE = ("", "", "")


@pytest.mark.parametrize(
    ("first", "second", "skus", "variants"),
    [
        (COLORS, NONE, "C-1,C-2", [("C-1", "White", None, None), ("C-2", "Sage", None, None)]),
        (COLORS, NONE, "C-1", [(None, "White", None, None), (None, "Sage", None, None)]),
        (
            *(COLORS, SIZES, "C-1,C-2,C-3,C-4"),
            [
                ("C-1", "White", "40 x 40 cm", None),
                ("C-2", "White", "50 x 50 cm", None),
                ("C-3", "Sage", "40 x 40 cm", None),
                ("C-4", "Sage", "50 x 50 cm", None),
            ],
        ),
        (
            *(COLORS, ("Material", "", "Linen"), "C-1,C-2"),
            [("C-1", "White", None, "Linen"), ("C-2", "Sage", None, "Linen")],
        ),
        (
            *(COLORS, NONE, "C-1,C-2,C-3"),
            [
                *((None, color, None, None) for color in ("White", "Sage")),
                *((sku, None, None, None) for sku in ("C-1", "C-2", "C-3")),
            ],
        ),
        (NONE, NONE, "C-1,C-2", [("C-1", None, None, None), ("C-2", None, None, None)]),
        (NONE, NONE, "C-1", []),
        (("Color", "", ""), ("", "Size", "S,M"), ",,", [(None, None, "S", None), (None, None, "M", None)]),
    ],
)
def test_the_options_of_an_etsy_listing_are_variants_of_one_product(
    write: Write,
    first: Sequence[str],
    second: Sequence[str],
    skus: str,
    variants: list[tuple[str | None, ...]],
) -> None:
    product = listing(write, *first, *second, skus)
    assert shown(product) == variants
    assert "," not in product["sku_id"]
    if skus.startswith("C-1"):
        assert product["sku_id"] == "C-1"


def test_each_value_of_one_option_has_its_sku_where_the_counts_agree() -> None:
    cell = write_variants([("Color", ["White", "Sage", "Red"]), ("Size", ["S", "M"])], ["A", "B"])
    assert [(dict(pairs)["sku"], dict(pairs)["Size"]) for pairs in read_variants(cell)] == [("A", "S"), ("B", "M")] * 3


def test_options_without_end_make_a_limited_number_of_variants() -> None:
    many = [str(number) for number in range(2000)]
    assert len(read_variants(write_variants([("Color", many), ("Size", many)], []))) == MAX_VARIANTS


@pytest.mark.parametrize("cell", [None, "", "[[", '[[["sku"]]]', "[[1]]", "|||"])
def test_a_cell_that_lists_nothing_gives_no_variant(cell: str | None) -> None:
    assert read_variants(cell) == []
