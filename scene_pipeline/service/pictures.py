"""Refuse a picture by what its header says, and bound the memory that pictures being decoded take together."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from scene_pipeline.errors import ImageError
from scene_pipeline.images.decode import DecodeError, check_magic, webp_canvas
from scene_pipeline.service.problems import Problem
from scene_pipeline.service.settings import MEGABYTE, ServiceSettings

BYTES_PER_PIXEL = {"WEBP": 20, "PNG": 13, "AVIF": 13, "GIF": 6, "BMP": 13, "TIFF": 13}
"""Peak memory of decoding to RGB, measured for pictures of 16 million pixels with transparency."""

DEEP_BYTES_PER_PIXEL = 26
COEFFICIENT_BYTES = 2
"""A JPEG of several scans keeps the coefficients of all its components at full size, whatever its scale."""

FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ONE_PASS_FRAMES = frozenset((0xC0, 0xC1, 0xC9))
START_OF_SCAN = 0xDA


def unreadable(error: ImageError) -> Problem:
    """Return the problem of a picture that cannot be decoded."""
    return Problem("unsupported-picture", str(error).replace("the picture: ", "the file ", 1))


def decode_cost(data: bytes, settings: ServiceSettings, short_side: int) -> int:
    """Return the bytes that decoding with `short_side` will take at its peak, read from the header alone.

    Raises the problems `unsupported-picture`, for what is not a picture, and `too-large`, for too many pixels.
    """
    try:
        kind = check_magic(data, "the picture")
    except DecodeError as error:
        raise unreadable(error) from error
    limit = settings.max_jpeg_pixels if kind == "JPEG" else settings.max_other_pixels
    if kind == "WEBP" and (canvas := webp_canvas(data)) is not None:
        return _within(canvas[0] * canvas[1], limit, kind, 20 * canvas[0] * canvas[1], settings)
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            (width, height), mode, components = image.size, image.mode, len(image.getbands())
    except Image.DecompressionBombError as error:
        raise Problem("too-large", f"the picture has far more than the {limit:,} pixels allowed for {kind}") from error
    except Exception as error:  # PIL's readers raise anything from struct.error to IndexError on damaged files
        raise Problem(
            "unsupported-picture", f"the picture is a damaged or incomplete {kind}; export it again"
        ) from error
    pixels = width * height
    if kind == "JPEG":
        scale = next((scale for scale in (8, 4, 2) if min(width, height) // scale >= short_side), 1)
        cost = 8 * pixels // scale**2
        if jpeg_scans_apart(data):
            cost += COEFFICIENT_BYTES * components * pixels
    else:
        cost = pixels * (DEEP_BYTES_PER_PIXEL if mode.startswith(("I", "F")) else BYTES_PER_PIXEL[kind])
    return _within(pixels, limit, kind, cost, settings)


def jpeg_scans_apart(data: bytes) -> bool:
    """Return whether a JPEG's first scan does not complete it: it is progressive, or its components come apart.

    Any JPEG whose header cannot be followed counts as such.
    """
    at, components = 2, 0
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in FRAME_MARKERS:
            if marker not in ONE_PASS_FRAMES:
                return True
            components = data[at + 9]
        elif marker == START_OF_SCAN:
            return data[at + 4] < components or not components
        at += 2 + length
    return True


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
