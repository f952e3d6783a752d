"""Refuse a picture by what its header says, and bound the memory that pictures being decoded take together."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from scene_pipeline.images.decode import DecodeError, check_magic, webp_canvas
from scene_pipeline.service.problems import Problem
from scene_pipeline.service.settings import MEGABYTE, ServiceSettings

DRAFT_SIDE = 500
"""JPEG is decoded at a scale whose short side keeps the encoder's input size, below this many pixels."""

BYTES_PER_PIXEL = {"WEBP": 20, "PNG": 13, "AVIF": 13, "GIF": 6, "BMP": 13, "TIFF": 13}
"""Peak memory of decoding to RGB, measured for pictures of 16 million pixels with transparency."""

DEEP_BYTES_PER_PIXEL = 26
PROGRESSIVE_BYTES_PER_PIXEL = 6
"""A progressive JPEG keeps all coefficients of the full size, whatever the scale it is decoded at."""


def decode_cost(data: bytes, settings: ServiceSettings) -> int:
    """Return the bytes that decoding will take at its peak, read from the header alone.

    Raises the problems `unsupported-picture`, for what is not a picture, and `too-large`, for too many pixels.
    """
    try:
        kind = check_magic(data, "the picture")
    except DecodeError as error:
        raise Problem("unsupported-picture", str(error)) from error
    limit = settings.max_jpeg_pixels if kind == "JPEG" else settings.max_other_pixels
    if kind == "WEBP" and (canvas := webp_canvas(data)) is not None:
        return _within(canvas[0] * canvas[1], limit, kind, 20 * canvas[0] * canvas[1], settings)
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            (width, height), mode, progressive = image.size, image.mode, "progressive" in image.info
    except Image.DecompressionBombError as error:
        raise Problem("too-large", f"the picture has far more than the {limit:,} pixels allowed for {kind}") from error
    except Exception as error:  # PIL's readers raise anything from struct.error to IndexError on damaged files
        raise Problem(
            "unsupported-picture", f"the picture is a damaged or incomplete {kind}; export it again"
        ) from error
    pixels = width * height
    if kind == "JPEG":
        scale = next((scale for scale in (8, 4, 2) if min(width, height) // scale >= DRAFT_SIDE), 1)
        cost = 8 * pixels // scale**2 + (PROGRESSIVE_BYTES_PER_PIXEL * pixels if progressive else 0)
    else:
        cost = pixels * (DEEP_BYTES_PER_PIXEL if mode.startswith(("I", "F")) else BYTES_PER_PIXEL[kind])
    return _within(pixels, limit, kind, cost, settings)


def _within(pixels: int, limit: int, kind: str, cost: int, settings: ServiceSettings) -> int:
    if pixels > limit:
        raise Problem(
            "too-large", f"the picture has {pixels:,} pixels; {limit:,} are allowed for {kind}; scale it down"
        )
    if cost > settings.decode_bytes:
        raise Problem(
            "too-large",
            f"decoding this {kind} of {pixels:,} pixels takes about {cost // MEGABYTE} MB, more than the "
            f"{settings.decode_bytes // MEGABYTE} MB allowed; scale it down",
        )
    return cost


class DecodeBudget:
    """Memory that pictures being decoded may take together. A worker waits until its picture fits in."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, cost: int) -> Iterator[None]:
        """Hold `cost` bytes (at most the total) of the budget."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= cost)
            self._free -= cost
        try:
            yield
        finally:
            with self._changed:
                self._free += cost
                self._changed.notify_all()
