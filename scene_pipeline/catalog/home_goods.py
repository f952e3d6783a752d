"""Hold back products that are not for the home, in mixed marketplaces: by departments, nouns and meaning."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.catalog.text import tokenize
from scene_pipeline.catalog.words import LexiconIndex, WordIndex
from scene_pipeline.vocabulary.strict_yaml import load_strict

NOT_HOME = "not home goods"
"""Beginning of the reason of a product that was held back."""

_PARTS = re.compile(r">>|>|/|\||»")
_MAX_WORDS = 40


class OtherGoods(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The packaged words of not_home.yaml; its comments say what each key means."""

    home_departments: tuple[str, ...]
    departments: tuple[str, ...]
    nouns: dict[str, tuple[str, ...]]
    min_lead: float
    home_meanings: dict[str, str]
    meanings: dict[str, str]


@lru_cache(maxsize=1)
def other_goods() -> OtherGoods:
    """Return the packaged words."""
    return load_strict(Path(__file__).parent / "not_home.yaml", OtherGoods)


class HomeGate:
    """Decides for single products whether they are not home goods, and why; built once for a lexicon."""

    def __init__(self, index: LexiconIndex) -> None:
        words = other_goods()
        self.index = index
        self.nouns = _index(dict.fromkeys((*words.nouns["en"], *words.nouns.get(index.language.language, ()))))
        self.firsts = frozenset(self.nouns.entries)
        self.home, self.other = _index(words.home_departments), _index(words.departments)
        self.by_department = lru_cache(maxsize=4096)(self._by_department)
        self.by_type = lru_cache(maxsize=4096)(self._by_type)

    def reason(self, name: str, department: str | None, stated_type: str | None = None) -> str | None:
        """Return why a product of this name (its title, else its text) and department is held back, or None.

        stated_type: the shop's type cell, which replaces a missing department.
        """
        if not department and stated_type and self.by_type(stated_type):
            department = stated_type
        stated = self.by_department(department) if department else None
        if stated is False:
            return None
        if stated:
            return f"{NOT_HOME}: the shop lists it under '{department}'"
        noun = self._last_noun(name)
        return f"{NOT_HOME}: the text names a {noun}" if noun else None

    def _by_type(self, stated_type: str) -> bool:
        """Return whether a type cell ends in the name of another department: "Men's Shoes", but not "FOOD_STORAGE"."""
        words = tokenize(stated_type.replace("_", " ")).words
        return not self.home.find(words) and any(match.last == len(words) for match in self.other.find(words))

    def _by_department(self, department: str) -> bool | None:
        """Return True for a department of other goods, False for one of home goods, None for neither or both."""
        for part in _PARTS.split(department):
            words = tokenize(part).words
            home, other = bool(self.home.find(words)), bool(self.other.find(words))
            if home != other:
                return other
        return None

    def _last_noun(self, name: str) -> str | None:
        """Return the noun of other goods that ends a name's first phrase, or None, also where a home type follows."""
        tokens = tokenize(name[:300])
        words = tokens.words[:_MAX_WORDS]
        if self.firsts.isdisjoint(words):
            return None
        end = next(
            (i for i, word in enumerate(words) if i and (word in self.index.noun_end or word in ",;|(.:")), len(words)
        )
        # a noun of several words may run over the end ("aceite de motor")
        found = [match for match in self.nouns.find(words, 0, len(words)) if match.first < end]
        types = [(match.last, -match.first) for match in self.index.types.find(words, 0, end)]
        if not found or (types and max(types) >= (found[-1].last, -found[-1].first)):
            return None
        return " ".join(words[found[-1].first : found[-1].last])


Similarity = Callable[[Sequence[str]], np.ndarray]


def nearer_elsewhere(home: np.ndarray, other: np.ndarray) -> str | None:
    """Return the nearest other department of a text, if it leads all home goods by `min_lead`; else None.

    home: cosines with the categories; other: with `gate_descriptions()`, in their order.
    """
    words = other_goods()
    names = list(words.meanings)
    elsewhere, at_home = other[: len(names)], np.append(home, other[len(names) :])
    best = int(np.argmax(elsewhere))
    return names[best] if float(elsewhere[best]) - float(np.max(at_home)) >= words.min_lead else None


def gate_descriptions() -> list[str]:
    """Return the further descriptions to compare texts with: of other departments, then of more home goods."""
    words = other_goods()
    return [*words.meanings.values(), *words.home_meanings.values()]


def _index(phrases: Iterable[str]) -> WordIndex:
    index = WordIndex()
    for phrase in phrases:
        index.add(phrase, ("other", phrase))
    return index.seal()
