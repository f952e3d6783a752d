"""The journal: one line per settled URL, written at once, so that a killed run loses nothing."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec

from scene_pipeline.files import atomic_path
from scene_pipeline.images.status import UrlStatus


class Journal:
    """Append-only JSON lines. A line that was being written when the process was killed is dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: BinaryIO | None = None

    def read(self) -> Iterable[UrlStatus]:
        """Yield every complete status, oldest first."""
        if not self.path.exists():
            return
        with self.path.open("rb") as stream:
            for line in stream:
                if line.endswith(b"\n") and (status := _parse(line)) is not None:
                    yield status

    def replace(self, statuses: Iterable[UrlStatus]) -> None:
        """Write the journal anew, atomically, with these statuses."""
        with atomic_path(self.path) as temporary, temporary.open("wb") as stream:
            for status in statuses:
                stream.write(msgspec.json.encode(status) + b"\n")

    def append(self, status: UrlStatus) -> None:
        """Add one status; the operating system has it when this returns, so it survives SIGKILL."""
        if self._stream is None:
            self._stream = self.path.open("ab", buffering=0)
        self._stream.write(msgspec.json.encode(status) + b"\n")

    def close(self) -> None:
        """Flush everything to the disk and close the file."""
        if self._stream is not None:
            os.fsync(self._stream.fileno())
            self._stream.close()
            self._stream = None


def _parse(line: bytes) -> UrlStatus | None:
    try:
        return msgspec.json.decode(line, type=UrlStatus)
    except msgspec.DecodeError:  # a line cut off by a power failure: its URL is requested again
        return None
