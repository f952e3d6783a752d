"""Say what was recognised in a catalogue and what was not: what a merchandiser reads before trusting a feed."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from scene_pipeline.catalog.categorise import categorise
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.read import RawCatalog, read_catalog
from scene_pipeline.catalog.text import headline_end, tokenise
from scene_pipeline.catalog.validate import Validated, reason_kind, validate
from scene_pipeline.vocabulary.lexicon import Lexicon, load_lexicon
from scene_pipeline.vocabulary.model import Vocabulary, load_vocabulary

FIELDS = (
    *("product_type", "materials", "colors", "finishes", "dimensions", "largest_cm", "set_count"),
    *("rooms", "styles", "images", "price", "availability"),
)
_FREQUENT = 40
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Profile:
    """Figures of one catalogue; serialised to JSON as it stands.

    recognised: field → share of the products that have it. rejects_by_reason: reason, its numbers written N, → rows.
    reject_examples: the first rejects, as rows. unknown_words: word → products whose first sentence has it, most
    frequent first, for words neither the lexicon nor the shop's names explain. score_histogram: products by
    description score, ten bins from 0 to 1. assumed_units: products whose dimensions state no unit.
    """

    path: str
    encoding: str
    delimiter: str
    rows_in: int
    products: int
    folded: int
    rejects: int
    rejects_by_reason: Mapping[str, int]
    reject_examples: Sequence[Mapping[str, str | int | None]]
    columns: Mapping[str, str]
    guesses: Sequence[str]
    recognised: Mapping[str, float]
    categories: Mapping[str, int]
    size_classes: Mapping[str, int]
    product_types: Mapping[str, int]
    unknown_words: Mapping[str, int]
    mean_description_score: float
    score_histogram: Sequence[int]
    assumed_units: int


def profile_catalog(
    path: Path,
    column_map: Mapping[str, str] | Path | None = None,
    vocabulary: Vocabulary | None = None,
    lexicon: Lexicon | None = None,
) -> Profile:
    """Read, validate, enrich and categorise (by type words only) a catalogue, and return its figures."""
    vocabulary, lexicon = vocabulary or load_vocabulary(), lexicon or load_lexicon()
    raw = read_catalog(path, column_map)
    validated = validate(raw)
    table = categorise(enrich(validated.products, vocabulary, lexicon), vocabulary, lexicon)
    return profile(raw, validated, table, vocabulary, lexicon)


def profile(
    raw: RawCatalog, validated: Validated, categorised: pa.Table, vocabulary: Vocabulary, lexicon: Lexicon
) -> Profile:
    """Return the figures of a catalogue whose products are `categorised` (schema CATEGORISED)."""
    reasons = Counter(reason_kind(reason) for reason in validated.rejects["reason"].to_pylist())
    scores = categorised["description_score"].to_numpy()
    count = categorised.num_rows
    return Profile(
        path=raw.path.name,
        encoding=raw.dialect.encoding,
        delimiter=raw.dialect.delimiter,
        rows_in=validated.rows_in,
        products=count,
        folded=validated.folded,
        rejects=validated.rejects.num_rows,
        rejects_by_reason=dict(reasons.most_common()),
        reject_examples=validated.rejects.slice(0, _EXAMPLES).to_pylist(),
        columns=dict(raw.columns),
        guesses=raw.guesses,
        recognised={name: _share(categorised[name]) for name in FIELDS},
        categories=_counts(categorised["category"]),
        size_classes=_counts(categorised["size_class"]),
        product_types=dict(list(_counts(categorised["product_type"]).items())[:_FREQUENT]),
        unknown_words=_unknown_words(categorised, vocabulary, lexicon),
        mean_description_score=round(float(scores.mean()), 3),
        score_histogram=np.histogram(scores, bins=10, range=(0, 1))[0].tolist(),
        assumed_units=sum("(assumed)" in text for text in categorised["provenance"].to_pylist()),
    )


def _share(column: pa.ChunkedArray) -> float:
    values = column.to_pylist()
    return round(sum(value is not None and value != [] for value in values) / len(values), 4)


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return dict(Counter(value for value in column.to_pylist() if value is not None).most_common())


def _unknown_words(table: pa.Table, vocabulary: Vocabulary, lexicon: Lexicon) -> dict[str, int]:
    known = _known_words(vocabulary, lexicon)
    abbreviations = frozenset(lexicon.words.sentence_abbreviations)
    counts: Counter[str] = Counter()
    names = zip(*(table[name].to_pylist() for name in ("title", "brand", "collection")), strict=True)
    for description, own in zip(table["description"].to_pylist(), names, strict=True):
        named = {word for name in own if name for word in tokenise(name).words}
        tokens = tokenise(description)
        headline = tokens.words[: headline_end(tokens, abbreviations)]
        words = {word for word in headline if len(word) > 2 and word[0].isalpha()}
        counts.update(words - known - named)
    return dict(counts.most_common(_FREQUENT))


def _known_words(vocabulary: Vocabulary, lexicon: Lexicon) -> set[str]:
    """Return every word the vocabulary or the lexicon holds, with plurals."""
    text = f"{vocabulary.to_json().decode()} {lexicon.to_json().decode()}"
    words = set(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.lower()))
    plurals = {word + ending for word in words for ending in lexicon.words.plural_endings}
    return words | plurals
