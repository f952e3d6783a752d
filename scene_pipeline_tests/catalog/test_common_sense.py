"""Texts of real catalogs say what is a part, a child's thing or an outdoor thing."""

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from scene_pipeline.catalog.categorize import categorize
from scene_pipeline.catalog.common_sense import common_sense
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.read import read_catalog
from scene_pipeline.catalog.validate import validate
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline.vocabulary.lexicon import load_lexicon
from scene_pipeline.vocabulary.product_types import TYPE_KINDS

IKEA = Path("../shared/data/ikea/catalog.csv")
SEMICOLON = Path("../shared/data/catalogs/ikea_saudi_semicolon.csv")
VOCABULARY = load_vocabulary()


def products(path: Path, language: str = "en") -> pa.Table:
    lexicon = load_lexicon(language)
    return categorize(enrich(validate(read_catalog(path)).products, VOCABULARY, lexicon), VOCABULARY, lexicon)


def sense_of(tmp_path: Path, text: str, language: str = "en") -> tuple[str, str, bool, bool]:
    path = tmp_path / "catalog.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["id", "sku_id", "description", "primary_image"], ["1", "a", text, "a.jpg"]])
    sense = common_sense(products(path, language), VOCABULARY)
    group = VOCABULARY.types.groups[sense.group[0]].id if sense.group[0] >= 0 else ""
    return group, TYPE_KINDS[sense.kind[0]], bool(sense.children[0]), bool(sense.outdoor[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ORRNS Knob, Stainless steel color. These bring a fresh feel.", ("fronts", "component", False, False)),
        ("BODBYN Glass door, Grey, 40x80 cm. Hinges are sold separately.", ("fronts", "component", False, False)),
        ("EKTORP Cover two-seat sofa, Nordvalla beige", ("spare_covers", "component", False, False)),
        ("EKTORP Cover for chaise longue, Beige", ("spare_covers", "component", False, False)),
        ("EKTORP Two-seat sofa, Beige", ("sofas", "decor", False, False)),
        (
            "SEKOND Cord set, Black textile, 1.8 m. Shade sold separately.",
            ("electric_parts", "component", False, False),
        ),
        ("RODD Floor lamp base, Black. Shade is sold separately.", ("floor_lamps", "decor", False, False)),
        ("HEKTAR Floor,reading lamp, Dark grey", ("floor_lamps", "decor", False, False)),
        ("DOMSJ Inset sink 1 1,2 bowl, Stainless steel", ("sinks", "decor", False, False)),
        ("LEKRUM Quilt cover, Pink. Soft and nice against your child's skin.", ("bed_linen", "decor", True, False)),
        ("JULES Junior desk chair, White", ("desk_chairs", "decor", True, False)),
        ("SUNDVIK Cot, White, 60x120 cm.", ("cots", "decor", True, False)),
        (
            "TUPPLUR Roller blind, Black. Cordless for increased child safety.",
            ("blinds", "decor", False, False),
        ),
        ("KNARRA Basket, White. Collecting newspapers, toys and hats.", ("baskets", "decor", False, False)),
        ("TORN Table, outdoor, Black", ("dining_tables", "decor", False, True)),
        ("MORUM Rug, flatwoven, In,outdoor beige, 80x200 cm", ("rugs", "decor", False, False)),
        ("HODDE Rug. Suitable for both indoor and outdoor use.", ("rugs", "decor", False, False)),
        ("LINDOJA Parasol, Red", ("parasols", "decor", False, True)),
        ("LATTJO Cone", ("", "decor", False, False)),
    ],
)
def test_a_text_says_what_a_thing_is(tmp_path: Path, text: str, expected: tuple[str, str, bool, bool]) -> None:
    assert sense_of(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Möbelgriff, Messing", ("fronts", "component", False, False)),
        ("Lattenrost, 90x200 cm", ("furniture_parts", "component", False, False)),
        ("Sofabezug, grau", ("spare_covers", "component", False, False)),
        ("Glühbirne, E27", ("electric_parts", "component", False, False)),
        ("Kinderstuhl, weiß", ("childrens_seats", "decor", True, False)),
        ("Sonnenschirm, rot", ("parasols", "decor", False, True)),
        ("Stehlampe, schwarz", ("floor_lamps", "decor", False, False)),
    ],
)
def test_german_texts_say_so_too(tmp_path: Path, text: str, expected: tuple[str, str, bool, bool]) -> None:
    assert sense_of(tmp_path, text, "de") == expected


@pytest.mark.skipif(not IKEA.is_file(), reason="needs ../shared/data")
def test_a_real_catalog_is_sorted_as_a_person_would() -> None:
    table = products(IKEA)
    sense = common_sense(table, VOCABULARY)
    kind = {sku: TYPE_KINDS[at] for sku, at in zip(table["sku_id"].to_pylist(), sense.kind, strict=True)}
    stated = {row["sku_id"]: row["type"] for row in csv.DictReader(IKEA.open(encoding="utf-8"))}
    parts = (
        "Handle",
        "Knob",
        "Door",
        "Glass door",
        "Drawer front",
        "Cord set",
        "Leg",
        "Bracket",
        "Stool cover",
        "Rail",
    )
    assert {kind[sku] for sku, name in stated.items() if name in parts} == {"component"}
    decor = (
        "Vase",
        "Rug, low pile",
        "Cushion cover",
        "Three-seat sofa",
        "Table lamp",
        "Mirror",
        "Bar stool",
        "Lamp shade",
    )
    assert {kind[sku] for sku, name in stated.items() if name in decor} == {"decor"}
    assert int((sense.kind == TYPE_KINDS.index("component")).sum()) == 146
    assert int((sense.group < 0).sum()) <= 2


@pytest.mark.skipif(not SEMICOLON.is_file(), reason="needs ../shared/data")
def test_covers_of_sofas_are_not_sofas_in_the_semicolon_catalog() -> None:
    table = products(SEMICOLON)
    sense = common_sense(table, VOCABULARY)
    texts = table["description"].to_pylist()
    covers = [TYPE_KINDS[kind] for text, kind in zip(texts, sense.kind, strict=True) if text.startswith("Cover ")]
    assert len(covers) > 100
    assert set(covers) == {"component"}
