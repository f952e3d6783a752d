"""Read a photograph of a room in windows: the whole, then overlapping parts, each with a vector of its own.

A product stands in a part of a room, so pictures are compared window by window. A tower that can read all windows in
one pass does so (`spec.scene_size`), and from a vision transformer they are pooled from its patches. Any other tower
embeds the whole and nine crops of half its sides in one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scene_pipeline.encoders.spec import EncoderSpec


def grid(size: float, step: float) -> tuple[tuple[float, float, float, float], ...]:
    """Return the boxes (left, top, right, bottom in 0-1) of square windows of `size` that lie `step` apart."""
    count = round((1 - size) / step) + 1
    places = [index * step for index in range(count)]
    return tuple((left, top, left + size, top + size) for top in places for left in places)


WHOLE = ((0.0, 0.0, 1.0, 1.0),)
CROPS = (*WHOLE, *grid(1 / 2, 1 / 4))
"""Ten windows: what is embedded crop by crop."""

MIN_ROWS = 12
"""Rows and columns of patches from which on windows of a third hold enough of them."""

WINDOWS = (*WHOLE, *grid(1 / 2, 1 / 4), *grid(1 / 3, 1 / 6))
"""Thirty-five windows: cells 12, 6 and 4 of a feature map of 12 by 12, with half a window between neighbors."""


@dataclass(frozen=True, slots=True)
class SceneEmbedding:
    """What an encoder makes of a photograph.

    `vector` [m] is the unit vector of the whole that is compared with words; `windows` [w, look] are unit vectors that
    are compared with products' pictures; `views` [v, m] are unit vectors of the windows that are compared with words,
    the whole first. `boxes` [w, 4] say where each window lies (left, top, right, bottom, 0-1). `named` [c] are the log
    probabilities of the classes that the encoder names, each in the window that shows it best, `maps` the feature maps
    [c, h, w] that the heads of the room read; None where the encoder has none.
    """

    vector: NDArray[np.float32]
    windows: NDArray[np.float32]
    views: NDArray[np.float32]
    boxes: NDArray[np.float32]
    named: NDArray[np.float32] | None = None
    maps: tuple[NDArray[np.float32], ...] | None = None


class ReadsScenes(Protocol):
    """An encoder that embeds pictures, or a scene with all its windows in one pass."""

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder is."""
        ...

    def embed(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the unit vectors [n, d] of pictures."""
        ...

    def embed_windows(self, image: Image.Image) -> tuple[NDArray[np.float32], ...]:
        """Return the unit vector [d] of a scene, its windows [35, look], what is named in them [c], and its maps."""
        ...

    @property
    def reads_patches(self) -> bool:
        """Whether the encoder gives the patches of a picture."""
        ...

    def embed_patches(self, image: Image.Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the unit vectors of a scene [d] and of its patches [rows, columns, d]."""
        ...


def decoded_side(spec: EncoderSpec) -> int:
    """Return the short side (pixels) at which a scene is decoded: no window is enlarged."""
    return spec.scene_size or 2 * spec.input_size


def embed_scene(encoder: ReadsScenes, image: Image.Image) -> SceneEmbedding:
    """Return what `encoder` makes of a scene: in one pass, by its patches, or in one batch of crops."""
    spec = encoder.spec
    if spec.scene_size:
        vector, windows, named, *maps = encoder.embed_windows(image)
        meaning = meaning_of(spec, vector)
        return SceneEmbedding(meaning, windows, meaning[None], np.array(WINDOWS, np.float32), named, tuple(maps))
    if encoder.reads_patches:
        vector, patches = encoder.embed_patches(image)
        windows, boxes = patch_windows(vector, patches)
        return SceneEmbedding(vector, windows, windows, boxes)
    width, height = image.size
    crops = [image.crop((int(x0 * width), int(y0 * height), round(x1 * width), round(y1 * height)))
             for x0, y0, x1, y1 in CROPS[1:]]  # fmt: skip
    vectors = encoder.embed([image, *crops])
    return SceneEmbedding(vectors[0], vectors, vectors, np.array(CROPS, np.float32))


def patch_windows(
    whole: NDArray[np.float32], patches: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return unit vectors [w, d] of windows from patches [rows, columns, d], the `whole` [d] first, and their boxes.

    Patches have much in common that wholes and products do not have. So a window is the whole plus the difference
    between the mean of its own patches and that of the windows' patches.
    """
    rows, columns = patches.shape[:2]
    boxes = np.array(WINDOWS if min(rows, columns) >= MIN_ROWS else CROPS, np.float32)
    left, top, right, bottom = boxes[1:].T
    held = np.einsum("wr,wc->wrc", _held(top, bottom, rows), _held(left, right, columns))
    means = unit_or_zero(np.tensordot(held, patches, axes=2).astype(np.float32))
    windows = unit_or_zero(whole + means - means.mean(axis=0))
    return np.concatenate([whole[None], windows]), boxes


def _held(start: NDArray[np.float32], end: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return how much [w, count] of each of so many cells of equal size lies between start and end [w] (0-1)."""
    edges = np.arange(count + 1, dtype=np.float32) / count
    overlap = np.minimum(end[:, None], edges[1:]) - np.maximum(start[:, None], edges[:-1])
    return np.maximum(overlap, 0) * count


def look_of(spec: EncoderSpec, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the part of vectors [..., d] that compares pictures with pictures, of length 1 (zeros stay zeros)."""
    return unit_or_zero(vectors[..., : spec.look]) if spec.look else vectors


def meaning_of(spec: EncoderSpec, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the part of vectors [..., d] that compares pictures with words, of length 1 (zeros stay zeros)."""
    return unit_or_zero(vectors[..., spec.look :]) if spec.look else vectors


def unit_or_zero(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors [..., d] scaled to length 1; zeros stay zeros."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
