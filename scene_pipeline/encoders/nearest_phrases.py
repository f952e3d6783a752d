"""Words for a photograph without a captioner: the phrases of the vocabulary that lie nearest to it."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_pipeline.encoders.windows import unit_or_zero
from scene_pipeline.errors import EncoderError
from scene_pipeline.files import atomic_path
from scene_pipeline.vocabulary import Vocabulary

FILE = "phrases.npz"
"""The file's name in a bundle."""

NEAREST = 12
"""Phrases that a photograph is described by."""

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class NearestPhrases:
    """Phrases with their unit vectors: `looked_up` [p, d] in the space of the first encoder, `meaning` [p, t] in that
    of the product texts. `center` [d] is the mean scene, which every photograph is near to.
    """

    texts: tuple[str, ...]
    looked_up: NDArray[np.float32]
    meaning: NDArray[np.float32]
    center: NDArray[np.float32]

    @classmethod
    def build(
        cls, vocabulary: Vocabulary, look_up: Embed, text: Embed, center: NDArray[np.float32]
    ) -> "NearestPhrases":
        """Embed the phrases of a vocabulary, by the first encoder's text tower and by the text encoder."""
        texts = phrases(vocabulary)
        return cls(texts, look_up(texts), text(texts), center)

    def find(self, views: NDArray[np.float32]) -> list[int]:
        """Return the positions of the phrases nearest to views [v, d] of a scene, the nearest first.

        Some phrases are near to everything, so cosines are less their mean over all phrases and the mean scene.
        """
        near = ((views - self.center) @ (self.looked_up - self.looked_up.mean(axis=0)).T).max(axis=0)
        return np.argsort(-near, kind="stable")[:NEAREST].tolist()

    def describe(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the unit vector [1, t] of what views [v, d] of a scene show, in the space of the product texts."""
        return unit_or_zero(self.meaning[self.find(views)].mean(axis=0, keepdims=True))

    def save(self, folder: Path) -> None:
        """Write the phrases into a folder, atomically."""
        with atomic_path(folder / FILE) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream,
                texts=np.array(self.texts),
                looked_up=self.looked_up,
                meaning=self.meaning,
                center=self.center,
            )

    @classmethod
    def load(cls, folder: Path) -> "NearestPhrases":
        """Read what `save` wrote. Raises EncoderError when it is something else."""
        try:
            with np.load(folder / FILE, allow_pickle=False) as arrays:
                texts = tuple(str(text) for text in arrays["texts"])
                return cls(texts, arrays["looked_up"], arrays["meaning"], arrays["center"])
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise EncoderError(f"{folder / FILE}: holds no phrases ({error}); build the bundle again") from error


def phrases(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return what may be said of a photograph: product types, rooms by style, materials; each once."""
    types = [kind for group in vocabulary.types.groups if group.kind == "decor" for kind in group.types]
    said = [f"a {kind}" for kind in types]
    said += [f"a {style.name} {room.name}" for style in vocabulary.styles for room in vocabulary.rooms]
    said += [f"{material.id.replace('_', ' ')} furniture" for material in vocabulary.materials]
    return tuple(dict.fromkeys(said))
