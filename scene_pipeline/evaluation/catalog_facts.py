"""Compare facts read from product texts with labels by hand: precision, recall and macro-F1."""

import csv
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from scene_pipeline.catalog.schema import PRODUCTS
from scene_pipeline.vocabulary.model import Vocabulary


@dataclass(slots=True)
class Tally:
    """True positives, false positives and false negatives of one field, over all rows."""

    hits: int = 0
    wrong: int = 0
    missed: int = 0
    mistakes: list[str] = field(default_factory=list)

    def add(self, name: str, expected: Iterable[Hashable], got: Iterable[Hashable]) -> None:
        """Count one row; `name` is kept when the row has a mistake."""
        want, have = Counter(expected), Counter(got)
        hits = sum((want & have).values())
        self.hits += hits
        self.wrong += sum(have.values()) - hits
        self.missed += sum(want.values()) - hits
        if want != have:
            self.mistakes.append(f"{name}: expected {_shown(want)}, got {_shown(have)}")

    @property
    def precision(self) -> float:
        """The share of correct values among those read; 1 when nothing was read."""
        return self.hits / (self.hits + self.wrong) if self.hits + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of stated values that were read; 1 when nothing is stated."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 1.0


@dataclass(frozen=True, slots=True)
class FactMetrics:
    """The tallies of the fields, and the categories' macro-F1 over those that occur among the labels."""

    dimensions: Tally
    set_counts: Tally
    materials: Tally
    colors: Tally
    categories: Mapping[str, Tally]
    category_mistakes: Sequence[str]

    @property
    def macro_f1(self) -> float:
        """The mean over the labeled categories of F1."""
        labeled = [tally for tally in self.categories.values() if tally.hits + tally.missed]
        return sum(_f1(tally) for tally in labeled) / len(labeled)


def read_fact_labels(path: Path, half: str) -> list[dict[str, str]]:
    """Return the labels of one half ("develop" or "report") of a label file, one row per product."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["half"] == half]


def products_of_texts(texts: Sequence[str]) -> pa.Table:
    """Return a product table (schema PRODUCTS) whose rows have only these descriptions."""
    lists: dict[str, Any] = {"images": [], "style_tags": [], "room_tags": [], "keywords": [], "search_terms": []}
    plain = {"content_hash": "-", "extra": "{}", **lists}
    rows = [
        {"product_id": str(i), "sku_id": str(i), "row": i + 2, "description": text, **plain}
        for i, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, PRODUCTS)


def score_labels(
    labels: Sequence[Mapping[str, str]], rows: Sequence[Mapping[str, Any]], vocabulary: Vocabulary
) -> FactMetrics:
    """Compare labels with categorized rows, in the same order.

    A label has `id`, `dimensions_cm` ("150x200+50x80", "63-74"), `set_count`, `materials` (ids, by spaces), `colors`
    (names, by |) and `category`; empty where nothing is stated. A material family (wood) counts as stated when a member
    (oak) is.
    """
    parents = {material.id: material.parent for material in vocabulary.materials}
    names = [category.id for category in vocabulary.categories] + ["uncategorized"]
    figures = FactMetrics(Tally(), Tally(), Tally(), Tally(), {name: Tally() for name in names}, mistakes := [])
    for label, row in zip(labels, rows, strict=True):
        name = f"{label['id']} ({label.get('facts', row['description'])[:70]})"
        figures.dimensions.add(name, _label_sizes(label["dimensions_cm"]), [_size(m) for m in row["dimensions"]])
        count = [] if row["set_count"] is None else [row["set_count"]]
        figures.set_counts.add(name, [int(n) for n in label["set_count"].split()], count)
        figures.materials.add(name, label["materials"].split(), _leaves(row["materials"], parents))
        figures.colors.add(name, [c for c in label["colors"].split("|") if c], row["colors"])
        for category, tally in figures.categories.items():
            tally.add(name, [1] * (label["category"] == category), [1] * (row["category"] == category))
        if label["category"] != row["category"]:
            mistakes.append(f"{name}: expected {label['category']}, got {row['category']} ({row['category_reason']})")
    return figures


def _leaves(materials: Sequence[str], parents: Mapping[str, str | None]) -> list[str]:
    families = {parents[material] for material in materials if material != "veneer"}
    return [material for material in materials if material not in families]


def _label_sizes(text: str) -> list[tuple[float, float]]:
    sizes = []
    for part in text.replace("+", "x").split("x"):
        if part:
            low, _, high = part.partition("-")
            sizes.append((float(low), float(high or low)))
    return sizes


def _size(measure: Mapping[str, Any]) -> tuple[float, float]:
    return (round(measure["low_cm"], 1), round(measure["high_cm"], 1))


def _f1(tally: Tally) -> float:
    return 2 * tally.hits / (2 * tally.hits + tally.wrong + tally.missed)


def _shown(counter: Counter[Hashable]) -> str:
    return ", ".join(str(item) for item in counter.elements()) or "nothing"
