"""What a feed states beside the product: things that come with it, a price of 0, a length of 0."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.catalog.cells import parse_currency, parse_price
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.read import read_catalog
from scene_pipeline.catalog.validate import Validated, validate
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.lexicon import load_lexicon

Write = Callable[..., Path]


def checked(write: Write, header: str, *rows: str) -> Validated:
    return validate(read_catalog(write("\n".join([header, *rows]), "feed.csv")))


def dropped(validated: Validated) -> list[tuple[Any, ...]]:
    return [(drop["row"], drop["column"], drop["value"]) for drop in validated.dropped.to_pylist()]


@pytest.mark.parametrize(
    ("language", "text", "sizes"),
    [
        ("en", "A soft duvet cover of cotton. Includes 2 pillowcases 50 x 75 cm.", []),
        ("en", "A soft duvet cover of cotton, 200 x 220 cm. Includes 2 pillowcases 50 x 75 cm.", [200, 220]),
        ("en", "Nesting tables of oak. The set includes 2 tables 50 x 75 cm.", [50, 75]),
        ("en", "A picture of the sea. Including frame 50 x 75 cm.", [50, 75]),
        ("de", "Ein weicher Bettbezug. Inklusive 2 Kissenbezüge 50 x 75 cm.", []),
        ("fr", "Une housse de couette. Comprend deux taies 50 x 75 cm.", []),
    ],
)
def test_the_size_of_what_comes_with_a_product_is_not_its_own(
    write: Write, vocabulary: Vocabulary, language: str, text: str, sizes: list[float]
) -> None:
    products = checked(write, "id,title,detailed_description", f'a,Bedding,"{text}"').products
    (product,) = enrich(products, vocabulary, load_lexicon(language)).to_pylist()
    assert [measure["high_cm"] for measure in product["dimensions"]] == sizes


@pytest.mark.parametrize(
    ("language", "text", "color"),
    [
        ("de", "Vase in Steingrau", "grey"),
        ("fr", "Vase bleu acier", "blue"),
        ("nl", "Vaas in steengrijs", "grey"),
        ("it", "Vaso grigio pietra", "grey"),
        ("es", "Jarrón azul acero", "blue"),
    ],
)
def test_a_shade_named_after_a_thing_is_a_color_and_no_material(
    write: Write, vocabulary: Vocabulary, language: str, text: str, color: str
) -> None:
    (product,) = enrich(
        checked(write, "id,description", f"a,{text}").products, vocabulary, load_lexicon(language)
    ).to_pylist()
    assert (product["colors"], product["materials"]) == ([color], [])


@pytest.mark.parametrize(
    ("text", "price", "currency"),
    [
        ("Rs. 1,299", (1299, 1299), "INR"),
        ("Rs.1,299.00", (1299, 1299), "INR"),
        ("rs 500 - rs 800", (500, 800), "INR"),
        ("₨ 500", (500, 500), "INR"),
        ("500 Rs", (500, 500), "INR"),
        ("0", None, None),
        ("0.00 EUR", None, "EUR"),
        ("pairs 5", (5, 5), None),
    ],
)
def test_rupees_are_read_and_0_is_no_price(text: str, price: tuple[float, float] | None, currency: str | None) -> None:
    assert parse_price(text) == price
    assert parse_currency(text) == currency


def test_a_price_of_0_is_reported_and_a_sale_price_of_0_means_no_sale(write: Write) -> None:
    feed = checked(write, "id,description,price,sale_price", "a,Vase,0,5", "b,Bowl,20,0.00")
    assert [(p["price"], p["sale_price"], p["price_low"]) for p in feed.products.to_pylist()] == [
        (None, 5, 5),
        (20, None, 20),
    ]
    assert dropped(feed) == [(2, "price", "0")]


def test_a_cell_is_reported_with_the_value_that_stands_in_the_feed(write: Write) -> None:
    feed = checked(write, "id,description,Width (in),Height (in)", "a,Vase,0,10", "b,Bowl,0.0,4")
    assert dropped(feed) == [(2, "width", "0"), (3, "width", "0.0")]
    assert [round(p["stated_height_cm"], 1) for p in feed.products.to_pylist()] == [25.4, 10.2]
