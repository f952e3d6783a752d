"""The small heads on the encoder's feature maps that read a room: weights and the numbers they give.

Three maps of the frozen backbone (strides 8, 16 and 32) go in. For each cell come the types of things whose middle lies
there with the edges of their boxes, the part of the shell, the material, the pattern and the span (how many meters the
picture would show across at that distance); for the whole picture the light, the size of the room, the height of the
camera, which types are present, and the architecture. Materials and patterns are read from the finest map as well.
Trained by `training.room` on renders and labeled photographs. `room_reading` puts the numbers into words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_pipeline.encoders.spec import COMPACT_WEIGHTS
from scene_pipeline.errors import EncoderError

HEADS = COMPACT_WEIGHTS / "room-v4.npz"
"""The weights that ship; float16."""

TYPES = (
    "chair", "armchair", "sofa", "bed", "table", "desk", "cabinet", "lamp", "rug", "plant", "curtain", "mirror",
    "picture", "vase", "sink", "bath", "toilet",
)  # fmt: skip
SHELL = ("thing", "wall", "floor", "ceiling", "window", "other")
MATERIALS = (
    "none", "light wood", "dark wood", "stone", "tile", "brick", "fabric", "leather", "metal", "glass", "plaster",
    "plant", "painted", "wicker", "ceramic",
)  # fmt: skip
PATTERNS = ("plain", "stripe", "check", "floral", "geometric", "animal")
SOURCES = ("daylight", "lamps")
WARMTHS = ("warm", "neutral", "cold")
DIRECTIONS = ("left", "back", "right")
ARCHITECTURE = ("beams", "panelling", "brick wall")

BLOCKS = 3
"""Residual blocks of the trunk; block n uses taps n cells apart."""

SURFACE_BLOCKS = 2
"""The same, for the part that reads materials and patterns."""

BANDS = 3
"""Vertical bands that the deep map is pooled in: light comes from the left, the right or the back."""

CELL_PARTS = {"types": len(TYPES), "edges": 4, "quality": 1, "shell": len(SHELL), "span": 1}
SURFACE_PARTS = {"materials": len(MATERIALS), "patterns": len(PATTERNS)}
WHOLE_PARTS = {"source": len(SOURCES), "warmth": len(WARMTHS), "light_from": len(DIRECTIONS), "size": 1, "camera": 1,
               "present": len(TYPES), "architecture": len(ARCHITECTURE)}  # fmt: skip
"""Outputs for each cell, for what covers it, and for the whole picture: name and count, in order."""

SIZE_MIDDLE, HEIGHT_MIDDLE, SPAN_MIDDLE = 3.0, 1.3, 1.3
"""Offsets of the size of the room (log m2), the height of the camera (m) and the span (log m)."""


@dataclass(frozen=True, slots=True)
class RoomHeads:
    """The weights, by name, float32."""

    weights: dict[str, NDArray[np.float32]]

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> "RoomHeads":
        """Return the heads that ship, read once. Raises EncoderError as `load` does."""
        return cls.load(HEADS)

    @classmethod
    def load(cls, path: Path) -> "RoomHeads":
        """Read weights from a file. Raises EncoderError when they are missing or damaged."""
        return cls(
            {name: array.astype(np.float32) for name, array in read_arrays(path, "the heads of the room").items()}
        )

    def fitted(self, domain: str) -> dict[str, NDArray[np.float32]]:
        """Return what the outputs mean in pictures of a domain: thresholds, certainties and shifts, by name."""
        own = f"{domain}."
        return {name.removeprefix(own): value for name, value in self.weights.items() if name.startswith(own)}

    def outputs(
        self, maps: Sequence[NDArray[np.float32]], domain: str
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return the outputs for the maps [40, 4h, 4w], [112, 2h, 2w] and [320, h, w] of one picture of a domain.

        They are the numbers of each cell [c, 2h, 2w] by CELL_PARTS and SURFACE_PARTS, and those of the whole picture
        [g] by WHOLE_PARTS.
        """
        w = self.weights
        fine, middle, deep = maps
        x, pooled = self.features(middle, deep)
        cells = _parts(_pointwise(x, w["out.weight"], w["out.bias"]), CELL_PARTS)
        whole = w[f"{domain}.glob.weight"] @ pooled + w[f"{domain}.glob.bias"]
        return cells | _parts(self._surfaces(x, fine), SURFACE_PARTS), _parts(whole, WHOLE_PARTS)

    def features(
        self, middle: NDArray[np.float32], deep: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what the linear heads read: the trunk's features of each cell [c, 2h, 2w] and of the whole [f]."""
        w = self.weights
        far = np.repeat(np.repeat(_pointwise(deep, w["deep.weight"], w["deep.bias"]), 2, axis=1), 2, axis=2)
        x = np.maximum(_pointwise(middle, w["mid.weight"], w["mid.bias"]) + far, 0)
        x = self._after_blocks(x, "blocks", BLOCKS)
        bands = np.stack([part.mean(axis=(1, 2)) for part in np.array_split(deep, BANDS, axis=2)], axis=1)
        return x, np.concatenate([x.mean(axis=(1, 2)), x.max(axis=(1, 2)), bands.ravel()])

    def _surfaces(self, x: NDArray[np.float32], fine: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits [s, 2h, 2w] of SURFACE_PARTS, from the trunk's features and the finest map [40, 4h, 4w]."""
        w = self.weights
        channels, height, width = fine.shape
        quarters = fine.reshape(channels, height // 2, 2, width // 2, 2).transpose(0, 2, 4, 1, 3)
        quarters = quarters.reshape(4 * channels, height // 2, width // 2)
        near = _pointwise(quarters, w["fine.weight"], w["fine.bias"])
        y = np.maximum(near + _pointwise(x, w["seen.weight"], w["seen.bias"]), 0)
        y = self._after_blocks(y, "textures", SURFACE_BLOCKS)
        return _pointwise(y, w["surface.weight"], w["surface.bias"])

    def _after_blocks(self, x: NDArray[np.float32], name: str, count: int) -> NDArray[np.float32]:
        """Return features [c, h, w] after some residual blocks."""
        w = self.weights
        for block in range(count):
            at = f"{name}.{block}"
            inner = np.maximum(_pointwise(x, w[f"{at}.a.weight"], w[f"{at}.a.bias"]), 0)
            inner = np.maximum(_around(inner, w[f"{at}.b.weight"], w[f"{at}.b.bias"], block + 1), 0)
            x = x + _pointwise(inner, w[f"{at}.c.weight"], w[f"{at}.c.bias"])
        return np.maximum(x, 0)


def read_arrays(path: Path, what: str) -> dict[str, np.ndarray]:
    """Return the arrays of a file of weights by name. Raises EncoderError; `what` names them in its message."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError) as error:
        raise EncoderError(f"{path}: {what} cannot be read ({error}); install it again") from error


def _parts(numbers: np.ndarray, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    ends = np.cumsum(list(sizes.values()))
    return dict(zip(sizes, np.split(numbers, ends[:-1]), strict=True))


def _pointwise(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    flat = weight.reshape(weight.shape[0], -1) @ x.reshape(x.shape[0], -1)
    return (flat + bias[:, None]).reshape(-1, *x.shape[1:])


def _around(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, reach: int) -> np.ndarray:
    """Return the 3 by 3 convolution of x [c, h, w] with taps `reach` cells apart, zeros beyond the edge."""
    channels, height, width = x.shape
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach)))
    taps = np.empty((channels, 9, height, width), x.dtype)
    for tap in range(9):
        dy, dx = tap // 3 * reach, tap % 3 * reach
        taps[:, tap] = padded[:, dy : dy + height, dx : dx + width]
    flat = weight.reshape(weight.shape[0], -1) @ taps.reshape(channels * 9, -1)
    return (flat + bias[:, None]).reshape(-1, height, width)
