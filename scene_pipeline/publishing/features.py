"""Compute the arrays of products that scoring needs, once, when the bundle is built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from scene_pipeline.catalog.common_sense import CommonSense, common_sense
from scene_pipeline.color.density import MIN_DEVIATION, cells_of
from scene_pipeline.color.harmony import palette_distribution, typical_harmony
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.publishing.product_style import STYLE_EVIDENCE_WEIGHTS, style_shares
from scene_pipeline.scenes.reference import reference_colors, usual_density
from scene_pipeline.vocabulary import Category, Style, Vocabulary

READ = (
    "category", "materials", "rooms", "styles", "outdoor", "color_lab", "largest_cm", "availability", "price",
    "has_image", "image_lab", "image_share", "product_type",
)  # fmt: skip
"""The columns that features are made of: a million whole rows as objects would take 15 GB."""

COLORS_KEPT = 4
DEFAULT_AFFINITY = 0.4
OUTDOOR_FIT = 0.1
ELSEWHERE_FIT = 0.35
"""Share of its fit that a product keeps in a room that its text does not name, when it names others."""

ALL_ROUNDER = 3
"""A product that names at least this many rooms may fit other rooms too, as its category does.

Shops tag only a few of several rooms; a product for one room is tagged with one or two.
"""

OTHER_TYPE_FIT = 0.5
"""Share of its fit that a product keeps in rooms that its type is not made for."""

MADE_FOR_FIT = 0.9
"""Least fit of a product to the rooms that its type is made for."""

ASIDE_FIT = 0.4
"""Fit of a product to a room that its text names beside rooms that its type is made for: a loft bed with space for a
desk is no product for a home office."""

TEXT_SHARE, UNCATEGORIZED_TEXT_SHARE = 0.25, 0.5
"""Share of the room fit that is the similarity of texts; the second is for products without a category."""

AVAILABILITY_SCORES = {"in_stock": 1.0, "preorder": 0.5, "out_of_stock": 0.0}


@dataclass(frozen=True, slots=True)
class PromptSimilarity:
    """Cosines of products with the prompts of the vocabulary.

    `text_styles` [n, S] and `text_rooms` [n, R] are of the product's text with the texts of styles and rooms;
    `picture_styles` [n, S] of its picture with the styles' prompts, a row of NaN where there is none.
    """

    text_styles: np.ndarray
    text_rooms: np.ndarray
    picture_styles: np.ndarray


def build_product_features(
    products: pa.Table,
    vocabulary: Vocabulary,
    similarity: PromptSimilarity | None = None,
    evidence_weights: Mapping[str, float] = STYLE_EVIDENCE_WEIGHTS,
) -> ProductFeatures:
    """Return the features of a categorized product table (catalog.schema.CATEGORIZED + image columns).

    `similarity` adds evidence on style and room for products whose words and materials say little. `evidence_weights`
    weighs the sources of a product's style. Image columns read where present: `has_image`, `image_lab`, `image_share`.
    """
    rows: list[dict[str, Any]] = products.select([name for name in READ if name in products.column_names]).to_pylist()
    lab, share = _colors(rows)
    palettes = _palettes(lab, share, vocabulary)
    palette = np.where(np.isnan(palettes[:, 0]), -1, palettes.argmax(axis=1)).astype(np.int8)
    material_style = _material_style(rows, vocabulary)
    sources = {"materials": material_style, "colors": palettes @ _palette_style(vocabulary)}
    if similarity is not None:
        sources |= {"text": similarity.text_styles, "picture": similarity.picture_styles}
    styles = [style.id for style in vocabulary.styles]
    named = [[styles.index(style) for style in row["styles"] if style in styles] for row in rows]
    mean, deviation = typical_harmony((lab, share, palette), reference_colors(), vocabulary)
    quality = {material.id: material.quality for material in vocabulary.materials}
    categories = [category.id for category in vocabulary.categories]
    sense = common_sense(products, vocabulary)
    fit = _room_fit(rows, vocabulary, similarity.text_rooms if similarity else None)
    return ProductFeatures(
        category=np.array([_position(categories, row["category"]) for row in rows], dtype=np.int8),
        room_fit=_fit_outdoors(fit, rows, sense, vocabulary),
        style_share=style_shares(sources, named, evidence_weights),
        material_style=np.where(np.isnan(material_style), np.float32(0.5), material_style),
        material_quality=np.array(
            [_mean([quality[name] for name in row["materials"] if name in quality], 0.5) for row in rows],
            dtype=np.float32,
        ),
        palette=palette,
        color_lab=lab,
        color_share=share,
        largest_cm=_floats(rows, "largest_cm"),
        availability=np.array([AVAILABILITY_SCORES.get(row["availability"], 0.75) for row in rows], dtype=np.float32),
        price=_floats(rows, "price"),
        has_image=np.array([bool(row.get("has_image")) for row in rows], dtype=bool),
        harmony_mean=mean,
        harmony_std=deviation,
        color_usual=_usual(lab),
        type_group=sense.group,
        kind=sense.kind,
        for_children=sense.children,
        for_outdoors=sense.outdoor,
        size_range=np.array(
            [*[category.size_cm for category in vocabulary.categories], (np.nan, np.nan)], dtype=np.float32
        ),
    )


def _position(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _floats(rows: list[dict[str, Any]], column: str) -> np.ndarray:
    return np.array([np.nan if row.get(column) is None else row[column] for row in rows], dtype=np.float32)


def _category_rooms(vocabulary: Vocabulary) -> np.ndarray:
    def fits(category: Category) -> list[float]:
        return [category.rooms.get(room.id, 0.3) for room in vocabulary.rooms]

    uncategorized = [vocabulary.uncategorized.room_fit] * len(vocabulary.rooms)
    return np.array([*[fits(category) for category in vocabulary.categories], uncategorized], dtype=np.float32)


class TypeRooms:
    """Finds the rooms that a product type is made for; each type is looked up once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        rooms = [room.id for room in vocabulary.rooms]
        entries = [
            (set(kind.split()), [rooms.index(room) for room in named]) for kind, named in vocabulary.type_rooms.items()
        ]
        self._entries = sorted(entries, key=lambda entry: -len(entry[0]))
        self._known: dict[str, list[int]] = {}

    def find(self, product_type: str | None) -> list[int]:
        """Return the positions of the rooms of a type; empty where the vocabulary has none for it."""
        if not product_type:
            return []
        if product_type not in self._known:
            words = product_type.lower().split()
            there = {*words, *[word.removesuffix("s") for word in words]}
            self._known[product_type] = next((named for kind, named in self._entries if kind <= there), [])
        return self._known[product_type]


