"""Detect how a catalog file is stored: compressed or not, text or not, and in which encoding."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scene_pipeline.errors import CatalogError

_BLOCK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"PK\x03\x04", "is a ZIP or Excel file; export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel file; export the sheet as CSV"),
    (b"%PDF", "is a PDF; export the table as CSV"),
    (b"\x89PNG", "is a picture; name a CSV or Parquet file"),
    (b"\xff\xd8\xff", "is a picture; name a CSV or Parquet file"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; use .csv or .csv.gz"),
    (b"BZh", "is compressed with bzip2; use .csv or .csv.gz"),
    (b"\xfd7zXZ", "is compressed with xz; use .csv or .csv.gz"),
)


@dataclass(frozen=True, slots=True)
class TextKind:
    """How to read a text file. `damaged`: some bytes are not valid in `encoding`; they are read as U+FFFD."""

    encoding: str
    compressed: bool
    damaged: bool


def first_bytes(path: Path) -> bytes:
    """Return the first bytes of a file. Raises CatalogError when it is missing, not a file, unreadable or empty."""
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except FileNotFoundError as error:
        raise CatalogError(f"{path}: there is no such file; name an existing CSV, .csv.gz or Parquet file") from error
    except IsADirectoryError as error:
        raise CatalogError(f"{path}: is a folder; name the CSV, .csv.gz or Parquet file in it") from error
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read ({error.strerror})") from error
    if not head:
        raise CatalogError(f"{path}: is empty; a catalog has a header row and a row per product")
    return head


def detect_text(path: Path) -> TextKind:
    """Find the encoding by reading the whole file once in blocks. Raises CatalogError when it is not text.

    UTF-8, UTF-16 and UTF-32 are found by their byte order mark, UTF-16 without one by its zero bytes, then UTF-8 if it
    decodes. Otherwise it is Windows-1252, unless most characters beyond ASCII are valid UTF-8: then it is UTF-8 with
    damaged places.
    """
    head = first_bytes(path)
    for magic, message in _MAGIC:
        if head.startswith(magic):
            raise CatalogError(f"{path}: {message}")
    compressed = head.startswith(b"\x1f\x8b")
    with open_bytes(path, compressed) as stream:
        sample = stream.read(1 << 16)
        if not sample:
            raise CatalogError(f"{path}: is empty; a catalog has a header row and a row per product")
        for mark, encoding in _BOMS:
            if sample.startswith(mark):
                return _checked(path, compressed, encoding)
        if (encoding := _utf16_by_zeros(sample)) is not None:
            return _checked(path, compressed, encoding)
        _refuse_binary(path, sample)
    return _checked(path, compressed, "utf-8")


def _checked(path: Path, compressed: bool, encoding: str) -> TextKind:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with open_bytes(path, compressed) as stream:
        try:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            pass
        else:
            return TextKind(encoding, compressed, damaged=False)
    if encoding != "utf-8":
        return TextKind(encoding, compressed, damaged=True)
    good, bad = _count_utf8(path, compressed)
    if good > bad or _cut_short(path, compressed):
        return TextKind("utf-8", compressed, damaged=True)
    return TextKind("cp1252", compressed, damaged=False)


def _count_utf8(path: Path, compressed: bool) -> tuple[int, int]:
    """Return how many characters beyond ASCII decode as UTF-8, and how many places do not."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = bad = 0
    with open_bytes(path, compressed) as stream:
        while block := stream.read(_BLOCK):
            text = decoder.decode(block)
            wrong = text.count("�")
            bad += wrong
            good += len(text) - len(text.encode("ascii", "ignore")) - wrong
    return good, bad + decoder.decode(b"", final=True).count("�")


def _cut_short(path: Path, compressed: bool) -> bool:
    """Return whether only the end of the file is wrong: half a character, as after an interrupted copy."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    with open_bytes(path, compressed) as stream:
        try:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
        except UnicodeDecodeError:
            return False
    return True


def _utf16_by_zeros(sample: bytes) -> str | None:
    even, odd = sample[0::2], sample[1::2]
    if not odd:
        return None
    share_even, share_odd = even.count(0) / len(even), odd.count(0) / len(odd)
    if share_odd > 0.4 and share_even < 0.05:
        return "utf-16-le"
    if share_even > 0.4 and share_odd < 0.05:
        return "utf-16-be"
    return None


def _refuse_binary(path: Path, sample: bytes) -> None:
    control = sum(sample.count(byte) for byte in range(32) if byte not in (9, 10, 12, 13))
    if control > 0.02 * len(sample) and control > 1:
        raise CatalogError(f"{path}: is not text (its first bytes are binary); name a CSV, .csv.gz or Parquet file")


@contextmanager
def open_bytes(path: Path, compressed: bool) -> Iterator[IO[bytes]]:
    """Open a file, unpacking gzip on the way. Raises CatalogError when the gzip stream is damaged."""
    try:
        if compressed:
            with gzip.open(path, "rb") as stream:
                yield io.BufferedReader(stream, _BLOCK)  # type: ignore[arg-type]
        else:
            with path.open("rb", buffering=_BLOCK) as stream:
                yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CatalogError(f"{path}: its gzip data is damaged or cut short; copy the file again") from error
