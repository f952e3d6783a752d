"""Put each product into one of the categories, or into none: type words first, similarity of meaning second."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from scene_pipeline.catalog.common_sense import check_types_are_known
from scene_pipeline.catalog.facts import Extractor, Facts
from scene_pipeline.catalog.home_goods import NOT_HOME, HomeGate, nearer_elsewhere
from scene_pipeline.catalog.schema import CATEGORIZED, ENRICHED
from scene_pipeline.catalog.text import headline_end, tokenize
from scene_pipeline.catalog.words import LexiconIndex
from scene_pipeline.vocabulary.lexicon import Lexicon
from scene_pipeline.vocabulary.model import Vocabulary

UNCATEGORIZED = "uncategorized"

MIN_SIMILARITY = 0.34
"""Cosine of a text with a category's description below which the text is of no category."""
MIN_MARGIN = 0.07
"""Cosine by which the best category must lead the second. Both are fitted: see docs/catalog.md."""
MIN_PRICED = 6
"""Priced products a category needs before "budget", "mid" and "premium" mean anything in it."""

TIERS = {
    **dict.fromkeys(("budget", "low", "value", "entry", "economy", "$"), "budget"),
    **dict.fromkeys(("mid", "medium", "mid-range", "midrange", "standard", "$$"), "mid"),
    **dict.fromkeys(("premium", "high", "high-end", "luxury", "$$$"), "premium"),
}
"""What shops call their price tiers, in lower case, and ours."""
_PHRASE_ENDS = frozenset(",;|(")

Similarity = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True, slots=True)
class CategoryDecision:
    """A category with how sure it is (0-1) and why."""

    category: str
    confidence: float
    reason: str


