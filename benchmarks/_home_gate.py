"""Whether the gate for mixed marketplaces tells home goods from others, on hand-made labels of titles.

The margin of meaning is fitted on the labels "develop"; the labels "report" are only counted. Titles are read in their
own language, as a shop's file is.
"""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.claims import Claim, at_least, at_most
from scene_pipeline.catalog.categorize import UNCATEGORIZED, categorize, kind_phrase
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.home_goods import NOT_HOME, gate_descriptions, other_goods
from scene_pipeline.evaluation.catalog_facts import products_of_texts
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline.vocabulary.lexicon import load_lexicon

LABELS = Path(__file__).parents[1] / "scene_pipeline_tests" / "catalog" / "gate_labels.csv"
RETAIL = Path(__file__).parents[2] / "shared" / "data" / "retail" / "year2.parquet"
MAX_LOST = 0.02
"""Share of home goods that meaning alone may hold back: the margin is wide enough from there."""

Label = Mapping[str, str]


def gate_claims() -> tuple[list[Claim], dict[str, Any]]:
    """Return the claims on the labels "report", and the figures of every margin on "develop"."""
    develop, labels = read_labels("develop"), read_labels("report")
    fitted, figures = fit_margin(develop)
    margin = other_goods().min_lead
    found = outcomes(labels)
    home, other = sum(row["home"] == "yes" for row in labels), sum(row["home"] == "no" for row in labels)
    against = f"titles of {LABELS.name}, half report"
    claims = [
        at_most("home goods held back", found["home held"], 0.05, unit="", against=against, n=home),
        at_least("other goods held back", found["other held"], 0.7, unit="", against=against, n=other),
        at_most("other goods with a home category", found["other placed"], 0.05, unit="", against=against, n=other),
        Claim(
            "the margin in use is the fitted one", margin, "", f"= {fitted:g}", abs(margin - fitted) < 1e-9,
            "half develop", len(develop),
        ),
    ]  # fmt: skip
    details = {"margins": figures, "develop": outcomes(develop), "report": found}
    return claims, details | ({"retail": gifts()} if RETAIL.is_file() else {})


def read_labels(half: str) -> list[dict[str, str]]:
    """Return the labels of one half."""
    with LABELS.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["half"] == half]


def outcomes(labels: Sequence[Label], *, meaning: bool = True) -> dict[str, Any]:
    """Return the shares of home and of other goods that are held back or get a home category, and the mistakes."""
    decided = [decision for _, decision in sorted(_decided(labels, meaning).items())]
    held = np.array([reason.startswith(NOT_HOME) for _, reason in decided])
    placed = np.array([category != UNCATEGORIZED for category, _ in decided])
    home = np.array([label["home"] == "yes" for label in labels])
    mistakes = [
        f"{label['title']}: {category} ({reason})"
        for label, (category, reason), is_home in zip(labels, decided, home, strict=True)
        if (reason.startswith(NOT_HOME) if is_home else category != UNCATEGORIZED)
    ]
    return {
        "home held": round(float(held[home].mean()), 4),
        "home placed": round(float(placed[home].mean()), 4),
        "other held": round(float(held[~home].mean()), 4),
        "other placed": round(float(placed[~home].mean()), 4),
        "mistakes": mistakes,
    }


def _decided(labels: Sequence[Label], meaning: bool) -> dict[int, tuple[str, str]]:
    """Return label -> (category, reason), each title read in its own language."""
    vocabulary, found = load_vocabulary(), {}
    for language in sorted({label["language"] for label in labels}):
        places = [i for i, label in enumerate(labels) if label["language"] == language]
        table = products_of_texts([labels[i]["title"] for i in places])
        at = table.schema.get_field_index("stated_category")
        departments = pa.array([labels[i]["department"] or None for i in places], pa.string())
        lexicon = load_lexicon(language)
        table = enrich(table.set_column(at, table.schema.field(at), departments), vocabulary, lexicon)
        table = categorize(table, vocabulary, lexicon, *(similarities() if meaning else ()))
        decisions = zip(table["category"].to_pylist(), table["category_reason"].to_pylist(), strict=True)
        found |= dict(zip(places, decisions, strict=True))
    return found


@lru_cache(maxsize=1)
def similarities() -> tuple[Any, Any]:
    """Return the cosines of texts with the categories, and with what the gate compares them with, by MiniLM."""
    from scene_pipeline.encoders.text import TextEncoder

    encoder = TextEncoder.open(device="cpu")
    categories = encoder.embed([category.description for category in load_vocabulary().categories])
    others = encoder.embed(gate_descriptions())
    return lambda texts: encoder.embed(texts) @ categories.T, lambda texts: encoder.embed(texts) @ others.T


def leads(texts: Sequence[str]) -> np.ndarray:
    """Return by how much the nearest other department leads the nearest description of home goods, by meaning alone."""
    phrases = [kind_phrase(text, None, frozenset()) for text in texts]
    home, other = (similarity(phrases) for similarity in similarities())
    count = len(other_goods().meanings)
    return other[:, :count].max(axis=1) - np.maximum(home.max(axis=1), other[:, count:].max(axis=1))


def fit_margin(labels: Sequence[Label]) -> tuple[float, dict[str, tuple[float, float]]]:
    """Return the smallest margin (in steps of .01) that holds back at most MAX_LOST of the home goods by meaning alone.

    And for each margin the shares of home goods and of others that it holds back.
    """
    lead = leads([label["title"] for label in labels])
    home = np.array([label["home"] == "yes" for label in labels])
    figures = {
        f"{margin:.2f}": (
            round(float((lead[home] >= margin).mean()), 3),
            round(float((lead[~home] >= margin).mean()), 3),
        )
        for margin in np.arange(0, 0.21, 0.01)
    }
    return next(float(name) for name, (lost, _) in figures.items() if lost <= MAX_LOST), figures


def gifts() -> dict[str, Any]:
    """Return what the gate makes of the distinct texts of a shop for home gifts, which are not labeled."""
    texts = [text for text in Counter(pq.read_table(RETAIL)["description"].to_pylist()) if text and text.isupper()]
    labels = [{"language": "en", "title": text.strip().capitalize(), "department": ""} for text in texts]
    decided = _decided(labels, meaning=True)
    held = [f"{labels[i]['title']} ({reason})" for i, (_, reason) in decided.items() if reason.startswith(NOT_HOME)]
    return {"texts": len(texts), "held": round(len(held) / len(texts), 4), "examples": held[::7][:40]}
