"""Pooled features of pictures from the frozen backbone, computed once and kept in the trainer's folder."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch.nn import functional

from scene_pipeline.encoders.compact import load_backbone
from training.compact.photos import decode, square
from training.compact.studio import Renders, cut_out, read_studio

Picture = Callable[[], np.ndarray]
PHOTO_SIDE, PRODUCT_SIDE = 384, 224
SMALL_SIDE = 160
BATCH = 8
HELD_OUT = 480
WINDOW_SCENES = 900


@dataclass(frozen=True)
class Features:
    """What the heads are trained on: pooled features [n, 1280] with their labels.

    `photos` are at several sizes, `rooms` names the room of each and `held_out` marks those that only test.
    `windows` [s, 35, 1280] are unit features of the windows of some photographs, `window_rooms` their rooms. `named`
    [p, 1000] are the log probabilities of ImageNet's classes in the photographs at full size, each in its best window.
    """

    photos: np.ndarray
    rooms: np.ndarray
    held_out: np.ndarray
    weight: np.ndarray
    windows: np.ndarray
    window_rooms: np.ndarray
    named: np.ndarray
    negatives: np.ndarray
    renders: Renders
    render_rooms: np.ndarray
    packshots: np.ndarray
    cut_outs: np.ndarray


class Backbone:
    """The frozen backbone; keeps what it computed under `cache`."""

    def __init__(self, cache: Path) -> None:
        self._model: Any = load_backbone()
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)

    def pooled(self, name: str, pictures: Sequence[Picture], side: int) -> np.ndarray:
        """Return the mean features [n, 1280] of pictures at `side` pixels."""
        return self._kept(name, lambda: np.concatenate([part.mean(axis=(2, 3)) for part in self._maps(pictures, side)]))

    def windows(self, name: str, pictures: Sequence[Picture]) -> np.ndarray:
        """Return unit features [n, 35, 1280] of the windows of pictures, in the order of `windows.WINDOWS`."""

        def compute() -> np.ndarray:
            parts = []
            for features in self._maps(pictures, PHOTO_SIDE):
                parts.append(functional.normalize(_windows_of(features), dim=-1).numpy())
            return np.concatenate(parts)

        return self._kept(name, compute)

    def named(self, name: str, pictures: Sequence[Picture]) -> np.ndarray:
        """Return the log probabilities [n, 1000] of ImageNet's classes, each in the window that shows it best."""

        def compute() -> np.ndarray:
            parts = []
            for features in self._maps(pictures, PHOTO_SIDE):
                logits = self._model.classifier(_windows_of(features))
                parts.append(logits.log_softmax(dim=-1).amax(dim=1).detach().numpy().astype(np.float16))
            return np.concatenate(parts)

        return self._kept(name, compute)

    def _maps(self, pictures: Sequence[Picture], side: int) -> Iterable[np.ndarray]:
        with torch.inference_mode():
            for start in range(0, len(pictures), BATCH):
                pixels = np.stack([square(Image.fromarray(make()), side) for make in pictures[start : start + BATCH]])
                scaled = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
                yield self._model.forward_features(scaled).numpy()

    def _kept(self, name: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        path = self._cache / f"{name}.npy"
        if not path.is_file():
            np.save(path, compute())
        return np.load(path)


def read_features(photos: Path, studio: Path, cache: Path) -> Features:
    """Return all features, from photographs under `photos` (train, train256) and renders under `studio`."""
    from training.compact.negatives import make_negatives

    backbone = Backbone(cache)
    small, small_rooms = _photographs(photos / "train")
    large, large_rooms = _photographs(photos / "train256")
    held = np.zeros(len(large), bool)
    held[np.random.default_rng(5).permutation(len(large))[:HELD_OUT]] = True
    some = np.sort(np.random.default_rng(0).permutation(len(large))[:WINDOW_SCENES])
    renders = read_studio(studio)
    is_room = renders.room >= 0
    packs = [file for file, room in zip(renders.files, is_room, strict=True) if not room]
    negatives = make_negatives(
        np.stack([square(Image.fromarray(large[row]()), 256) for row in range(0, len(large), 8)]), 900, 3
    )
    drawn = [_constant(picture) for picture in negatives]
    return Features(
        photos=np.concatenate(
            [
                backbone.pooled("large-384", large, PHOTO_SIDE),
                backbone.pooled("large-224", large, PRODUCT_SIDE),
                backbone.pooled("small-160", small, SMALL_SIDE),
                backbone.pooled("small-224", small, PRODUCT_SIDE),
            ]
        ),
        rooms=np.concatenate([large_rooms, large_rooms, small_rooms, small_rooms]),
        held_out=np.concatenate([held, held, np.zeros(2 * len(small), bool)]),
        # Scenes are read at 384 pixels from pictures that are large, so these count most.
        weight=np.repeat([3.0, 1.0, 0.35, 0.35], [len(large), len(large), len(small), len(small)]),
        windows=backbone.windows("windows", [large[row] for row in some]),
        window_rooms=large_rooms[some],
        named=backbone.named("named", large),
        negatives=np.concatenate(
            [
                backbone.pooled("negatives-224", drawn, PRODUCT_SIDE),
                backbone.pooled("negatives-384", drawn[:450], PHOTO_SIDE),
            ]
        ),
        renders=renders,
        render_rooms=backbone.pooled(
            "render-rooms", [_file(f) for f, room in zip(renders.files, is_room, strict=True) if room], PHOTO_SIDE
        ),
        packshots=backbone.pooled("packshots", [_file(file) for file in packs], PRODUCT_SIDE),
        cut_outs=backbone.pooled("cut-outs", [_constant(cut_out(_file(file)())) for file in packs], PRODUCT_SIDE),
    )


def _windows_of(features: np.ndarray) -> torch.Tensor:
    """Return the pooled features [n, 35, 1280] of windows of feature maps, in the order of `windows.WINDOWS`."""
    maps = torch.from_numpy(features)
    pooled = [maps.mean(dim=(2, 3))[..., None]]
    pooled += [functional.avg_pool2d(maps, cells, cells // 2).flatten(2) for cells in (6, 4)]
    return torch.cat(pooled, dim=2).transpose(1, 2)


def _photographs(folder: Path) -> tuple[list[Picture], np.ndarray]:
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise SystemExit(f"{folder}: holds no *.parquet; the room photographs are needed for training")
    pictures: list[Picture] = []
    rooms: list[str] = []
    for file in files:
        table = pq.read_table(file, columns=["image", "room"])
        pictures += [_bytes(data) for data in table["image"].to_pylist()]
        rooms += table["room"].to_pylist()
    return pictures, np.array(rooms)


def _bytes(data: bytes) -> Picture:
    return lambda: decode(data)


def _file(path: Path) -> Picture:
    return lambda: decode(path)


def _constant(pixels: np.ndarray) -> Picture:
    return lambda: pixels
