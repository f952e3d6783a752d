"""Read facts that a text states under a label: `Dimensions: 60 x 90 cm`, `Frame Material: Metal`, `Colour: green`."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from scene_pipeline.catalog.columns import LENGTHS, attribute_column
from scene_pipeline.catalog.dimensions import parse_dimensions
from scene_pipeline.catalog.facts import Extractor, Facts
from scene_pipeline.catalog.header import UNITS, along_axes, split_axes, split_unit, with_unit
from scene_pipeline.catalog.measures import Measurement
from scene_pipeline.catalog.text import Tokens, tokenize
from scene_pipeline.catalog.words import COLOR, FINISH, MATERIAL

_LABEL = re.compile(
    r"(?:^|(?<=[\n.;|•,!?)]))\s*([^\W\d][^\W\d]*(?:[ /&-][^\W\d]+){0,3}(?:\s*\([^)\n]{1,24}\))?)\s*[:=]\s*",
    re.MULTILINE,
)
_END = re.compile(r"[\n|•]|[.;!](?=\s+[^\W\d_]|\s*$)")
_WHOLE = frozenset(
    {"product", "overall", "item", "total", "main", "assembled", "outer", "exterior", "finished", "body", "primary"}
    | {"available", "approximate", "approx", "full", "external", "actual", "the", "unit", "gesamt", "produkt"}
)
"""Words before a label that mean the whole product; other words name a part of it, or its packaging."""
_UNIT_WORDS = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_ONE_LENGTH = re.compile(rf"\W*[\d.,/½¼¾⅓⅔⅛⅜⅝⅞ -]*[\d½¼¾⅓⅔⅛⅜⅝⅞]\s*(?:{_UNIT_WORDS})\.?\s*(?:$|[,(\[])", re.IGNORECASE)
_MAX_VALUE = 300
_LOOK = frozenset({COLOR, FINISH, MATERIAL})
_MADE_OF = frozenset({MATERIAL, FINISH})


class Label(NamedTuple):
    """A labeled value: our column for it, the part it describes ("" for the whole), its unit, and its place."""

    ours: str
    part: str
    unit: str
    axes: tuple[str, ...]
    value: str
    start: int


def read_labeled_facts(extractor: Extractor, facts: Facts, column: str, text: str) -> None:
    """Add the labeled facts of a text. A labeled size of the whole product replaces a less complete one."""
    if ":" not in text and "=" not in text:
        return
    lengths: list[Measurement] = []
    for label in find_labels(text, extractor.index.parts):
        if label.ours == "materials":
            _read_part(extractor, facts, column, label)
        elif label.part:
            continue
        elif label.ours == "colors":
            extractor.read_cell(facts, column, label.value, _LOOK, label.start)
        elif label.ours == "dimensions":
            _take(extractor, facts, column, _dimensions(extractor, label))
        elif label.ours in LENGTHS and (label.unit in UNITS or _ONE_LENGTH.match(label.value)):
            lengths += _length(extractor, label)
    apart = len({measure.axis for measure in lengths}) == len(lengths) or all(measure.listed for measure in lengths)
    if lengths and apart:
        _take(extractor, facts, column, lengths)


def read_stated_sizes(extractor: Extractor, facts: Facts, column: str, cell: str) -> None:
    """Add the sizes of the shop's own column; they replace sizes of running text that are less complete or lack a unit.

    "BASKET 18X18X15" beside a column that states "46 x 46 x 37 cm" is in inches.
    """
    tokens = tokenize(cell)
    measures = parse_dimensions(tokens, len(tokens), extractor.dimension_words)
    unsure = all(measure.assumed for measure in facts.measures) and not any(measure.assumed for measure in measures)
    if unsure or len(measures) > len(facts.measures):
        _take(extractor, facts, column, measures)


def find_labels(text: str, parts: frozenset[str] = frozenset()) -> Iterator[Label]:
    """Yield the labeled values of a text that have a column of ours; for a part ("Legs: beech"), its material."""
    matches = list(_LABEL.finditer(text))
    for i, match in enumerate(matches):
        known = _known(match.group(1)) or _of_part(match.group(1), parts)
        if known is None:
            continue
        start = match.end()
        limit = matches[i + 1].start() if i + 1 < len(matches) else len(text)
        limit = min(limit, start + _MAX_VALUE)
        end = _END.search(text, start, limit)
        value = text[start : end.start() if end else limit]
        if value.strip():
            yield Label(*known, value, start)


def _known(name: str) -> tuple[str, str, str, tuple[str, ...]] | None:
    """Return (our column, part, unit, axes) of a label, or None."""
    base, axes = split_axes(name)
    base, unit = split_unit(base)
    if axes and not base:
        return "dimensions", "", unit, axes
    words = base.lower().split()
    for first in range(len(words)):
        found = attribute_column(" ".join(words[first:]))
        if found is not None and found[0] in ("materials", "colors", "dimensions", *LENGTHS):
            before = [word for word in words[:first] if word not in _WHOLE]
            return found[0], " ".join(before), unit or found[1], axes
    return None


def _of_part(name: str, parts: frozenset[str]) -> tuple[str, str, str, tuple[str, ...]] | None:
    word = name.lower().split()[-1]
    return ("materials", name.lower(), "", ()) if word in parts else None


def _tokens(label: Label, value: str | None = None) -> Tokens:
    """Return a value's tokens with their places in the whole text."""
    tokens = tokenize(label.value if value is None else value)
    shift = label.start
    return Tokens(tokens.text, tokens.words, [s + shift for s in tokens.starts], [e + shift for e in tokens.ends])


def _dimensions(extractor: Extractor, label: Label) -> list[Measurement]:
    if label.axes:
        found = along_axes(label.value, label.axes, label.unit or "")
        if found:
            parts = [(axis, with_unit(value, label.unit)) for axis, value in found.items()]
            return [m for axis, value in parts for m in _one(extractor, label, axis, value or "")]
    value = with_unit(label.value, label.unit) or ""
    tokens = _tokens(label, value)
    return [m for m in parse_dimensions(tokens, len(tokens), extractor.dimension_words) if m.part == 0]


def _length(extractor: Extractor, label: Label) -> list[Measurement]:
    return _one(extractor, label, label.ours, with_unit(label.value, label.unit) or "")


def _one(extractor: Extractor, label: Label, axis: str, value: str) -> list[Measurement]:
    tokens = _tokens(label, value)
    found = parse_dimensions(tokens, len(tokens), extractor.dimension_words)
    end = label.start + len(label.value)
    kept = [m for m in found if m.listed] or found[:1]
    return [m._replace(axis=axis, part=i, start=min(m.start, end), end=min(m.end, end)) for i, m in enumerate(kept)]


def _take(extractor: Extractor, facts: Facts, column: str, measures: list[Measurement]) -> None:
    """Replace the known measures of the whole product by these, unless the known ones are more complete."""
    known = [measure for measure in facts.measures if measure.part == 0]
    if not measures or len(known) > len(measures) or (len(known) == len(measures) and any(m.axis for m in known)):
        return
    facts.measures = [measure for measure in facts.measures if measure.part]
    facts.sources = [source for source in facts.sources if source[0] != "dimensions"]
    extractor.add_measures(facts, column, measures)


def _read_part(extractor: Extractor, facts: Facts, column: str, label: Label) -> None:
    """Read materials under a label; for a part ("Frame Material: metal") they are stated of the part."""
    before = set(facts.materials)
    extractor.read_cell(facts, column, label.value, _MADE_OF, label.start)
    part = label.part.split(" ")[-1]
    if part in extractor.index.parts:
        facts.parts |= {name: part for name in facts.materials if name not in before}
