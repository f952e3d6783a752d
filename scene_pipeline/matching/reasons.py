"""Say in a sentence why a product is recommended, from the factors that moved its score."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.phrases import Explained, Look, SceneWords
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Vocabulary

REASONS_GIVEN = 2


class Narrator:
    """Writes the reasons of one scene."""

    def __init__(self, vocabulary: Vocabulary, scene: Scene) -> None:
        self._words = SceneWords(vocabulary, scene)

    def sentence(self, product: Mapping[str, Any], lift: np.ndarray, look: Look, closer_than: float) -> str:
        """Return the sentence for a product.

        `lift` [f] is how much each factor raised the score above that of an average candidate, in the order of
        FACTORS; `closer_than` is the share of the catalog that is less similar to the scene.
        """
        explained = Explained(self._words, product, look, closer_than)
        factors = list(FACTORS.values())
        telling = (
            phrase for index in np.argsort(-lift) if lift[index] > 0 and (phrase := factors[index].phrase(explained))
        )
        phrases = list(itertools.islice(telling, REASONS_GIVEN))
        if not phrases:
            return f"It fits this {self._words.room} on the whole, without one thing that stands out."
        text = ", and ".join(phrases)
        return f"{text[0].upper()}{text[1:]}."
