"""Sizes and counts as shop texts state them: lists, brackets, codes, several sizes of one thing."""

from collections.abc import Callable
from typing import Any

import pytest

from scene_pipeline.catalog.cells import parse_length_cm, parse_number

One = Callable[..., dict[str, Any]]


def sizes(row: dict[str, Any]) -> list[float]:
    return [round(measure["high_cm"], 1) for measure in row["dimensions"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Candles. Real wax. 3 in wide. 4, 6 and 8 in high.", [7.6, 10.2, 15.2, 20.3]),
        ("Bud vases\nH: 8, 11 and 14 cm", [8, 11, 14]),
        ("Bowls. Diameters: 6 in, 8 in and 10 in", [15.2, 20.3, 25.4]),
        ("Basket 30(W) x 20(D) x 15(H) cm", [30, 20, 15]),
        ("Figurine. 6.5L x 3W x 5H inches.", [16.5, 7.6, 12.7]),
        ("Lamp with a cotton shade. Total height: 52cm. Shade: 35cm.", [52]),
        ("Statue. Height approx 21cm", [21]),
        ("Mirror, 16 inches across", [40.6]),
        ("Tables. Large: 80 cm dia x 45 cm H. Small: 60 cm dia x 37 cm H.", [80, 45, 60, 37]),
        ("Prints. Each frame 40 x 50 x 2 cm.", [40, 50, 2]),
        ("Pillow. Wool, with insert. 20 x 20.", [50.8, 50.8]),
        ("Stool. Ships in one carton of 30 x 20 x 10 in.", []),
        ("Lamp LMP-200CM black", []),
        ("Table TB90x45 in oak", []),
        ("Set of 2, 30 cm vases", [30]),
    ],
)
def test_what_sizes_a_text_states(enrich_one: One, text: str, expected: list[float]) -> None:
    assert sizes(enrich_one(text)) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"stated_dimensions": "24 x 36 in"}, [61, 91.4]),
        ({"stated_dimensions": "7-8"}, [3.8]),
    ],
)
def test_a_size_cell_replaces_what_says_less(enrich_one: One, columns: dict[str, str], expected: list[float]) -> None:
    assert sizes(enrich_one("Canvas print, ready to hang, 1.5 in deep.", **columns)) == expected


@pytest.mark.parametrize(
    ("text", "cell", "expected"),
    [
        ("JUTE STORAGE BASKET 18X18X15 NAT", "46 x 46 x 37 cm", [46, 46, 37]),
        ("JUTE STORAGE BASKET 18 x 18 x 15 in", "46 x 46 x 37 cm", [45.7, 45.7, 38.1]),
        ("JUTE STORAGE BASKET 18X18X15 NAT", "46 x 46 x 37", [45.7, 45.7, 38.1]),
    ],
)
def test_a_size_cell_with_a_unit_replaces_what_leaves_it_out(
    enrich_one: One, text: str, cell: str, expected: list[float]
) -> None:
    assert sizes(enrich_one(text, stated_dimensions=cell)) == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dozen candles", 12),
        ("Two dozen napkins", 24),
        ("Cushion covers 18x18 pack of 4", 4),
        ("Vase. Dozens of uses.", None),
        ("Succulents. In cement pots.\nSet of three", 3),
    ],
)
def test_how_many_pieces_a_text_states(enrich_one: One, text: str, count: int | None) -> None:
    assert enrich_one(text)["set_count"] == count


@pytest.mark.parametrize(
    ("columns", "materials", "colors"),
    [
        ({"stated_colors": "Brass"}, [], ["brass"]),
        ({"stated_colors": "Walnut", "stated_materials": "Metal"}, ["metal"], []),
        ({"stated_colors": "Oak veneer"}, ["oak", "veneer"], []),
        ({"stated_colors": "Steel Blue"}, [], ["blue"]),
        ({"detailed_description": "Fabric: 100% linen.\nLegs: rubberwood."}, ["linen", "rubberwood"], []),
        ({"detailed_description": "600 gsm Turkish cotton. Goes with oak."}, ["cotton"], []),
    ],
)
def test_cells_and_fragments_state_materials(
    enrich_one: One, columns: dict[str, str], materials: list[str], colors: list[str]
) -> None:
    row = enrich_one("Lamp", **columns)
    assert (sorted(set(row["materials"]) - {"wood"}), row["colors"]) == (materials, colors)


@pytest.mark.parametrize(
    ("cell", "cm"),
    [("5'6\"", 167.64), ("ca. 40 cm", 40), ("⌀ 30 cm", 30), ("H 40 cm", 40), ("40 cm x 30 cm", None)],
)
def test_a_length_cell(cell: str, cm: float | None) -> None:
    assert parse_length_cm(cell) == (None if cm is None else pytest.approx(cm))


def test_a_price_in_lakhs() -> None:
    assert parse_number("Rs. 1,29,900") == 129_900
