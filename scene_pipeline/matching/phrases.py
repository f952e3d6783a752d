"""The clause of a reason for each factor: from what the product's row and the scene say, never from anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scene_pipeline.color.harmony import Relation, strongest_relation
from scene_pipeline.scenes.analysis import UNKNOWN
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Look:
    """The colors of a product, CIELAB [c, 3] with shares [c], and how probable each style is for it [S]."""

    lab: np.ndarray
    share: np.ndarray
    styles: np.ndarray


class SceneWords:
    """The words of a vocabulary that the reasons of one scene are written in."""

    def __init__(self, vocabulary: Vocabulary, scene: Scene) -> None:
        self.scene = scene
        self.materials = {material.id: material.name for material in vocabulary.materials}
        self.categories = {category.id: category.name for category in vocabulary.categories}
        self.styles = [style.name for style in vocabulary.styles]
        self.style = self.styles[int(scene.styles.argmax())]  # the requested one, else what the picture shows
        self.room_id = scene.analysis.room.value
        self.room = {room.id: room.name for room in vocabulary.rooms}.get(self.room_id, "room")


@dataclass(frozen=True, slots=True)
class Explained:
    """A product in a scene. `closer_than` is the share of the catalog that is less similar to the scene."""

    words: SceneWords
    product: Mapping[str, Any]
    look: Look
    closer_than: float


def similarity_phrase(it: Explained) -> str:
    share = min(int(100 * it.closer_than), 99)  # never "closer than 100%": it is part of the catalog
    return f"its picture and text are closer to this scene than {share}% of the catalog"


def style_phrase(it: Explained) -> str:
    shared = it.words.styles[int((it.look.styles * it.words.scene.styles).argmax())]
    if shared == it.words.style:
        return f"it suits the {shared} style"
    return f"it suits the {shared} style, of which this room has something"


def color_phrase(it: Explained) -> str:
    return _relation(strongest_relation(it.look.lab, it.look.share, it.words.scene.lab, it.words.scene.share))


def material_phrase(it: Explained) -> str:
    known = it.words.materials
    materials = _join([known[name] for name in it.product["materials"][:2] if name in known])
    if not materials:
        return ""
    return f"{materials} {'are' if ' and ' in materials else 'is'} at home in {_article(it.words.style)} room"


def size_phrase(it: Explained) -> str:
    if it.product["largest_cm"] is None:
        return ""
    kind = it.words.categories.get(it.product["category"], "its kind")
    return f"at {it.product['largest_cm']:.0f} cm it has the usual size of {kind}"


def room_phrase(it: Explained) -> str:
    if it.words.room_id == UNKNOWN:
        return ""
    kind = it.words.categories.get(it.product["category"], "such products")
    room = _article(it.words.room)
    return f"it is meant for {room}" if it.words.room_id in it.product["rooms"] else f"{room} is a place for {kind}"


def _relation(relation: Relation | None) -> str:
    if relation is None:
        return ""
    seen = f"{relation.scene} that covers {max(relation.share, 0.01):.0%} of the picture"
    match relation.rule:
        case "tonal":
            verb = "takes up" if relation.product == relation.scene else "is close to"
            return f"its {relation.product} {verb} the {seen}"
        case "analogous":
            return f"its {relation.product} is next to the {seen}"
        case "complementary":
            return f"its {relation.product} is the counterpart of the {seen}"
    return f"its {relation.product} leaves the room's colors to speak"


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _join(names: Sequence[str]) -> str:
    return " and ".join(dict.fromkeys(names))
