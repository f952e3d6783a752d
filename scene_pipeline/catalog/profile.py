"""Report what was recognized in a catalog and what was not, for a merchandiser who has to trust a feed."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

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
from scene_pipeline.catalog.categorize import categorized_parts
from scene_pipeline.catalog.column_map import ColumnMap
from scene_pipeline.catalog.enrich import enriched_parts
from scene_pipeline.catalog.home_goods import NOT_HOME
from scene_pipeline.catalog.languages import AUTO, language_mix, lexicon_for, sample_texts
from scene_pipeline.catalog.plausibility import DROPPED_DIMENSIONS
from scene_pipeline.catalog.read import RawCatalog, store_catalog
from scene_pipeline.catalog.schema import CATEGORIZED, DROPPED, ENRICHED
from scene_pipeline.catalog.stored import Rows, batches, write_parts
from scene_pipeline.catalog.text import headline_end, tokenize
from scene_pipeline.catalog.validate import Validated, reason_kind, validate_into
from scene_pipeline.vocabulary.lexicon import Lexicon
from scene_pipeline.vocabulary.model import Vocabulary, load_vocabulary

FIELDS = (
    *("product_type", "materials", "colors", "finishes", "dimensions", "largest_cm", "set_count"),
    *("rooms", "styles", "images", "price", "availability"),
)
_READ = (
    *(*FIELDS, "category", "size_class", "provenance", "description_score", "row", "product_id", "category_reason"),
    *("description", "title", "brand", "collection"),
)
_FREQUENT = 40
_EXAMPLES = 5
_LOW_SHARE = 0.9
LANGUAGES = {"en": "English", "de": "German", "fr": "French", "nl": "Dutch", "it": "Italian", "es": "Spanish"}


class Intake(msgspec.Struct, frozen=True):
    """How a file was read, and the outcome of its rows: rows_in = products + merged + folded + left out + rejects.

    path: the file's name. columns: the shop's name → ours. kept_aside: the shop's columns without a column of ours,
    kept unchanged. guesses: one sentence per guess. rejects_by_reason: reason, its numbers written N, → rows.
    reject_examples: the first rejects, as rows. format: the export format, "" for an unknown one. merged: rows that
    became a variant or a picture of a product. left_out: reason → rows not on sale. dropped: "column: reason" → cells
    that could not be used, with the first of them in dropped_examples. notes: sentences about the whole file.
    accounted: pictures, prices, skus, sizes → stated and read. unused: the shop's column → its likely content.
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
            variants=sum(
                len(chunk.flatten())
                for part in batches(validated.products, ["variants"])
                for chunk in part["variants"].chunks
            ),
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


