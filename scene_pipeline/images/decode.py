"""Turn untrusted bytes into an upright RGB picture, or raise an error that says in one line why not."""

import functools
import io
import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, TiffImagePlugin

from scene_pipeline.errors import ImageError

MAX_PIXELS = 50_000_000
"""Pixels (width × height) above which a picture is refused before any of it is decoded."""

MAX_REDUCED_PIXELS = 3 * MAX_PIXELS
"""The same for a JPEG that is scaled down while it is decoded: phones take pictures of 108 million pixels."""

WHITE = (255, 255, 255)

# The limits above apply; PIL would also warn about every picture above 89 million pixels, and about damaged metadata.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

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
    """Return PIL's name of the format that the first bytes (64 or more) announce, or None.

    Only the formats that `decode_image` accepts are known; a Content-Type or a file's suffix is never considered.
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
    brands = _brands(head)
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & _HEIF_BRANDS and find_spec("pillow_heif"):
        return "HEIF"
    return None


_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
_OPENED_AS = {"AVIF": b"avif", "HEIF": b"heic"}


def _brands(head: bytes) -> set[bytes]:
    """Return the brands of an ISO media file: the major one and the compatible ones."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}


def check_magic(data: bytes, name: str) -> str:
    """Return the format that the first 256 bytes announce. Raises DecodeError, which says what they are instead."""
    if not data:
        raise DecodeError("empty", f"{name}: has no bytes; export or fetch it again")
    kind = sniff(data[:256])
    if kind is None:
        start = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
            what = "is a web page"
        elif start.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")):
            what = "is SVG or XML"
        elif _brands(data[:256]) & _HEIF_BRANDS:
            what = "is HEIC, which is read where `pip install pillow-heif` was run"
        else:
            what = "is not a picture of a known kind"
        raise DecodeError("not_an_image", f"{name}: {what}; give {_ACCEPTED}")
    return kind


def decode_image(source: bytes | Path, *, max_pixels: int = MAX_PIXELS, short_side: int | None = None) -> Image.Image:
    """Return the first frame of a picture as RGB, upright (EXIF), transparency flattened on white.

    Magic bytes and pixel count are checked before anything is decoded. With `short_side` (pixels), JPEG is decoded at
    the smallest of 1/1, 1/2, 1/4 and 1/8 scale whose short side is still at least that; the result is often larger than
    `short_side` and never enlarged (see `shrink`). Colors are converted to sRGB from the ICC profile that is embedded.

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
    """Do what `decode_image` does for bytes; error messages call them `name`."""
    kind = check_magic(data, name)
    _check_pixels(webp_canvas(data) if kind == "WEBP" else None, max_pixels, name)
    try:
        try:
            return _decoded(data, kind, name, max_pixels, short_side)
        except (DecodeError, Image.DecompressionBombError):
            raise
        except Exception:  # PIL refuses a PNG for a comment, profile or note that is too large or damaged
            if kind != "PNG":
                raise
            return _decoded(_without_extras(data), kind, name, max_pixels, short_side)
    except DecodeError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(name, max_pixels) from error
    except Exception as error:  # PIL's readers raise anything from struct.error to IndexError on damaged files
        what = " ".join(_ADDRESS.sub("the file", str(error)).split()) or type(error).__name__
        raise DecodeError(
            "broken_image", f"{name}: is a damaged or incomplete {kind} ({what[:120]}); export or fetch it again"
        ) from error


_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9A-Fa-f]+>")


def _decoded(data: bytes, kind: str, name: str, max_pixels: int, short_side: int | None) -> Decoded:
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    if kind in _OPENED_AS and data[8:12] not in _HEIF_BRANDS | {b"avif", b"avis"}:  # PIL looks at the first brand alone
        data = data[:8] + _OPENED_AS[kind] + data[12:]
    with Image.open(io.BytesIO(data), formats=(kind,)) as image:
        stored = image.size
        if short_side is not None and kind == "JPEG":
            image.draft(None, (short_side, short_side))  # type: ignore[arg-type]
            _check_pixels(stored, MAX_REDUCED_PIXELS * max_pixels // MAX_PIXELS, name)
        _check_pixels(image.size, max_pixels, name)
        frame = image.tile[0][1] if kind == "GIF" and image.tile else None
        image.load()
        if kind == "PNG":
            _scale_transparency(image, depth=data[24])
        orientation = _orientation(image)
        picture = _rgb(image, name)
        if frame is not None and frame != (0, 0, *image.size):  # areas outside the first frame are not drawn
            canvas = Image.new("RGB", image.size, WHITE)
            canvas.paste(picture.crop(frame), frame[:2])
            picture = canvas
        picture = picture.transpose(_TRANSPOSE[orientation]) if orientation in _TRANSPOSE else picture
        picture.info = {}  # else foreign comments and profiles would be saved with the picture
        width, height = stored
        return Decoded(picture, (height, width) if orientation >= 5 else (width, height))


def _without_extras(data: bytes) -> bytes:
    """Return a PNG with its pixels, palette and transparency, and the color profile and orientation that are whole."""
    return data[:8] + b"".join(
        chunk
        for kind, chunk in _chunks(data)
        if kind[:1].isupper() or kind == b"tRNS" or (kind in (b"iCCP", b"eXIf") and _is_whole(kind, chunk))
    )


def _is_whole(kind: bytes, chunk: bytes) -> bool:
    """Return whether PIL reads a chunk: its check sum is right, and a profile inflates to less than a megabyte."""
    if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
        return False
    _, _, profile = chunk[8:-4].partition(b"\0")
    try:
        return kind != b"iCCP" or 0 < len(zlib.decompressobj().decompress(profile[1:], 1 << 20)) < 1 << 20
    except zlib.error:
        return False


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at:end]
        at = end


def _scale_transparency(image: Image.Image, depth: int) -> None:
    """Bring the transparent color of a PNG, stated in the depth of the file, to the 8 bits of the pixels."""
    transparent = image.info.get("transparency")
    if image.mode == "L" and depth < 8 and isinstance(transparent, int):
        image.info["transparency"] = transparent * 255 // (2**depth - 1)
    elif image.mode == "RGB" and depth == 16 and isinstance(transparent, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in transparent)


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
    """Return the canvas of a WebP, read here because PIL's reader allocates it before its size can be read."""
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


