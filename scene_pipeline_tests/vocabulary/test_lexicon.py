"""The lexicon: checked when loaded, extended by a folder, and its colors in CIELAB."""

from collections import Counter
from pathlib import Path

import pytest

from scene_pipeline.errors import VocabularyError
from scene_pipeline.vocabulary.lexicon import color_labs, hex_to_lab, load_lexicon


@pytest.mark.parametrize(
    ("color", "lab"),
    [
        ("#ffffff", (100.0, 0.0, 0.0)),
        ("#000000", (0.0, 0.0, 0.0)),
        ("#ff0000", (53.24, 80.09, 67.20)),
        ("#0000ff", (32.30, 79.19, -107.86)),
        ("#808080", (53.59, 0.0, 0.0)),
    ],
)
def test_known_colors_in_cielab(color: str, lab: tuple[float, float, float]) -> None:
    assert hex_to_lab(color) == pytest.approx(lab, abs=0.02)


def test_every_color_of_the_lexicon_has_a_value() -> None:
    lexicon = load_lexicon()
    assert set(color_labs(lexicon.concepts)) == set(lexicon.concepts.colors)
    assert set(lexicon.words.colors) <= set(lexicon.concepts.colors)


def overlay(folder: Path, name: str, text: str) -> Path:
    (folder / "lexicon").mkdir(exist_ok=True)
    (folder / "lexicon" / name).write_text(text, encoding="utf-8")
    return folder


def test_an_overlay_adds_words_and_a_language(tmp_path: Path) -> None:
    overlay(tmp_path, "concepts.yaml", 'colors: {fuchsia pop: "#ff00aa"}\n')
    overlay(
        tmp_path, "en.yaml", "language: en\ndefault_unit: cm\ncolors: {fuchsia pop: [hot pink]}\nweak_types: [vase]\n"
    )
    overlay(tmp_path, "pt.yaml", "language: pt\ntypes: {vase: [vase]}\n")
    english = load_lexicon("en", tmp_path)
    assert english.words.colors["fuchsia pop"] == ("hot pink",)
    assert english.words.default_unit == "cm"
    assert {"vase", "glass"} <= set(english.words.weak_types)
    assert "gray" in english.words.colors["grey"]
    assert english.words.plural_endings == ("s", "es")
    assert load_lexicon("pt", tmp_path).words.types == {"vase": ("vase",)}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("en.yaml", "language: en\ntypes: {zorble: [zorble]}\n", "types: 'zorble' is not a concept"),
        ("en.yaml", "language: en\nunits: {ell: [ell]}\n", "units: 'ell' is not a concept"),
        ("en.yaml", "language: en\nmaterial: {}\n", "line 2: .*unknown field `material`"),
        ("concepts.yaml", 'colors: {odd: "blue"}\n', "color 'blue': is no #rrggbb"),
        ("concepts.yaml", "types: {botanicals: [vase]}\n", "'vase' is in statement_vases and in botanicals"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        load_lexicon("en", overlay(tmp_path, name, text))


def test_an_unknown_language_lists_the_known_ones() -> None:
    with pytest.raises(VocabularyError, match="lexicon 'xx': no such language; there are de, en"):
        load_lexicon("xx")


def test_category_of_a_type() -> None:
    lexicon = load_lexicon()
    assert lexicon.category_of("vase") == "statement_vases"
    assert lexicon.category_of("tap") == "uncategorized"


NOT_NAMED = {
    "clear": 'German says "Klarglas"; the others say "clear glass", of which glass must stay the material',
}
"""Concepts that German names and other languages do not, with the reason."""


@pytest.mark.parametrize("language", ["fr", "nl", "it", "es"])
@pytest.mark.parametrize("section", ["types", "materials", "colors", "finishes", "rooms", "styles", "units", "axes"])
def test_every_concept_that_german_names_is_named_in_the_other_languages(language: str, section: str) -> None:
    german, other = (getattr(load_lexicon(name).words, section) for name in ("de", language))
    assert {concept for concept, words in german.items() if words and not other.get(concept)} <= set(NOT_NAMED)


@pytest.mark.parametrize("language", ["fr", "nl", "it", "es"])
def test_every_list_of_words_that_german_has_is_there_in_the_other_languages(language: str) -> None:
    german, other = (load_lexicon(name).words for name in ("de", language))
    lists = {name for name in german.__struct_fields__ if isinstance(getattr(german, name), tuple)}
    grammar = {"linking", "plural_endings"}  # of compounds and plurals, which not every language forms by endings
    assert {name for name in lists - grammar if getattr(german, name) and not getattr(other, name)} == set()


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "it", "nl"])
def test_a_phrase_names_one_type(language: str) -> None:
    """One that names two gives every such product the type that happens to be read last."""
    named = Counter(phrase for phrases in load_lexicon(language).words.types.values() for phrase in phrases)
    assert [phrase for phrase, count in named.items() if count > 1] == []
