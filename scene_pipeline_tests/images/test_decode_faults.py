"""Odd pictures decode as browsers show them, each beside the plain one; messages name no object of the program."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageCms

from scene_pipeline.images import decode
from scene_pipeline.images.decode import DecodeError, decode_image, sniff
from scene_pipeline.images.local import local_file
from scene_pipeline.images.normalize import MAX_SIDE, Job, NormalizeSettings, prepare
from scene_pipeline.images.reasons import FetchError

RED = (200, 30, 40)
ROOT = Path(__file__).parents[2]


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
SPACES = {
    "Display P3": ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)),
    "Adobe RGB": ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)),
    "ProPhoto RGB": ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8252)),
}
"""XYZ under D50 of red, green and blue, as their profiles state them."""


def wide_gamut(space: str = "Display P3") -> bytes:
    """Return an RGB profile with the primaries of a color space: sRGB's own with its red, green and blue moved."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), SPACES[space], strict=True))
    count = struct.unpack(">I", data[128:132])[0]
    for at in range(132, 132 + 12 * count, 12):
        tag, offset, _ = struct.unpack(">4sII", data[at : at + 12])
        if tag in primaries:
            fixed = [round(value * 65536) for value in primaries[tag]]
            data[offset + 8 : offset + 20] = struct.pack(">iii", *fixed)
    return bytes(data)


def in_srgb(color: tuple[int, int, int], space: str) -> np.ndarray:
    """Return what the numbers of a color mean in a space, in sRGB (0-255), by the definition."""
    value = np.array(color) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    shown = np.clip(np.linalg.solve(np.transpose(SRGB), np.transpose(SPACES[space]) @ linear), 0, 1)
    return 255 * np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)


def shown(data: bytes) -> tuple[int, int, int]:
    """Return the color in the middle of an encoded picture."""
    color = decode_image(data).getpixel((20, 15))
    assert isinstance(color, tuple)
    assert len(color) == 3
    return color


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("space", SPACES)
def test_colors_of_a_profile_are_shown_in_srgb(space: str, kind: str, mode: str) -> None:
    if (kind, mode) == ("JPEG", "RGBA"):
        pytest.skip("JPEG has no transparency")
    color = (150, 110, 90)
    image = Image.new(mode, (40, 30), color if mode == "RGB" else (*color, 255))
    options = {"lossless": True} if kind == "WEBP" else {}
    plain = shown(saved(image, kind, **options))
    assert np.abs(np.subtract(plain, color)).max() <= 3
    expected = in_srgb(color, space)
    assert np.abs(expected - color).max() > 6
    assert np.abs(shown(saved(image, kind, icc_profile=wide_gamut(space), **options)) - expected).max() <= 4
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert shown(saved(image, kind, icc_profile=srgb, **options)) == plain


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, wide_gamut()[:300]])
def test_a_damaged_profile_is_left_out(profile: bytes) -> None:
    image = Image.new("RGB", (40, 30), RED)
    assert decode_image(saved(image, icc_profile=profile)).getpixel((0, 0)) == RED


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return png[:33] + chunk + png[33:]


@pytest.mark.parametrize(
    ("kind", "head"), [(b"zTXt", b"Comment\0\0"), (b"iTXt", b"Comment\0\x01\0\0\0"), (b"iCCP", b"icc\0\0")]
)
def test_a_png_with_a_huge_comment_or_profile_decodes(kind: bytes, head: bytes) -> None:
    png = saved(Image.new("RGB", (40, 30), RED))
    large = with_chunk(png, kind, head + zlib.compress(bytes(3_000_000)))
    assert decode_image(large).getpixel((0, 0)) == RED
    with pytest.raises(DecodeError, match="damaged"):
        decode_image(large[:-30])


def test_brands_tell_the_format_not_the_first_alone() -> None:
    avif = saved(Image.new("RGB", (40, 30), RED), "AVIF")
    assert sniff(avif[:64]) == "AVIF"
    other = avif[:8] + b"mif1" + avif[12:]
    assert b"avif" in other[16:64]
    assert sniff(other[:64]) == "AVIF"


@pytest.mark.parametrize("brand", [b"miaf", b"MA1B", b"mif2"])
def test_a_picture_whose_first_brand_is_of_a_profile_is_read(brand: bytes) -> None:
    for data in (saved(Image.new("RGB", (64, 48), RED), "AVIF", quality=100), heic()):
        plain, other = (decode_image(start + data[12:]) for start in (data[:12], data[:8] + brand))
        assert other.tobytes() == plain.tobytes()


