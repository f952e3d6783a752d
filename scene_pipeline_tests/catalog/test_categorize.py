"""Categories: type words first, similarity second, and no guess where neither decides."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from scene_pipeline.catalog.categorize import MIN_MARGIN, MIN_SIMILARITY, categorize, kind_phrase
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.schema import CATEGORIZED, PRODUCTS
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.lexicon import Lexicon


def table(vocabulary: Vocabulary, lexicon: Lexicon, rows: Sequence[dict]) -> pa.Table:
    lists = {"images": [], "style_tags": [], "room_tags": [], "keywords": [], "search_terms": []}
    full = [
        {"product_id": str(i), "sku_id": str(i), "row": i, "content_hash": "-", "extra": "{}", **lists, **row}
        for i, row in enumerate(rows)
    ]
    return enrich(pa.Table.from_pylist(full, PRODUCTS), vocabulary, lexicon)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Bud vase, blue", "statement_vases"),
        ("CERAMIC ELEPHANT 8X7X3", "sculptural_objects"),
        ("Elephant table lamp", "lighting_accents"),
        ("Bookend, brass", "sculptural_objects"),
        ("Candlestick for 3 candles", "lighting_accents"),
        ("Box with lid", "functional_beauty"),
        ("Wine glass", "functional_beauty"),
        ("Cushion cover", "soft_textiles"),
        ("Wall clock", "wall_decor"),
        ("Plant pot with saucer", "botanicals"),
        ("Table and 4 chairs", "accent_furniture"),
        ("Chair cushion", "soft_textiles"),
        ("Lamp table, oak", "accent_furniture"),
        ("Chair pad for kitchen chairs", "soft_textiles"),
        ("Kitchen mixer tap", "uncategorized"),
        ("Foam mattress", "uncategorized"),
        ("Soft toy, elephant", "uncategorized"),
        ("Cover for armchair", "uncategorized"),
        ("Wall cabinet", "uncategorized"),
        ("Toilet brush", "uncategorized"),
        ("Paperweight, agate", "sculptural_objects"),
        ("Reed diffuser", "functional_beauty"),
        ("Bird bath", "uncategorized"),
        ("Backgammon set, leather", "uncategorized"),
        ("Blanket ladder, oak", "accent_furniture"),
        ("Wine rack, iron, 6 bottle", "functional_beauty"),
    ],
)
def test_type_words_decide(vocabulary: Vocabulary, lexicon: Lexicon, text: str, category: str) -> None:
    row = categorize(table(vocabulary, lexicon, [{"description": text}]), vocabulary, lexicon).to_pylist()[0]
    assert row["category"] == category
    assert row["category_confidence"] > 0.69
    assert row["category_reason"].startswith("the text names a ")


def test_every_type_belongs_to_a_category_of_the_vocabulary(vocabulary: Vocabulary, lexicon: Lexicon) -> None:
    assert set(lexicon.concepts.types) == {c.id for c in vocabulary.categories} | {"uncategorized"}


def cosines(vocabulary: Vocabulary, best: str, value: float, second: float) -> np.ndarray:
    ids = [category.id for category in vocabulary.categories]
    result = np.full(len(ids), 0.0, np.float32)
    result[ids.index(best)] = value
    result[(ids.index(best) + 1) % len(ids)] = second
    return result


@pytest.mark.parametrize(
    ("value", "second", "expected"),
    [
        (0.6, 0.2, "wall_decor"),
        (MIN_SIMILARITY + 0.01, MIN_SIMILARITY - MIN_MARGIN, "wall_decor"),
        (MIN_SIMILARITY - 0.01, 0.0, "uncategorized"),
        (0.6, 0.6 - MIN_MARGIN / 2, "uncategorized"),
        (0.6, 0.6, "uncategorized"),
    ],
)
def test_likeness_decides_only_with_a_margin(
    vocabulary: Vocabulary, lexicon: Lexicon, value: float, second: float, expected: str
) -> None:
    requested: list[str] = []

    def similarity(texts: Sequence[str]) -> np.ndarray:
        requested.extend(texts)
        return np.stack([cosines(vocabulary, "wall_decor", value, second) for _ in texts])

    rows = table(vocabulary, lexicon, [{"description": "Vase, red"}, {"description": "Zorble of joy"}])
    result = categorize(rows, vocabulary, lexicon, similarity)
    assert result.schema == CATEGORIZED
    assert requested == ["Zorble of joy"]
    assert result["category"].to_pylist() == ["statement_vases", expected]
    assert (result["category_confidence"][1].as_py() > 0) == (expected != "uncategorized")


def test_without_likeness_an_unknown_type_is_uncategorized(vocabulary: Vocabulary, lexicon: Lexicon) -> None:
    row = categorize(table(vocabulary, lexicon, [{"description": "Zorble"}]), vocabulary, lexicon).to_pylist()[0]
    assert (row["category"], row["category_confidence"]) == ("uncategorized", 0.0)


def test_the_shops_department_is_a_witness(vocabulary: Vocabulary, lexicon: Lexicon) -> None:
    rows = [
        {"description": "Frame, 60x40x128 cm", "stated_category": "Bookcases & shelving units"},
        {"description": "Frame, white, 30x40 cm", "stated_category": "Pictures & frames"},
        {"description": "Zorble", "stated_category": "Lamps"},
        {"description": "Vase", "stated_category": "Vases"},
    ]
    result = categorize(table(vocabulary, lexicon, rows), vocabulary, lexicon)
    assert result["category"].to_pylist() == ["uncategorized", "wall_decor", "lighting_accents", "statement_vases"]
    assert result["category_confidence"][3].as_py() > 0.95


def test_size_class_is_relative_to_the_category(vocabulary: Vocabulary, lexicon: Lexicon) -> None:
    texts = ["Vase, 60 cm", "Table, 60x60 cm", "Vase, 25 cm", "Vase, 10 cm", "Vase", "Tap, 30 cm"]
    result = categorize(table(vocabulary, lexicon, [{"description": t} for t in texts]), vocabulary, lexicon)
    assert result["size_class"].to_pylist() == ["large", "small", "medium", "small", "unknown", "unknown"]


def test_price_tiers_are_as_stated_or_thirds_of_a_category_with_enough_prices(
    vocabulary: Vocabulary, lexicon: Lexicon
) -> None:
    rows = [{"description": "Vase", "price": float(p)} for p in range(1, 7)]
    rows += [{"description": "Rug", "price": 5.0}, {"description": "Vase"}]
    rows += [{"description": "Rug", "stated_price_tier": word} for word in ("Luxury", "value", "C")]
    result = categorize(table(vocabulary, lexicon, rows), vocabulary, lexicon)
    expected = ["budget", "budget", "mid", "mid", "premium", "premium", None, None, "premium", "budget", None]
    assert result["price_tier"].to_pylist() == expected


@pytest.mark.parametrize(
    ("description", "title", "phrase"),
    [
        ("ARV Deep plate, Grey, 26 cm. Dinnerware that combines a simple design.", "ARV", "Deep plate"),
        ("Deep plate. Dinnerware", None, "Deep plate"),
        ("LUNA - Zorble of joy (red)", "LUNA", "Zorble of joy"),
        ("Zorble", "Zorble", "Zorble"),
        ("12, 13", None, "12, 13"),
        (", x", None, ", x"),
        ("", None, ""),
    ],
)
def test_the_phrase_that_names_the_product(description: str, title: str | None, phrase: str) -> None:
    assert kind_phrase(description, title, frozenset()) == phrase
