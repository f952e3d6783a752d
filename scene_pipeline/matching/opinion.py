"""A second opinion on a scene, in vocabulary records: it moves the order by a bounded nudge, never the confidence.

The opinion comes from a vision LLM (`reasoning`). Only ids of the vocabulary reach this file, so that nothing a picture
says in words can become a query, a filter or a product.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from scene_pipeline.color.names import color_of
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.matching.filtering import COLOR_DISTANCE, MAIN_SHARE
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.vocabulary import Vocabulary

MAX_NUDGE = 0.25
"""The most, in logits of the score, that an opinion moves a product up or down: .50 becomes at most .56.

A product is never passed by one whose score lies more than twice this below, in logits."""

SIZES = ("small", "medium", "large")
"""Thirds of a category's usual sizes, on a logarithmic scale."""

WANT_SHARE = 0.7
"""Share of the nudge that the best matching wanted item decides; the rest is what complements the room."""


@dataclass(frozen=True, slots=True)
class WantedItem:
    """An item that an opinion wants in the room; empty fields are left open.

    `aspect` is "enhance" (it would improve the room) or "missing" (the style lacks it). `category`, `group` (a type
    group), `materials` and `place` (a posture) are vocabulary ids, `colors` basic color names, `size` one of SIZES.
    """

    aspect: str
    category: str = ""
    group: str = ""
    materials: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    size: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a model thinks of a scene. `id` is the hash of what it was asked; `model` and `prompt` say who and how.

    `colors`, `materials` and `size` are what new items should have, `avoid_colors` what they should not. `summary` is
    the model's own text: it is shown, escaped, and used for nothing else.
    """

    id: str
    model: str
    prompt: str
    wanted: tuple[WantedItem, ...] = ()
    colors: tuple[str, ...] = ()
    avoid_colors: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    size: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class OpinionEffect:
    """What an opinion did to a product: places moved (up is positive), the nudge in logits, and a marked sentence.

    The sentence is empty for a product that the opinion says nothing of.
    """

    moved: int
    nudge: float
    sentence: str


class OpinionRanking:
    """How opinions move the products of one bundle. Safe to share between threads."""

    def __init__(self, vocabulary: Vocabulary, features: ProductFeatures, materials: pa.ChunkedArray) -> None:
        """`materials` are the material ids of each product, in the order of `features`."""
        self._vocabulary = vocabulary
        self._features = features
        self._materials = materials
        self._categories = [category.id for category in vocabulary.categories]
        self._groups = [group.id for group in vocabulary.types.groups]

    def nudges(self, opinion: Opinion, rows: np.ndarray) -> np.ndarray:
        """Return the nudge of products [m] in logits, within ± MAX_NUDGE."""
        wanted = np.zeros(len(rows))
        for item in opinion.wanted:
            wanted = np.maximum(wanted, self.match(item, rows))
        general = [
            *([self._has_color(opinion.colors, rows)] if opinion.colors else []),
            *([self._has_material(opinion.materials, rows)] if opinion.materials else []),
            *([self._has_size(opinion.size, rows)] if opinion.size else []),
        ]
        suits = np.mean(general, axis=0) if general else np.zeros(len(rows))
        clashes = self._has_color(opinion.avoid_colors, rows) if opinion.avoid_colors else np.zeros(len(rows))
        return MAX_NUDGE * np.clip(WANT_SHARE * wanted + (1 - WANT_SHARE) * (suits - clashes), -1, 1)

    def match(self, item: WantedItem, rows: np.ndarray) -> np.ndarray:
        """Return how far products [m] are what an item describes, 0-1: half for what it is, half for how it is."""
        features = self._features
        if item.group:
            kind = features.type_group[rows] == self._groups.index(item.group)
        elif item.category:
            kind = features.category[rows] == self._categories.index(item.category)
        else:
            kind = np.zeros(len(rows), dtype=bool)
        qualities = [
            *([self._has_material(item.materials, rows)] if item.materials else []),
            *([self._has_color(item.colors, rows)] if item.colors else []),
            *([self._has_size(item.size, rows)] if item.size else []),
            *([self._has_place(item.place, rows)] if item.place else []),
        ]
        if not item.group and not item.category:
            return 0.5 * np.mean(qualities, axis=0) if qualities else np.zeros(len(rows))
        return kind * (0.5 + 0.5 * (np.mean(qualities, axis=0) if qualities else 1.0))

    def sentence(self, opinion: Opinion, row: int, nudge: float) -> str:
        """Return the sentence on a product, marked as opinion and made of vocabulary names alone; empty for none."""
        at = np.array([row])
        fits = [(float(self.match(item, at)[0]), item) for item in opinion.wanted if item.group or item.category]
        best, item = max(fits, key=lambda pair: pair[0], default=(0.0, None))
        if item is not None and best > 0:
            why = "would suit this room" if item.aspect == "enhance" else "is what the style still lacks here"
            return f"In the model's opinion {self.describe(item)} {why}."
        if nudge < 0:
            return f"In the model's opinion {_listed(opinion.avoid_colors)} would clash with this room."
        if opinion.colors and self._has_color(opinion.colors, at)[0]:
            return f"In the model's opinion {_listed(opinion.colors)} would complement what is there."
        if opinion.size and nudge > 0 and self._has_size(opinion.size, at)[0]:
            return f"In the model's opinion {opinion.size} items are right for this room."
        return ""

    def describe(self, item: WantedItem) -> str:
        """Return an item in words: "a large lamp of brass in green for the floor"."""
        return describe_item(item, self._vocabulary)

    @cached_property
    def _product_materials(self) -> ProductTerms:
        """The materials of all products, read when an opinion first needs them."""
        lists = self._materials.combine_chunks()
        assert isinstance(lists, pa.ListArray)
        coded = lists.flatten().dictionary_encode()
        starts = np.concatenate([[0], np.cumsum(lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))])
        names = np.array(coded.dictionary.to_pylist(), dtype=np.str_)
        return ProductTerms(names, starts.astype(np.int64), coded.indices.to_numpy())

    def _has_material(self, materials: tuple[str, ...], rows: np.ndarray) -> np.ndarray:
        """Return whether products [m] have one of the materials, or one of the family that it names (0 or 1)."""
        named = set(materials)
        family = [record.id for record in self._vocabulary.materials if record.id in named or record.parent in named]
        terms, owner = self._product_materials.pick(rows)
        found = np.isin(self._product_materials.names, family)[terms]
        return (np.bincount(owner, weights=found, minlength=len(rows)) > 0).astype(float)

    def _has_color(self, colors: tuple[str, ...], rows: np.ndarray) -> np.ndarray:
        wanted = np.array([color_of(color) for color in colors], dtype=np.float32)
        lab, share = self._features.color_lab[rows], self._features.color_share[rows]
        distance = np.sqrt(((lab[:, :, None] - wanted) ** 2).sum(axis=-1)).min(axis=-1)
        return ((distance <= COLOR_DISTANCE) & (share >= MAIN_SHARE)).any(axis=1).astype(float)

    def _has_size(self, size: str, rows: np.ndarray) -> np.ndarray:
        low, high = np.log(self._features.size_range[self._features.category[rows]]).T
        with np.errstate(divide="ignore", invalid="ignore"):
            position = (np.log(self._features.largest_cm[rows]) - low) / (high - low)
        third = np.clip(np.nan_to_num(position, nan=-9.0) * len(SIZES), 0, len(SIZES) - 1).astype(int)
        return (np.isfinite(position) & (third == SIZES.index(size))).astype(float)

    def _has_place(self, place: str, rows: np.ndarray) -> np.ndarray:
        stands = np.array([place in group.postures for group in self._vocabulary.types.groups] + [False])
        return stands[self._features.type_group[rows]].astype(float)


def describe_item(item: WantedItem, vocabulary: Vocabulary) -> str:
    """Return an item in words of the vocabulary."""
    categories = {category.id: category.name for category in vocabulary.categories}
    materials = {material.id: material.name for material in vocabulary.materials}
    name = item.group.replace("_", " ") or categories.get(item.category, "something")
    words = [f"{item.size} {name}" if item.size else name]
    if item.materials:
        words.append(f"of {_listed(tuple(materials.get(material, material) for material in item.materials))}")
    if item.colors:
        words.append(f"in {_listed(item.colors)}")
    if item.place:
        words.append(f"({item.place.replace('_', ' ')})")
    return " ".join(words)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}" if names else ""


def nudged(ranking: np.ndarray, nudges: np.ndarray) -> np.ndarray:
    """Return the scores to order by [m], 0 to 1, moved by the nudges [m] in logits; equal where the nudge is 0."""
    sure = np.clip(ranking.astype(np.float64), 1e-6, 1 - 1e-6)
    moved = 1 / (1 + np.exp(-(np.log(sure / (1 - sure)) + nudges)))
    return np.where(nudges == 0, ranking, moved)


def opinion_lines(opinion: Opinion, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Return what an opinion says as (label, text), in words of the vocabulary; `summary` is not among them."""
    materials = {material.id: material.name for material in vocabulary.materials}
    new = [
        *([f"in {_listed(opinion.colors)}"] if opinion.colors else []),
        *(
            [f"of {_listed(tuple(materials.get(name, name) for name in opinion.materials))}"]
            if opinion.materials
            else []
        ),
        *([opinion.size] if opinion.size else []),
    ]
    lines = [
        ("Would enhance the room", _items(opinion, "enhance", vocabulary)),
        ("Its style still lacks", _items(opinion, "missing", vocabulary)),
        ("New items", ", ".join(new)),
        ("Would clash", _listed(opinion.avoid_colors)),
    ]
    return [(label, text) for label, text in lines if text]


def _items(opinion: Opinion, aspect: str, vocabulary: Vocabulary) -> str:
    named = [describe_item(item, vocabulary) for item in opinion.wanted if item.aspect == aspect]
    return "; ".join(named)
