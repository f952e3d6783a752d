"""Measure how right the facts are that the catalog reads out of product texts.

    python -m benchmarks.catalog_facts [--json]

Precision and recall are those of the labels "report" of scene_pipeline_tests/catalog/golden.csv, on whole descriptions
where the catalogs lie under ../shared/data, else on the short facts the labels quote. Beside the claims: the sizes
read from texts against the shop's own columns, with the reason of every disagreement; and how well MiniLM decides
products whose type no word names, with the two thresholds fitted again on the labels "develop".
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from benchmarks.claims import Claim, at_least, report
from scene_pipeline.catalog.categorize import MIN_MARGIN, MIN_SIMILARITY, UNCATEGORIZED, categorize, kind_phrase
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.schema import PRODUCTS
from scene_pipeline.evaluation.catalog_facts import products_of_texts, read_fact_labels, score_labels
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline.vocabulary.lexicon import load_lexicon

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "scene_pipeline_tests" / "catalog" / "golden.csv"
DATA = ROOT.parent / "shared" / "data"
IKEA = DATA / "ikea" / "catalog.csv"
SEMICOLON = DATA / "catalogs" / "ikea_saudi_semicolon.csv"
BOUNDS = {"dimensions": 0.97, "set_counts": 0.97, "materials": 0.95, "colors": 0.95}
MIN_PRECISION = 0.85
"""What the thresholds must reach on "develop": a wrong category costs more than none."""


def label_texts(labels: Sequence[Mapping[str, str]]) -> tuple[list[str], str]:
    """Return the texts to read for `labels`, and what they are."""
    if not (IKEA.is_file() and SEMICOLON.is_file()):
        return [row["facts"] for row in labels], "hand-made labels, short facts"
    whole: dict[tuple[str, str], str] = {}
    with SEMICOLON.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream, delimiter=";"):
            whole.setdefault(("semicolon", row["item_id"]), " ".join(row["short_description"].split()))
    with IKEA.open(encoding="utf-8", newline="") as stream:
        whole |= {("ikea", row["sku_id"]): row["description"] for row in csv.DictReader(stream)}
    return [whole[row["source"], row["id"]] for row in labels], "hand-made labels, whole descriptions"


def facts_claims() -> list[Claim]:
    """Return precision, recall and macro-F1 on the labels "report"."""
    vocabulary, lexicon = load_vocabulary(), load_lexicon()
    labels = read_fact_labels(GOLDEN, "report")
    texts, against = label_texts(labels)
    table = categorize(enrich(products_of_texts(texts), vocabulary, lexicon), vocabulary, lexicon)
    found = score_labels(labels, table.to_pylist(), vocabulary)
    claims = []
    for name, bound in BOUNDS.items():
        tally = getattr(found, name)
        stated, read = tally.hits + tally.missed, tally.hits + tally.wrong
        claims.append(at_least(f"{name}: precision", tally.precision, bound, unit="", against=against, n=read))
        claims.append(at_least(f"{name}: recall", tally.recall, bound, unit="", against=against, n=stated))
    claims.append(at_least("categories: macro-F1", found.macro_f1, 0.88, unit="", against=against, n=len(labels)))
    return claims


def agreement() -> dict[str, Any]:
    """Compare the sizes read from the semicolon catalog's texts with its depth, height and width columns.

    A size agrees when one of the columns lies within it, give or take a centimeter. Rows whose columns hold fewer
    values than the text states sizes are left out: there is nothing to compare the others with. Each disagreement gets
    the first reason that holds: the column is in millimeters, the row lacks a column for this measure (the length of a
    table), the text gives the sleeping surface of a bed, and what is left (a stool's seat height, one part of a whole).
    """
    from scene_pipeline.catalog.read import read_catalog
    from scene_pipeline.catalog.validate import validate

    products = validate(read_catalog(SEMICOLON)).products
    texts = products
    for axis in ("depth", "height", "width"):  # so that sizes are read from the texts alone
        place = texts.schema.get_field_index(f"stated_{axis}_cm")
        texts = texts.set_column(place, PRODUCTS.field(place), pa.nulls(texts.num_rows, pa.float64()))
    rows = enrich(texts, load_vocabulary(), load_lexicon()).to_pylist()
    stated = products.select(["stated_depth_cm", "stated_height_cm", "stated_width_cm"]).to_pylist()
    reasons: Counter[str] = Counter()
    compared = 0
    for row, columns in zip(rows, stated, strict=True):
        own = [m for m in row["dimensions"] if m["part"] == 0]
        known = [value for value in columns.values() if value is not None]
        if not own or len(known) < len(own):
            continue
        compared += 1
        odd = [m for m in own if not any(m["low_cm"] - 1 <= value <= m["high_cm"] + 1 for value in known)]
        reasons["agrees"] += len(own) - len(odd)
        reasons.update(_reason(m, known, len(odd), row["product_type"] or "") for m in odd)
    sizes = reasons.total()
    return {"rows": compared, "sizes": sizes, "agreeing": reasons["agrees"] / sizes, "by_reason": dict(reasons)}


def _reason(measure: Mapping[str, float], known: Sequence[float], odd: int, product_type: str) -> str:
    if any(abs(measure["high_cm"] * 10 - value) <= 10 for value in known):
        return "the column is in millimeters"
    if len(known) < 3 and odd == 1:
        return "the row has no column for this measure"
    if "bed" in product_type or product_type in ("cot", "cradle"):
        return "the text gives the sleeping surface"
    return "other"


def fallback() -> dict[str, Any]:
    """Say how well similarity alone decides, with no type word known; fit the thresholds on "develop" again.

    Of all pairs of thresholds that reach MIN_PRECISION on "develop" the one of the greatest macro-F1 is taken.
    """
    from scene_pipeline.encoders.text import TextEncoder

    vocabulary, lexicon = load_vocabulary(), load_lexicon()
    ids = [category.id for category in vocabulary.categories]
    encoder = TextEncoder.open(device="cpu")
    descriptions = encoder.embed([category.description for category in vocabulary.categories])
    ends = frozenset(lexicon.words.sentence_abbreviations)
    cosines, truth = {}, {}
    for half in ("develop", "report"):
        labels = read_fact_labels(GOLDEN, half)
        phrases = [kind_phrase(row["facts"], None, ends) for row in labels]
        cosines[half] = encoder.embed(phrases) @ descriptions.T
        truth[half] = np.array([row["category"] for row in labels])
    grid = [(s, m) for s in np.arange(0.2, 0.6, 0.02).round(2) for m in np.arange(0, 0.2, 0.01).round(2)]
    scored = [(_decided(cosines["develop"], truth["develop"], ids, pair), pair) for pair in grid]
    fitted = max((figures["macro_f1"], pair) for figures, pair in scored if figures["precision"] >= MIN_PRECISION)[1]
    return {
        "fitted_on_develop": {"min_similarity": float(fitted[0]), "min_margin": float(fitted[1])},
        "in_force": {"min_similarity": MIN_SIMILARITY, "min_margin": MIN_MARGIN},
        **{half: _decided(cosines[half], truth[half], ids, (MIN_SIMILARITY, MIN_MARGIN)) for half in cosines},
    }


def _decided(cosines: np.ndarray, truth: np.ndarray, ids: Sequence[str], pair: tuple[float, float]) -> dict[str, float]:
    """Return n, the share decided, its precision, the share of categorized products found, and macro-F1."""
    ordered = np.sort(cosines, axis=1)
    decided = (ordered[:, -1] >= pair[0]) & (ordered[:, -1] - ordered[:, -2] >= pair[1])
    guess = np.where(decided, np.array(ids)[cosines.argmax(axis=1)], UNCATEGORIZED)
    right = guess == truth
    f1 = [
        2 * (right & (truth == name)).sum() / ((guess == name).sum() + (truth == name).sum())
        for name in np.unique(truth)
    ]
    return {
        "n": len(truth),
        "decided": float(decided.mean()),
        "precision": float(right[decided].mean()) if decided.any() else 1.0,
        "found": float((right & decided).sum() / (truth != UNCATEGORIZED).sum()),
        "macro_f1": float(np.mean(f1)),
    }


def main() -> int:
    """Run the measurements and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    claims = facts_claims()
    details = {"likeness_alone": fallback()}
    if SEMICOLON.is_file():
        details["agreement_with_size_columns"] = agreement()
    if not arguments.json:
        print(msgspec.json.format(msgspec.json.encode(details), indent=1).decode())
    return report(claims, arguments, details=details)


if __name__ == "__main__":
    sys.exit(main())
