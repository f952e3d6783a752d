"""A file is read in the language of its texts, unless one is stated."""

from pathlib import Path

import pytest

from scene_pipeline.catalog.languages import language_of, lexicon_for
from scene_pipeline.catalog.read import read_catalog
from scene_pipeline.catalog.validate import validate

LABELED = Path(__file__).parent / "labeled_feeds"


@pytest.mark.parametrize(
    "name",
    [path.name for path in sorted(LABELED.glob("*_*.?sv"))],
)
def test_a_whole_feed_is_of_the_language_in_its_name(name: str) -> None:
    texts = validate(read_catalog(LABELED / name)).products["description"].to_pylist()
    country = Path(name).stem.rpartition("_")[2]
    assert language_of(texts) == {"us": "en", "uk": "en"}.get(country, country)


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        ((), "en"),
        ((None, ""), "en"),
        (("Oak stool", "Vase"), "en"),
        (("Vase en céramique avec anses pour le salon",), "fr"),
        (
            (
                "Kissen mit Bezug aus Leinen und Füllung",
                "A vase with handles for the table",
                "Stool of oak, made for you",
            ),
            "en",
        ),
        (("Een vaas van glas met het oog op de tafel", "Stoel"), "nl"),
    ],
    ids=["none", "empty", "no frequent words", "French", "mostly English", "Dutch"],
)
def test_most_texts_decide_and_english_is_the_default(texts: tuple[str | None, ...], language: str) -> None:
    assert language_of(texts) == language
    assert lexicon_for(texts).words.language == language


def test_a_stated_language_is_kept() -> None:
    assert lexicon_for(["Vase en céramique avec anses pour le salon"], "de").words.language == "de"
