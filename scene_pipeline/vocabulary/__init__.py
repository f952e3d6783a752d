"""What the product knows before it sees a catalog: rooms, styles, palettes, categories, materials and scoring."""

from scene_pipeline.vocabulary.model import (
    Category,
    Diversity,
    FilterPoints,
    Material,
    Palette,
    Room,
    Scoring,
    Style,
    Uncategorized,
    UnknownScene,
    Vocabulary,
    load_vocabulary,
)

__all__ = [
    "Category",
    "Diversity",
    "FilterPoints",
    "Material",
    "Palette",
    "Room",
    "Scoring",
    "Style",
    "Uncategorized",
    "UnknownScene",
    "Vocabulary",
    "load_vocabulary",
]
