"""The lexicon: with which words a language names product types, materials, colors, sizes and sets.

`concepts.yaml` lists what there is to say, `<language>.yaml` with which words. A new language is a new file.
"""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from scene_pipeline.errors import VocabularyError
from scene_pipeline.vocabulary.strict_yaml import load_strict

PACKAGED_LEXICON = Path(__file__).parent / "data" / "lexicon"

AXES = ("width", "depth", "height", "length", "diameter")
CM_PER_UNIT = {"cm": 1.0, "mm": 0.1, "m": 100.0, "in": 2.54, "ft": 30.48}

Lab = tuple[float, float, float]
Words = dict[str, tuple[str, ...]]


class Concepts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the texts speak of. `types`: category id (or "uncategorized") → type names; `colors`: name → "#rrggbb"."""

    types: dict[str, tuple[str, ...]] = {}
    colors: dict[str, str] = {}
    finishes: tuple[str, ...] = ()


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language, as its YAML file lists them; the comments of `en.yaml` say what each key means."""

    language: str
    default_unit: str = "cm"
    sold_in_feet: tuple[str, ...] = ()
    names_are_words: bool = False
    compounds: bool = False
    decimal_comma: bool = False
    looks_first: bool = False
    plural_endings: tuple[str, ...] = ()
    linking: tuple[str, ...] = ()
    types: Words = {}
    weak_types: tuple[str, ...] = ()
    generic_types: tuple[str, ...] = ()
    materials: Words = {}
    colors: Words = {}
    finishes: Words = {}
    ignore: tuple[str, ...] = ()
    rooms: Words = {}
    styles: Words = {}
    outdoor: tuple[str, ...] = ()
    abbreviations: dict[str, str] = {}
    modifiers: dict[str, float] = {}
    units: Words = {}
    axes: Words = {}
    by: tuple[str, ...] = ("x", "×")
    to: tuple[str, ...] = ()
    not_size: tuple[str, ...] = ()
    not_length: tuple[str, ...] = ()
    set_words: tuple[str, ...] = ()
    set_of: tuple[str, ...] = ()
    set_nouns: tuple[str, ...] = ()
    pair_words: tuple[str, ...] = ()
    piece_words: tuple[str, ...] = ()
    numbers: dict[str, int] = {}
    noun_end: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    claim_parts: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    having: tuple[str, ...] = ()
    predicates: tuple[str, ...] = ()
    claim_stops: tuple[str, ...] = ()
    disclaimers: tuple[str, ...] = ()
    not_parts: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()
    negations: tuple[str, ...] = ()
    resembling: tuple[str, ...] = ()
    free_words: tuple[str, ...] = ()
    not_free: tuple[str, ...] = ()
    shade_words: tuple[str, ...] = ()
    size_openers: tuple[str, ...] = ()
    including: tuple[str, ...] = ()
    of_others: tuple[str, ...] = ()
    conjunctions: tuple[str, ...] = ()
    sentence_abbreviations: tuple[str, ...] = ()
    common: tuple[str, ...] = ()


class Lexicon(msgspec.Struct, frozen=True):
    """Concepts and one language together, checked against each other."""

    concepts: Concepts
    words: Language

    def category_of(self, product_type: str) -> str:
        """Return the category id of a product type, "uncategorized" included."""
        return next(category for category, names in self.concepts.types.items() if product_type in names)

    def to_json(self) -> bytes:
        """Return the lexicon as canonical JSON; its hash changes exactly when the lexicon does."""
        return msgspec.json.encode(self, order="sorted")


def load_lexicon(language: str = "en", overlay: Path | None = None) -> Lexicon:
    """Return the packaged lexicon of `language`, with `overlay`/lexicon/*.yaml laid over it.

    An overlay adds concepts and words and replaces single values; it may bring a language the package does not have.
    Raises VocabularyError naming the file when a language is unknown, or a word points to a concept that is missing.
    """
    folders = [PACKAGED_LEXICON] if overlay is None else [PACKAGED_LEXICON, overlay / "lexicon"]
    concept_files = [folder / "concepts.yaml" for folder in folders]
    language_files = [folder / f"{language}.yaml" for folder in folders]
    if language == "concepts" or not any(file.is_file() for file in language_files):
        known = sorted({f.stem for folder in folders for f in folder.glob("*.yaml") if f.stem != "concepts"})
        raise VocabularyError(f"lexicon '{language}': no such language; there are {', '.join(known)}")
    concepts = _load([file for file in concept_files if file.is_file()], Concepts)
    words = _load([file for file in language_files if file.is_file()], Language)
    lexicon = Lexicon(concepts=concepts, words=words)
    _check(lexicon, language_files[-1])
    return lexicon


def color_labs(concepts: Concepts) -> dict[str, Lab]:
    """Return color name → CIELAB (D65) of every color concept."""
    return {name: hex_to_lab(value) for name, value in concepts.colors.items()}


def hex_to_lab(value: str) -> Lab:
    """Return the CIELAB (D65, 2°) triple of an sRGB "#rrggbb". Raises VocabularyError for anything else."""
    try:
        if len(value) != 7 or value[0] != "#":
            raise ValueError(value)
        channels = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    except ValueError as error:
        raise VocabularyError(f"color '{value}': is no #rrggbb; write six hexadecimal digits after #") from error
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return (116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz))


Layer = TypeVar("Layer", Concepts, Language)


def _load(files: list[Path], kind: type[Layer]) -> Layer:
    """Lay later files over earlier ones: lists grow, mappings gain keys, single values are replaced."""
    merged = load_strict(files[0], kind)
    for file in files[1:]:
        layer = load_strict(file, kind)
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
        merged = msgspec.structs.replace(
            merged, **{key: _laid_over(getattr(merged, key), getattr(layer, key)) for key in given}
        )
    return merged


def _laid_over(old: object, new: object) -> object:
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _laid_over(old[key], value) if key in old else value for key, value in new.items()}
    if isinstance(old, tuple) and isinstance(new, tuple):
        return (*old, *new)
    return new


def _check(lexicon: Lexicon, file: Path) -> None:
    types = {name for names in lexicon.concepts.types.values() for name in names}
    words = lexicon.words
    named = [
        ("types", words.types, types),
        ("weak_types", words.weak_types, types),
        ("generic_types", words.generic_types, types),
        ("sold_in_feet", words.sold_in_feet, types),
        ("colors", words.colors, set(lexicon.concepts.colors)),
        ("finishes", words.finishes, set(lexicon.concepts.finishes)),
        ("units", words.units, set(CM_PER_UNIT)),
        ("axes", words.axes, set(AXES)),
        ("default_unit", [words.default_unit], set(CM_PER_UNIT)),
    ]
    for key, names, known in named:
        for name in names:
            if name not in known:
                raise VocabularyError(f"{file.name}, {key}: '{name}' is not a concept; add it to lexicon/concepts.yaml")
    seen: dict[str, str] = {}
    for category, names in lexicon.concepts.types.items():
        for name in names:
            if name in seen:
                raise VocabularyError(f"concepts.yaml, types: '{name}' is in {seen[name]} and in {category}; keep one")
            seen[name] = category
    color_labs(lexicon.concepts)
