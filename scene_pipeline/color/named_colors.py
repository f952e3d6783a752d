"""Say which palette a product belongs to, from the colors its texts name."""

import math
from collections.abc import Sequence
from functools import lru_cache

from scene_pipeline.vocabulary.lexicon import Lab, Lexicon, color_labs
from scene_pipeline.vocabulary.model import Vocabulary

_NAMED_BONUS = 15.0
"""A palette that lists the color's name is nearer by this much (CIELAB units) than its anchors say."""


class NamedColors:
    """CIELAB values and palettes of color names; built once for a vocabulary and a lexicon."""

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
        self.palettes = vocabulary.palettes
        self.modifiers = lexicon.words.modifiers
        self.labs = color_labs(lexicon.concepts)
        self.lab = lru_cache(maxsize=4096)(self._lab)
        self.palette = lru_cache(maxsize=4096)(self._palette)

    def _lab(self, name: str) -> Lab:
        """Return the CIELAB (D65) of a color name; "dusty lilac" is lilac, shifted as the lexicon says."""
        if name in self.labs:
            return self.labs[name]
        modifier, _, base = name.partition(" ")
        light, a, b = self.labs[base]
        return (min(98.0, max(5.0, light + self.modifiers[modifier])), a, b)

    def _palette(self, names: Sequence[str]) -> str | None:
        """Return the palette id nearest to the colors; the first color weighs most. None without colors."""
        if not names:
            return None
        costs = []
        for palette in self.palettes:
            cost = 0.0
            for place, name in enumerate(names):
                distance = min(math.dist(self.lab(name), anchor) for anchor in palette.anchors)
                named = _NAMED_BONUS if name in palette.words else 0.0
                cost += max(0.0, distance - named) / (1 + 0.5 * place)
            costs.append(cost)
        return self.palettes[costs.index(min(costs))].id
