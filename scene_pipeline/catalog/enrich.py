"""Read product facts from the texts: deterministic, and every value has its source."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pyarrow as pa

from scene_pipeline.catalog.facts import Extractor, Facts
from scene_pipeline.catalog.labels import read_labeled_facts, read_stated_sizes
from scene_pipeline.catalog.measures import Measurement
from scene_pipeline.catalog.plausibility import PlausibleSizes, learned_unit
from scene_pipeline.catalog.schema import ENRICHED, ENRICHED_FIELDS, PRODUCT_FIELDS, PRODUCTS, SCORE_PARTS
from scene_pipeline.catalog.sentence import SentenceWriter
from scene_pipeline.catalog.stored import Rows, batches
from scene_pipeline.catalog.words import COLOR, FINISH, MATERIAL, OUTDOOR, ROOM, STYLE, LexiconIndex
from scene_pipeline.color.named_colors import NamedColors
from scene_pipeline.vocabulary.lexicon import Lexicon
from scene_pipeline.vocabulary.model import Vocabulary

ENRICH_CHUNK = 20_000

SCORE_WEIGHTS: dict[str, float] = dict(zip(SCORE_PARTS, (0.25, 0.2, 0.2, 0.15, 0.1, 0.1), strict=True))
_DETAIL_WORDS = 25
_AXES = ("length", "width", "depth", "height", "diameter")
_LOOK = frozenset({COLOR, FINISH, MATERIAL, OUTDOOR})
_READ = (
    *("title", "brand", "collection", "description", "detailed_description", "style_tags", "room_tags"),
    *("stated_type", "stated_materials", "stated_colors", "stated_dimensions"),
    *(f"stated_{axis}_cm" for axis in _AXES),
)


def enrich(
    products: Rows,
    vocabulary: Vocabulary,
    lexicon: Lexicon,
    progress: Callable[[int, int], None] | None = None,
) -> pa.Table:
    """Return `products` (schema PRODUCTS) with the facts its texts state (schema ENRICHED).

    Each row is read on its own, except for the unit of lengths without one: it is learned from the other lengths (see
    `plausibility`). `progress` is called with the rows done and the total.
    """
    parts = list(enriched_parts(products, vocabulary, lexicon, progress))
    return pa.concat_tables(parts) if parts else ENRICHED.empty_table()


def enriched_parts(
    products: Rows,
    vocabulary: Vocabulary,
    lexicon: Lexicon,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[pa.Table]:
    """Yield the table of `enrich` in parts, with only one part in memory."""
    enricher = Enricher(vocabulary, lexicon, learned_unit(products))
    done = 0
    for part in batches(products, rows=ENRICH_CHUNK):
        chunk = part.combine_chunks()
        columns = {name: chunk[name].to_pylist() for name in _READ}
        rows = [enricher.row(dict(zip(_READ, values, strict=True))) for values in zip(*columns.values(), strict=True)]
        added = [pa.array([row[f.name] for row in rows], f.type) for f in ENRICHED_FIELDS]
        own = [chunk[f.name] for f in PRODUCT_FIELDS]
        if any(chunk["variants"].to_pylist()):
            read = [[enricher.variant(v) for v in variants] for variants in chunk["variants"].to_pylist()]
            own[PRODUCTS.get_field_index("variants")] = pa.array(read, PRODUCTS.field("variants").type)
        yield pa.Table.from_arrays([*own, *added], schema=ENRICHED)
        done += len(rows)
        if progress is not None:
            progress(done, products.num_rows)


class Enricher:
    """Reads single rows; built once for a vocabulary and a lexicon."""

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon, default_unit: str | None = None) -> None:
        """default_unit: that of lengths without one, where the catalog suggests another unit than the language."""
        self.extractor = Extractor(LexiconIndex.build(vocabulary, lexicon))
        self.extractor.dimension_words.default_unit = default_unit or lexicon.words.default_unit
        self.sizes = PlausibleSizes(lexicon)
        self.sentences = SentenceWriter(vocabulary)
        self.colors = NamedColors(vocabulary, lexicon)
        self.styles = {style.id: style.id for style in vocabulary.styles}
        self.rooms = {room.id: room.id for room in vocabulary.rooms}

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the columns of ENRICHED_FIELDS for one row that has the columns `enrich` reads."""
        facts = self.facts(row)
        drop_count(facts)
        self.sizes.drop_implausible(facts)
        own = [measure for measure in facts.measures if measure.part == 0]
        axes = {measure.axis: measure.high_cm for measure in own if measure.axis}
        stated = {axis: row[f"stated_{axis}_cm"] for axis in _AXES if row[f"stated_{axis}_cm"] is not None}
        stated = self.sizes.plausible(facts, stated)
        for axis, value in stated.items():
            if axis not in axes:
                axes[axis] = value
                facts.sources.append((f"{axis}_cm", value, f"stated_{axis}_cm", 0, 0))
        if len(stated) > len(own) and all(any(_same(m, value) for value in stated.values()) for m in own):
            own = [Measurement(round(value, 2), round(value, 2), axis, "cm", 0, 0) for axis, value in stated.items()]
            facts.measures = [*own, *(measure for measure in facts.measures if measure.part)]
        sizes = [*axes.values(), *(measure.high_cm for measure in own)]
        parts = self.score_parts(facts, row, bool(sizes))
        return {
            "sentence": self.sentences.write(facts, row["description"]),
            "product_type": facts.product_type,
            "materials": facts.materials,
            "colors": facts.colors,
            "color_lab": [self.colors.lab(name) for name in facts.colors],
            "palette": self.colors.palette(tuple(facts.colors)),
            "finishes": facts.finishes,
            "set_count": facts.set_count,
            "dimensions": [
                {"part": m.part, "axis": m.axis, "low_cm": m.low_cm, "high_cm": m.high_cm} for m in facts.measures
            ],
            "width_cm": axes.get("width"),
            "depth_cm": axes.get("depth"),
            "height_cm": axes.get("height"),
            "diameter_cm": axes.get("diameter"),
            "largest_cm": max(sizes, default=None),
            "rooms": facts.rooms,
            "outdoor": facts.outdoor,
            "styles": facts.styles,
            "description_score": sum(SCORE_WEIGHTS[name] * value for name, value in parts.items()),
            "description_score_parts": parts,
            "provenance": provenance_json(facts),
        }

    def variant(self, variant: dict[str, Any]) -> dict[str, Any]:
        """Return a variant (schema VARIANT) with the first color it states in CIELAB, and the lengths it states."""
        facts, read = Facts(), self.extractor
        if variant["color"]:
            read.read_cell(facts, "color", variant["color"], _LOOK)
        if variant["size"]:
            read.read_sizes(facts, "size", variant["size"])
        sizes = [measure.high_cm for measure in facts.measures if measure.part == 0]
        lab = self.colors.lab(facts.colors[0]) if facts.colors else None
        return {**variant, "color_lab": None if lab is None else list(lab), "size_cm": sizes or None}

    def facts(self, row: dict[str, Any]) -> Facts:
        """Return what the texts of a row state, the title first, then the description, then the shop's own columns."""
        facts, read = Facts(), self.extractor
        title, description = row["title"], row["description"]
        names = tuple(name for name in (row["brand"], row["collection"]) if name)
        if title is not None and not description.startswith(title):
            read.read(facts, "title", title, names=names)
            facts.headline = ""
        read.read(facts, "description", description, names=names)
        read_labeled_facts(read, facts, "description", description)
        read.read_set_lines(facts, "description", description)
        if row["detailed_description"] is not None:
            read.read(facts, "detailed_description", row["detailed_description"], first_sentence=False, names=names)
            read_labeled_facts(read, facts, "detailed_description", row["detailed_description"])
            read.read_set_lines(facts, "detailed_description", row["detailed_description"])
        if row["stated_type"] is not None:
            read.read_type(facts, "stated_type", row["stated_type"])
        for column, kinds in (("stated_materials", frozenset({MATERIAL, FINISH})), ("stated_colors", _LOOK)):
            if row[column] is not None:
                read.read_cell(facts, column, row[column], kinds)
        if row["stated_dimensions"] is not None:
            read.read_set_lines(facts, "stated_dimensions", row["stated_dimensions"])
            read_stated_sizes(read, facts, "stated_dimensions", row["stated_dimensions"])
        for column, kind, ids in (("style_tags", STYLE, self.styles), ("room_tags", ROOM, self.rooms)):
            for tag in row[column]:
                known = ids.get(tag.lower().replace(" ", "_").replace("-", "_"))
                if known is not None:
                    facts.add(kind, known, column, 0, len(tag))
                else:
                    read.read_cell(facts, column, tag, frozenset({kind}))
        return facts

    @staticmethod
    def score_parts(facts: Facts, row: dict[str, Any], has_size: bool) -> dict[str, float]:
        """Return the parts of the description score, each 0-1."""
        words = row["description"].count(" ") + 1 + (row["detailed_description"] or "").count(" ")
        known_context = bool(facts.rooms) + bool(facts.styles) + bool(facts.finishes)
        return {
            "type": 0.0 if facts.product_type is None else 0.5 if facts.type_is_weak else 1.0,
            "materials": float(bool(facts.materials)),
            "colors": float(bool(facts.colors)),
            "dimensions": float(has_size),
            "context": min(1.0, known_context / 2),
            "detail": min(1.0, words / _DETAIL_WORDS),
        }


def drop_count(facts: Facts) -> None:
    """Remove the number of pieces from the sizes: a pair of curtains "2 x 140 x 245 cm" is not 2 cm deep."""
    own = [measure for measure in facts.measures if measure.part == 0]
    if len(own) == 3 and own[0].axis is None and own[0].high == facts.set_count and own[1].high >= 10 * own[0].high:
        facts.measures.remove(own[0])


def _same(measure: Measurement, value: float) -> bool:
    return measure.low_cm - 1 <= value <= measure.high_cm + 1


def provenance_json(facts: Facts) -> str:
    """Return the sources as a JSON list of {"field", "value", "column", "start", "end"}."""
    return msgspec.json.encode(
        [
            {"field": name, "value": value, "column": column, "start": start, "end": end}
            for name, value, column, start, end in facts.sources
        ]
    ).decode()
