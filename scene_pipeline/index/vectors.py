"""Arrays of product vectors: check them, convert them, write them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_pipeline.errors import IndexBuildError

BLOCK = 65_536
"""Rows converted at a time, so that a million vectors need no second copy in float32."""

_NORM_TOLERANCE = 0.01


def as_float32(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return `vectors` as contiguous float32, copied only where they are something else."""
    return np.ascontiguousarray(vectors, dtype=np.float32)


def dot_rows(rows: npt.NDArray[np.float32], query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the inner products [m] of `rows` [m, d] with `query` [d], on this thread alone.

    A matrix product for one query would wake BLAS's threads, which then wait busily. On a machine with two cores this
    can double the time of the code that follows.
    """
    return np.einsum("md,d->m", rows, query)


def write_float16(vectors: npt.NDArray[np.floating], path: Path) -> None:
    """Write `vectors` [n, dimension] as a float16 .npy file. Raises OSError when the disk is full.

    Written as a stream: a full disk under a writable memory map would kill the process instead.
    """
    with path.open("wb") as stream:
        header = {"descr": "<f2", "fortran_order": False, "shape": vectors.shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, len(vectors), BLOCK):
            stream.write(np.ascontiguousarray(vectors[start : start + BLOCK], dtype="<f2").data)


def extremes(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return the smallest and the largest value of each dimension, as two rows."""
    low, high = as_float32(vectors[0]), as_float32(vectors[0])
    for start in range(0, len(vectors), BLOCK):
        block = as_float32(vectors[start : start + BLOCK])
        low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
    return np.stack([low, high])


def check_vectors(vectors: npt.NDArray[np.floating]) -> None:
    """Raise IndexBuildError unless every row of `vectors` is finite and made of one or two parts of length 1."""
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise IndexBuildError(f"vectors have the shape {vectors.shape}; give one row per product, at least one")
    for start in range(0, len(vectors), BLOCK):
        block = as_float32(vectors[start : start + BLOCK])
        squared = np.einsum("nd,nd->n", block, block)
        finite = np.isfinite(squared)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise IndexBuildError(f"vector {row} holds NaN or infinity; embed that product again")
        parts = np.sqrt(squared / np.clip(np.round(squared), 1, 2))
        wrong = np.abs(parts - 1) > _NORM_TOLERANCE
        if wrong.any():
            row = int(np.argmax(wrong))
            raise IndexBuildError(
                f"vector {start + row} has length {np.sqrt(squared[row]):.4g}; it must be 1, or √2 for two parts: "
                "make the vectors with fuse_products"
            )
