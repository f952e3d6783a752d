"""The profile that a merchandiser reads."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console

from scene_pipeline.catalog.profile import profile_catalog
from scene_pipeline.reporting.terminal.profile import profile_view

Write = Callable[..., Path]


def test_profile_counts_what_was_recognized_and_what_was_not(write: Write) -> None:
    body = (
        "item_id,name,description\n"
        "1,LUNA,LUNA Glass vase frobnicated 8x7x3\n"
        "2,LUNA,LUNA Oak table frobnicated blue\n"
        "3,,\n"
        "1,LUNA,other\n"
        "2,LUNA,LUNA Oak table frobnicated blue\n"
    )
    profile = profile_catalog(write(body))
    assert (profile.rows_in, profile.products, profile.folded, profile.rejects) == (5, 2, 1, 2)
    assert profile.rejects_by_reason == {
        "the description is missing": 1,
        "row N repeats the id of row N with another description": 1,
    }
    assert profile.recognized["product_type"] == 1
    assert profile.recognized["colors"] == 0.5
    assert profile.recognized["price"] == 0
    assert profile.unknown_words == {"frobnicated": 2}
    assert profile.categories == {"statement_vases": 1, "accent_furniture": 1}
    assert profile.assumed_units == 1
    assert sum(profile.score_histogram) == 2
    assert "column 'item_id' is read as id" in profile.guesses
    assert json.loads(msgspec.json.encode(profile))["reject_examples"][0]["row"] == 4


def test_the_view_tells_a_person_what_came_in_and_what_did_not(write: Write) -> None:
    body = "item_id,name,description,designer\n1,LUNA,Glass vase frobnicated 8x7x3,Ann\n2,LUNA,[red]odd[/red],\n3,,,\n"
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(profile_view(profile_catalog(write(body))))
    text = console.export_text()
    for line in (
        "catalog.csv: 3 rows = 2 products + 0 folded + 1 rejects",
        "by name or map: description → description",
        "guessed: column 'item_id' is read as id",
        "kept aside, not used: designer (words)",
        "the description is missing  1  100.0%",
        "statement_vases  1  50.0%",
        "1 products state dimensions without a unit",
        "frobnicated 1",
    ):
        assert line in text, text


def test_a_language_of_the_lexicon_reads_a_feed_of_that_language(write: Write) -> None:
    """The worked example of a second language, from the file to the categories; English knows almost nothing of it."""
    path = write(
        "Artikelnummer;Bezeichnung;Beschreibung;Preis\n"
        "000.114.28;LUNA;Keramikvase, weiß, Höhe 30,5 cm, 2er-Set;29,95 €\n"
        "0090420332;EIK;Couchtisch aus massiver Eiche, 120 x 60 cm;1.299,00 €\n"
        "7;WELLE;Samtsessel dunkelgrün, fürs Wohnzimmer;349\n"
    )
    german = profile_catalog(path, language="de")
    assert german.categories == {"accent_furniture": 2, "statement_vases": 1}
    assert german.recognized["materials"] == 1
    assert profile_catalog(path, language="en").recognized["materials"] == 0


def test_progress_is_reported_of_every_stage(write: Write) -> None:
    seen: list[tuple[str, int, int]] = []

    def track(stage: str) -> Callable[[int, int], None]:
        return lambda done, total: seen.append((stage, done, total))

    profile_catalog(write("id,description\n1,Vase\n2,\n"), progress=track)
    assert seen == [("Reading the catalog", 2, 2), ("Checking rows", 2, 2), ("Reading product texts", 1, 1)]


def test_the_profile_answers_what_a_person_asks_first() -> None:
    profile = profile_catalog(Path(__file__).parent / "feeds" / "shopify.csv")
    assert (profile.format, profile.variants, profile.merged) == ("shopify", 5, 4)
    assert profile.left_out == {"the row is draft": 1}
    assert {name: found.share for name, found in profile.accounted.items()} == {
        "pictures": 1,
        "prices": 1,
        "skus": 1,
        "sizes": 1,
    }
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(profile_view(profile))
    assert console.export_text().splitlines()[1].strip() == "this is a Shopify product export"
    prestashop = Path(__file__).parent / "feeds" / "prestashop.csv"
    assert profile_catalog(prestashop).read_as == "fr"
    assert profile_catalog(prestashop).warnings == []
    wrong = profile_catalog(prestashop, language="en")
    assert any("French" in line and "--language fr" in line for line in wrong.warnings)


def test_unused_columns_that_matter_and_sizes_out_of_range_are_said(write: Write) -> None:
    rows = "".join(
        f"{i},Wool rug RG8159M,https://s.example/{i}.jpg,a text of more than five words here {i}\n" for i in range(6)
    )
    path = write("id,description,zoom,story\n" + rows + '7,"Wool rug, 120 m x 2 m",,\n')
    profile = profile_catalog(path)
    assert profile.unused == {"zoom": "pictures", "story": "text"}
    assert sum("name it in a column map" in line for line in profile.warnings) == 2
    assert profile.out_of_range == 1
    assert profile.to_check[0]["product_id"] == "7"
