"""Descriptions of styles that a labeled set names and the vocabulary lacks."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from scene_pipeline.errors import VocabularyError
from scene_pipeline.vocabulary.strict_yaml import load_strict

FILE = Path(__file__).parent / "style_words.yaml"


class StyleWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A style by its `names`, lower case with spaces, and its `looks`: sentences on what its rooms look like."""

    names: tuple[str, ...]
    looks: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    styles: tuple[StyleWords, ...]


def spoken(style: str) -> str:
    """Return the name of a style in plain words: equal for "mid_century_modern" and "Mid-Century modern"."""
    return " ".join(style.lower().replace("_", " ").replace("-", " ").split())


def sentences_for(style: str) -> tuple[str, ...]:
    """Return the prompt sentences of a style: its name, and its looks where they are known."""
    name = spoken(style)
    article = "an" if name[:1] in "aeiou" else "a"
    return (f"{article} {name} interior", f"a room in {name} style", *_looks().get(name, ()))


@cache
def _looks() -> Mapping[str, tuple[str, ...]]:
    looks: dict[str, tuple[str, ...]] = {}
    for style in load_strict(FILE, _File).styles:
        for name in style.names:
            if name in looks or name != spoken(name) or not style.looks:
                raise VocabularyError(f"{FILE.name}: '{name}' stands twice, is not in lower case, or has no looks")
            looks[name] = style.looks
    return looks
