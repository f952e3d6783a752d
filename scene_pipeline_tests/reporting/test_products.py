"""Prices stand with their currency, sizes in one unit for a catalog, and links lead to the shop alone."""

import io
from collections.abc import Callable

import pyarrow as pa
import pytest
from rich.console import Console

from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.reporting.products import ShownProduct, in_unit, length_unit, money, shown_product
from scene_pipeline.reporting.tables import recommendations_table
from scene_pipeline.reporting.terminal.views import scene_view


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("Oak table, 8 × 7 × 3 in", "cm", "Oak table, 20 × 18 × 7.6 cm"),
        ("Rug, 5 × 7.5 ft, set of 2", "cm", "Rug, 152 × 229 cm, set of 2"),
        ("Table, W 40 × D 35 cm", "in", "Table, W 15.7 × D 13.8 in"),
        ("Rod, 60–90 cm", "in", "Rod, 23.6–35.4 in"),
        ("Runner, 2 m × 80 cm", "in", "Runner, 78.7 × 31.5 in"),
        ("Runner, 2 m × 80 cm", "cm", "Runner, 2 m × 80 cm"),
        ("Oak table, 8 × 7 × 3 in", "in", "Oak table, 8 × 7 × 3 in"),
        ("Set of 3 in white", "cm", "Set of 3 in white"),
        ("Vase SKU12 in blue, set of 2", "cm", "Vase SKU12 in blue, set of 2"),
        ("", "cm", ""),
    ],
)
def test_sizes_are_written_in_one_unit(text: str, unit: str, expected: str) -> None:
    assert in_unit(text, unit) == expected


@pytest.mark.parametrize(
    ("sentences", "unit"),
    [
        (["Vase, 8 in.", "Rug, 5 × 7 ft.", "Lamp, 30 cm."], "in"),
        (["Vase, 8 in.", "Lamp, 30 cm."], "cm"),
        (["Set of 3 in white.", "Set of 2 in blue."], "cm"),
        ([], "cm"),
    ],
)
def test_the_unit_is_that_of_most_sentences(sentences: list[str], unit: str) -> None:
    assert length_unit(pa.chunked_array([pa.array(sentences, pa.string())])) == unit


def test_sizes_come_from_what_was_read_of_the_product_itself() -> None:
    pillowcase = {"part": 1, "axis": None, "low_cm": 50.0, "high_cm": 50.0}
    own = [
        {"part": 0, "axis": "width", "low_cm": 40.0, "high_cm": 40.0},
        {"part": 0, "axis": None, "low_cm": 60.0, "high_cm": 90.0},
    ]
    shown = shown_product({"sentence": "Stool.", "dimensions": [*own, pillowcase]}, "cm")
    assert (shown.title, shown.subtitle, shown.size) == ("Stool", "", "W 40 × 60–90 cm")
    assert shown_product({"sentence": "Stool.", "dimensions": own}, "in").size == "W 15.7 × 23.6–35.4 in"


@pytest.mark.parametrize(
    ("extra", "link"),
    [
        ('{"link": "https://shop.example/a"}', "https://shop.example/a"),
        ('{"Product_URL": "http://shop.example/a"}', "http://shop.example/a"),
        ('{"link": "javascript:alert(1)"}', None),
        ('{"link": "/a"}', None),
        ('{"link": ["https://shop.example/a"]}', None),
        ("{}", None),
    ],
)
def test_a_link_is_a_page_of_the_web(extra: str, link: str | None) -> None:
    assert shown_product({"sentence": "Stool.", "extra": extra}, "cm").link == link


def test_tables_and_terminal_show_price_currency_size_and_page(
    make_result: Callable[..., SceneResult], make_recommendation: Callable[..., Recommendation]
) -> None:
    shown = {"p1": ShownProduct("Ada", price=1290.0, currency="EUR", size="40 × 35 cm", link="https://shop.example/a")}
    first, second = recommendations_table({"a.jpg": make_result(2)}, "spring", shown=shown).to_pylist()
    assert (first["price"], first["currency"], first["size"], first["link"]) == (
        1290.0, "EUR", "40 × 35 cm", "https://shop.example/a",
    )  # fmt: skip
    assert (second["price"], second["currency"], second["size"], second["link"]) == (None,) * 4
    console = Console(width=120, file=io.StringIO())
    console.print(scene_view(make_result(2), "a.jpg", shown))
    assert "1,290.00 EUR, 40 × 35 cm" in console.file.getvalue()  # type: ignore[attr-defined]
    assert money(None, "EUR") == ""
    assert money(5, "") == "5.00"
    assert shown["p1"].money(make_recommendation(1)) == "1,290.00 EUR"
