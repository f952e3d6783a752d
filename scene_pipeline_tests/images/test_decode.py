"""Decoding: every kind of picture comes out upright and RGB, and every kind of rubbish says what it is."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from scene_pipeline.errors import ImageError
from scene_pipeline.images.decode import DecodeError, decode_image, shrink, sniff

RED, BLUE = (200, 30, 40), (20, 40, 200)


def halves(width: int = 64, height: int = 32) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), fill=BLUE)
    return image


def encoded(image: Image.Image, name: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header promises width × height pixels and whose data is a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def close(image: Image.Image, at: tuple[int, int], color: tuple[int, ...], within: int = 14) -> bool:
    pixel = image.getpixel(at)
    assert isinstance(pixel, tuple)
    return max(abs(a - b) for a, b in zip(pixel, color, strict=True)) <= within


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_reads_every_accepted_format(name: str) -> None:
    data = encoded(halves(), name)
    image = decode_image(data)
    assert sniff(data[:16]) == name
    assert (image.mode, image.size) == ("RGB", (64, 32))
    assert close(image, (5, 16), RED)
    assert close(image, (58, 16), BLUE)


@pytest.mark.parametrize(
    ("orientation", "size", "red_at", "blue_at"),
    [
        (1, (64, 32), (5, 16), (58, 16)),
        (2, (64, 32), (58, 16), (5, 16)),
        (3, (64, 32), (58, 16), (5, 16)),
        (4, (64, 32), (5, 16), (58, 16)),
        (5, (32, 64), (16, 5), (16, 58)),
        (6, (32, 64), (16, 5), (16, 58)),
        (7, (32, 64), (16, 58), (16, 5)),
        (8, (32, 64), (16, 58), (16, 5)),
    ],
)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_applies_exif_rotation(
    name: str, orientation: int, size: tuple[int, int], red_at: tuple[int, int], blue_at: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode_image(encoded(halves(), name, exif=exif))
    assert image.size == size
    assert close(image, red_at, RED)
    assert close(image, blue_at, BLUE)


def test_shows_a_picture_with_damaged_exif_as_it_is_stored() -> None:
    assert decode_image(encoded(halves(), "JPEG", exif=b"Exif\0\0garbage")).size == (64, 32)


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.new("RGBA", (40, 40), (*RED, 0)), "PNG"),
        encoded(Image.new("LA", (40, 40), (0, 0)), "PNG"),
        encoded(Image.new("P", (40, 40), 0), "PNG", transparency=0),
        encoded(Image.new("P", (40, 40), 0), "GIF", transparency=0),
        encoded(Image.new("RGBA", (40, 40), (*RED, 0)), "WEBP", lossless=True),
        encoded(Image.new("RGB", (40, 40), RED), "PNG", transparency=RED),
    ],
    ids=["rgba", "la", "palette", "gif", "webp", "rgb-trns"],
)
def test_flattens_transparency_on_white(data: bytes) -> None:
    assert decode_image(data).getpixel((20, 20)) == (255, 255, 255)


def test_mixes_half_transparent_pixels_with_white() -> None:
    image = decode_image(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 128)), "PNG"))
    assert close(image, (4, 4), (127, 127, 127), 1)


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_scales_16_bit_grey_instead_of_clipping_it(name: str) -> None:
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16)[None].repeat(8, axis=0)
    values = np.asarray(decode_image(encoded(Image.fromarray(ramp), name)))[0, :, 0]
    assert np.abs(values.astype(int) - np.linspace(0, 255, 64)).max() <= 1


def test_reads_cmyk_and_grey_and_one_bit() -> None:
    cmyk = decode_image(encoded(halves().convert("CMYK"), "JPEG"))
    assert cmyk.mode == "RGB"
    assert close(cmyk, (5, 16), RED)
    assert decode_image(encoded(Image.new("L", (9, 9), 77), "PNG")).getpixel((4, 4)) == (77, 77, 77)
    assert decode_image(encoded(Image.new("1", (9, 9), 1), "PNG")).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "TIFF"])
def test_takes_the_first_frame(name: str) -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in (RED, BLUE)]
    image = decode_image(encoded(frames[0], name, save_all=True, append_images=frames[1:]))
    assert close(image, (10, 10), RED)


@pytest.mark.parametrize(("side", "scale"), [(1000, 1), (500, 1), (400, 2), (200, 4), (100, 8), (10, 8)])
def test_decodes_jpeg_at_reduced_scale(side: int, scale: int) -> None:
    data = encoded(halves(1600, 800), "JPEG")
    image = decode_image(data, short_side=side)
    assert image.size == (1600 // scale, 800 // scale)
    assert close(image, (10, 10), RED)


def test_leaves_no_metadata_to_be_saved_again() -> None:
    image = decode_image(encoded(halves(), "JPEG", comment=b"secret", icc_profile=b"x" * 200))
    assert b"secret" not in encoded(image, "JPEG")
    assert not image.info


@pytest.mark.parametrize(
    ("size", "expected"), [((800, 600), (448, 336)), ((600, 800), (336, 448)), ((100, 900), (100, 900))]
)
def test_shrinks_to_the_short_side_and_never_enlarges(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shrink(Image.new("RGB", size), 336).size == expected


JPEG = encoded(halves(300, 200), "JPEG")
WEBP_BOMB = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\x00\xff\xff\x00" + b"\0" * 8


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (b"", "empty", "no bytes"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>", "not_an_image", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "not_an_image", "SVG or XML"),
        (b"<!DOCTYPE html><html><body>Not here</body></html>", "not_an_image", "web page"),
        (b"%PDF-1.7 something", "not_an_image", "not a picture"),
        (JPEG[: len(JPEG) // 2], "broken_image", "JPEG"),
        (JPEG[:20], "broken_image", "JPEG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "broken_image", "PNG"),
        (png_header(64, 64), "broken_image", "PNG"),
        (png_header(13_000, 13_000), "too_many_pixels", "13000×13000"),
        (png_header(100_000, 100_000), "too_many_pixels", "50 million"),
        (WEBP_BOMB, "too_many_pixels", "65536×65536"),
        (encoded(Image.new("F", (8, 8)), "TIFF"), "unsupported_format", "floating-point"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_says_what_is_wrong_in_one_line(data: bytes, reason: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "vase.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=words) as caught:
        decode_image(path)
    assert isinstance(caught.value, DecodeError)
    assert caught.value.reason == reason
    assert "vase.jpg" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(DecodeError, match="the picture"):
        decode_image(data)


def test_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match=r"gone\.jpg: cannot be read") as caught:
        decode_image(tmp_path / "gone.jpg")
    assert caught.value.reason == "not_found"


def test_pixel_cap_is_inclusive() -> None:
    data = encoded(halves(64, 32), "PNG")
    assert decode_image(data, max_pixels=2048).size == (64, 32)
    with pytest.raises(DecodeError, match="64×32"):
        decode_image(data, max_pixels=2047)


@given(
    seed=st.sampled_from([encoded(halves(), name) for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")]),
    cut=st.integers(0, 400),
    patches=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=8),
)
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_give_a_picture_or_a_decode_error(seed: bytes, cut: int, patches: list[tuple[int, int]]) -> None:
    data = bytearray(seed[: len(seed) - cut] if cut < len(seed) else seed)
    for position, value in patches:
        data[position % len(data)] = value
    try:
        image = decode_image(bytes(data), max_pixels=1_000_000)
    except DecodeError as error:
        reason = error.reason
    else:
        reason = None
        assert image.mode == "RGB"
        assert image.width * image.height <= 1_000_000
    assert reason in {None, "broken_image", "not_an_image", "too_many_pixels", "unsupported_format"}
