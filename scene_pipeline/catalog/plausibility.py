"""Plausible sizes by product type, and the unit of a catalog's lengths without a unit."""

import re
from functools import lru_cache
from pathlib import Path

import msgspec

from scene_pipeline.catalog.facts import Facts
from scene_pipeline.catalog.stored import Rows
from scene_pipeline.vocabulary.lexicon import Lexicon
from scene_pipeline.vocabulary.strict_yaml import load_strict

DROPPED_DIMENSIONS = "dropped_dimensions"
"""Provenance field of an implausible size."""

_METRIC = re.compile(r"\d\s*(?:cm|mm)\b", re.IGNORECASE)
_INCHES = re.compile(r"\d\s*(?:[\"″”]|in\b|inch)", re.IGNORECASE)
_SAMPLE = 2000
_MIN_STATED = 20
_MIN_SHARE = 0.9


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The largest plausible sizes in cm: by product type, else by category, else the default."""

    default: float
    categories: dict[str, float]
    types: dict[str, float]


@lru_cache(maxsize=1)
def size_limits() -> Limits:
    """Return the packaged limits."""
    return load_strict(Path(__file__).parent / "plausible_sizes.yaml", Limits)


class PlausibleSizes:
    """Drops sizes that are too large for a product's type, and records each in the sources."""

    def __init__(self, lexicon: Lexicon) -> None:
        limits = size_limits()
        self.default = limits.default
        self.of_type = {
            name: limits.types.get(name, limits.categories.get(category, limits.default))
            for category, names in lexicon.concepts.types.items()
            for name in names
        }

    def limit(self, facts: Facts) -> float:
        """Return the largest size, in cm, that the product can have."""
        return self.of_type.get(facts.product_type or "", self.default)

    def drop_implausible(self, facts: Facts) -> None:
        """Drop the sizes that were read from texts and are too large."""
        limit = self.limit(facts)
        if all(measure.high_cm <= limit for measure in facts.measures):
            return
        for measure in [measure for measure in facts.measures if measure.high_cm > limit]:
            facts.measures.remove(measure)
            at = (measure.start, measure.end)
            place = next((s for s in facts.sources if s[0] == "dimensions" and (s[3], s[4]) == at), None)
            if place is not None:
                facts.sources.remove(place)
            column = place[2] if place is not None else "description"
            facts.sources.append((DROPPED_DIMENSIONS, f"{measure.high:.10g} {measure.unit}", column, *at))

    def plausible(self, facts: Facts, stated: dict[str, float]) -> dict[str, float]:
        """Return the lengths of the shop's own columns without those that are too large."""
        limit = self.limit(facts)
        for axis, value in stated.items():
            if value > limit:
                facts.sources.append((DROPPED_DIMENSIONS, f"{value:.10g} cm", f"stated_{axis}_cm", 0, 0))
        return {axis: value for axis, value in stated.items() if value <= limit}


def learned_unit(products: Rows) -> str | None:
    """Return the unit, cm or in, that nearly all rows with a unit state; None where too few do or both occur.

    Only the first rows are used: 90% of at least 20 texts must agree.
    """
    metric = inches = 0
    some = products.slice(0, _SAMPLE)
    for name in ("description", "stated_dimensions"):
        for text in some[name].to_pylist():
            if text:
                metric += _METRIC.search(text) is not None
                inches += _INCHES.search(text) is not None
    stated = metric + inches
    if stated < _MIN_STATED or max(metric, inches) < _MIN_SHARE * stated:
        return None
    return "cm" if metric > inches else "in"
