"""How ids read to people."""

from functools import cache

from scene_pipeline.vocabulary.model import load_vocabulary


def display_name(identifier: str) -> str:
    """Return the vocabulary's name of a room, style, palette or category; an id of an overlay as plain words."""
    return _packaged().get(identifier, identifier.replace("_", " "))


def title_case(text: str) -> str:
    """Return the text with its first letter large and the rest as it is."""
    return text[:1].upper() + text[1:]


@cache
def _packaged() -> dict[str, str]:
    vocabulary = load_vocabulary()
    records = (*vocabulary.rooms, *vocabulary.styles, *vocabulary.palettes, *vocabulary.categories)
    return {record.id: record.name for record in records}
