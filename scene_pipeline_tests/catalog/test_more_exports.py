"""Exports that differ from the usual ones: rows above the header, translated headers, options in packed cells."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.catalog.categorize import categorize
from scene_pipeline.catalog.cells import parse_length_cm
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.header import with_unit
from scene_pipeline.catalog.languages import lexicon_for, sample_texts
from scene_pipeline.catalog.packed import parse_pairs
from scene_pipeline.catalog.read import RawCatalog, read_catalog
from scene_pipeline.catalog.validate import validate
from scene_pipeline.vocabulary import Vocabulary

Write = Callable[..., Path]


def table(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def read(path: Path, vocabulary: Vocabulary) -> tuple[RawCatalog, list[dict[str, Any]]]:
    raw = read_catalog(path)
    products = validate(raw).products
    words = vocabulary, lexicon_for(sample_texts(products))
    return raw, categorize(enrich(products, *words), *words).to_pylist()


def sizes(product: dict[str, Any]) -> list[float]:
    return [round(m["high_cm"], 1) for m in product["dimensions"] if m["part"] == 0]


def test_the_header_of_an_amazon_flat_file_stands_in_its_third_row(write: Write, vocabulary: Vocabulary) -> None:
    rows = [
        ["TemplateType=fptcustom", "Version=2023.0401", "The top 3 rows are for Amazon.com use only.", "", "", "", ""],
        ["Seller SKU", "Product Name", "Standard Price", "Main Image URL", "Parentage", "Parent SKU", "Size"],
        ["item_sku", "item_name", "standard_price", "main_image_url", "parent_child", "parent_sku", "size_name"],
        ["R-P", "Kilim Wool Rug", "", "https://a.example/p.jpg", "parent", "", ""],
        ["R-1", "Kilim Wool Rug", "189.99", "https://a.example/1.jpg", "child", "R-P", "5'3\" x 7'7\""],
        ["R-2", "Kilim Wool Rug", "389.99", "https://a.example/2.jpg", "child", "R-P", "8' x 10'"],
    ]
    raw, (rug,) = read(write(table(rows, "\t"), "flat.txt"), vocabulary)
    assert raw.profile == "amazon"
    assert raw.guesses[0] == "the header stands below 2 other rows, which are left out"
    assert (rug["product_id"], rug["price_low"], rug["price_high"]) == ("R-P", 189.99, 389.99)
    assert [(v["row"], [round(cm) for cm in v["size_cm"]]) for v in rug["variants"]] == [
        (5, [160, 231]),
        (6, [244, 305]),
    ]


def test_titles_above_the_header_of_a_sheet_are_left_out(write: Write, vocabulary: Vocabulary) -> None:
    rows = [["Price list 2026", "", ""], ["", "", ""], ["Art. Nr", "Name", "Preis"], ["1", "Vase Mia", "19,95"]]
    raw, (vase,) = read(write(table(rows, ";")), vocabulary)
    assert (vase["row"], vase["price"], vase["title"]) == (4, 19.95, "Vase Mia")
    assert raw.columns == {"Art. Nr": "id", "Name": "title", "Preis": "price"}


WOO = {
    "de": ("Typ,Artikelnummer,Name,Veröffentlicht,Kurzbeschreibung,Beschreibung,Angebotspreis,Regulärer Preis,Bilder,"
           "Übergeordnet,Name des Attributs 1,Wert(e) des Attributs 1", "Farbe", "Grün"),
    "fr": ("Type,UGS,Nom,Publié,Description courte,Description,Tarif promo,Tarif régulier,Images,Parent,"
           "Nom de l’attribut 1,Valeur(s) de l’attribut 1", "Couleur", "Vert"),
    "es": ("Tipo,SKU,Nombre,Publicado,Descripción corta,Descripción,Precio rebajado,Precio normal,Imágenes,Superior,"
           "Nombre del atributo 1,Valor(es) del atributo 1", "Color", "Verde"),
    "it": ("Tipo,COD,Nome,Pubblicato,Breve descrizione,Descrizione,Prezzo in offerta,Prezzo di listino,Immagini,"
           "Genitore,Nome dell'attributo 1,Valore dell'attributo 1 (valori)", "Colore", "Verde"),
    "nl": ("Type,SKU,Naam,Gepubliceerd,Korte beschrijving,Beschrijving,Actieprijs,Reguliere prijs,Afbeeldingen,Hoofd,"
           "Naam eigenschap 1,Waarde(n) eigenschap 1", "Kleur", "Groen"),
}  # fmt: skip
"""The header that WooCommerce writes in a shop's language, and an option with a value of it."""


@pytest.mark.parametrize("language", WOO)
def test_woocommerce_is_recognized_in_the_language_of_the_shop(
    write: Write, vocabulary: Vocabulary, language: str
) -> None:
    header, option, color = WOO[language]
    rows = [
        ["ID", *header.split(",")],
        ["10", "variable", "CH", "Chair", "1", "", "Chair", "", "", "https://w.example/1.jpg", "", option, color],
        ["11", "variation", "CH-G", "Chair", "1", "", "", "149", "199", "https://w.example/2.jpg", "CH", option, color],
        ["12", "simple", "X", "Hidden", "-1", "", "x", "", "9", "", "", "", ""],
    ]
    raw, (chair,) = read(write(table(rows)), vocabulary)
    assert raw.profile == "woocommerce"
    assert (chair["sku_id"], chair["price"], chair["sale_price"], len(chair["images"])) == ("CH", 199, 149, 2)
    assert [(v["sku_id"], v["color"]) for v in chair["variants"]] == [("CH-G", color)]


