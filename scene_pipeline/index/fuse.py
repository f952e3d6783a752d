"""Fuse a product's picture and text into one vector, so that one inner product is the weighted similarity.

A product's vector is `[normalize(image - mean) ‖ normalize(text - mean)]` and carries no weights. The weights sit on
the query, linearly: `[share * normalize(image - mean) ‖ (1 - share) * normalize(text - mean)]`. The inner product of
the two is exactly `share * cosine(images) + (1 - share) * cosine(texts)`, so another share needs no new index.

A product without a picture has zeros in its image part. As the parts are mean-centered, 0 is the image cosine of an
average picture: in a search such a product has neither an advantage nor a disadvantage. Matching measures its
similarity against other products without a picture.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_pipeline.errors import BundleError, IndexBuildError
from scene_pipeline.files import atomic_path

_BLOCK = 65_536  # rows centered at a time, so that a million products need no second copy
_TINY = 1e-6  # a centered vector shorter than this has no usable direction


@dataclass(frozen=True)
class Fusion:
    """The means for centering: of image vectors [image_dim] and of text vectors [text_dim], float32."""

    image_mean: npt.NDArray[np.float32]
    text_mean: npt.NDArray[np.float32]
    image_dim: int
    text_dim: int

    @property
    def dimension(self) -> int:
        """Length of a fused vector."""
        return self.image_dim + self.text_dim

    def write(self, path: Path) -> None:
        """Write both means to an .npz file, atomically."""
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, image_mean=self.image_mean, text_mean=self.text_mean)

    @classmethod
    def read(cls, path: Path) -> "Fusion":
        """Return what `write` wrote. Raises BundleError when the file is something else."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                image_mean = arrays["image_mean"].astype(np.float32)
                text_mean = arrays["text_mean"].astype(np.float32)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise BundleError(f"{path}: holds no image and text means ({error}); build the bundle again") from error
        return cls(image_mean, text_mean, len(image_mean), len(text_mean))


def fit(image: npt.NDArray[np.floating], text: npt.NDArray[np.floating], has_image: npt.NDArray[np.bool_]) -> Fusion:
    """Return the means over `image` [n, image_dim] (rows with a picture only) and `text` [n, text_dim].

    A catalog without a single picture has an image mean of zeros. Raises IndexBuildError when the three do not have
    the same number of rows, at least one.
    """
    _check_rows(image, text, has_image)
    image_mean = np.zeros(image.shape[1], np.float32)
    if has_image.any():
        image_mean = image.mean(axis=0, dtype=np.float64, where=has_image[:, None]).astype(np.float32)
    text_mean = text.mean(axis=0, dtype=np.float64).astype(np.float32)
    return Fusion(image_mean, text_mean, image.shape[1], text.shape[1])


def fuse_products(
    image: npt.NDArray[np.floating],
    text: npt.NDArray[np.floating],
    has_image: npt.NDArray[np.bool_],
    fusion: Fusion,
) -> npt.NDArray[np.float32]:
    """Return the fused vectors [n, image_dim + text_dim], float32.

    `image` rows without a picture are not read (they may be NaN); their image part is zeros. The squared length of a
    row is 2, or 1 without a picture. Raises IndexBuildError when shapes do not fit `fusion`.
    """
    _check_rows(image, text, has_image)
    if (image.shape[1], text.shape[1]) != (fusion.image_dim, fusion.text_dim):
        raise IndexBuildError(
            f"vectors of {image.shape[1]} + {text.shape[1]} dimensions do not fit a fusion of {fusion.image_dim} + "
            f"{fusion.text_dim}; fit the fusion with the vectors of the same encoders"
        )
    fused = np.zeros((len(text), fusion.dimension), np.float32)
    for start in range(0, len(text), _BLOCK):
        rows = slice(start, start + _BLOCK)
        pictured = has_image[rows]
        fused[rows, : fusion.image_dim][pictured] = _centered(image[rows][pictured], fusion.image_mean)
        fused[rows, fusion.image_dim :] = _centered(text[rows], fusion.text_mean)
    return fused


def fuse_query(
    image_query: npt.NDArray[np.floating], text_query: npt.NDArray[np.floating], fusion: Fusion, image_share: float
) -> npt.NDArray[np.float32]:
    """Return the query [image_dim + text_dim] whose inner product is `share * cos(image) + (1 - share) * cos(text)`.

    `image_query` [image_dim] and `text_query` [text_dim] are in the spaces of the products' two parts. Raises
    IndexBuildError when `image_share` lies outside 0-1 or a length does not fit.
    """
    if not 0 <= image_share <= 1:
        raise IndexBuildError(f"image_share is {image_share:g}; it must lie between 0 and 1")
    if (image_query.shape, text_query.shape) != ((fusion.image_dim,), (fusion.text_dim,)):
        raise IndexBuildError(
            f"a query of {image_query.shape} + {text_query.shape} does not fit a fusion of {fusion.image_dim} + "
            f"{fusion.text_dim}; embed it with the encoder of the bundle"
        )
    image_part = _centered(image_query[None], fusion.image_mean)[0] * image_share
    text_part = _centered(text_query[None], fusion.text_mean)[0] * (1 - image_share)
    return np.concatenate([image_part, text_part]).astype(np.float32)


def _centered(vectors: npt.NDArray[np.floating], mean: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Subtract the mean and scale to length 1.

    A vector that equals the mean keeps its own direction, so that a catalog of one product can be searched too.
    """
    vectors = np.asarray(vectors, np.float32)
    centered = vectors - mean
    lengths = np.linalg.norm(centered, axis=1, keepdims=True)
    vanished = lengths[:, 0] < _TINY
    if vanished.any():
        centered[vanished] = vectors[vanished]
        lengths[vanished] = np.linalg.norm(vectors[vanished], axis=1, keepdims=True)
    return centered / np.maximum(lengths, _TINY)


def _check_rows(
    image: npt.NDArray[np.floating], text: npt.NDArray[np.floating], has_image: npt.NDArray[np.bool_]
) -> None:
    if image.ndim != 2 or text.ndim != 2 or not len(image) == len(text) == len(has_image) > 0:
        raise IndexBuildError(
            f"image vectors {image.shape}, text vectors {text.shape} and has_image {has_image.shape} must be one row "
            "per product, at least one; embed both from the same product table"
        )
