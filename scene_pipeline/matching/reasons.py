"""Put into a sentence why a product is recommended: from the factors that moved its score, never from anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scene_pipeline.color.harmony import Relation, strongest_relation
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.scenes.analysis import UNKNOWN
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Vocabulary

REASONS_GIVEN = 2


@dataclass(frozen=True, slots=True)
class Look:
    """A product's colors in CIELAB [c, 3], their shares [c], and how probable each style is [S]."""

    lab: np.ndarray
    share: np.ndarray
    styles: np.ndarray


class Narrator:
    """Writes the reasons of one scene."""

    def __init__(self, vocabulary: Vocabulary, scene: Scene) -> None:
        analysis = scene.analysis
        self._scene = scene
        self._materials = {material.id: material.name for material in vocabulary.materials}
        self._categories = {category.id: category.name for category in vocabulary.categories}
        rooms = {room.id: room.name for room in vocabulary.rooms}
        self._styles = [style.name for style in vocabulary.styles]
        self._room = rooms.get(analysis.room.value, "room")
        self._room_id = analysis.room.value
        self._style = self._styles[int(scene.styles.argmax())]  # what was asked for, else what the picture shows

    def sentence(self, product: Mapping[str, Any], lift: np.ndarray, look: Look, closer_than: float) -> str:
        """Return the sentence for a product.

        `lift` [6] is how much each factor raised the score above that of an average candidate, in the order of
        FACTORS; `closer_than` is the share of the catalog that is less like the scene.
        """
        order = np.argsort(-lift)
        names = list(FACTORS)
        phrases = [
            phrase
            for index in order
            if lift[index] > 0 and (phrase := self._phrase(names[index], product, look, closer_than))
        ][:REASONS_GIVEN]
        if not phrases:
            return f"Average in every factor; ranked by its whole score for this {self._room}."
        text = ", and ".join(phrases)
        return f"{text[0].upper()}{text[1:]}."

    def _phrase(self, factor: str, product: Mapping[str, Any], look: Look, closer_than: float) -> str:
        """Return the clause for a factor, or nothing where the product's row does not say enough for one."""
        materials = _join([self._materials[name] for name in product["materials"][:2] if name in self._materials])
        match factor:
            case "base_similarity":
                share = min(int(100 * closer_than), 99)  # never "closer than 100%": it is part of the catalog
                return f"its picture and text are closer to this scene than {share}% of the catalog"
            case "style_alignment":
                shared = self._styles[int((look.styles * self._scene.styles).argmax())]
                if shared == self._style:
                    return f"it suits the {self._style} style"
                return f"it suits the {shared} style, of which this room has something"
            case "color_harmony":
                return self._colors_phrase(strongest_relation(look.lab, look.share, self._scene.lab, self._scene.share))
            case "material_quality" if materials:
                return f"{materials} {'are' if ' and ' in materials else 'is'} at home in {_article(self._style)} room"
            case "size_appropriateness" if product["largest_cm"] is not None:
                kind = self._categories.get(product["category"], "its kind")
                return f"at {product['largest_cm']:.0f} cm it has the usual size of {kind}"
            case "category_fit" if self._room_id != UNKNOWN:
                kind = self._categories.get(product["category"], "such products")
                room = _article(self._room)
                return (
                    f"it is meant for {room}" if self._room_id in product["rooms"] else f"{room} is a place for {kind}"
                )
        return ""

    def _colors_phrase(self, relation: Relation | None) -> str:
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
