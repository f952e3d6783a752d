"""The image store: normalized RGB copies named by the SHA-256 of their bytes."""

import hashlib
import io
import os
import re
from pathlib import Path

from PIL import Image

from scene_pipeline.errors import ImageError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_START, _END = b"\xff\xd8", b"\xff\xd9"  # of every JPEG


class ImageStore:
    """A folder of content-addressed pictures: `store/ab/<sha256>.jpg` and, where kept, `originals/ab/<sha256>`.

    A file is written under another name and moved into place, so that a reader never sees a partial file. Files are not
    fsynced one by one (that would cost more than decoding them): `intact` tells whether a file survived a power
    failure.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._partial = root / "store" / ".partial"

    def path(self, sha256: str) -> Path:
        """Return where the normalized copy with this hash is or would be."""
        return self._place("store", sha256, ".jpg")

    def original(self, sha256: str) -> Path:
        """Return where the original with this hash (of its own bytes) is or would be."""
        return self._place("originals", sha256, "")

    def pictures(self) -> list[Path]:
        """Return every normalized copy, by hash."""
        return sorted((self.root / "store").glob("??/*.jpg"))

    def add(self, image: Image.Image, quality: int = 90) -> str:
        """Write an RGB picture as JPEG without metadata and return the SHA-256 of the file's bytes."""
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        data = stream.getvalue()
        sha256 = hashlib.sha256(data).hexdigest()
        self._write(self.path(sha256), data)
        return sha256

    def add_original(self, data: bytes) -> str:
        """Write the bytes of an original as they came and return their SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._write(self.original(sha256), data)
        return sha256

    def intact(self, sha256: str) -> bool:
        """Return whether the normalized copy is there, from its first to its last bytes."""
        try:
            with self.path(sha256).open("rb") as stream:
                if stream.read(2) != _START or stream.seek(0, os.SEEK_END) < 4:
                    return False
                stream.seek(-2, os.SEEK_END)
                return stream.read() == _END
        except FileNotFoundError:
            return False

    def sweep(self) -> None:
        """Remove what a killed run left half-written. Only safe while no other run writes."""
        if self._partial.is_dir():
            for path in self._partial.iterdir():
                path.unlink(missing_ok=True)

    def _place(self, folder: str, sha256: str, suffix: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ImageError(
                f"'{sha256[:80]}' is not a SHA-256; a picture of the store is named by 64 hexadecimal digits"
            )
        return self.root / folder / sha256[:2] / f"{sha256}{suffix}"

    def _write(self, target: Path, data: bytes) -> None:
        try:
            if target.stat().st_size == len(data):
                return
        except FileNotFoundError:
            pass
        partial = self._partial / f"{target.name}.{os.getpid()}"
        try:
            partial.write_bytes(data)
        except FileNotFoundError:
            self._partial.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(target)