@pytest.mark.parametrize(
    ("cell", "pairs"),
    [
        (
            "Type=Swatch|Name=Color|Value=Natural[#D2B48C],Type=Rectangle|Name=Size|Value=Small",
            [("Color", "Natural"), ("Size", "Small")],
        ),
        ("[S]Color=Sage,[RT]Size=Large", [("Color", "Sage"), ("Size", "Large")]),
        ('"color=Matte Black","height_cm=190"', [("color", "Matte Black"), ("height_cm", "190")]),
        ("color=Brass,material=Metal", [("color", "Brass"), ("material", "Metal")]),
    ],
)  # fmt: skip
def test_options_are_read_as_shops_pack_them(cell: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_pairs(cell) == pairs


def test_bigcommerce_names_a_variant_by_its_options(write: Write, vocabulary: Vocabulary) -> None:
    rows = [
        ["Item Type", "Product ID", "Product Name", "Product Code/SKU", "Product Description", "Price"],
        ["Product", "9", "Wave Vase", "WV", "<p>Stoneware vase.</p>", "40"],
        ["  SKU", "", "[S]Color=Sage,[RT]Size=Large", "WV-S", "", ""],
        ["  SKU", "", "[S]Color=Ivory,[RT]Size=Small", "WV-I", "", ""],
    ]
    _, (vase,) = read(write(table(rows)), vocabulary)
    assert [(v["color"], v["size"]) for v in vase["variants"]] == [("Sage", "Large"), ("Ivory", "Small")]
    assert vase["colors"] == ["sage", "ivory"]


@pytest.mark.parametrize(
    ("cell", "unit", "cm"),
    [("31 1/2", "in", 80.01), ("31½", "in", 80.01), ("31-1/2", "in", 80.01), ("3/4", "in", 1.905), ("2.5", "cm", 2.5)],
)
def test_fractions_take_the_unit_of_their_header(cell: str, unit: str, cm: float) -> None:
    assert parse_length_cm(with_unit(cell, unit) or "") == pytest.approx(cm)


@pytest.mark.parametrize(
    ("text", "fact", "value"),
    [
        ("MDF top that looks like real marble", "materials", ["fibreboard"]),
        ("Paper-thin porcelain bowl", "materials", ["porcelain"]),
        ("Bath towel, 70×140cm - 100% cotton", "sizes", [70, 140]),
        ("Curtain pair, 2 x 140 x 245 cm", "sizes", [140, 245]),
        ("Console\nWidth: 120 cm\nDepth: 35 cm\nHeight: 80 cm\nMax load: 110 kg", "sizes", [120, 35, 80]),
    ],
)
def test_facts_are_read_as_they_are_meant(
    enrich_one: Callable[..., dict[str, Any]], text: str, fact: str, value: list[Any]
) -> None:
    found = enrich_one(text)
    assert (sizes(found) if fact == "sizes" else found[fact]) == value


def test_a_type_cell_says_what_is_not_for_the_home(write: Write, vocabulary: Vocabulary) -> None:
    rows = [
        ["id", "title", "product_type"],
        ["1", "Chair yoga for beginners", "Books"],
        ["2", "Table tennis bat", ""],
        ["3", "Curtain bangs hair clip", ""],
        ["4", "Oak chair", "Chairs"],
        ["5", "Glass jars with bamboo lids", "FOOD_STORAGE"],
    ]
    _, products = read(write(table(rows)), vocabulary)
    assert [row["category"] for row in products] == ["uncategorized"] * 3 + ["accent_furniture", "functional_beauty"]


def test_what_plugins_and_other_languages_add_is_no_text_of_the_product(write: Write, vocabulary: Vocabulary) -> None:
    woo = [
        ["ID", "Type", "SKU", "Name", "Published", "Regular price", "Meta: _yoast_wpseo_title", "Meta: _material"],
        ["1", "simple", "A", "Oak chair", "1", "9", "A chair of gold", "Oak"],
    ]
    raw, (chair,) = read(write(table(woo)), vocabulary)
    assert (chair["detailed_description"], chair["materials"], raw.kept_aside) == (None, ["oak"], [])
    akeneo = (
        "sku;family;categories;enabled;name-en_US;name-de_DE;price-EUR;price-USD;width;width-unit\n"
        "C;chairs;seating;1;Oak chair;Stuhl;9;10;46;CENTIMETER\n"
        "D;chairs;seating;0;Hidden chair;;1;1;;\n"
    )
    raw, (chair,) = read(write(akeneo), vocabulary)
    assert (chair["title"], chair["price"], chair["width_cm"], raw.kept_aside) == ("Oak chair", 9, 46, [])
