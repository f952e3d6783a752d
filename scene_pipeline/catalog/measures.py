"""One length of a product, and the words that a language uses for lengths."""

from dataclasses import dataclass
from typing import NamedTuple

from scene_pipeline.vocabulary.lexicon import CM_PER_UNIT, Language

_RANGE = frozenset({"-", "–", "—", "/"})


class Measurement(NamedTuple):
    """One length. Values in the unit stated (`low` = `high` unless a range); `start`, `end` are places in the text.

    part: 0 is the product; 1, 2, ... are pieces that come with it. assumed: the row states no unit, and the language's
    default was used. sign: the axis is given by the sign Ø. listed: one of several of a list ("8, 11 and 14 cm").
    """

    low: float
    high: float
    axis: str | None
    unit: str | None
    start: int
    end: int
    part: int = 0
    assumed: bool = False
    sign: bool = False
    listed: bool = False

    @property
    def low_cm(self) -> float:
        """The lower end in centimeters."""
        return self.low * CM_PER_UNIT[self.unit or "cm"]

    @property
    def high_cm(self) -> float:
        """The upper end in centimeters."""
        return self.high * CM_PER_UNIT[self.unit or "cm"]


@dataclass(slots=True)
class DimensionWords:
    """The words of a language that the parser needs, indexed for look-up."""

    units: dict[str, str]
    axes: dict[str, str]
    by: frozenset[str]
    ranges: frozenset[str]
    to_words: frozenset[str]
    not_size: frozenset[str]
    not_length: frozenset[str]
    set_of: frozenset[str]
    default_unit: str
    decimal_comma: bool
    letters: frozenset[str]
    glued: dict[str, tuple[str, ...]]
    fillers: frozenset[str]
    conjunctions: frozenset[str]

    @classmethod
    def of(cls, language: Language) -> "DimensionWords":
        """Return the look-up tables of a language."""
        axes = {word.lower(): axis for axis, words in language.axes.items() for word in words}
        letters = frozenset(word for word in axes if len(word) == 1 and word.isalpha() and word != "ø")
        signs = [sign for sign in language.by if len(sign) == 1]
        units = [word.lower() for words in language.units.values() for word in words if word.isalpha()]
        pairs: list[tuple[str, ...]] = [pair for a in (*letters, *units) for x in signs for pair in ((a, x), (x, a))]
        pairs += [(unit, x, letter) for unit in units for x in signs for letter in letters]  # 30cmxH20cm
        return cls(
            units={word.lower(): unit for unit, words in language.units.items() for word in words},
            axes=axes,
            by=frozenset(language.by),
            ranges=_RANGE | frozenset(language.to),
            to_words=frozenset(language.to),
            not_size=frozenset(language.not_size),
            not_length=frozenset(language.not_length),
            set_of=frozenset(language.set_of),
            default_unit=language.default_unit,
            decimal_comma=language.decimal_comma,
            letters=letters,
            fillers=frozenset(
                word for word in language.size_openers if word.isalpha() and word not in language.predicates
            ),
            conjunctions=frozenset((*language.conjunctions, "&")),
            glued={"".join(tokens): tokens for tokens in pairs},
        )