def categorize(
    enriched: pa.Table,
    vocabulary: Vocabulary,
    lexicon: Lexicon,
    similarity: Similarity | None = None,
    elsewhere: Similarity | None = None,
) -> pa.Table:
    """Return `enriched` (schema ENRICHED) with category, size class and price tier (schema CATEGORIZED).

    `similarity` returns, for n texts, the float32 [n, categories] cosines with the categories' descriptions, in the
    vocabulary's order. It is asked only about products whose type no word names, and only for the phrase that names
    the product (`kind_phrase`); without it they are uncategorized. The best category must reach MIN_SIMILARITY and
    lead by MIN_MARGIN. `elsewhere` returns the cosines with `gate_descriptions` (`home_goods`): a product nearer to
    another department is held back, as is one whose department or name says that it is not for the home.
    """
    check_types_are_known(vocabulary, lexicon)
    chooser = _Chooser(vocabulary, lexicon)
    types, departments = enriched["product_type"].to_pylist(), enriched["stated_category"].to_pylist()
    weak = _weak_rows(enriched, lexicon)
    gate = HomeGate(chooser.extractor.index)
    names = zip(enriched["title"].to_pylist(), enriched["description"].to_pylist(), strict=True)
    held = [gate.reason(title or text, place) for (title, text), place in zip(names, departments, strict=True)]
    decisions = [
        chooser.by_type(*row) if reason is None else CategoryDecision(UNCATEGORIZED, 0.9, reason)
        for row, reason in zip(zip(types, departments, weak, strict=True), held, strict=True)
    ]
    open_rows = [i for i, decision in enumerate(decisions) if decision is None]
    if similarity is not None and open_rows:
        some = enriched.select(["description", "title"]).take(pa.array(open_rows)).to_pylist()
        ends = frozenset(lexicon.words.sentence_abbreviations)
        texts = [kind_phrase(row["description"], row["title"], ends) for row in some]
        other = [None] * len(texts) if elsewhere is None else elsewhere(texts)
        for i, cosines, others in zip(open_rows, similarity(texts), other, strict=True):
            away = None if others is None else nearer_elsewhere(np.asarray(cosines), np.asarray(others))
            decisions[i] = (
                chooser.by_similarity(np.asarray(cosines))
                if away is None
                else CategoryDecision(UNCATEGORIZED, 0.6, f"{NOT_HOME}: its meaning is nearer to {away}")
            )
    nothing = CategoryDecision(UNCATEGORIZED, 0.0, "no word names the type of product")
    final = [decision or nothing for decision in decisions]
    categories = [decision.category for decision in final]
    columns = [
        *(enriched[name] for name in ENRICHED.names),
        pa.array(categories, pa.string()),
        pa.array([decision.confidence for decision in final], pa.float32()),
        pa.array([decision.reason for decision in final], pa.string()),
        pa.array(_size_classes(enriched["largest_cm"].to_pylist(), categories, vocabulary), pa.string()),
        pa.array(_price_tiers(enriched, categories), pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=CATEGORIZED)


def kind_phrase(description: str, title: str | None, abbreviations: frozenset[str]) -> str:
    """Return the words that name the product: "Deep plate" of "ARV Deep plate, Grey, 26 cm. Dinnerware that …".

    Series names, colors and sizes draw a text's meaning away from what the thing is. A description that has nothing
    else is returned as it is.
    """
    text = description
    if title is not None and text.startswith(title):
        text = text[len(title) :].lstrip(" ,;:-–")
    tokens = tokenize(text)
    end = headline_end(tokens, abbreviations)
    cut = next((i for i in range(1, end) if tokens.words[i] in _PHRASE_ENDS), end)
    phrase = text[: tokens.ends[cut - 1]] if cut else ""
    return phrase if any(char.isalpha() for char in phrase) else description


def _weak_rows(enriched: pa.Table, lexicon: Lexicon) -> list[bool]:
    weak = frozenset(lexicon.words.weak_types)
    return [name in weak for name in enriched["product_type"].to_pylist()]


class _Chooser:
    """Decides single products; built once for a vocabulary and a lexicon."""

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
        self.ids = [category.id for category in vocabulary.categories]
        self.of_type = {name: category for category, names in lexicon.concepts.types.items() for name in names}
        self.generic = frozenset(lexicon.words.generic_types)
        self.extractor = Extractor(LexiconIndex.build(vocabulary, lexicon))
        self.department = lru_cache(maxsize=4096)(self._department)

    def by_type(self, product_type: str | None, department: str | None, weak: bool) -> CategoryDecision | None:
        """Decide from the type words; None when there are none."""
        stated = self.department(department) if department else None
        if product_type is None:
            if stated is None or stated == UNCATEGORIZED:
                return None
            return CategoryDecision(stated, 0.5, f"the shop lists it under '{department}'")
        category = self.of_type[product_type]
        if category not in self.ids:
            category = UNCATEGORIZED
        if product_type in self.generic and stated is not None and stated != category:
            return CategoryDecision(
                UNCATEGORIZED, 0.6, f"'{product_type}' under '{department}' may be a part of something else"
            )
        confidence = 0.7 if weak else 0.92
        if stated == category:
            confidence += 0.06
        return CategoryDecision(category, confidence, f"the text names a {product_type}")

    def _department(self, name: str) -> str | None:
        """Return the category the words of a shop's department point to, or None where they point to several."""
        found = set()
        for part in name.replace(">", "&").replace("/", "&").replace(",", "&").split("&"):
            facts = Facts()
            self.extractor.read_type(facts, "stated_category", part)
            if facts.product_type is not None:
                found.add(self.of_type[facts.product_type])
        return found.pop() if len(found) == 1 else None

    def by_similarity(self, cosines: np.ndarray) -> CategoryDecision:
        """Decide from cosines with the categories; low values and low margins decide for none."""
        order = np.argsort(-cosines)
        best, second = float(cosines[order[0]]), float(cosines[order[1]])
        name = self.ids[int(order[0])]
        if best < MIN_SIMILARITY:
            return CategoryDecision(UNCATEGORIZED, 0.0, f"no category is like it (nearest: {name}, {best:.2f})")
        if best - second < MIN_MARGIN:
            other = self.ids[int(order[1])]
            return CategoryDecision(
                UNCATEGORIZED, 0.0, f"{name} and {other} are equally like it ({best:.2f}, {second:.2f})"
            )
        confidence = min(0.9, 0.4 + 2 * (best - second) + 0.5 * (best - MIN_SIMILARITY))
        return CategoryDecision(name, confidence, f"its meaning is nearest to {name} ({best:.2f}, next {second:.2f})")


def _size_classes(sizes: Sequence[float | None], categories: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """Part a category's usual sizes into thirds of the same ratio: a 40 cm vase is large, a 40 cm table is small."""
    bounds = {}
    for category in vocabulary.categories:
        low, high = category.size_cm
        ratio = (high / low) ** (1 / 3)
        bounds[category.id] = (low * ratio, low * ratio * ratio)
    result = []
    for size, category in zip(sizes, categories, strict=True):
        if size is None or category not in bounds:
            result.append("unknown")
        else:
            small, medium = bounds[category]
            result.append("small" if size < small else "medium" if size < medium else "large")
    return result


def _price_tiers(enriched: pa.Table, categories: Sequence[str]) -> list[str | None]:
    """Return the tier the shop states, else the third of its category's prices: budget, mid, premium."""
    prices = enriched["price"].to_pylist()
    stated = [TIERS.get((word or "").lower()) for word in enriched["stated_price_tier"].to_pylist()]
    by_category: dict[str, list[float]] = defaultdict(list)
    for price, category in zip(prices, categories, strict=True):
        if price is not None:
            by_category[category].append(price)
    bounds: dict[str, Any] = {
        category: np.quantile(values, [1 / 3, 2 / 3])
        for category, values in by_category.items()
        if len(values) >= MIN_PRICED and category != UNCATEGORIZED
    }
    tiers: list[str | None] = []
    for price, category, tier in zip(prices, categories, stated, strict=True):
        if tier is not None:
            tiers.append(tier)
        elif price is None or category not in bounds:
            tiers.append(None)
        else:
            low, high = bounds[category]
            tiers.append("budget" if price <= low else "mid" if price <= high else "premium")
    return tiers
