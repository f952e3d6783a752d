"""What one training sample carries, and how a batch is drawn from several parts (photographs, renders, negatives)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch


class Rows(Protocol):
    """Rows of an array, in memory or on disk."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Part:
    """Pictures of one kind and what is known of each.

    `pixels` (n, s, s, 3) uint8; `captions` (n, k) rows of the text bank; `room` (n, rooms + null class), `style`,
    `category` and `color` (n, classes) are float32 distributions, a row of zeros where nothing is known; `grid`
    (n, 13, 13, 96) of teacher features or None; `share` of a batch that comes from this part; `photo`: real
    photographs.
    """

    name: str
    pixels: Rows
    captions: np.ndarray
    room: np.ndarray
    style: np.ndarray
    category: np.ndarray
    color: np.ndarray
    share: float
    grid: Rows | None = None
    photo: bool = False


@dataclass
class Batch:
    """A drawn batch: `pixels` (b, s, s, 3) uint8, `text` (b, 384) caption vectors, labels, and the teacher's grid.

    `grid` is (b, 96, 13, 13) with zeros where the teacher has not looked, `seen` (b,) says where it has; `photo` (b,)
    says which are real photographs.
    """

    pixels: torch.Tensor
    text: torch.Tensor
    room: torch.Tensor
    style: torch.Tensor
    category: torch.Tensor
    color: torch.Tensor
    grid: torch.Tensor
    seen: torch.Tensor
    photo: torch.Tensor


def one_hot(labels: Sequence[int] | np.ndarray, classes: int) -> np.ndarray:
    """Return certain labels as distributions (n, classes) float32; -1 becomes a row of zeros."""
    return (np.asarray(labels)[:, None] == np.arange(classes)).astype(np.float32)


def batches(
    parts: Sequence[Part], texts: np.ndarray, size: int, steps: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Yield `steps` batches of `size`, each part giving its share; a part is gone through before any row repeats."""
    counts = _counts([part.share for part in parts], size)
    streams = [_endless(len(part.pixels), count, rng) for part, count in zip(parts, counts, strict=True)]
    for _ in range(steps):
        yield _collate(parts, [next(stream) for stream in streams], texts, rng)


def _counts(shares: Sequence[float], size: int) -> list[int]:
    counts = [max(1, round(size * share / sum(shares))) for share in shares]
    counts[0] += size - sum(counts)
    return counts


def _endless(rows: int, count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    queue = rng.permutation(rows)
    while True:
        while len(queue) < count:
            queue = np.concatenate([queue, rng.permutation(rows)])
        yield queue[:count]
        queue = queue[count:]


def _collate(parts: Sequence[Part], picks: Sequence[np.ndarray], texts: np.ndarray, rng: np.random.Generator) -> Batch:
    pairs = list(zip(parts, picks, strict=True))
    depth = next((part.grid.shape[-1] for part in parts if part.grid is not None), 1)
    side = next((part.grid.shape[1] for part in parts if part.grid is not None), 1)
    grid = [
        part.grid[rows] if part.grid is not None else np.zeros((len(rows), side, side, depth), np.float16)
        for part, rows in pairs
    ]
    captions = [part.captions[rows, rng.integers(part.captions.shape[1], size=len(rows))] for part, rows in pairs]
    return Batch(
        pixels=torch.from_numpy(np.concatenate([part.pixels[rows] for part, rows in pairs])),
        text=torch.from_numpy(texts[np.concatenate(captions)]),
        room=torch.from_numpy(np.concatenate([part.room[rows] for part, rows in pairs])),
        style=torch.from_numpy(np.concatenate([part.style[rows] for part, rows in pairs])),
        category=torch.from_numpy(np.concatenate([part.category[rows] for part, rows in pairs])),
        color=torch.from_numpy(np.concatenate([part.color[rows] for part, rows in pairs])),
        grid=torch.from_numpy(np.concatenate(grid).astype(np.float32).transpose(0, 3, 1, 2)),
        seen=torch.from_numpy(np.concatenate([np.full(len(rows), part.grid is not None) for part, rows in pairs])),
        photo=torch.from_numpy(np.concatenate([np.full(len(rows), part.photo) for part, rows in pairs])),
    )