class CatalogProfile(Intake, frozen=True, kw_only=True):
    """The metrics of one catalog: its intake and the facts of its products; msgspec writes it as JSON.

    recognized: field → share of the products that have it. unknown_words: word → products whose first sentence has it,
    most frequent first, for words that are neither in the lexicon nor in the shop's names. score_histogram: products by
    description score, ten bins from 0 to 1. assumed_units: products whose dimensions state no unit. languages: language
    → share of the texts; read_as: the one they were read with. out_of_range: sizes dropped as implausible. to_check:
    the rows most worth checking. not_home: products held back since they are not for the home. warnings: sentences on
    what probably loses facts.
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
) -> CatalogProfile:
    """Read, validate, enrich and categorize (by type words only) a catalog, and return its metrics.

    vocabulary: a folder with words of one's own. language: that of the texts; "auto" detects it. `progress` takes the
    name of a stage and returns a function that is called with the rows done and the total. Raises CatalogError where
    the whole file cannot be used.
    """
    stage = progress or (lambda _: lambda _done, _total: None)
    words = load_vocabulary(vocabulary)
    reading = stage("Reading the catalog")
    with TemporaryDirectory(prefix="profile-") as folder:
        home = Path(folder)
        raw = store_catalog(path, home / "raw.parquet", column_map, lambda rows: reading(rows, rows))
        validated = validate_into(home / "products.parquet", raw, stage("Checking rows"))
        lexicon = lexicon_for(sample_texts(validated.products), language, vocabulary)
        parts = enriched_parts(validated.products, words, lexicon, stage("Reading product texts"))
        enriched = write_parts(parts, home / "enriched.parquet", ENRICHED)
        table = write_parts(categorized_parts(enriched, words, lexicon), home / "categorized.parquet", CATEGORIZED)
        return profile(Intake.of(raw, validated), table, words, lexicon, validated.dropped)


def profile(
    intake: Intake,
    categorized: Rows,
    vocabulary: Vocabulary,
    lexicon: Lexicon,
    dropped: pa.Table | None = None,
) -> CatalogProfile:
    """Return the metrics of a catalog whose products are `categorized` (schema CATEGORIZED).

    `dropped` are its cells that could not be used (schema DROPPED).
    """
    languages = language_mix(sample_texts(categorized))
    figures = _Figures(vocabulary, lexicon)
    for part in batches(categorized, _READ):
        figures.add(part)
    products = categorized.num_rows
    return CatalogProfile(
        **msgspec.structs.asdict(intake),
        recognized={name: round(figures.filled[name] / products, 4) for name in FIELDS},
        categories=dict(figures.counts["category"].most_common()),
        size_classes=dict(figures.counts["size_class"].most_common()),
        product_types=dict(figures.counts["product_type"].most_common(_FREQUENT)),
        unknown_words=dict(sorted(figures.unknown.items(), key=lambda item: (-item[1], item[0]))[:_FREQUENT]),
        mean_description_score=round(float(np.concatenate(figures.scores).mean()), 3),
        score_histogram=np.histogram(np.concatenate(figures.scores), bins=10, range=(0, 1))[0].tolist(),
        assumed_units=figures.assumed_units,
        languages=languages,
        read_as=lexicon.words.language,
        out_of_range=figures.out_of_range,
        not_home=figures.not_home,
        not_home_examples=figures.held_back,
        to_check=rows_to_check(categorized, DROPPED.empty_table() if dropped is None else dropped),
        warnings=_warnings(intake, languages, lexicon.words.language),
    )


class _Figures:
    """Counts the facts of products, part by part."""

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
        self.known = _known_words(vocabulary, lexicon)
        self.abbreviations = frozenset(lexicon.words.sentence_abbreviations)
        self.filled: Counter[str] = Counter()
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in ("category", "size_class", "product_type")}
        self.unknown: Counter[str] = Counter()
        self.scores: list[np.ndarray] = []
        self.assumed_units = self.out_of_range = self.not_home = 0
        self.held_back: list[dict[str, str | int]] = []

    def add(self, part: pa.Table) -> None:
        """Count the products of a part."""
        for name in FIELDS:
            self.filled[name] += sum(value is not None and value != [] for value in part[name].to_pylist())
        for name, count in self.counts.items():
            count.update(value for value in part[name].to_pylist() if value is not None)
        sources = part["provenance"].to_pylist()
        self.assumed_units += sum("(assumed)" in text for text in sources)
        self.out_of_range += sum(text.count(f'"{DROPPED_DIMENSIONS}"') for text in sources)
        self.scores.append(part["description_score"].to_numpy())
        for row, product, why in zip(*_lists(part, "row", "product_id", "category_reason"), strict=True):
            if why.startswith(NOT_HOME):
                self.not_home += 1
                if len(self.held_back) < _EXAMPLES:
                    self.held_back.append({"row": row, "product_id": product, "why": why})
        self.add_words(part)

    def add_words(self, part: pa.Table) -> None:
        """Count the unknown words of first sentences."""
        for description, *own in zip(*_lists(part, "description", "title", "brand", "collection"), strict=True):
            named = {word for name in own if name for word in tokenize(name).words}
            tokens = tokenize(description)
            headline = tokens.words[: headline_end(tokens, self.abbreviations)]
            words = {word for word in headline if len(word) > 2 and word[0].isalpha()}
            self.unknown.update(words - self.known - named)


def _lists(part: pa.Table, *names: str) -> list[list]:
    return [part[name].to_pylist() for name in names]


def _warnings(intake: Intake, languages: Mapping[str, float], read_as: str) -> list[str]:
    """Return what probably loses facts: texts in another language, and unused columns of pictures, prices or texts."""
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


def _known_words(vocabulary: Vocabulary, lexicon: Lexicon) -> set[str]:
    """Return every word the vocabulary or the lexicon holds, with plurals."""
    text = f"{vocabulary.to_json().decode()} {lexicon.to_json().decode()}"
    words = set(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.lower()))
    plurals = {word + ending for word in words for ending in lexicon.words.plural_endings}
    return words | plurals
