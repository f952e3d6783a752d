"""A sheet of thumbnails, small enough to show in the Dagster UI."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from scene_pipeline.errors import ImageError
from scene_pipeline.images.decode import WHITE, decode_image

_CELLS = (160, 128, 96, 64, 48, 32)  # sides in pixels, tried in turn until the sheet is small enough
_QUALITIES = (85, 70, 50)
_GAP = 4


def contact_sheet(paths: Sequence[Path], columns: int, max_bytes: int = 150_000) -> bytes:
    """Return a JPEG of at most `max_bytes` that shows the pictures row by row, whole, on white.

    Raises ImageError when there is nothing to show, a picture cannot be read, or even the smallest thumbnails need
    more bytes.
    """
    if not paths or columns < 1:
        raise ImageError("a contact sheet needs at least one picture and one column")
    largest = _CELLS[0]
    thumbnails = [_contained(decode_image(path, short_side=largest), largest) for path in paths]
    for cell in _CELLS:
        sheet = _sheet(thumbnails, min(columns, len(paths)), cell)
        for quality in _QUALITIES:
            stream = io.BytesIO()
            sheet.save(stream, "JPEG", quality=quality, optimize=True)
            if stream.tell() <= max_bytes:
                return stream.getvalue()
    raise ImageError(f"{len(paths)} thumbnails do not fit into {max_bytes} bytes; show fewer pictures")


def _contained(image: Image.Image, side: int) -> Image.Image:
    """Return the picture scaled down to fit a square; `draft` keeps pictures with one long side larger than needed."""
    return ImageOps.contain(image, (min(side, image.width), min(side, image.height)))


def _sheet(thumbnails: Sequence[Image.Image], columns: int, cell: int) -> Image.Image:
    pitch = cell + _GAP
    rows = math.ceil(len(thumbnails) / columns)
    sheet = Image.new("RGB", (columns * pitch + _GAP, rows * pitch + _GAP), WHITE)
    for index, thumbnail in enumerate(thumbnails):
        small = _contained(thumbnail, cell)
        left, top = (index % columns) * pitch + _GAP, (index // columns) * pitch + _GAP
        sheet.paste(small, (left + (cell - small.width) // 2, top + (cell - small.height) // 2))
    return sheet
