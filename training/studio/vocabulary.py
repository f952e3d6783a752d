"""What the studio takes from the project's vocabulary: the palettes a style is furnished in."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from scene_pipeline.vocabulary import Vocabulary, load_vocabulary


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Return the packaged vocabulary."""
    return load_vocabulary()


def palette_affinity(style: str, palette: str) -> float:
    """Return how well a palette suits a style, 0-1; 0 when the style does not name it."""
    record = next(record for record in vocabulary().styles if record.id == style)
    return record.palettes.get(palette, 0.0)


def palette_for(style: str, rng: np.random.Generator) -> str:
    """Return a palette of the style, the likelier the better it suits."""
    record = next(record for record in vocabulary().styles if record.id == style)
    names = list(record.palettes)
    weights = np.array([record.palettes[name] for name in names])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]
