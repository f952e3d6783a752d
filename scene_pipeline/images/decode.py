"""Turn bytes nobody vouches for into an upright RGB picture, or say in one line why not."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile

from scene_pipeline.errors import ImageError

MAX_PIXELS = 50_000_000
"""Pixels (width × height) above which a picture is refused before any of it is decoded."""

WHITE = (255, 255, 255)

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ACCEPTED = "JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"


class DecodeError(ImageError):
    """A picture that cannot be decoded. `reason` is one of the codes of `images.schema.REASONS`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def sniff(head: bytes) -> str | None:
    """Return PIL's name of the format that the first bytes (16 or more) announce, or None.

    Only the formats that `decode_image` accepts are known; a Content-Type or a file's suffix is never asked.
    """
    magic = {
        b"\xff\xd8\xff": "JPEG",
        b"\x89PNG\r\n\x1a\n": "PNG",
        b"GIF87a": "GIF",
        b"GIF89a": "GIF",
        b"BM": "BMP",
        b"II*\x00": "TIFF",
        b"MM\x00*": "TIFF",
    }
    for prefix, name in magic.items():
        if head.startswith(prefix):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "AVIF"
    return None


def check_magic(data: bytes, name: str) -> str:
    """Return the format that the first bytes announce (256 are looked at). Raises DecodeError saying what they are."""
    if not data:
        raise DecodeError("empty", f"{name}: has no bytes; export or fetch it again")
    kind = sniff(data[:16])
    if kind is None:
        start = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
            what = "is a web page"
        elif start.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")):
            what = "is SVG or XML"
        else:
            what = "is not a picture of a known kind"
        raise DecodeError("not_an_image", f"{name}: {what}; give {_ACCEPTED}")
    return kind


def decode_image(source: bytes | Path, *, max_pixels: int = MAX_PIXELS, short_side: int | None = None) -> Image.Image:
    """Return the first frame of a picture as RGB, upright (EXIF), transparency flattened on white.

    Magic bytes and pixel count are checked before anything is decoded. With `short_side` (pixels), JPEG is decoded at
    the smallest of 1/1, 1/2, 1/4 and 1/8 scale whose short side is still at least that; the result is often larger than
    `short_side` and never enlarged (see `shrink`). ICC profiles are not applied.

    Raises DecodeError (an ImageError) with one line that names the file, when `source` is a path, what is wrong and
    the fix.
    """
    if isinstance(source, Path):
        return decode_named(_read(source), str(source), max_pixels, short_side).image
    return decode_named(source, "the picture", max_pixels, short_side).image


@dataclass(frozen=True, slots=True)
class Decoded:
    """An upright RGB picture, maybe decoded at reduced scale, and the full size (width, height) of the original."""

    image: Image.Image
    full_size: tuple[int, int]


def decode_named(data: bytes, name: str, max_pixels: int, short_side: int | None) -> Decoded:
    """Do what `decode_image` does for bytes that messages shall call `name`."""
    kind = check_magic(data, name)
    _check_pixels(webp_canvas(data) if kind == "WEBP" else None, max_pixels, name)
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            stored = image.size
            _check_pixels(stored, max_pixels, name)
            if short_side is not None and kind == "JPEG":
                image.draft(None, (short_side, short_side))  # type: ignore[arg-type]
            image.load()
            orientation = _orientation(image)
            upright = image.transpose(_TRANSPOSE[orientation]) if orientation in _TRANSPOSE else image
            picture = _rgb(upright, name)
            picture.info = {}  # comments and profiles of strangers would be saved again with the picture
            width, height = stored
            return Decoded(picture, (height, width) if orientation >= 5 else (width, height))
    except DecodeError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(name, max_pixels) from error
    except Exception as error:  # PIL's readers raise anything from struct.error to IndexError on damaged files
        what = " ".join(str(error).split()) or type(error).__name__
        raise DecodeError(
            "broken_image", f"{name}: is a damaged or incomplete {kind} ({what[:120]}); export or fetch it again"
        ) from error


def shrink(image: Image.Image, short_side: int) -> Image.Image:
    """Return `image` scaled down, antialiased, so that its short side has `short_side` pixels; never enlarged."""
    width, height = image.size
    if min(width, height) <= short_side:
        return image
    if width <= height:
        size = (short_side, max(1, round(height * short_side / width)))
    else:
        size = (max(1, round(width * short_side / height)), short_side)
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = "not_found" if isinstance(error, FileNotFoundError) else "unreadable"
        raise DecodeError(
            reason, f"{path}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from error


def webp_canvas(data: bytes) -> tuple[int, int] | None:
    """Return the canvas of a WebP, read here because PIL's reader allocates it before its size can be asked."""
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(data) >= 30:
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return None


def _check_pixels(size: tuple[int, int] | None, max_pixels: int, where: str) -> None:
    if size is not None and size[0] * size[1] > max_pixels:
        raise _too_many_pixels(where, max_pixels, f"{size[0]}×{size[1]}")


def _too_many_pixels(where: str, max_pixels: int, size: str = "far") -> DecodeError:
    return DecodeError(
        "too_many_pixels",
        f"{where}: has {size} pixels, more than the {max_pixels / 1e6:g} million allowed; scale it down",
    )


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF: browsers show such a picture as it is stored, and so do we
        return 1
    return orientation if orientation in _TRANSPOSE else 1


def _rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "F":
        raise DecodeError("unsupported_format", f"{name}: holds floating-point pixels; save it with 8 or 16 bits")
    if image.mode.startswith("I"):  # 16-bit greyscale; PIL's own conversion clips it to white
        values = np.asarray(image).astype(np.int64)
        image = Image.fromarray(np.clip((values + 128) // 257, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        flat = Image.new("RGB", layer.size, WHITE)
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    if image.mode != "RGB":
        return image.convert("RGB")
    return image.copy() if isinstance(image, ImageFile.ImageFile) else image
