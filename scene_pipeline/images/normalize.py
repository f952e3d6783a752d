"""Turn the bytes of one original into its normalized copy in the store, and describe it."""

import hashlib
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.color.dominant import dominant_colors
from scene_pipeline.images.decode import DecodeError, decode_named, shrink
from scene_pipeline.images.phash import perceptual_hash
from scene_pipeline.images.store import ImageStore

MAX_SIDE = 16_000
"""Pixels of a copy's long side: JPEG holds no more than 65,535."""


class NormalizeSettings(msgspec.Struct, frozen=True):
    """Where copies go and how they are made."""

    root: str
    max_pixels: int
    max_bytes: int
    short_side: int
    quality: int
    keep_originals: bool


class Job(msgspec.Struct, frozen=True):
    """One original: its bytes, or the path of an allowed file. Messages call it `name`."""

    name: str
    data: bytes | None = None
    path: str | None = None


class Prepared(msgspec.Struct, frozen=True):
    """The copy made of an original, or the reason (a code of `REASONS`) and detail why there is none.

    `fatal` says in one line why no copy can be made at all, such as a full disk.
    """

    fatal: str | None = None
    reason: str | None = None
    detail: str | None = None
    original_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    phash: int | None = None
    colors: bytes = b""  # float32 rows of (L, a, b, share)
    original_sha256: str | None = None


def prepare(job: Job, recipe: NormalizeSettings) -> Prepared:
    """Decode, scale, store and describe one original; an unusable one returns a reason instead of raising an error."""
    data = job.data or b""
    try:
        if job.path is not None:
            data = _read(job, recipe.max_bytes)
        decoded = decode_named(data, job.name, recipe.max_pixels, recipe.short_side)
    except DecodeError as error:
        return Prepared(reason=error.reason, detail=str(error), original_bytes=len(data))
    image = shrink(decoded.image, recipe.short_side)
    if max(image.size) > MAX_SIDE:
        image = image.resize([max(1, round(side * MAX_SIDE / max(image.size))) for side in image.size])
    store = ImageStore(Path(recipe.root))
    colors = [(*lab, share) for lab, share in dominant_colors(image, ignore_background=True)]
    return Prepared(
        original_bytes=len(data),
        width=decoded.full_size[0],
        height=decoded.full_size[1],
        sha256=store.add(image, recipe.quality),
        phash=perceptual_hash(image),
        colors=np.array(colors, dtype=np.float32).tobytes(),
        original_sha256=store.add_original(data) if recipe.keep_originals else hashlib.sha256(data).hexdigest(),
    )


def _read(job: Job, max_bytes: int) -> bytes:
    try:
        with Path(job.path or "").open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise DecodeError(
            "unreadable", f"{job.name}: cannot be read ({error.strerror}); check its permissions"
        ) from error
    if len(data) > max_bytes:
        raise DecodeError("too_large", f"{job.name}: has more than the {max_bytes / 1e6:g} MB allowed; save it smaller")
    return data
