"""Tell parts and supplies, children's things and outdoor things apart from décor, by product types and texts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scene_pipeline.errors import VocabularyError
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.lexicon import Lexicon
from scene_pipeline.vocabulary.product_types import TYPE_KINDS

CHILDRENS_ROOMS = frozenset({"childrens_room", "bedroom"})
"""A text that names a children's room, and no rooms except these, describes a thing for children."""

_TEXTS = ("title", "stated_type", "description", "detailed_description")


@dataclass(frozen=True, slots=True)
class CommonSense:
    """One row per product: `group` int16 (position in the vocabulary's type groups, -1 unknown), `kind` int8 (position
    in KINDS), and bool `children`, `outdoor` (for outdoors alone; what is good indoors too is not).
    """

    group: np.ndarray
    kind: np.ndarray
    children: np.ndarray
    outdoor: np.ndarray


def common_sense(products: pa.Table, vocabulary: Vocabulary) -> CommonSense:
    """Return group, kind, `children` and `outdoor` of enriched products (schema ENRICHED), from types and texts."""
    types = vocabulary.types
    positions = {name: at for at, group in enumerate(types.groups) for name in group.types}
    group = np.array([positions.get(name, -1) for name in products["product_type"].to_pylist()], dtype=np.int16)
    kinds = np.array([*(TYPE_KINDS.index(entry.kind) for entry in types.groups), 0], dtype=np.int8)
    for_children = np.array([*(entry.children for entry in types.groups), False])
    for_outdoors = np.array([*(entry.outdoor for entry in types.groups), False])
    rooms = [set(row or ()) for row in products["rooms"].to_pylist()]
    childrens_room = np.array([bool(row) and "childrens_room" in row and row <= CHILDRENS_ROOMS for row in rooms], bool)
    said_outdoor = np.array(products["outdoor"].to_pylist(), dtype=bool)
    return CommonSense(
        group=group,
        kind=kinds[group],
        children=for_children[group] | childrens_room | _says(products, types.children_words),
        outdoor=for_outdoors[group] | (said_outdoor & ~_says(products, types.indoor_words)),
    )


def check_types_are_known(vocabulary: Vocabulary, lexicon: Lexicon) -> None:
    """Raise VocabularyError when a type group names a type that the lexicon does not have."""
    known = {name for names in lexicon.concepts.types.values() for name in names}
    for group in vocabulary.types.groups:
        for name in group.types:
            if name not in known:
                raise VocabularyError(
                    f"types.yaml, group '{group.id}': '{name}' is not a product type; add it to lexicon/concepts.yaml"
                )


def _says(products: pa.Table, phrases: Sequence[str]) -> np.ndarray:
    """Return which products [n] have one of the phrases in one of their texts, as whole words."""
    found = np.zeros(products.num_rows, dtype=bool)
    if not phrases:
        return found
    pattern = rf"(?i)(^|[^\pL])({'|'.join(re.escape(phrase) for phrase in phrases)})($|[^\pL])"
    for name in _TEXTS:
        if name in products.column_names:
            matches = pc.call_function("match_substring_regex", [products[name]], pc.MatchSubstringOptions(pattern))
            found |= matches.fill_null(fill_value=False).to_numpy().astype(bool)
    return found
