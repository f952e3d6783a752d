"""Read how many pieces are sold together: `S/2`, `set of 6`, `1 pair`, `3-piece set`, `2 pack`."""

from dataclasses import dataclass

from scene_pipeline.catalog.text import Tokens
from scene_pipeline.vocabulary.lexicon import Language

MAX_SET = 999
_CARTONS = frozenset({"ctn", "ctns", "carton", "cartons"})
"""Words of trade lists for the number of pieces in a carton; the product itself is sold singly."""
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
    pairs_of_two: frozenset[str]
    pieces: frozenset[str]
    numbers: dict[str, int]
    lengths: frozenset[str]

    @classmethod
    def of_language(cls, language: Language) -> "SetWords":
        """Return the look-up tables of a language."""
        return cls(
            sets=frozenset(language.set_words),
            of=frozenset(language.set_of),
            nouns=frozenset(language.set_nouns),
            pairs=frozenset(word for word in language.pair_words if " " not in word),
            pairs_of_two=frozenset(word for word in language.pair_words if " " in word),
            pieces=frozenset(language.piece_words),
            numbers=dict(language.numbers),
            lengths=frozenset([word for words in language.units.values() for word in words] + list(language.by)),
        )


def parse_set_count(tokens: Tokens, end: int, words: SetWords) -> SetCount | None:
    """Return the first set count in tokens[:end]. A pair is 2. "4 drawers", "48 lights", "4-seat" are not sets."""
    low, starts, ends = tokens.words, tokens.starts, tokens.ends
    for i in range(end):
        word = low[i]
        if word in words.sets and i + 2 < end and (low[i + 1] == "/" or (low[i + 1] in words.of and word != "s")):
            count = _number(low[i + 2], words)
            if count is not None:
                return SetCount(count, starts[i], ends[i + 2])
        of_two_words = _of_two_words(tokens, i, end, words)
        if of_two_words:
            return SetCount(of_two_words, starts[i], ends[i + 1])
        times = 2 if word in words.pairs else 12 if word == "dozen" and "".join(low[i + 1 : i + 2]).isalpha() else 0
        if times:
            before = _number(low[i - 1], words) if i else None
            count = times * (before or 1)
            if count <= MAX_SET:
                return SetCount(count, starts[i - 1] if before else starts[i], ends[i])
        if (word[0] not in _DIGITS and word not in words.numbers) or _CARTONS.intersection(low[max(0, i - 1) : i + 4]):
            continue
        count = _number(word, words)
        if i > 1 and low[i - 1] == "x" and low[i - 2][0] in _DIGITS:
            continue  # "18x18 Pack of 4"
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


def _of_two_words(tokens: Tokens, i: int, end: int, words: SetWords) -> int | None:
    """Return the count that tokens i and i + 1 state: "twin pack", "half dozen", and "tumbler x6" but not "x6 cm"."""
    if i + 1 >= end:
        return None
    word, after = tokens.words[i], tokens.words[i + 1]
    if f"{word} {after}" in words.pairs_of_two:
        return 2
    if word == "half" and after == "dozen":
        return 6
    if word != "x" or not after.isdigit() or tokens.starts[i + 1] != tokens.ends[i] or i == 0:
        return None
    before, behind = tokens.words[i - 1], tokens.words[i + 2] if i + 2 < end else ""
    named = before.isalpha() and len(before) > 2 and before not in words.lengths
    count = _number(after, words)
    return count if named and behind not in words.lengths and count is not None and count > 1 else None


def _number(word: str, words: SetWords) -> int | None:
    value = words.numbers.get(word)
    if value is None and word.isascii() and word.isdigit() and len(word) <= 3:
        value = int(word)
    return value if value is not None and 1 <= value <= MAX_SET else None
