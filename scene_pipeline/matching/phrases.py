"""The clause of a reason for each factor: from what the product's row and the scene say, never from anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scene_pipeline.color.accents import MIN_PRODUCT_SHARE, answers
from scene_pipeline.color.harmony import Relation, strongest_relation
from scene_pipeline.color.names import color_name
from scene_pipeline.scenes.analysis import UNKNOWN
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Material, Vocabulary

LOOKS_LIKE = "looks like what the picture shows"
"""What a reason says of a product whose picture is similar to a part of the photograph."""

CLOSE = 0.9
"""Share of the catalog that a product must be closer than to be called one of the closest."""

COLORLESS = frozenset(("glass", "metal"))
"""Families of materials whose picture shows what they reflect or let through, and no color of their own."""

COLORLESS_FINISHES = frozenset(("chrome-plated", "nickel-plated", "galvanised", "clear", "transparent"))

NATURAL = frozenset(("wood", "rattan", "cork"))
"""Families of materials that name the color of a picture better than the word for it: nobody calls bamboo orange."""

EARTHY = frozenset(("cream", "beige", "brown", "orange", "yellow", "red"))
"""Colors that natural materials have."""

MIN_RELATION = 0.3
"""Strength of the relation of two colors (0-1) from which a reason names it."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a product looks, and where the picture shows something similar.

    Its colors in CIELAB [c, 3], their shares [c] and names [c], how probable each style is [S], and a phrase for the
    part of the photograph that it is most similar to ("on the left"), or "".
    """

    lab: np.ndarray
    share: np.ndarray
    styles: np.ndarray
    names: Sequence[str]
    where: str = ""


def product_look(
    product: Mapping[str, Any],
    pictured: tuple[np.ndarray, np.ndarray, np.ndarray],
    materials: Mapping[str, Material],
    where: str = "",
) -> Look:
    """Return the look of a product: in the colors that its text names, else in the main ones of its picture.

    `pictured` are colors [c, 3], shares [c] and styles [S] of its features; `materials` are those of the vocabulary. A
    turquoise chair is turquoise, however much white its picture has. Steel and clear glass have no color to speak of.
    """
    lab, share, styles = pictured
    names, named = list(product["colors"] or ()), product["color_lab"] or ()
    if names and len(names) == len(named):
        return Look(np.array(named, np.float32), np.full(len(names), 1 / len(names), np.float32), styles, names, where)
    first = next((materials[name] for name in product["materials"] or () if name in materials), None)
    family = "" if first is None else first.parent or first.id
    if family in COLORLESS or not COLORLESS_FINISHES.isdisjoint(product["finishes"] or ()):
        return Look(lab[:0], share[:0], styles, (), where)
    main = share >= min(MIN_PRODUCT_SHARE, float(share.max(initial=0)))
    words = [color_name(color) for color in lab[main]]
    if family in NATURAL:
        words = [materials[family].name if word in EARTHY else word for word in words]
    return Look(lab[main], share[main], styles, words, where)


class SceneWords:
    """The words of a vocabulary that the reasons of one scene are written in."""

    def __init__(self, vocabulary: Vocabulary, scene: Scene) -> None:
        self.scene = scene
        self.materials = {material.id: material.name for material in vocabulary.materials}
        self.styles = [style.name for style in vocabulary.styles]
        self.style = self.styles[int(scene.styles.argmax())]  # the requested one, else what the picture shows
        requested = float(scene.styles.max()) == 1  # then it is the only one
        self.style_certain = scene.analysis.style_certain or requested
        self.room_id = scene.analysis.room.value
        self.certain = scene.analysis.room_certain and self.room_id != UNKNOWN
        rooms = {room.id: room.name for room in vocabulary.rooms}
        self.room = rooms.get(self.room_id, "room") if self.certain else "room"


@dataclass(frozen=True, slots=True)
class Explained:
    """A product in a scene. `closer_than` is the share of the catalog that is less similar to the scene."""

    words: SceneWords
    product: Mapping[str, Any]
    look: Look
    closer_than: float


def similarity_phrase(it: Explained) -> str:
    if it.look.where:
        return f"it {LOOKS_LIKE} {it.look.where}"
    if it.closer_than >= CLOSE:
        return "it is among the products that come closest to this picture"
    return "its look is close to this picture"


def style_phrase(it: Explained) -> str:
    if not it.words.style_certain:
        return ""
    shared = it.words.styles[int((it.look.styles * it.words.scene.styles).argmax())]
    if shared == it.words.style:
        return f"it suits the {shared} style"
    return f"it has something {shared}, as this room does"


def color_phrase(it: Explained) -> str:
    look, scene = it.look, it.words.scene
    for at, (lab, share) in enumerate(zip(look.lab, look.share, strict=True)):
        if answers(lab[None, None], share[None, None], scene.accents)[0]:
            return f"its {look.names[at]} picks up an accent color of the room"
    return _relation(look, strongest_relation(look.lab, look.share, scene.lab, scene.share))


def material_phrase(it: Explained) -> str:
    known = it.words.materials
    named = list(dict.fromkeys(known[name] for name in it.product["materials"][:2] if name in known))
    if not named or not it.words.style_certain:
        return ""
    return f"{' and '.join(named)} {'suit' if len(named) > 1 else 'suits'} {_article(it.words.style)} room"


def size_phrase(it: Explained) -> str:
    kind = it.product["product_type"]
    if it.product["largest_cm"] is None or not kind:
        return ""
    return f"at {it.product['largest_cm']:.0f} cm it is a usual size for {_article(kind)}"


def room_phrase(it: Explained) -> str:
    words, kind = it.words, it.product["product_type"]
    if words.room_id == UNKNOWN:
        return ""
    if not words.certain:
        return "it suits several rooms"
    if words.room_id in it.product["rooms"]:
        return f"it is made for {_article(words.room)}"
    if not kind:
        return ""
    return f"{_article(kind)} {'belong' if _is_plural(kind) else 'belongs'} in {_article(words.room)}"


def _relation(look: Look, relation: Relation | None) -> str:
    if relation is None or (relation.rule != "neutral" and relation.strength < MIN_RELATION):
        return ""
    own = look.names[relation.index]
    match relation.rule:
        case "tonal" if own == relation.scene:
            return f"its {own} is a color of the room"
        case "tonal" | "analogous":
            return f"its {own} goes with the {relation.scene} of the room"
        case "complementary":
            return f"its {own} sets off the {relation.scene} of the room"
    return f"its {own} leaves the room's colors to speak"


def _is_plural(name: str) -> bool:
    return name.endswith("s") and not name.endswith(("ss", "us"))


def _article(name: str) -> str:
    if _is_plural(name):
        return name
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
