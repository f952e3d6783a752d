"""Say what was recognized in a catalog and what was not: what a merchandiser reads before trusting a feed."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from scene_pipeline.catalog.accounting import (
    MATTERS,
    Accounted,
    accounted,
    rows_to_check,
    unused_columns,
)
from scene_pipeline.catalog.categorize import categorize
from scene_pipeline.catalog.column_map import ColumnMap
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.home_goods import NOT_HOME
from scene_pipeline.catalog.languages import AUTO, SAMPLE, language_mix, lexicon_for
from scene_pipeline.catalog.plausibility import DROPPED as OUT_OF_RANGE
from scene_pipeline.catalog.read import RawCatalog, read_catalog
from scene_pipeline.catalog.schema import DROPPED
from scene_pipeline.catalog.text import headline_end, tokenize
from scene_pipeline.catalog.validate import Validated, reason_kind, validate
from scene_pipeline.vocabulary.lexicon import Lexicon
from scene_pipeline.vocabulary.model import Vocabulary, load_vocabulary

FIELDS = (
    *("product_type", "materials", "colors", "finishes", "dimensions", "largest_cm", "set_count"),
    *("rooms", "styles", "images", "price", "availability"),
)
_FREQUENT = 40
_EXAMPLES = 5
_LOW_SHARE = 0.9
LANGUAGES = {"en": "English", "de": "German", "fr": "French", "nl": "Dutch", "it": "Italian", "es": "Spanish"}


class Intake(msgspec.Struct, frozen=True):
    """How a file was understood and what became of its rows: rows_in = products + merged + folded + left out + rejects.

    path: the file's name. columns: the shop's name → ours. kept_aside: the shop's columns that are none of ours, kept
    as they are. guesses: sentences, one per thing nobody stated. rejects_by_reason: reason, its numbers written N, →
    rows. reject_examples: the first rejects, as rows. format: the export format, "" for a table of its own kind.
    merged: rows that became a variant or a picture of a product. left_out: reason → rows not on sale. dropped: "column:
    reason" → cells that could not be used, with the first of them in dropped_examples. notes: sentences about the whole
    file.
    accounted: pictures, prices, skus, sizes → stated and read. unused: the shop's column → what it seems to hold.
    """

    path: str
    encoding: str
    delimiter: str
    rows_in: int
    products: int
    folded: int
    rejects: int
    rejects_by_reason: dict[str, int]
    reject_examples: list[dict[str, str | int | None]]
    columns: dict[str, str]
    kept_aside: list[str]
    guesses: list[str]
    format: str = ""
    merged: int = 0
    variants: int = 0
    left_out: dict[str, int] = {}
    dropped: dict[str, int] = {}
    dropped_examples: list[dict[str, str | int | None]] = []
    notes: list[str] = []
    accounted: dict[str, Accounted] = {}
    unused: dict[str, str] = {}

    @classmethod
    def of(cls, raw: RawCatalog, validated: Validated) -> "Intake":
        """Return what reading and validating found."""
        return cls(
            path=raw.path.name,
            encoding=raw.dialect.encoding,
            delimiter=raw.dialect.delimiter,
            rows_in=validated.rows_in,
            products=validated.products.num_rows,
            folded=validated.folded,
            rejects=validated.rejects.num_rows,
            rejects_by_reason=_reasons(validated.rejects),
            reject_examples=validated.rejects.slice(0, _EXAMPLES).to_pylist(),
            columns=dict(raw.columns),
            kept_aside=raw.kept_aside,
            guesses=list(raw.guesses),
            format=raw.profile,
            merged=validated.merged,
            variants=sum(len(variants) for variants in validated.products["variants"].to_pylist()),
            left_out=_reasons(validated.left_out),
            dropped=_dropped(validated.dropped),
            dropped_examples=validated.dropped.slice(0, _EXAMPLES).to_pylist(),
            notes=list(validated.notes),
            accounted=accounted(raw, validated),
            unused=unused_columns(raw),
        )


def _reasons(table: pa.Table) -> dict[str, int]:
    return dict(Counter(reason_kind(reason) for reason in table["reason"].to_pylist()).most_common())


def _dropped(table: pa.Table) -> dict[str, int]:
    kinds = zip(table["column"].to_pylist(), table["reason"].to_pylist(), strict=True)
    return dict(Counter(f"{column}: {reason_kind(reason)}" for column, reason in kinds).most_common())


class Profile(Intake, frozen=True, kw_only=True):
    """The figures of one catalog: its intake and what is known of its products; JSON as it stands.

    recognized: field → share of the products that have it. unknown_words: word → products whose first sentence has it,
    most frequent first, for words neither the lexicon nor the shop's names explain. score_histogram: products by
    description score, ten bins from 0 to 1. assumed_units: products whose dimensions state no unit. languages:
    language → share of the texts; read_as: the one they were read with. out_of_range: sizes dropped since no such thing
    can have them. to_check: the rows most worth a look. not_home: products held back since they are not for the home.
    warnings: sentences on what probably costs facts.
    """

    recognized: dict[str, float]
    categories: dict[str, int]
    size_classes: dict[str, int]
    product_types: dict[str, int]
    unknown_words: dict[str, int]
    mean_description_score: float
    score_histogram: list[int]
    assumed_units: int
    languages: dict[str, float] = {}
    read_as: str = "en"
    out_of_range: int = 0
    not_home: int = 0
    not_home_examples: list[dict[str, str | int]] = []
    to_check: list[dict[str, str | int]] = []
    warnings: list[str] = []


def profile_catalog(
    path: Path,
    column_map: Mapping[str, str] | ColumnMap | Path | None = None,
    vocabulary: Path | None = None,
    language: str = AUTO,
    *,
    progress: Callable[[str], Callable[[int, int], None]] | None = None,
) -> Profile:
    """Read, validate, enrich and categorize (by type words only) a catalog, and return its figures.

    vocabulary: a folder with words of one's own. language: of the texts; "auto" is their own. `progress` is given the
    name of each stage and returns what is called with its rows done and rows in all. Raises CatalogError where the file
    as a whole cannot be used.
    """
    stage = progress or (lambda _: lambda _done, _total: None)
    words = load_vocabulary(vocabulary)
    reading = stage("Reading the catalog")
    raw = read_catalog(path, column_map, lambda rows: reading(rows, rows))
    validated = validate(raw, stage("Checking rows"))
    lexicon = lexicon_for(validated.products["description"].to_pylist(), language, vocabulary)
    enriched = enrich(validated.products, words, lexicon, stage("Reading product texts"))
    table = categorize(enriched, words, lexicon)
    return profile(Intake.of(raw, validated), table, words, lexicon, validated.dropped)


def profile(
    intake: Intake,
    categorized: pa.Table,
    vocabulary: Vocabulary,
    lexicon: Lexicon,
    dropped: pa.Table | None = None,
) -> Profile:
    """Return the figures of a catalog whose products are `categorized` (schema CATEGORIZED).

    `dropped` are its cells that could not be used (schema DROPPED).
    """
    sources = categorized["provenance"].to_pylist()
    languages = language_mix(categorized["description"].slice(0, SAMPLE).to_pylist())
    out_of_range = sum(text.count(f'"{OUT_OF_RANGE}"') for text in sources)
    rows = zip(*(categorized[n].to_pylist() for n in ("row", "product_id", "category_reason")), strict=True)
    held_back: list[dict[str, str | int]] = [
        {"row": row, "product_id": product, "why": why} for row, product, why in rows if why.startswith(NOT_HOME)
    ]
    scores = categorized["description_score"].to_numpy()
    return Profile(
        **msgspec.structs.asdict(intake),
        recognized={name: _share(categorized[name]) for name in FIELDS},
        categories=_counts(categorized["category"]),
        size_classes=_counts(categorized["size_class"]),
        product_types=dict(list(_counts(categorized["product_type"]).items())[:_FREQUENT]),
        unknown_words=_unknown_words(categorized, vocabulary, lexicon),
        mean_description_score=round(float(scores.mean()), 3),
        score_histogram=np.histogram(scores, bins=10, range=(0, 1))[0].tolist(),
        assumed_units=sum("(assumed)" in text for text in sources),
        languages=languages,
        read_as=lexicon.words.language,
        out_of_range=out_of_range,
        not_home=len(held_back),
        not_home_examples=held_back[:_EXAMPLES],
        to_check=rows_to_check(categorized, DROPPED.empty_table() if dropped is None else dropped),
        warnings=_warnings(intake, languages, lexicon.words.language),
    )


def _warnings(intake: Intake, languages: Mapping[str, float], read_as: str) -> list[str]:
    """Return what probably costs facts: texts of another language, columns of pictures, prices or texts left unused."""
    foreign = {language: share for language, share in languages.items() if language != read_as and share >= 0.2}
    lines = [
        f"{share:.0%} of the texts look {LANGUAGES[language]} and are read with the words of '{read_as}'; "
        f"use --language {language}"
        for language, share in foreign.items()
    ]
    lines += [
        f"column '{name}' is not used and seems to hold {kind}; name it in a column map"
        for name, kind in intake.unused.items()
        if kind in MATTERS
    ]
    return lines + [
        f"only {found.share:.0%} of the {name} could be read"
        for name, found in intake.accounted.items()
        if found.share < _LOW_SHARE
    ]


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
        named = {word for name in own if name for word in tokenize(name).words}
        tokens = tokenize(description)
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
