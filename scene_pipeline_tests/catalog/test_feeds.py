"""The feeds of shop systems as they are exported: every line of feeds/README.md, read from the files beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.catalog.categorize import categorize
from scene_pipeline.catalog.column_map import ColumnMap
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.read import RawCatalog, read_catalog
from scene_pipeline.catalog.validate import Validated, validate
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline.vocabulary.lexicon import load_lexicon

FEEDS = Path(__file__).parent / "feeds"
Write = Callable[..., Path]


class Feed:
    """One file, read to the end."""

    def __init__(self, name: str | Path, column_map: ColumnMap | None = None, language: str = "en") -> None:
        words = load_vocabulary(), load_lexicon(language)
        self.raw: RawCatalog = read_catalog(FEEDS / name, column_map)
        self.result: Validated = validate(self.raw)
        assert self.result.complete
        rows = categorize(enrich(self.result.products, *words), *words).to_pylist()
        self.products: dict[str, dict[str, Any]] = {row["product_id"]: row for row in rows}

    def only(self) -> dict[str, Any]:
        (product,) = self.products.values()
        return product


def sizes(product: dict[str, Any]) -> list[float]:
    return [round(m["high_cm"], 1) for m in product["dimensions"] if m["part"] == 0]


def urls(product: dict[str, Any]) -> list[str]:
    return [image["url"] for image in product["images"]]


def prices(product: dict[str, Any]) -> tuple[float | None, ...]:
    return tuple(product[name] for name in ("price", "sale_price", "price_low", "price_high"))


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("shopify.csv", "shopify"),
        ("woo.csv", "woocommerce"),
        ("merchant.tsv", "merchant_center"),
        ("amazon.csv", "amazon"),
        ("magento.csv", "magento"),
        ("akeneo.csv", "akeneo"),
        ("bigcommerce.csv", "bigcommerce"),
        ("etsy.csv", "etsy"),
        ("prestashop.csv", "prestashop"),
        ("units.csv", ""),
        ("optcells.csv", ""),
    ],
)
def test_a_format_is_recognized_by_its_header_and_said(name: str, profile: str) -> None:
    raw = read_catalog(FEEDS / name)
    assert raw.profile == profile
    assert any(guess.startswith("this is a") for guess in raw.guesses) == bool(profile)


def test_shopify_gives_products_with_variants_and_leaves_drafts_out() -> None:
    feed = Feed("shopify.csv")
    assert list(feed.products) == ["haldor-vase", "brisk-rug"]
    assert (feed.result.merged, feed.result.rejects.num_rows) == (4, 0)
    assert feed.result.left_out["reason"].to_pylist() == ["the row is draft"]
    haldor, brisk = feed.products.values()
    assert urls(haldor) == [f"https://cdn.example.com/h{i}.jpg?v=1" for i in (1, 2, 3, 4)]
    assert prices(haldor) == (49, 39, 39, 59)
    assert set(haldor["colors"]) == {"white", "black"}
    assert [v["sku_id"] for v in haldor["variants"]] == ["HV-W-S", "HV-B-S", "HV-W-L"]
    assert [(v["color"], v["size"]) for v in haldor["variants"]][2] == ("White", "Large")
    assert (haldor["height_cm"], haldor["product_type"], haldor["gtin"]) == (30, "vase", "4006381333931")
    assert len(urls(brisk)) == 1
    assert [v["size_cm"] for v in brisk["variants"]] == [[160, 230], [200, 300]]
    assert (brisk["materials"], brisk["product_type"]) == (["wool"], "rug")
    assert prices(brisk) == (299, None, 299, 449)


def test_woocommerce_gives_a_variable_product_with_its_variations() -> None:
    feed = Feed("woo.csv")
    elm, stool = feed.products.values()
    assert urls(elm) == ["https://w.example/a.jpg", "https://w.example/b.jpg"]
    assert elm["colors"] == ["natural", "black"]
    assert [v["sku_id"] for v in elm["variants"]] == ["ELM-CH-N", "ELM-CH-B"]
    assert prices(elm)[2:] == (99, 129)
    assert sizes(elm) == [45.7, 50.8, 86.4]
    assert (sizes(stool), stool["price"]) == ([35.6, 35.6, 45.7], 79)
    assert "elm" in elm["stated_materials"].lower()


def test_merchant_center_reads_addresses_prices_and_types() -> None:
    feed = Feed("merchant.tsv")
    vase, lamp, sofa = feed.products.values()
    assert urls(vase)[0] == "https://cdn.s.example/m1.jpg?utm_source=g"
    assert len(urls(vase)) == 3
    assert (sofa["price"], sofa["currency"]) == (899, "EUR")
    assert lamp["stated_length_cm"] is None
    assert [d["value"] for d in feed.result.dropped.to_pylist()] == ["0 cm"]
    assert vase["stated_category"] == "Home > Decor > Vases"
    assert [p["category"] for p in feed.products.values()] == [
        "statement_vases",
        "lighting_accents",
        "accent_furniture",
    ]
    assert vase["gtin"] is None
    (note,) = feed.result.notes
    assert "3 GTINs were damaged by a spreadsheet" in note


def test_amazon_gives_a_group_of_two_variants() -> None:
    feed = Feed("amazon.csv")
    product = feed.only()
    assert product["product_id"] == "AZ-P"
    assert set(urls(product)) == {f"https://a.example/{i}.jpg" for i in (1, 2, 3, 4)}
    assert sizes(product) == [170.2, 101.6, 94.0]
    assert set(product["materials"]) == {"chenille", "wood", "velvet"}
    assert prices(product) == (399.99, None, 399.99, 449.99)
    assert [v["color"] for v in product["variants"]] == ["Beige", "Green"]


def test_magento_reads_packed_cells_and_asks_for_the_base_address_once() -> None:
    feed = Feed("magento.csv")
    product = feed.only()
    assert "grey" in product["colors"]
    assert product["materials"] == ["linen", "beech"]
    assert product["width_cm"] == 180
    assert urls(product) == ["https://m.example/l/i/linden_g.jpg"]
    (note,) = feed.result.notes
    assert "3 picture paths have no host" in note
    based = Feed("magento.csv", ColumnMap(image_base="https://m.example/media"))
    assert urls(based.only())[0] == "https://m.example/media/l/i/linden.jpg"
    assert based.result.notes == ()


def test_magento_lists_variants_that_have_no_row_of_their_own() -> None:
    variants = Feed("magento.csv").only()["variants"]
    assert [(v["sku_id"], v["color"], v["price"]) for v in variants] == [
        ("MG-1-G", "Grey", 899),
        ("MG-1-B", "Blue", None),
    ]


def test_bigcommerce_keeps_the_sku_of_its_only_variant() -> None:
    assert [v["sku_id"] for v in Feed("bigcommerce.csv").only()["variants"]] == ["[S]DUNE-M-BLK"]


def test_prestashop_is_read_in_french() -> None:
    product = Feed("prestashop.csv", language="fr").only()
    assert (product["product_type"], product["price"]) == ("vase", 29.9)
    assert urls(product) == ["https://p.example/1.jpg", "https://p.example/2.jpg"]
    assert (sizes(product), product["colors"], product["materials"]) == ([30], ["white"], ["ceramic"])


PRESTASHOP = """\
Product ID;Active (0/1);Name *;Price tax included;Reference #;Description;Feature(Name:Value:Position)
7;1;Table basse Rive;129,00;RIVE;<p>Table basse.</p>;Matière:Chêne:0,Couleur:Noir:1,Dimensions:120 x 60 x 40 cm:2
"""


def test_features_of_prestashop_are_material_color_and_size(write: Write) -> None:
    product = Feed(write(PRESTASHOP), language="fr").only()
    assert (product["materials"], product["colors"], sizes(product)) == (["oak"], ["black"], [120, 60, 40])


@pytest.mark.parametrize(
    ("name", "product_type", "picture", "price", "size", "colors", "materials"),
    [
        ("akeneo.csv", "table lamp", "files/birk.jpg", 49, [25, 40], ["white"], ["birch", "linen"]),
        ("bigcommerce.csv", "mirror", "https://b.example/m1.jpg", 120, [61, 3.8, 61], [], ["oak"]),
        ("etsy.csv", "wall hanging", "https://e.example/1.jpg", 45, [60, 90], ["white", "sage"], ["cotton"]),
    ],
)
def test_other_shops_are_read_by_their_own_column_names(
    name: str,
    product_type: str,
    picture: str,
    price: float,
    size: list[float],
    colors: list[str],
    materials: list[str],
) -> None:
    product = Feed(name).only()
    assert product["product_type"] == product_type
    assert urls(product)[0] == picture
    assert product["price"] == price
    assert sizes(product) == size
    assert product["colors"] == colors
    assert product["materials"] == materials


def test_an_unusable_cell_costs_the_cell() -> None:
    feed = Feed("optcells.csv")
    assert len(feed.products) == 5
    assert prices(feed.products["O1"]) == (12.99, None, 12.99, 18.99)
    assert urls(feed.products["O6"]) == ["https://cdn.example.com/f.jpg"]
    dropped = [(d["row"], d["column"], d["value"]) for d in feed.result.dropped.to_pylist()]
    assert dropped == [
        (3, "height", "0"),
        (4, "customer_rating", "No rating available"),
        (5, "price", "Call for price"),
    ]
    assert all(d["reason"] for d in feed.result.dropped.to_pylist())


def test_units_stand_in_the_header() -> None:
    board, bench = Feed("units.csv").products.values()
    assert sizes(board) == [152.4, 45.7, 76.2]
    assert sizes(bench) == [121.9, 35.6, 45.7]


@pytest.mark.parametrize(("name", "rows"), [("inch.csv", 2), ("inch2.csv", 2), ("inch3.csv", 1)])
def test_an_inch_mark_in_an_unquoted_cell_opens_nothing(name: str, rows: int) -> None:
    feed = Feed(name)
    assert (feed.result.products.num_rows, feed.result.rejects.num_rows) == (rows, 0)


def test_a_repeated_header_is_read_twice() -> None:
    product = Feed("catdup.csv").only()
    assert product["detailed_description"] == "Solid oak\nHandmade"


def test_gtins_damaged_by_a_spreadsheet_are_no_ids() -> None:
    feed = Feed("gtin.csv")
    assert len(feed.products) == 3
    (note,) = feed.result.notes
    assert note.startswith("3 GTINs were damaged by a spreadsheet")
