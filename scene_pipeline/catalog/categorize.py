"""Put each product into one of the categories, or into none: type words first, similarity of meaning second."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa

from scene_pipeline.catalog.common_sense import check_types_are_known
from scene_pipeline.catalog.facts import Extractor, Facts
from scene_pipeline.catalog.home_goods import NOT_HOME, HomeGate, nearer_elsewhere
from scene_pipeline.catalog.schema import CATEGORIZED, ENRICHED
from scene_pipeline.catalog.stored import Rows, batches
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
"""Minimum number of priced products in a category for the tiers "budget", "mid" and "premium"."""

TIERS = {
    **dict.fromkeys(("budget", "low", "value", "entry", "economy", "$"), "budget"),
    **dict.fromkeys(("mid", "medium", "mid-range", "midrange", "standard", "$$"), "mid"),
    **dict.fromkeys(("premium", "high", "high-end", "luxury", "$$$"), "premium"),
}
"""Shops' names of price tiers, in lower case, and ours."""
CATEGORIZE_CHUNK = 20_000
_PHRASE_ENDS = frozenset(",;|(")
_READ = ("title", "description", "product_type", "stated_category", "stated_type", "price")

Similarity = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True, slots=True)
class CategoryDecision:
    """A category with how sure it is (0-1) and why."""

    category: str
    confidence: float
    reason: str


NOTHING = CategoryDecision(UNCATEGORIZED, 0.0, "no word names the type of product")


def categorize(
    enriched: Rows,
    vocabulary: Vocabulary,
    lexicon: Lexicon,
    similarity: Similarity | None = None,
    elsewhere: Similarity | None = None,
) -> pa.Table:
    """Return `enriched` (schema ENRICHED) with category, size class and price tier (schema CATEGORIZED).

    `similarity` returns, for n texts, the float32 [n, categories] cosines with the categories' descriptions, in the
    vocabulary's order. It is used only for products whose type no word names, and only for the phrase that names
    the product (`kind_phrase`); without it they are uncategorized. The best category must reach MIN_SIMILARITY and
    lead by MIN_MARGIN. `elsewhere` returns the cosines with `gate_descriptions` (`home_goods`): a product nearer to
    another department is held back, as is one whose department or name says that it is not for the home.
    """
    parts = list(categorized_parts(enriched, vocabulary, lexicon, similarity, elsewhere))
    return pa.concat_tables(parts) if parts else CATEGORIZED.empty_table()


def categorized_parts(
    enriched: Rows,
    vocabulary: Vocabulary,
    lexicon: Lexicon,
    similarity: Similarity | None = None,
    elsewhere: Similarity | None = None,
) -> Iterator[pa.Table]:
    """Yield the table of `categorize` in parts. Price tiers need all prices, so each part is read twice."""
    check_types_are_known(vocabulary, lexicon)
    decider = _Decider(_Chooser(vocabulary, lexicon), similarity, elsewhere)
    tiers = _PriceTiers()
    decided = []
    for part in batches(enriched, _READ, CATEGORIZE_CHUNK):
        decisions = decider.decide(part)
        decided.append(decisions)
        tiers.add(part["price"].to_pylist(), decisions["category"].to_pylist())
    for part, decisions in zip(batches(enriched, rows=CATEGORIZE_CHUNK), decided, strict=True):
        categories = decisions["category"].to_pylist()
        columns = [
            *(part[name] for name in ENRICHED.names),
            *(decisions[name].cast(CATEGORIZED.field(name).type) for name in decisions.column_names),
            pa.array(_size_classes(part["largest_cm"].to_pylist(), categories, vocabulary), pa.string()),
            pa.array(tiers.of(part, categories), pa.string()),
        ]
        yield pa.Table.from_arrays(columns, schema=CATEGORIZED)


