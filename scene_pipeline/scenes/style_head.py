"""The head that reads the style of a room from the encoder's deep feature map, without prompts.

A linear layer on the mean and the deviation of each channel, trained by `training.style` on rendered rooms of the
packaged styles. A style that a vocabulary adds is read by its prompts alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_pipeline.encoders.spec import COMPACT_WEIGHTS
from scene_pipeline.errors import EncoderError
from scene_pipeline.scenes.room_heads import read_arrays

HEAD = COMPACT_WEIGHTS / "style-v1.npz"
"""The weights that ship; float16."""

DOUBT = 2.0
"""Temperature for photographs: the head was trained on renders, and on photographs it is right half as often."""


@dataclass(frozen=True, slots=True)
class StyleHead:
    """`weight` [s, 2c] and `bias` [s] turn a pooled map into the logits of `styles` [s].

    `usual` [s] are the mean logits of photographs of rooms: their difference from renders says nothing of a style.
    """

    styles: tuple[str, ...]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    usual: NDArray[np.float32]

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> "StyleHead":
        """Return the head that ships, read once. Raises EncoderError as `load` does."""
        return cls.load(HEAD)

    @classmethod
    def load(cls, path: Path) -> "StyleHead":
        """Read weights from a file. Raises EncoderError when they are missing or damaged."""
        arrays = read_arrays(path, "the head of styles")
        try:
            numbers = [arrays[name].astype(np.float32) for name in ("weight", "bias", "usual")]
            return cls(tuple(arrays["styles"].tolist()), *numbers)
        except KeyError as error:
            raise EncoderError(f"{path}: the head of styles lacks {error}; install it again") from error

    def save(self, path: Path) -> None:
        """Write what `load` reads."""
        numbers = {"weight": self.weight, "bias": self.bias, "usual": self.usual}
        half = {name: values.astype(np.float16) for name, values in numbers.items()}
        np.savez(path, allow_pickle=False, styles=np.array(self.styles), **half)

    def logits(self, deep: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits [s] of the styles for a deep feature map [c, h, w]."""
        return self.weight @ pooled(deep) + self.bias

    def applied(
        self, shares: np.ndarray, names: Sequence[str], deep: NDArray[np.float32], photograph: bool
    ) -> np.ndarray:
        """Return the probabilities [S] of the styles `names`; the head divides the share of the styles that it knows.

        `shares` [S] are the probabilities by prompts. The sum over the styles that the head knows stays the same.
        """
        both = [style for style in names if style in self.styles]
        if not both:
            return shares
        logits = (self.logits(deep) - self.usual) / DOUBT if photograph else self.logits(deep)
        logits = logits[[self.styles.index(style) for style in both]]
        power = np.exp(logits - logits.max())
        own = [names.index(style) for style in both]
        result = shares.copy()
        result[own] = shares[own].sum() * power / power.sum()
        return result


def pooled(deep: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return mean and deviation [2c] of the channels of a map [c, h, w]."""
    flat = deep.reshape(deep.shape[0], -1).astype(np.float32)
    return np.concatenate([flat.mean(axis=1), flat.std(axis=1)])