def heic(size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """Return a picture as a telephone writes it, its left half red."""
    pillow_heif.register_heif_opener()
    image = Image.new("RGB", size, (250, 250, 250))
    image.paste(RED, (0, 0, size[0] // 2, size[1]))
    return saved(image, "HEIF", quality=95, **options)


def test_heic_is_read_upright_and_in_srgb() -> None:
    plain = decode_image(heic())
    assert plain.size == (64, 48)
    assert np.abs(np.subtract(plain.getpixel((8, 24)), RED)).max() <= 4  # type: ignore[arg-type]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # held upright: stored lying, the left edge is the top
    turned = decode_image(heic(exif=exif.tobytes()))
    assert turned.size == (48, 64)
    assert np.abs(np.subtract(turned.getpixel((24, 8)), RED)).max() <= 4  # type: ignore[arg-type]
    p3 = decode_image(heic(icc_profile=wide_gamut())).getpixel((8, 24))
    assert isinstance(p3, tuple)
    assert p3[0] > RED[0] + 10


def test_a_heic_that_is_broken_or_too_large_is_one_line() -> None:
    for data in (heic()[:-40], struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(40)):
        with pytest.raises(DecodeError, match="is a damaged or incomplete HEIF"):
            decode_image(data)
    with pytest.raises(DecodeError, match="64×48 pixels, more than"):
        decode_image(heic(), max_pixels=3000)


def test_without_pillow_heif_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "find_spec", lambda name: None)
    with pytest.raises(DecodeError, match="is HEIC, which is read where `pip install pillow-heif` was run"):
        decode_image(heic())


@pytest.mark.parametrize(
    ("array", "mode", "expected"),
    [
        (np.full((4, 4), 40_000, np.uint16), None, 156),
        (np.full((4, 4), 200, np.int32), "I", 200),  # integers below 256 are no nearly black 16 bits
        (np.full((4, 4), 65535, np.int32), "I", 255),
    ],
)
def test_integer_gray_keeps_its_values(array: np.ndarray, mode: str | None, expected: int) -> None:
    image = Image.fromarray(array) if mode is None else Image.fromarray(array, mode)
    assert decode_image(saved(image, "TIFF")).getpixel((1, 1)) == (expected,) * 3


def test_sixteen_bit_gray_keeps_its_transparency() -> None:
    array = np.full((4, 4), 30_000, np.uint16)
    array[0, 0] = 1000
    png = with_chunk(saved(Image.fromarray(array)), b"tRNS", struct.pack(">H", 1000))
    decoded = decode_image(png)
    assert decoded.getpixel((0, 0)) == (255, 255, 255)
    assert decoded.getpixel((1, 1)) == (117, 117, 117)


def png(bits: int, color: int, pixels: bytes, transparent: bytes) -> bytes:
    """Return a PNG of one row: 0 is gray and 2 is RGB; `pixels` are packed as in the file."""
    channels = 3 if color == 2 else 1
    header = struct.pack(">IIBBBBB", len(pixels) * 8 // (bits * channels), 1, bits, color, 0, 0, 0)
    whole = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" + pixels)), (b"IEND", b""))
    )
    return with_chunk(whole, b"tRNS", transparent)


@pytest.mark.parametrize(
    ("bits", "color", "pixels", "transparent", "expected"),
    [
        (2, 0, b"\x1b", b"\0\1", [0, 255, 170, 255]),
        (4, 0, b"\x05", b"\0\5", [0, 255]),
        (8, 0, b"\x05\x55", b"\0\x55", [5, 255]),
        (16, 2, struct.pack(">6H", *[1000] * 3, *[40_000] * 3), struct.pack(">3H", *[1000] * 3), [255, 156]),
    ],
)
def test_the_transparent_color_of_a_png_is_of_its_own_depth(
    bits: int, color: int, pixels: bytes, transparent: bytes, expected: list[int]
) -> None:
    decoded = decode_image(png(bits, color, pixels, transparent))
    assert np.asarray(decoded)[0, :, 0].tolist() == expected


def test_sixteen_bit_gray_of_which_0_is_white_is_turned() -> None:
    for array in (np.full((4, 4), 60_000, np.uint16), np.full((4, 4), 233, np.uint8)):
        tiff = bytearray(saved(Image.fromarray(array), "TIFF"))
        at = tiff.index(struct.pack("<HHI", 262, 3, 1)) + 8
        assert decode_image(bytes(tiff)).getpixel((1, 1)) == (233, 233, 233)
        tiff[at : at + 2] = b"\0\0"
        assert decode_image(bytes(tiff)).getpixel((1, 1)) == (22, 22, 22)


def linear_gray() -> bytes:
    """Return a gray profile whose values are proportional to light."""
    white = struct.pack(">iii", 63190, 65536, 54061)
    tags = {
        b"desc": b"desc\0\0\0\0\0\0\0\2g" + bytes(79),
        b"kTRC": b"curv\0\0\0\0\0\0\0\1\1\0\0\0",
        b"wtpt": b"XYZ \0\0\0\0" + white,
    }
    at, table = 132 + 12 * len(tags), struct.pack(">I", len(tags))
    for tag, body in tags.items():
        table += struct.pack(">4sII", tag, at, len(body))
        at += len(body)
    head = struct.pack(">I4sI4s4s4s12x4s28x", at, b"lcms", 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"acsp")
    return head + white + bytes(48) + table + b"".join(tags.values())


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (40, 30), 100),
        Image.new("LA", (40, 30), (100, 255)),
        Image.fromarray(np.full((30, 40), 100 * 257, np.uint16)),
    ],
    ids=["gray", "gray-alpha", "16-bit"],
)
@pytest.mark.parametrize("options", [{}, {"transparency": 3}], ids=["plain", "trns"])
def test_a_profile_of_gray_holds_with_transparency_and_16_bits(image: Image.Image, options: dict[str, Any]) -> None:
    if image.mode == "LA" and options:
        pytest.skip("a picture with an alpha channel has no transparent color")
    assert shown(saved(image, **options)) == (100, 100, 100)
    light = 100 / 255
    expected = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(np.subtract(shown(saved(image, icc_profile=linear_gray(), **options)), expected)).max() <= 1