def kind_phrase(description: str, title: str | None, abbreviations: frozenset[str]) -> str:
    """Return the words that name the product: "Deep plate" of "ARV Deep plate, Grey, 26 cm. Dinnerware that …".

    Series names, colors and sizes would move the embedding away from the kind of product. A description with nothing
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


class _Decider:
    """Decides the products of a part of a table: words first, similarity second."""

    def __init__(self, chooser: "_Chooser", similarity: Similarity | None, elsewhere: Similarity | None) -> None:
        self.chooser, self.similarity, self.elsewhere = chooser, similarity, elsewhere
        self.gate = HomeGate(chooser.extractor.index)

    def decide(self, part: pa.Table) -> pa.Table:
        """Return category, category_confidence and category_reason of each row; texts are dictionary-encoded."""
        names = zip(part["title"].to_pylist(), part["description"].to_pylist(), strict=True)
        columns = ("product_type", "stated_category", "stated_type")
        rows = zip(names, *(part[name].to_pylist() for name in columns), strict=True)
        decisions: list[CategoryDecision | None] = []
        for (title, text), product_type, department, stated_type in rows:
            held = self.gate.reason(title or text, department, stated_type)
            decisions.append(
                self.chooser.by_type(product_type, department)
                if held is None
                else CategoryDecision(UNCATEGORIZED, 0.9, held)
            )
        open_rows = [i for i, decision in enumerate(decisions) if decision is None]
        for i, decision in zip(open_rows, self.by_meaning(part, open_rows), strict=True):
            decisions[i] = decision
        final = [decision or NOTHING for decision in decisions]
        return pa.table(
            {
                "category": pa.array([decision.category for decision in final], pa.string()).dictionary_encode(),
                "category_confidence": pa.array([decision.confidence for decision in final], pa.float32()),
                "category_reason": pa.array([decision.reason for decision in final], pa.string()).dictionary_encode(),
            }
        )

    def by_meaning(self, part: pa.Table, places: list[int]) -> list[CategoryDecision | None]:
        """Decide the rows at `places`, which no word decides, by similarity; without one, all are None."""
        if self.similarity is None or not places:
            return [None] * len(places)
        texts = [
            kind_phrase(row["description"], row["title"], self.chooser.abbreviations)
            for row in part.select(["description", "title"]).take(pa.array(places)).to_pylist()
        ]
        other = [None] * len(texts) if self.elsewhere is None else self.elsewhere(texts)
        found: list[CategoryDecision | None] = []
        for cosines, others in zip(self.similarity(texts), other, strict=True):
            away = None if others is None else nearer_elsewhere(np.asarray(cosines), np.asarray(others))
            found.append(
                self.chooser.by_similarity(np.asarray(cosines))
                if away is None
                else CategoryDecision(UNCATEGORIZED, 0.6, f"{NOT_HOME}: its meaning is nearer to {away}")
            )
        return found


class _Chooser:
    """Decides single products; built once for a vocabulary and a lexicon."""

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
        self.ids = [category.id for category in vocabulary.categories]
        self.of_type = {name: category for category, names in lexicon.concepts.types.items() for name in names}
        self.generic = frozenset(lexicon.words.generic_types)
        self.weak = frozenset(lexicon.words.weak_types)
        self.abbreviations = frozenset(lexicon.words.sentence_abbreviations)
        self.extractor = Extractor(LexiconIndex.build(vocabulary, lexicon))
        self.department = lru_cache(maxsize=4096)(self._department)

    def by_type(self, product_type: str | None, department: str | None) -> CategoryDecision | None:
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
        confidence = 0.7 if product_type in self.weak else 0.92
        if stated == category:
            confidence += 0.06
        return CategoryDecision(category, confidence, f"the text names a {product_type}")

    def _department(self, name: str) -> str | None:
        """Return the category that the words of a shop's department name, or None where they name several or none."""
        found = set()
        for part in name.replace(">", "&").replace("/", "&").replace(",", "&").split("&"):
            facts = Facts()
            self.extractor.read_type(facts, "stated_category", part)
            if facts.product_type is not None:
                found.add(self.of_type[facts.product_type])
        return found.pop() if len(found) == 1 else None

    def by_similarity(self, cosines: np.ndarray) -> CategoryDecision:
        """Decide from the cosines with the categories; a low value or a low margin gives no category."""
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
    """Divide a category's usual sizes into thirds of equal ratio: a 40 cm vase is large, a 40 cm table small."""
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


class _PriceTiers:
    """Divides the prices of each category into thirds: budget, mid, premium."""

    def __init__(self) -> None:
        self.prices: dict[str, list[np.ndarray]] = defaultdict(list)

    def add(self, prices: Sequence[float | None], categories: Sequence[str]) -> None:
        """Add the prices of some products."""
        found: dict[str, list[float]] = defaultdict(list)
        for price, category in zip(prices, categories, strict=True):
            if price is not None:
                found[category].append(price)
        for category, values in found.items():
            self.prices[category].append(np.array(values))

    @cached_property
    def bounds(self) -> dict[str, np.ndarray]:
        """The two prices that divide each category with enough prices into thirds."""
        joined = {category: np.concatenate(parts) for category, parts in self.prices.items()}
        return {
            category: np.quantile(values, [1 / 3, 2 / 3])
            for category, values in joined.items()
            if len(values) >= MIN_PRICED and category != UNCATEGORIZED
        }

    def of(self, part: pa.Table, categories: Sequence[str]) -> list[str | None]:
        """Return the tier the shop states, else the third of its category's prices."""
        stated = [TIERS.get((word or "").lower()) for word in part["stated_price_tier"].to_pylist()]
        tiers: list[str | None] = []
        for price, category, tier in zip(part["price"].to_pylist(), categories, stated, strict=True):
            if tier is not None:
                tiers.append(tier)
            elif price is None or category not in self.bounds:
                tiers.append(None)
            else:
                low, high = self.bounds[category]
                tiers.append("budget" if price <= low else "mid" if price <= high else "premium")
        return tiers