def _too_many_pixels(where: str, max_pixels: int, size: str = "") -> DecodeError:
    has = f"{size} pixels, more" if size else "more pixels"
    return DecodeError(
        "too_many_pixels", f"{where}: has {has} than the {max_pixels / 1e6:g} million allowed; scale it down"
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
    if image.mode.startswith("I"):  # integer gray; PIL's own conversion clips it to white
        return _to_srgb(_gray(image), image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        flat = Image.new("RGB", layer.size, WHITE)
        colors = image.convert("L") if image.mode in ("L", "LA") else layer.convert("RGB")
        flat.paste(_to_srgb(colors, image), mask=layer.getchannel("A"))
        return flat
    if image.mode in ("RGB", "CMYK", "L"):
        return _to_srgb(image, image)
    return _to_srgb(image.convert("RGB"), image)


def _gray(image: Image.Image) -> Image.Image:
    """Return integer gray in 8 bits: values below 256 stay, 16 bits are scaled to 8, more by the largest."""
    values = np.asarray(image).astype(np.int64)
    tags = image.tag_v2 if image.mode != "I" and isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:  # 0 is white; PIL turns 8 bits alone
        values = 65535 - values
    largest = int(values.max(initial=0))
    if image.mode == "I" and largest < 256:
        scaled = values
    elif largest < 65536:
        scaled = (values + 128) // 257
    else:
        scaled = values * 255 // largest
    scaled = np.clip(scaled, 0, 255).astype(np.uint8)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        scaled[values == transparent] = 255
    return Image.fromarray(scaled)


def _to_srgb(pixels: Image.Image, image: Image.Image) -> Image.Image:
    """Return `pixels` in sRGB by the profile embedded in `image`; a profile that does not fit is ignored."""
    profile = image.info.get("icc_profile")
    transform = _transform(profile, pixels.mode) if isinstance(profile, bytes) and profile else None
    if transform is not None:
        converted = ImageCms.applyTransform(pixels, transform)
        assert converted is not None
        return converted
    if pixels.mode != "RGB":
        return pixels.convert("RGB")
    return pixels.copy() if isinstance(pixels, ImageFile.ImageFile) else pixels


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the conversion from a profile to sRGB; None where it is sRGB, damaged, or of another kind of pixels."""
    spaces = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        profile_of: Any = source.profile
        if profile_of.xcolor_space.strip() != spaces[mode]:
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        return None if mode == "RGB" and _changes_nothing(transform) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Return whether a conversion changes no color by more than 2 of 255: the profile is sRGB, under any name."""
    steps = np.linspace(0, 255, 6).astype(np.uint8)
    colors = Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(6, 36, 3))
    converted = ImageCms.applyTransform(colors, transform)
    moved = np.abs(np.asarray(converted).astype(np.int16) - np.asarray(colors))
    return int(moved.max()) <= 2