DAMAGED = {
    "comments": b"zTXtComment\0\0" + zlib.compress(bytes(1_000_000)),
    "gAMA": b"gAMA\0",
    "pHYs": b"pHYs\0",
    "sRGB": b"sRGB",
    "acTL": b"acTL\0",
    "iCCP-empty": b"iCCP",
    "iCCP-method": b"iCCPicc\0\7abcdef",
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("repeated", [1, 70])
def test_a_damaged_note_costs_no_png(name: str, repeated: int) -> None:
    color = (150, 110, 90)
    good = saved(Image.new("RGB", (40, 30), color))
    with_profile = saved(Image.new("RGB", (40, 30), color), icc_profile=wide_gamut())
    for _ in range(repeated):
        good, with_profile = (with_chunk(png, DAMAGED[name][:4], DAMAGED[name][4:]) for png in (good, with_profile))
    assert shown(good) == color
    if not name.startswith("iCCP"):
        assert np.abs(shown(with_profile) - in_srgb(color, "Display P3")).max() <= 4


def test_a_note_with_a_wrong_check_sum_costs_no_png() -> None:
    png = saved(Image.new("RGB", (40, 30), RED))
    assert shown(png[:33] + b"\0\0\0\5tEXta\0bcd" + bytes(4) + png[33:]) == RED
    with pytest.raises(DecodeError, match="damaged"):
        decode_image(png[:-30])


def test_a_gif_frame_smaller_than_its_canvas_has_white_around_it() -> None:
    gif = bytearray(saved(Image.new("P", (20, 20), 1), "GIF"))
    gif[6:10] = struct.pack("<HH", 60, 50)  # the canvas
    decoded = decode_image(bytes(gif))
    assert decoded.size == (60, 50)
    assert decoded.getpixel((50, 40)) == (255, 255, 255)
    assert decoded.getpixel((5, 5)) == decode_image(saved(Image.new("P", (20, 20), 1), "GIF")).getpixel((5, 5))


def test_a_large_jpeg_is_scaled_while_it_is_decoded() -> None:
    jpeg = saved(Image.new("RGB", (1200, 900), RED), "JPEG")
    assert min(decode_image(jpeg, max_pixels=500_000, short_side=200).size) >= 200
    with pytest.raises(DecodeError, match="1200×900 pixels, more than"):
        decode_image(jpeg, max_pixels=500_000)
    with pytest.raises(DecodeError, match="more than"):
        decode_image(jpeg, max_pixels=300_000, short_side=200)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_telephone_s_108_megapixels_are_scaled_and_not_refused() -> None:
    jpeg = saved(Image.new("RGB", (12_000, 9_000), RED), "JPEG")
    scaled = decode_image(jpeg, max_pixels=50_000_000, short_side=336)
    assert scaled.size == (1500, 1125)
    assert np.abs(np.subtract(scaled.getpixel((700, 500)), RED)).max() <= 3  # type: ignore[arg-type]
    with pytest.raises(DecodeError, match="12000×9000 pixels, more than"):
        decode_image(saved(Image.new("1", (12_000, 9_000))), max_pixels=50_000_000, short_side=336)


def test_no_warning_is_printed_of_a_picture_that_is_accepted(tmp_path: Path) -> None:
    """In a process of its own, as pytest keeps filters of its own; PIL alone ends there with the warning."""
    large = tmp_path / "telephone.jpg"
    large.write_bytes(saved(Image.new("L", (12_000, 9_000), 90), "JPEG"))
    programs = {
        "pil": f"from PIL import Image; Image.open({str(large)!r})",
        "decode": "from pathlib import Path; from scene_pipeline.images.decode import decode_image; "
        f"decode_image(Path({str(large)!r}), short_side=336)",
        "cost": "from scene_pipeline.service.pictures import decode_cost; "
        "from scene_pipeline.service.settings import ServiceSettings; "
        f"decode_cost(open({str(large)!r}, 'rb').read(), ServiceSettings(), 336)",
    }
    printed = {
        name: subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True, text=True, check=True, cwd=ROOT,
        ).stderr
        for name, program in programs.items()
    }  # fmt: skip
    assert "DecompressionBombWarning" in printed["pil"]
    assert (printed["decode"], printed["cost"]) == ("", "")


