"""Read how many pieces are sold together: `S/2`, `set of 6`, `1 pair`, `3-piece set`, `2 pack`."""

from dataclasses import dataclass

from scene_pipeline.catalog.text import Tokens
from scene_pipeline.vocabulary.lexicon import Language

MAX_SET = 999
_DIGITS = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class SetCount:
    """A number of pieces and where the text states it."""

    count: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SetWords:
    """The words of a language for sets."""

    sets: frozenset[str]
    of: frozenset[str]
    nouns: frozenset[str]
    pairs: frozenset[str]
    pieces: frozenset[str]
    numbers: dict[str, int]

    @classmethod
    def of_language(cls, language: Language) -> "SetWords":
        """Return the look-up tables of a language."""
        return cls(
            sets=frozenset(language.set_words),
            of=frozenset(language.set_of),
            nouns=frozenset(language.set_nouns),
            pairs=frozenset(language.pair_words),
            pieces=frozenset(language.piece_words),
            numbers=dict(language.numbers),
        )


def parse_set_count(tokens: Tokens, end: int, words: SetWords) -> SetCount | None:
    """Return the first set count in tokens[:end]. A pair is 2. "4 drawers", "48 lights", "4-seat" are no sets."""
    low, starts, ends = tokens.words, tokens.starts, tokens.ends
    for i in range(end):
        word = low[i]
        if word in words.sets and i + 2 < end and (low[i + 1] == "/" or (low[i + 1] in words.of and word != "s")):
            count = _number(low[i + 2], words)
            if count is not None:
                return SetCount(count, starts[i], ends[i + 2])
        if word in words.pairs:
            before = _number(low[i - 1], words) if i else None
            count = 2 * (before or 1)
            if count <= MAX_SET:
                return SetCount(count, starts[i - 1] if before else starts[i], ends[i])
        if word[0] not in _DIGITS and word not in words.numbers:
            continue
        count = _number(word, words)
        if count is None or i + 1 >= end:
            continue
        joined = low[i + 1] == "-" or starts[i + 1] == ends[i]
        j = i + 1
        while j < end and low[j] in ("-", "er"):
            j += 1
        if j < end and low[j] in words.pieces and (joined or len(low[j]) > 1):
            return SetCount(count, starts[i], ends[j])
        if j < end and joined and low[j] in words.nouns:
            return SetCount(count, starts[i], ends[j])
    return None


def _number(word: str, words: SetWords) -> int | None:
    value = words.numbers.get(word)
    if value is None and word.isascii() and word.isdigit() and len(word) <= 3:
        value = int(word)
    return value if value is not None and 1 <= value <= MAX_SET else None
