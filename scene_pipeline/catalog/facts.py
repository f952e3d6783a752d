"""Collect the facts in one product's texts, each with the column and the place it was read from."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import lru_cache

from scene_pipeline.catalog.dimensions import parse_dimensions
from scene_pipeline.catalog.measures import DimensionWords, Measurement
from scene_pipeline.catalog.sets import SetWords, parse_set_count
from scene_pipeline.catalog.text import Tokens, headline_end, tokenize
from scene_pipeline.catalog.words import (
    COLOR,
    FINISH,
    IGNORE,
    MATERIAL,
    OUTDOOR,
    ROOM,
    STYLE,
    LexiconIndex,
    PhraseMatch,
    phrase_tokens,
)

_BREAKS = frozenset({",", ".", ";", ":", "(", ")", "|", "\n", "!", "?", "–", "—"})

_BLOT = "\ufffc"
_SET_LINE_WORDS = 4
_FRAGMENT = 4
_HAS_NUMBER = re.compile("[0-9½¼¾⅓⅔⅛⅜⅝⅞]").search
_SENTENCE_ENDS = frozenset({".", "!", "?", "\n", ";"})
_MATERIAL_ONLY = frozenset({MATERIAL})
_SUBJECT = frozenset({"the", "this", "these"})
_PAIRS = (["/"], ["and"], [","], ["&"])
_MAX_FEET = 20
"""A rug "5x8" is five feet by eight; "24x36" is inches."""
_AND = frozenset({"/", ",", "and", "&", "und", "or", "with"})

ReadingPlace = tuple[str, str | int | float, str, int, int]
"""(field, value, column, start, end): where a value was read."""


@dataclass(slots=True)
class Facts:
    """The facts read of one product so far. Lists keep the order of the texts.

    type_span: column, start and end of the words that name the type. parts: the materials that the text states only of
    a part, with the word for that part ("brass" → "handles").
    """

    product_type: str | None = None
    type_is_weak: bool = False
    type_span: tuple[str, int, int] = ("", 0, 0)
    materials: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    colors: list[str] = field(default_factory=list)
    finishes: list[str] = field(default_factory=list)
    rooms: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    outdoor: bool = False
    set_count: int | None = None
    measures: list[Measurement] = field(default_factory=list)
    sources: list[ReadingPlace] = field(default_factory=list)
    headline: str = ""

    def add(self, kind: str, value: str, column: str, start: int, end: int) -> None:
        """Add a material, color, finish, room or style once, with its source."""
        values = getattr(self, _LISTS[kind])
        if value not in values:
            values.append(value)
            self.sources.append((_LISTS[kind], value, column, start, end))


_LISTS = {MATERIAL: "materials", COLOR: "colors", FINISH: "finishes", ROOM: "rooms", STYLE: "styles"}
HEADLINE_KINDS = frozenset({MATERIAL, COLOR, FINISH, ROOM, STYLE, OUTDOOR})
_ANYWHERE = frozenset({ROOM, STYLE, OUTDOOR})


def _is_of(match: PhraseMatch, kind: str) -> bool:
    return any(own == kind for own, _ in match.meanings)


class Extractor:
    """Reads texts into `Facts`; built once for a lexicon."""

    def __init__(self, index: LexiconIndex) -> None:
        self.index = index
        self.dimension_words = DimensionWords.of(index.language)
        self.set_words = SetWords.of_language(index.language)
        self.modifiers = index.language.modifiers
        self.looks = [[word] for word in index.looks]
        self.veneer = [["veneer"], *([word] for word in index.language.materials.get("veneer", ()))]
        self.color_names = index.color_names
        self.fact_name = lru_cache(maxsize=4096)(self._fact_name)
        self.sold_in_feet = frozenset(index.language.sold_in_feet)

    def read(
        self, facts: Facts, column: str, text: str, first_sentence: bool = True, names: tuple[str, ...] = ()
    ) -> None:
        """Read a text: its first sentence describes the product; later sentences may be about anything.

        From the later sentences (all of them, unless `first_sentence`) a material is taken only when claimed ("made of
        solid oak"), rooms and styles always, colors and finishes never. Words of `names` (brand, collection) are not
        read as facts.
        """
        raw = tokenize(text)
        head = headline_end(raw, self.index.sentence_abbreviations) if first_sentence else 0
        tokens = self.index.prepare(self.masked(raw, names))
        boundary = head
        if tokens is not raw and head < len(raw):
            place = raw.starts[head]
            boundary = sum(start < place for start in tokens.starts)
        elif head == len(raw):
            boundary = len(tokens)
        if head:
            self.product_type(facts, column, tokens, boundary)
            self.sizes(facts, column, raw, head)
            if not facts.headline:
                facts.headline = text[: raw.ends[head - 1]]
        if not facts.measures and head < len(raw):
            self.sizes_in_prose(facts, column, raw)
        accepted, open_match = -9, None
        for match in self.index.facts.find(tokens.words):
            if match.first < boundary:
                self.take(facts, column, tokens, match, HEADLINE_KINDS)
            elif any(kind == MATERIAL for kind, _ in match.meanings):
                if self.is_claimed(facts, tokens, match, accepted):
                    if open_match is not None and tokens.words[open_match.last : match.first] in _PAIRS:
                        self.take(facts, column, tokens, open_match, _MATERIAL_ONLY)  # "the lyocell,cotton blend"
                    accepted, open_match = match.last, None
                    self.take(facts, column, tokens, match, _MATERIAL_ONLY)
                else:
                    open_match = match
            else:
                self.take(facts, column, tokens, match, _ANYWHERE)

    def read_cell(self, facts: Facts, column: str, text: str, kinds: frozenset[str], shift: int = 0) -> None:
        """Read a cell that states only facts of `kinds`, such as the shop's color column; or a piece of a text that
        starts at `shift`. A material before a color is part of the color's name: "Marble White".
        """
        tokens = self.index.prepare(tokenize(text))
        if shift:
            tokens.starts = [start + shift for start in tokens.starts]
            tokens.ends = [end + shift for end in tokens.ends]
        matches = self.index.facts.find(tokens.words)
        colors = {match.first for match in matches if COLOR in kinds and _is_of(match, COLOR)}
        if COLOR in kinds and facts.materials:
            kinds = kinds - _MATERIAL_ONLY  # with a known material, "Walnut" in a color cell is a shade
        for match in matches:
            shade = next((name for kind, name in match.meanings if kind == MATERIAL and name in self.color_names), None)
            if match.last in colors and _is_of(match, MATERIAL):
                continue
            if COLOR in kinds and shade is not None and shade not in facts.materials:
                facts.add(COLOR, shade, column, tokens.starts[match.first], tokens.ends[match.last - 1])
            else:
                self.take(facts, column, tokens, match, kinds)

    def masked(self, tokens: Tokens, names: tuple[str, ...]) -> Tokens:
        """Return the tokens with those of names that would be read as facts masked: "Stone & Beam", "Ivory Home"."""
        for name in names:
            parts = self.fact_name(name)
            if not parts:
                continue
            for i in range(len(tokens.words) - len(parts) + 1):
                if tuple(tokens.words[i : i + len(parts)]) == parts:
                    tokens.words[i : i + len(parts)] = [_BLOT] * len(parts)
        return tokens

    def _fact_name(self, name: str) -> tuple[str, ...]:
        """Return the tokens of a name with a word of the lexicon; empty for another name, or a single type."""
        parts = phrase_tokens(name)
        known = [part for part in parts if part in self.index.facts.entries or part in self.index.types.entries]
        single_type = len(parts) == 1 and self.index.types.single(parts[0])
        return parts if known and not single_type else ()

    def read_type(self, facts: Facts, column: str, text: str) -> None:
        """Read a cell that names the kind of product; a noun in the product's own texts takes precedence.

        The cell counts where the texts name no type or a weak one, and where it says the same more exactly ("Table
        lamps" for a lamp). "Table Linens" does not make linen napkins a table.
        """
        tokens = self.index.prepare(tokenize(text))
        known, sources = (facts.product_type, facts.type_is_weak), facts.sources
        facts.product_type = None
        self.product_type(facts, column, tokens, len(tokens))
        found, own = facts.product_type, known[0]
        if found is None or (own is not None and not known[1] and not found.endswith(f" {own}")):
            facts.product_type, facts.type_is_weak = known
            facts.sources = sources

    def read_sizes(self, facts: Facts, column: str, text: str) -> None:
        """Read a cell that states dimensions or a set count."""
        raw = tokenize(text)
        self.sizes(facts, column, raw, len(raw))

    def read_set_lines(self, facts: Facts, column: str, text: str) -> None:
        """Read a set count from a line of few words: "Set of three", "2 pcs"."""
        place = 0
        for line in text.split("\n"):
            if facts.set_count is None and 0 < line.count(" ") < _SET_LINE_WORDS:
                tokens = tokenize(line)
                count = parse_set_count(tokens, len(tokens), self.set_words)
                if count is not None:
                    facts.set_count = count.count
                    source = ("set_count", count.count, column, place + count.start, place + count.end)
                    facts.sources.append(source)
            place += len(line) + 1

    def sizes(self, facts: Facts, column: str, tokens: Tokens, end: int) -> None:
        """Read dimensions and a set count from tokens[:end], unless they are known."""
        if facts.set_count is None:
            count = parse_set_count(tokens, end, self.set_words)
            if count is not None:
                facts.set_count = count.count
                facts.sources.append(("set_count", count.count, column, count.start, count.end))
        if not facts.measures and _HAS_NUMBER(tokens.text):
            self.add_measures(facts, column, parse_dimensions(tokens, end, self.dimension_words))

    def sizes_in_prose(self, facts: Facts, column: str, tokens: Tokens) -> None:
        """Read dimensions from running text: chains of several lengths with a unit ("60 x 90 cm"), lengths that name
        their axis, else a chain at the start of a sentence ("20 x 20.").
        """
        if _HAS_NUMBER(tokens.text):
            measures = parse_dimensions(tokens, len(tokens), self.dimension_words)
            joined = self.joined_sizes(tokens, measures)
            if joined:
                self.add_measures(facts, column, joined)
                return
            stated = [m._replace(part=0) for m in measures if not m.assumed]
            by_axis: dict[str, Measurement] = {}
            for measure in stated:
                if measure.axis is not None:
                    by_axis.setdefault(measure.axis, measure)  # the first of several sizes is the product's own
            chain = [m for m in measures if m.part == 0]
            listed = [m._replace(part=i) for i, m in enumerate(m for m in measures if m.listed and m.axis)]
            if listed:
                others = [m for axis, m in by_axis.items() if axis != listed[0].axis]
                self.add_measures(facts, column, [*others, *listed])
            elif by_axis:
                self.add_measures(facts, column, list(by_axis.values()))
            elif len(chain) > 1 and self.fills_sentence(tokens, chain):
                self.add_measures(facts, column, chain)

    def joined_sizes(self, tokens: Tokens, measures: list[Measurement]) -> list[Measurement]:
        """Return the sizes of several lengths with a unit in the same sentence as the first one.

        A sentence about what the product fits, holds or is packed in states the size of something else.
        """
        kept: list[Measurement] = []
        first: tuple[int, int] | None = None
        for part in sorted({m.part for m in measures}):
            own = [m for m in measures if m.part == part]
            unlike = (
                len(own) < 2 or any(m.assumed or m.listed for m in own) or len({m.axis for m in own if m.axis}) == 1
            )
            if unlike:
                continue
            at = bisect_left(tokens.starts, own[0].start)
            sentence = self.sentence_around(tokens.words, PhraseMatch((), at, at + 1))
            before = tokens.words[sentence[0] : at]
            if not self.index.of_others.isdisjoint(before) or (not first and self.includes_another(before)):
                continue
            first = first or sentence
            axes = [m.axis for m in own]
            again = bool(kept) and all(axes) and axes == [m.axis for m in kept[: len(own)]]
            if sentence == first or again:  # "Large: 80 cm dia x 45 cm H. Small: 60 cm dia x 37 cm H."
                number = len({m.part for m in kept})
                kept += [m._replace(part=number) for m in own]
        return kept

    def includes_another(self, before: list[str]) -> bool:
        """Return whether the words before a size count parts that come with it ("Includes 2 pillowcases").

        The rule does not hold for a set, which consists of what it includes.
        """
        at = next((i for i, word in enumerate(before) if word in self.index.including), len(before))
        counted = any(word.isdigit() or word in self.set_words.numbers for word in before[at:])
        return counted and self.set_words.sets.isdisjoint(before[:at])

    def fills_sentence(self, tokens: Tokens, chain: list[Measurement]) -> bool:
        """Return whether a sentence is only a size: "20 x 20.", which needs no unit."""
        after = bisect_left(tokens.starts, chain[-1].end)
        ends = after >= len(tokens) or tokens.words[after] in _SENTENCE_ENDS
        return ends and self.opens_sentence(tokens, chain[0].start)

    def opens_sentence(self, tokens: Tokens, place: int) -> bool:
        """Return whether a size at `place` of the text starts a sentence, or follows only a word like "measures"."""
        i = bisect_left(tokens.starts, place)
        while i and tokens.words[i - 1] in self.index.size_openers:
            i -= 1
        return i == 0 or tokens.words[i - 1] in _SENTENCE_ENDS

    def add_measures(self, facts: Facts, column: str, measures: list[Measurement]) -> None:
        """Add measures with their sources; small bare numbers of products that are sold in feet are feet."""
        if facts.product_type in self.sold_in_feet and all(m.assumed and m.high <= _MAX_FEET for m in measures):
            measures = [measure._replace(unit="ft") for measure in measures]
        for measure in measures:
            facts.measures.append(measure)
            value = f"{measure.low:.10g}" if measure.low == measure.high else f"{measure.low:.10g}-{measure.high:.10g}"
            unit = f"{measure.unit} (assumed)" if measure.assumed else measure.unit
            facts.sources.append(("dimensions", f"{value} {unit}", column, measure.start, measure.end))

    def product_type(self, facts: Facts, column: str, tokens: Tokens, end: int) -> None:
        """Read the product type: the last type word of the first noun phrase that has one.

        A noun phrase ends at "with", "for", a comma and the like. Weak words ("glass", "elephant") count only where no
        other type is named, or before "for" and "with".
        """
        if facts.product_type is not None and not facts.type_is_weak:
            return
        words, ends = tokens.words, self.index.noun_end
        matches = {match.first: match for match in self.index.types.find(words, 0, end)}
        strong: PhraseMatch | None = None
        weak: PhraseMatch | None = None
        earlier: PhraseMatch | None = None
        i = 0
        while i <= end:
            match = matches.get(i)
            if match is not None:
                if match.meanings[0][1] in self.index.weak:
                    weak = match
                else:
                    strong = match
                i = match.last
                continue
            word = words[i] if i < end else "\n"
            if word in _BREAKS or word == "/" or word in ends:
                if strong is not None:
                    self.set_type(facts, column, tokens, strong, is_weak=False)
                    return
                earlier = earlier or weak
                if earlier is not None and word in ends and facts.product_type is None:
                    self.set_type(facts, column, tokens, earlier, is_weak=True)  # "candle, sandalwood, in a jar"
                    return
                weak = None
            i += 1
        if earlier is not None and facts.product_type is None:
            self.set_type(facts, column, tokens, earlier, is_weak=True)

    def set_type(self, facts: Facts, column: str, tokens: Tokens, match: PhraseMatch, is_weak: bool) -> None:
        """Set a match as the product's type; it replaces an earlier one."""
        facts.product_type, facts.type_is_weak = match.meanings[0][1], is_weak
        facts.sources = [source for source in facts.sources if source[0] != "product_type"]
        start, end = tokens.starts[match.first], tokens.ends[match.last - 1]
        facts.type_span = (column, start, end)
        facts.sources.append(("product_type", facts.product_type, column, start, end))

    def take(self, facts: Facts, column: str, tokens: Tokens, match: PhraseMatch, kinds: frozenset[str]) -> None:
        """Add the meanings of a match that are of `kinds`."""
        start, end = tokens.starts[match.first], tokens.ends[match.last - 1]
        negated = self.is_negated(tokens, match)
        for kind, value in match.meanings:
            if negated and kind in (MATERIAL, COLOR):
                continue
            if kind not in kinds or kind == IGNORE:
                continue
            if kind == OUTDOOR:
                if not facts.outdoor:
                    facts.outdoor = True
                    facts.sources.append(("outdoor", "outdoor", column, start, end))
            elif kind == COLOR:
                self.take_color(facts, column, tokens, match, value)
            elif kind != MATERIAL:
                facts.add(kind, value, column, start, end)
            elif not self.is_shade(tokens, match):
                self.take_material(facts, column, tokens, match, value)

    def take_material(self, facts: Facts, column: str, tokens: Tokens, match: PhraseMatch, value: str) -> None:
        """Add a material, for a part where one follows; "walnut effect" states no material."""
        start, end = tokens.starts[match.first], tokens.ends[match.last - 1]
        if self.looks_like(tokens, match):
            return
        part = self.part_of(facts, column, tokens, match)
        if part is None:
            facts.parts.pop(value, None)
        elif value not in facts.materials:
            facts.parts[value] = part
        facts.add(MATERIAL, value, column, start, end)

    def take_color(self, facts: Facts, column: str, tokens: Tokens, match: PhraseMatch, value: str) -> None:
        """Add a color, with the word before it where that makes it a different color: "dusty rose"."""
        before, end = match.first - 1, tokens.ends[match.last - 1]
        modifier = tokens.words[before] if before >= 0 else ""
        if modifier in self.modifiers:
            facts.add(COLOR, f"{modifier} {value}", column, tokens.starts[before], end)
        else:
            facts.add(COLOR, value, column, tokens.starts[match.first], end)

    def looks_like(self, tokens: Tokens, match: PhraseMatch) -> bool:
        """Return whether only the look of a material is meant: "walnut effect", "finition bronze"."""
        if tokens.words[match.last : match.last + 1] in self.looks:
            return True
        return self.index.looks_first and match.first > 0 and tokens.words[match.first - 1 : match.first] in self.looks

    def is_negated(self, tokens: Tokens, match: PhraseMatch) -> bool:
        """Return whether a word is negated or imitated: "leather-free", "faux marble", "better than paper"."""
        words, last = tokens.words, match.last
        if match.first and words[match.first - 1] in self.index.negations:
            return True
        if self.resembles(words, match.first):
            return True
        free = last < len(words) and words[last] in self.index.free_words
        return free and (last + 1 == len(words) or words[last + 1] not in self.index.not_free)

    def resembles(self, words: list[str], first: int) -> bool:
        """Return whether the word at `first` is only a comparison: "looks like real marble"."""
        for phrase in self.index.resembling:
            for end in range(first, max(first - 3, 0), -1):
                if words[end - 1] == phrase[-1] and tuple(words[max(end - len(phrase), 0) : end]) == phrase:
                    return True
        return False

    def is_shade(self, tokens: Tokens, match: PhraseMatch) -> bool:
        """Return whether a material only names the shade of the color after it: "stone gray", "steel blue"."""
        words, last = tokens.words, match.last
        if words[match.first] not in self.index.shade_words or last >= len(words):
            return False
        return any(
            kind == COLOR for found in self.index.facts.find(words, last, last + 1) for kind, _ in found.meanings
        )

    def part_of(self, facts: Facts, column: str, tokens: Tokens, match: PhraseMatch) -> str | None:
        """Return the part that a material is of ("handles" in "brass handles"), or None for the whole product."""
        place = match.last + (tokens.words[match.last : match.last + 1] in self.veneer)  # "walnut veneer top"
        if place >= len(tokens) or tokens.words[place] not in self.index.parts:
            return None
        where, first, last = facts.type_span
        if where == column and tokens.starts[match.first] < last and tokens.ends[place] > first:
            return None  # the part is (in) the name of the product: a wood frame, a glass-door cabinet
        part = tokens.words[place]
        noun = (facts.product_type or "").rpartition(" ")[2]
        return None if noun and part.rstrip("s") == noun.rstrip("s") else part  # "Handle. These brass handles …"

    def is_claimed(self, facts: Facts, tokens: Tokens, match: PhraseMatch, accepted: int) -> bool:
        """Return whether running text states the material of the product, and does not only mention it."""
        words, index = tokens.words, self.index
        after = words[match.last] if match.last < len(words) else ""
        if after in index.not_parts:
            return False
        start, end = self.sentence_around(words, match)
        if not index.disclaimers.isdisjoint(words[start:end]):
            return False
        said = words[start:end]
        fragment = match.last == end and len(said) <= _FRAGMENT and ":" not in said
        fragment = fragment and index.claim_stops.isdisjoint(said) and index.noun_end.isdisjoint(said)
        if fragment or (match.first > start and words[match.first - 1] == "%"):  # "600 gsm cotton.", "100% polyester"
            return True
        if 0 <= match.first - accepted <= 2 and _AND.issuperset(words[accepted : match.first]):
            return True
        if match.first == start or words[match.first] in index.claims or after in index.claim_parts:
            return True
        if after in index.predicates:
            subject = words[max(start, match.first - 2) : match.first]
            if "if" not in subject and not _SUBJECT.isdisjoint(subject):
                return True
        if facts.product_type is not None and after.rstrip("s") == facts.product_type.rpartition(" ")[2].rstrip("s"):
            return True
        if not index.made.isdisjoint(words[max(start, match.first - 6) : match.first]):
            return True
        before = words[max(start, match.first - 2) : match.first]
        if before[-1] in index.claims:
            return True
        if before[-1] in index.articles and (len(before) == 1 or before[0] in index.having):
            return True
        return not index.claims.isdisjoint(before) and index.claim_stops.isdisjoint(before)

    @staticmethod
    def sentence_around(words: list[str], match: PhraseMatch) -> tuple[int, int]:
        """Return the first token of the sentence with a match, and the token after its last."""
        start, end = match.first, match.last
        while start > 0 and words[start - 1] not in _SENTENCE_ENDS:
            start -= 1
        while end < len(words) and words[end] not in _SENTENCE_ENDS:
            end += 1
        return start, end