def _room_fit(rows: list[dict[str, Any]], vocabulary: Vocabulary, text: np.ndarray | None) -> np.ndarray:
    """Return the fit [n, R]: products that name one or two rooms fit little else; others fit by category and text.

    `text` [n, R] are cosines of the product texts with the rooms' texts: they separate a tap from a shoe rack where
    neither has a category or names a room.
    """
    by_category = _category_rooms(vocabulary)
    categories = [category.id for category in vocabulary.categories]
    rooms = [room.id for room in vocabulary.rooms]
    category = np.array([_position(categories, row["category"]) for row in rows])
    fit = by_category[category]
    if text is not None:
        share = np.where(category < 0, UNCATEGORIZED_TEXT_SHARE, TEXT_SHARE).astype(np.float32)[:, None]
        fit = (1 - share) * fit + share * _spread(text)
    made_for = TypeRooms(vocabulary)
    for index, row in enumerate(rows):
        named = [rooms.index(room) for room in row["rooms"] if room in rooms]
        kinds = made_for.find(row.get("product_type"))
        # An ironing board whose text speaks of a bedroom is still one for the laundry room.
        if named and (not kinds or set(named) & set(kinds)):
            fit[index] *= ELSEWHERE_FIT if len(named) < ALL_ROUNDER else 1.0
            fit[index, named] = 1.0
            if kinds:
                fit[index, [room for room in named if room not in kinds]] = ASIDE_FIT
        elif kinds:
            fit[index] *= OTHER_TYPE_FIT
            fit[index, kinds] = np.maximum(fit[index, kinds] / OTHER_TYPE_FIT, MADE_FOR_FIT)
    return fit


