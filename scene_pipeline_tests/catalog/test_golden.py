"""Hand-labelled descriptions of two real catalogs: precision and recall per field.

`golden.csv` quotes only short facts (type, colour, size, the words that state a material). Where the catalogs
themselves are present, the whole descriptions are read too: they hold the running text that tempts to wrong claims.
The lexicon was written on the rows "develop"; docs/catalog.md tells the history of the rows "report".
"""

import csv
from pathlib import Path

import pytest

from scene_pipeline.catalog.categorize import categorize
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.evaluation.catalog_facts import (
    FactMetrics,
    products_of_texts,
    read_fact_labels,
    score_labels,
)
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.lexicon import Lexicon

GOLDEN = Path(__file__).parent / "golden.csv"
DATA = Path(__file__).parents[2].parent / "shared" / "data"

BOUNDS = {"dimensions": 0.97, "set_counts": 0.97, "materials": 0.95, "colors": 0.95}
MACRO_F1 = 0.88


def labels(half: str) -> list[dict[str, str]]:
    return read_fact_labels(GOLDEN, half)


def figures(half: str, texts: list[str], vocabulary: Vocabulary, lexicon: Lexicon) -> FactMetrics:
    rows = categorize(enrich(products_of_texts(texts), vocabulary, lexicon), vocabulary, lexicon).to_pylist()
    return score_labels(labels(half), rows, vocabulary)


def check(found: FactMetrics) -> None:
    for name, bound in BOUNDS.items():
        tally = getattr(found, name)
        assert tally.precision >= bound, tally.mistakes
        assert tally.recall >= bound, tally.mistakes
    assert found.macro_f1 >= MACRO_F1, found.category_mistakes


def test_there_are_enough_labels() -> None:
    develop, report = labels("develop"), labels("report")
    assert len(develop) + len(report) >= 300
    assert len(report) >= 150
    assert all(sum(bool(row["set_count"]) for row in half) >= 30 for half in (develop, report))
    assert not {row["id"] + row["facts"] for row in develop} & {row["id"] + row["facts"] for row in report}


@pytest.mark.parametrize("half", ["develop", "report"])
def test_short_facts(half: str, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
    check(figures(half, [row["facts"] for row in labels(half)], vocabulary, lexicon))


@pytest.mark.parametrize("half", ["develop", "report"])
def test_whole_descriptions(half: str, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
    if not DATA.is_dir():
        pytest.skip("needs the catalogs in ../shared/data")
    texts = whole_descriptions()
    chosen = [texts[row["source"], row["id"]] for row in labels(half)]
    check(figures(half, chosen, vocabulary, lexicon))


def whole_descriptions() -> dict[tuple[str, str], str]:
    texts: dict[tuple[str, str], str] = {}
    with (DATA / "ikea" / "catalog.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            texts["ikea", row["sku_id"]] = row["description"]
    path = DATA / "catalogs" / "ikea_saudi_semicolon.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream, delimiter=";"):
            texts.setdefault(("semicolon", row["item_id"]), " ".join(row["short_description"].split()))
    return texts


def test_a_wrong_label_lowers_the_figures(vocabulary: Vocabulary, lexicon: Lexicon) -> None:
    """The scorer sees errors of every kind: the figures cannot be right by accident."""
    wrong = [
        {
            "id": "1", "facts": "-", "dimensions_cm": "10x20", "set_count": "3", "materials": "oak",
            "colors": "red", "category": "wall_decor",
        }
    ]  # fmt: skip
    text = "Glass vase, blue, 10 cm, set of 2"
    rows = categorize(enrich(products_of_texts([text]), vocabulary, lexicon), vocabulary, lexicon)
    found = score_labels(wrong, rows.to_pylist(), vocabulary)
    assert (found.dimensions.precision, found.dimensions.recall) == (1.0, 0.5)
    assert found.set_counts.precision == found.materials.recall == found.colors.precision == found.macro_f1 == 0
    assert len(found.category_mistakes) == 1
