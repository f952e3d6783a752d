"""How ids read to people."""

from functools import cache

from scene_pipeline.vocabulary.model import load_vocabulary


def display_name(identifier: str) -> str:
    """Return the vocabulary's name of a room, style, palette or category; an id of an overlay as plain words."""
    return _packaged().get(identifier, identifier.replace("_", " "))


def percent(probability: float) -> str:
    """Return a probability as whole per cent, 99% at most: nothing that is read from a picture is certain."""
    return f"{min(probability, 0.99):.0%}"


def uncalibrated_name(domain: str) -> str:
    """Return what a figure without a calibration is called, for pictures of a domain."""
    return f"score, not calibrated on {domain}"


def title_case(text: str) -> str:
    """Return the text with its first letter large and the rest as it is."""
    return text[:1].upper() + text[1:]


@cache
def _packaged() -> dict[str, str]:
    vocabulary = load_vocabulary()
    records = (*vocabulary.rooms, *vocabulary.styles, *vocabulary.palettes, *vocabulary.categories)
    return {record.id: record.name for record in records}