def _fit_outdoors(
    fit: np.ndarray, rows: list[dict[str, Any]], sense: CommonSense, vocabulary: Vocabulary
) -> np.ndarray:
    """Return the fit [n, R] with outdoor products raised outdoors, and lowered indoors if for outdoors alone."""
    outdoors = np.array([room.id == "outdoor" for room in vocabulary.rooms])
    said = sense.outdoor | np.array([bool(row["outdoor"]) for row in rows])
    at_home = np.where(said[:, None] & outdoors, np.maximum(fit, MADE_FOR_FIT), fit)
    return np.where(sense.outdoor[:, None] & ~outdoors, np.minimum(at_home, OUTDOOR_FIT), at_home)


def _material_style(rows: list[dict[str, Any]], vocabulary: Vocabulary) -> np.ndarray:
    """Return the mean affinity [n, S] of the materials to each style, NaN where no material is known.

    A material that the style does not name counts as its parent.
    """
    parents = {material.id: material.parent for material in vocabulary.materials}

    def affinity(style: Style, material: str) -> float:
        parent = parents.get(material)
        inherited = style.materials.get(parent, DEFAULT_AFFINITY) if parent else DEFAULT_AFFINITY
        return style.materials.get(material, inherited)

    table = {
        material.id: np.array([affinity(style, material.id) for style in vocabulary.styles], dtype=np.float32)
        for material in vocabulary.materials
    }
    nothing = np.full(len(vocabulary.styles), np.nan, dtype=np.float32)
    return np.stack(
        [
            np.mean([table[name] for name in row["materials"] if name in table] or [nothing], axis=0, dtype=np.float32)
            for row in rows
        ]
    )


def _palette_style(vocabulary: Vocabulary) -> np.ndarray:
    """Return the affinity [P, S] of each palette to each style."""
    return np.array(
        [
            [style.palettes.get(palette.id, DEFAULT_AFFINITY) for style in vocabulary.styles]
            for palette in vocabulary.palettes
        ],
        dtype=np.float32,
    )


def _spread(cosines: np.ndarray) -> np.ndarray:
    """Bring cosines [n, R] to 0-1: standardized per room over the catalog, then per product, through a logistic."""
    by_room = (cosines - cosines.mean(axis=0)) / (cosines.std(axis=0) + 1e-6)
    by_product = by_room - by_room.mean(axis=1, keepdims=True)
    return 1 / (1 + np.exp(-1.5 * by_product))


def _colors(rows: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture's colors, else those named by the text; the shares add up to 1 or are all 0."""
    lab = np.zeros((len(rows), COLORS_KEPT, 3), dtype=np.float32)
    share = np.zeros((len(rows), COLORS_KEPT), dtype=np.float32)
    for index, row in enumerate(rows):
        pictured, areas = row.get("image_lab") or [], row.get("image_share") or []
        named = row["color_lab"] or []
        colors = pictured or named
        weights = areas if pictured else [1.0] * len(named)
        for slot, (color, weight) in enumerate(zip(colors[:COLORS_KEPT], weights[:COLORS_KEPT], strict=True)):
            lab[index, slot], share[index, slot] = color, weight
    total = share.sum(axis=1, keepdims=True)
    return lab, np.divide(share, total, out=share, where=total > 0)


def _usual(lab: np.ndarray) -> np.ndarray:
    usual = usual_density()[cells_of(lab)]
    usual[..., 1] += MIN_DEVIATION
    return usual


def _palettes(lab: np.ndarray, share: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """Return the match [n, P] of the products with each palette, NaN where they have no color."""
    palettes = np.full((len(lab), len(vocabulary.palettes)), np.nan, dtype=np.float32)
    known = share.sum(axis=1) > 0
    if known.any():
        palettes[known] = palette_distribution(lab[known], share[known], vocabulary)
    return palettes
