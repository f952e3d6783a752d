"""Which language product texts are written in, and the lexicon to read them with."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scene_pipeline.catalog.stored import Rows
from scene_pipeline.vocabulary.lexicon import Lexicon, load_lexicon

AUTO = "auto"
"""Value for a language: detect it from the texts."""

SAMPLE = 5000
"""Number of texts used to detect the language."""

MIN_SHARE = 0.5
"""Share of the texts that must be in one language; otherwise they are read as English."""

STOP_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the and with for of is this made your from height width color wood",
        "de": "und mit für der die das aus ist ein eine von höhe breite farbe holz",
        "fr": "et avec pour le la les des une est du aux dans en hauteur largeur bois",
        "nl": "en met voor het een van de is deze uit zijn hoogte breedte kleur hout",
        "it": "e con per il di una della è nel del gli sono altezza larghezza legno",
        "es": "y con para el los las una es del por su muy de en altura ancho madera",
    }.items()
}
"""Frequent words that tell languages apart."""

_WORD = re.compile(r"[^\W\d_]+")


def language_mix(texts: Iterable[str]) -> dict[str, float]:
    """Return language → share of the texts whose stop words are mostly its own; texts without any are not counted."""
    counts: Counter[str] = Counter()
    for text in texts:
        words = set(_WORD.findall(text.lower()))
        hits = {language: len(words & known) for language, known in STOP_WORDS.items()}
        best = max(hits, key=lambda language: hits[language])
        if hits[best] >= 2 or (hits[best] == 1 and sum(hits.values()) == 1):
            counts[best] += 1
    total = counts.total()
    return {language: round(count / total, 3) for language, count in counts.most_common()} if total else {}


def sample_texts(products: Rows) -> list[str]:
    """Return the texts of the first SAMPLE products: a short description alone may not show its language."""
    head = products.slice(0, SAMPLE)
    pairs = zip(head["description"].to_pylist(), head["detailed_description"].to_pylist(), strict=True)
    return [f"{text}\n{more}" if more else text for text, more in pairs]


def language_of(texts: Sequence[str | None]) -> str:
    """Return the language of most of the first SAMPLE texts; English where no language has MIN_SHARE of them."""
    mix = language_mix(text for text in texts[:SAMPLE] if text)
    language = next(iter(mix), "en")
    return language if mix.get(language, 0) >= MIN_SHARE else "en"


def lexicon_for(texts: Sequence[str | None], language: str = AUTO, overlay: Path | None = None) -> Lexicon:
    """Return the lexicon of a stated language, or of the texts' own; `overlay` as of `load_lexicon`."""
    return load_lexicon(language_of(texts) if language == AUTO else language, overlay)
