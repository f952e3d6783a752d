"""Find the lexicon's words in a tokenized text: one pass, one look-up per token, for any size of the lexicon."""

from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from scene_pipeline.catalog.text import Tokens, tokenize
from scene_pipeline.vocabulary.lexicon import Language, Lexicon
from scene_pipeline.vocabulary.model import Vocabulary

MATERIAL, COLOR, FINISH, ROOM, STYLE, OUTDOOR, IGNORE, TYPE = (
    "material", "color", "finish", "room", "style", "outdoor", "ignore", "type",
)  # fmt: skip

Meaning = tuple[str, str]
"""(kind, concept): ("material", "oak"), ("color", "dark grey"), ("type", "table lamp")."""

Entry = tuple[tuple[str, ...], tuple[Meaning, ...]]
"""(the tokens after the first, what the phrase means)."""


_VOWELS = frozenset("aeiou")


class PhraseMatch(NamedTuple):
    """A phrase found: what it means and which tokens [first, last) it covers."""

    meanings: tuple[Meaning, ...]
    first: int
    last: int


@dataclass(slots=True)
class WordIndex:
    """The phrases of one kind of meaning by their first token, longest first."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    _meanings: dict[tuple[str, ...], list[Meaning]] = field(default_factory=dict)

    def add(self, phrase: str, meaning: Meaning) -> None:
        """Add a phrase; the first meaning of each kind stays."""
        key = phrase_tokens(phrase)
        if key:
            meanings = self._meanings.setdefault(key, [])
            if all(kind != meaning[0] for kind, _ in meanings):
                meanings.append(meaning)

    def seal(self) -> "WordIndex":
        """Sort the phrases for look-up; returns itself."""
        for key, meanings in sorted(self._meanings.items(), key=lambda item: -len(item[0])):
            self.entries.setdefault(key[0], []).append((key[1:], tuple(meanings)))
        return self

    def single(self, word: str) -> bool:
        """Return whether the word alone is a phrase."""
        return any(not tail for tail, _ in self.entries.get(word, ()))

    def find(self, words: list[str], first: int = 0, last: int | None = None) -> list[PhraseMatch]:
        """Return the phrases in words[first:last], from left to right, the longest at each place, none overlapping."""
        end = len(words) if last is None else last
        found = []
        i, entries = first, self.entries
        while i < end:
            candidates = entries.get(words[i])
            if candidates is not None:
                for tail, meanings in candidates:
                    after = i + 1 + len(tail)
                    if after <= end and (not tail or tuple(words[i + 1 : after]) == tail):
                        found.append(PhraseMatch(meanings, i, after))
                        i = after - 1
                        break
            i += 1
        return found


@cache
def phrase_tokens(phrase: str) -> tuple[str, ...]:
    """Return the tokens of a phrase."""
    return tuple(tokenize(phrase).words)


@dataclass(slots=True)
class LexiconIndex:
    """The look-up tables of a lexicon and a vocabulary that a pass over a text needs."""

    language: Language
    facts: WordIndex
    types: WordIndex
    weak: frozenset[str]
    noun_end: frozenset[str]
    abbreviations: dict[str, tuple[str, ...]]
    sentence_abbreviations: frozenset[str]
    claims: frozenset[str]
    made: frozenset[str]
    claim_parts: frozenset[str]
    articles: frozenset[str]
    having: frozenset[str]
    predicates: frozenset[str]
    claim_stops: frozenset[str]
    disclaimers: frozenset[str]
    not_parts: frozenset[str]
    parts: frozenset[str]
    looks: frozenset[str]
    negations: frozenset[str]
    resembling: tuple[tuple[str, ...], ...]
    free_words: frozenset[str]
    not_free: frozenset[str]
    shade_words: frozenset[str]
    size_openers: frozenset[str]
    including: frozenset[str]
    of_others: frozenset[str]
    looks_first: bool
    color_names: frozenset[str]

    @classmethod
    def build(cls, vocabulary: Vocabulary, lexicon: Lexicon) -> "LexiconIndex":
        """Build the look-up tables of a vocabulary and a lexicon."""
        words = lexicon.words
        return cls(
            language=words,
            facts=_facts(vocabulary, lexicon),
            types=_types(lexicon),
            weak=frozenset(words.weak_types),
            noun_end=frozenset(words.noun_end),
            abbreviations={short: phrase_tokens(long) for short, long in words.abbreviations.items()},
            sentence_abbreviations=frozenset(words.sentence_abbreviations),
            claims=frozenset(phrase_tokens(claim)[-1] for claim in words.claims),
            made=frozenset(words.made),
            claim_parts=frozenset(words.claim_parts),
            articles=frozenset(words.articles),
            having=frozenset(words.having),
            predicates=frozenset(words.predicates),
            claim_stops=frozenset(words.claim_stops),
            disclaimers=frozenset(words.disclaimers),
            not_parts=frozenset(words.not_parts),
            parts=frozenset(part + ending for part in words.parts for ending in ("", *words.plural_endings)),
            looks=frozenset(words.looks),
            negations=frozenset(words.negations),
            resembling=tuple(tuple(phrase.split()) for phrase in words.resembling),
            free_words=frozenset(words.free_words),
            not_free=frozenset(words.not_free),
            shade_words=frozenset(words.shade_words),
            size_openers=frozenset(words.size_openers),
            including=frozenset(words.including),
            of_others=frozenset(words.of_others),
            looks_first=words.looks_first,
            color_names=frozenset(lexicon.concepts.colors),
        )

    def prepare(self, tokens: Tokens) -> Tokens:
        """Return the tokens with abbreviations and (in languages that have them) compounds resolved."""
        if self.language.compounds or not self.abbreviations.keys().isdisjoint(tokens.words):
            return self._expand(tokens)
        return tokens

    def _expand(self, tokens: Tokens) -> Tokens:
        """Replace abbreviations by their meaning, and split compounds.

        An abbreviation with a vowel ("alum") may be a word or a name: it counts only in a text all in capitals.
        """
        capitals = tokens.text.upper() == tokens.text
        words, starts, ends = [], [], []
        for i, word in enumerate(tokens.words):
            parts: tuple[str, ...] = (word,)
            if word in self.abbreviations and (capitals or _VOWELS.isdisjoint(word)):
                parts = self.abbreviations[word]
            elif self.language.compounds and len(word) > 6:
                parts = self._parts_of_compound(word)
            for part in parts:
                words.append(part)
                starts.append(tokens.starts[i])
                ends.append(tokens.ends[i])
        return Tokens(tokens.text, words, starts, ends)

    def _parts_of_compound(self, word: str) -> tuple[str, ...]:
        """Split "keramikvase" into "keramik" and "vase": a type at the end, any word before it."""
        if self.types.single(word) or self.facts.single(word):
            return (word,)
        for cut in range(3, len(word) - 2):
            head, tail = word[:cut], word[cut:]
            if not (self.types.single(tail) or self.facts.single(tail)):
                continue
            for link in ("", *self.language.linking):
                stem = head.removesuffix(link) if link else head
                if self.facts.single(stem) or self.types.single(stem):
                    return (stem, tail)
            if self.types.single(tail):
                return (head, tail)
        return (word,)


def _facts(vocabulary: Vocabulary, lexicon: Lexicon) -> WordIndex:
    words, index = lexicon.words, WordIndex()
    for phrase in words.ignore:
        index.add(phrase, (IGNORE, phrase))
    for material in vocabulary.materials:
        _add(index, words, (MATERIAL, material.id), material.name, words.materials.get(material.id, ()))
    taken = {phrase_tokens(material.name) for material in vocabulary.materials}
    for name in lexicon.concepts.colors:
        phrases = words.colors.get(name, ())
        if phrase_tokens(name) in taken and words.names_are_words:
            _add(index, words, (COLOR, name), None, phrases)  # copper, brass, terracotta alone are materials
        else:
            _add(index, words, (COLOR, name), name, phrases)
    for name in lexicon.concepts.finishes:
        _add(index, words, (FINISH, name), name, words.finishes.get(name, ()))
    english = words.language == "en"
    for room in vocabulary.rooms:
        _add(index, words, (ROOM, room.id), None, (*(room.words if english else ()), *words.rooms.get(room.id, ())))
    for style in vocabulary.styles:
        _add(
            index, words, (STYLE, style.id), None, (*(style.words if english else ()), *words.styles.get(style.id, ()))
        )
    for phrase in words.outdoor:
        index.add(phrase, (OUTDOOR, "outdoor"))
    return index.seal()


def _types(lexicon: Lexicon) -> WordIndex:
    index = WordIndex()
    for names in lexicon.concepts.types.values():
        for name in names:
            _add(index, lexicon.words, (TYPE, name), name, lexicon.words.types.get(name, ()))
    return index.seal()


def _add(index: WordIndex, words: Language, meaning: Meaning, name: str | None, phrases: tuple[str, ...]) -> None:
    own = (name,) if name is not None and words.names_are_words else ()
    for phrase in (*own, *phrases):
        index.add(phrase, meaning)
    if meaning[0] == MATERIAL:
        return  # "glasses" does not mean the material glass
    for phrase in (*own, *phrases):
        for ending in words.plural_endings:
            index.add(phrase + ending, meaning)
