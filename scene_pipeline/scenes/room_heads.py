"""What stands in a room, what it is made of, its layout and its light: small heads on the encoder's feature maps.

Two maps of the frozen backbone (strides 16 and 32) go in; a few matrix products in numpy give, for each cell, the types
of things whose middle lies there with the edges of their boxes, the part of the shell, the material and the pattern,
and for the whole picture the light, the size of the room and the height of the camera. Trained by `training.room` on
renders and, for the types that it knows, on a detector's answers to photographs.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_pipeline.errors import EncoderError
from scene_pipeline.scenes.analysis import UNKNOWN, Box, RoomObject, RoomReading, Trait
from scene_pipeline.scenes.layout import free_stretches

HEADS = Path(__file__).parents[1] / "encoders" / "weights" / "room-v1.npz"
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

MIN_CERTAINTY = 0.5
"""Score from which a thing is named: where F1 was best on rendered test rooms."""

OVERLAP = 0.3
"""Intersection over union from which the surer of two boxes of a type stands for both."""

MAX_OBJECTS = 40
CLEAR = 0.5
"""Probability from which a trait of the light is named."""


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
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls({name: arrays[name].astype(np.float32) for name in arrays.files})
        except (OSError, ValueError, EOFError) as error:
            raise EncoderError(f"{path}: the heads of the room cannot be read ({error}); install it again") from error

    def read(self, middle: NDArray[np.float32], deep: NDArray[np.float32]) -> RoomReading:
        """Return what maps [112, 2h, 2w] and [320, h, w] of one picture show."""
        cells, whole = self.outputs(middle, deep)
        scores, edges = _sigmoid(cells[:17]), np.exp(np.clip(cells[17:21], -7, 1))
        scores = np.sqrt(scores * _sigmoid(cells[21]))
        parts = np.cumsum([22, len(SHELL), len(MATERIALS), len(PATTERNS)])
        shell, materials, patterns = (_softmax(cells[a:b]) for a, b in pairwise(parts.tolist()))
        source, warmth, side = (_softmax(whole[a:b]) for a, b in ((0, 2), (2, 5), (5, 8)))
        size = float(np.exp(whole[8] + 3))
        spread = float(np.exp(self.weights["size_spread"]))
        return RoomReading(
            objects=_objects(scores, edges, materials),
            layout=_shares(shell, SHELL),
            materials=_shares(materials, MATERIALS),
            patterns=_shares(patterns, PATTERNS),
            source=_trait(source, SOURCES),
            warmth=_trait(warmth, WARMTHS),
            light_from=_trait(side, DIRECTIONS),
            size_m2=round(size, 1),
            size_interval_m2=(round(size / spread, 1), round(size * spread, 1)),
            camera_height_m=round(float(whole[9] + 1.3), 2),
            present={name: round(float(score.max()), 3) for name, score in zip(TYPES, scores, strict=True)},
            free=free_stretches(shell.argmax(axis=0), SHELL, None, 1.0),
        )

    def outputs(self, middle: NDArray[np.float32], deep: NDArray[np.float32]) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of each cell [c, 2h, 2w] and of the whole [g]."""
        w = self.weights
        far = np.repeat(np.repeat(_pointwise(deep, w["deep.weight"], w["deep.bias"]), 2, axis=1), 2, axis=2)
        x = np.maximum(_pointwise(middle, w["mid.weight"], w["mid.bias"]) + far, 0)
        for block in range(3):
            step = _pointwise(_shifted(x, block + 1), w[f"blocks.{block}.weight"], w[f"blocks.{block}.bias"])
            x = x + np.maximum(step, 0)
        pooled = np.concatenate([x.mean(axis=(1, 2)), x.max(axis=(1, 2)), deep.mean(axis=(1, 2))])
        return _pointwise(x, w["out.weight"], w["out.bias"]), w["glob.weight"] @ pooled + w["glob.bias"]


def _pointwise(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    flat = weight.reshape(weight.shape[0], -1) @ x.reshape(x.shape[0], -1)
    return (flat + bias[:, None]).reshape(-1, *x.shape[1:])


def _shifted(x: np.ndarray, reach: int) -> np.ndarray:
    """Return five groups of channels: as they are, and moved by `reach` cells from each side, zeros beyond."""
    height, width = x.shape[1:]
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach)))
    size, far = len(x) // 5, 2 * reach
    out = np.empty_like(x)
    for group, (dy, dx) in enumerate(((reach, reach), (reach, 0), (reach, far), (0, reach), (far, reach))):
        own = slice(group * size, len(x) if group == 4 else (group + 1) * size)
        out[own] = padded[own, dy : dy + height, dx : dx + width]
    return out


def _objects(scores: np.ndarray, edges: np.ndarray, materials: np.ndarray) -> tuple[RoomObject, ...]:
    """Return the things whose score stands out, the surest first, one for boxes that overlap."""
    _, height, width = scores.shape
    kinds, rows, columns = np.nonzero(scores >= MIN_CERTAINTY)
    order = np.argsort(-scores[kinds, rows, columns], kind="stable")
    found: list[RoomObject] = []
    for kind, row, column in zip(kinds[order], rows[order], columns[order], strict=True):
        x, y = (column + 0.5) / width, (row + 0.5) / height
        left, top, right, bottom = edges[:, row, column]
        corners = np.clip([x - left, y - top, x + right, y + bottom], 0, 1)
        box: Box = tuple(np.round(corners, 4).tolist())
        name = TYPES[kind]
        if any(other.type == name and overlap(other.box, box) >= OVERLAP for other in found):
            continue
        made = materials[1:, row, column]
        material = MATERIALS[1 + int(made.argmax())] if made.max() >= CLEAR else UNKNOWN
        found.append(RoomObject(name, box, float(scores[kind, row, column]), material))
        if len(found) == MAX_OBJECTS:
            break
    return tuple(found)


def overlap(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return width * height / (areas - width * height)


def _shares(probabilities: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    """Return the share of the picture of each name, by its best cells."""
    counts = np.bincount(probabilities.argmax(axis=0).ravel(), minlength=len(names))
    return {name: round(float(count / counts.sum()), 4) for name, count in zip(names, counts, strict=True) if count}


def _trait(probabilities: np.ndarray, names: tuple[str, ...]) -> Trait:
    best = int(probabilities.argmax())
    sure = float(probabilities[best])
    if sure < CLEAR:
        return Trait(UNKNOWN, sure, f"{names[best]} is the likeliest, with {sure:.0%}")
    return Trait(names[best], sure)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def _softmax(x: np.ndarray) -> np.ndarray:
    power = np.exp(x - x.max(axis=0, keepdims=True))
    return power / power.sum(axis=0, keepdims=True)
