"""Words of real feeds: denied and imitated materials, shades, sets, labels, codes, brands."""

from collections.abc import Callable
from typing import Any

import pytest

One = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Leather-free armchair", "Armchair."),
        ("Non-wool rug, gray", "Rug in grey."),
        ("Faux marble side table", "Side table, marble effect."),
        ("Bowl, not glass but acrylic", "Acrylic bowl."),
        ("Placemat, better than paper", "Place mat."),
        ("Stone grey sofa", "Sofa in grey."),
        ("Steel blue cushion", "Cushion in blue."),
        ("Forest green velvet cushion", "Velvet cushion in dark green."),
        ("Glass tumbler x6", "Glass, set of 6."),
        ("Napkins, 12 ct", "Napkin, set of 12."),
        ("Candle twin pack", "Candle, set of 2."),
        ("Combo of 3 vases", "Vase, set of 3."),
        ("Half dozen wine glasses", "Wine glass, set of 6."),
        ("5 seater sofa", "Sofa."),
        ("Vase, 12 pcs CTN", "Vase."),
        ("Vase, antique gold", "Vase in gold."),
        ("Wool Rug RG8159M", "Wool rug."),
        ("Chair 60 x 55 x 80 cm seat height 45", "Chair, 60 × 55 × 80 cm."),
        ("Bench 120 x 40 x 45 cm max load 110 kg", "Bench, 120 × 40 × 45 cm."),
        (
            'Sofa\nOverall Dimensions: 80"W x 35"D x 33"H\nSeat Height: 18"\nPackage Dimensions: 82 x 37 x 35 in\n'
            "Frame Material: Metal\nUpholstery Material: Polyester\nColor: Forest Green",
            "Polyester sofa in dark green, with metal frame, W 80 × D 35 × H 33 in.",
        ),
        (
            "Sofa. Dimensions: 200 x 90 x 80 cm. Materials: Metal, Polyester. Colour: forest green. "
            "Leg Material: Beech.",
            "Metal and polyester sofa in dark green, with beech leg, 200 × 90 × 80 cm.",
        ),
        ("Lamp\nWidth (in): 12\nHeight (in): 24", "Lamp, W 12 × H 24 in."),
        ("Wall hanging. 60 x 90 cm.", "Wall hanging, 60 × 90 cm."),
    ],
)
def test_what_a_text_says_is_what_is_read(enrich_one: One, text: str, sentence: str) -> None:
    assert enrich_one(text)["sentence"] == sentence


@pytest.mark.parametrize(
    ("text", "columns", "sentence"),
    [
        ("Linen napkins, set of 4", {"stated_type": "Table Linens"}, "Linen napkin, set of 4."),
        ("Oak & Iron coffee table in glass", {"brand": "Oak & Iron"}, "Glass coffee table."),
        ("Stone Harbor ceramic vase", {"brand": "Stone Harbor"}, "Ceramic vase."),
        ("Vase", {"stated_colors": "Marble White"}, "Vase in white."),
        ("Chair", {"stated_colors": "Black Leather"}, "Leather chair in black."),
        ("Stool", {"stated_width_cm": 35.56, "stated_height_cm": 45.72}, "Stool, W 35.56 × H 45.72 cm."),
    ],
)
def test_cells_guide_and_names_are_no_facts(enrich_one: One, text: str, columns: dict[str, Any], sentence: str) -> None:
    assert enrich_one(text, **columns)["sentence"] == sentence


def test_a_size_no_such_thing_can_have_is_dropped_and_said(enrich_one: One) -> None:
    row = enrich_one("Rug 120 m x 80 cm")
    assert [m["high_cm"] for m in row["dimensions"]] == [80]
    assert '"dropped_dimensions","value":"120 m"' in row["provenance"]


def test_mid_century_modern_is_one_style_and_antique_gold_none(enrich_one: One) -> None:
    assert enrich_one("Mid-century modern chair")["styles"] == ["mid_century_modern"]
    assert enrich_one("Vase in antique gold")["styles"] == []