@pytest.mark.parametrize("what", [Image.new("L", (2, 2)), io.BytesIO(), saved, io.BytesIO().read])
def test_a_message_of_a_reader_names_no_object(what: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(f"cannot use {what}")

    monkeypatch.setattr(Image, "open", failing)
    with pytest.raises(DecodeError, match="cannot use the file") as error:
        decode_image(b"BM" + bytes(60))
    assert "0x" not in str(error.value)


def test_messages_hold_no_address() -> None:
    for data in (b"GIF89a" + bytes(10), b"BM" + bytes(60), b"II*\0" + bytes(60)):
        with pytest.raises(DecodeError) as error:
            decode_image(data)
        assert "0x" not in str(error.value)
        assert " object at" not in str(error.value)


@pytest.mark.parametrize("size", [(70_000, 300), (300, 70_000), (70_000, 1)])
def test_a_picture_longer_than_jpeg_can_hold_costs_no_run(size: tuple[int, int], tmp_path: Path) -> None:
    recipe = NormalizeSettings(str(tmp_path), 50_000_000, 20_000_000, 336, 90, keep_originals=False)
    prepared = prepare(Job("it", data=saved(Image.new("RGB", size, RED))), recipe)
    assert (prepared.reason, prepared.fatal) == (None, None)
    (copy,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert max(Image.open(copy).size) <= MAX_SIDE


@pytest.mark.parametrize(
    "written", ["a b/caf\u00e9.png", "a b\\caf\u00e9.png", "a%20b/cafe\u0301.png", "a%20b%5Ccaf%C3%A9.png"]
)
def test_a_path_is_found_however_it_is_written(written: str, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "caf\u00e9.png").write_bytes(b"x")
    assert local_file(written, tmp_path, 100).path.name == "caf\u00e9.png"


@pytest.mark.parametrize("written", ["..\\b.png", "%2e%2e/b.png", "..%5cb.png"])
def test_no_spelling_leads_out_of_the_folder(written: str, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "b.png").write_bytes(b"x")
    with pytest.raises(FetchError, match="leads out of"):
        local_file(written, tmp_path / "shop", 100)


def test_a_url_without_its_scheme_is_named(tmp_path: Path) -> None:
    for url in ("cdn.example.com/a.jpg", "192.0.2.1/a.jpg", "localhost/a.jpg"):
        with pytest.raises(FetchError, match=f"if it is a URL, write https://{url}"):
            local_file(url, tmp_path, 100)
    with pytest.raises(FetchError, match="fix the path"):
        local_file("pictures/a.jpg", tmp_path, 100)
