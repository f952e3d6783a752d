"""Local pictures: paths that must stay inside the catalog's folder."""

import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from scene_pipeline.images.reasons import FetchError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")


_HOST = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)*\.(?:[^\W\d_]{2,}|\d+))/")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A regular file inside the catalog's folder. `stamp` changes when the file does."""

    path: Path
    stamp: str


def is_local(url: str) -> bool:
    """Return whether the catalog means a path: no scheme and no host."""
    return not _SCHEME.match(url)


def local_file(url: str, folder: Path, max_bytes: int) -> LocalFile:
    """Return the file that a path of the catalog names, links followed.

    Raises FetchError `outside_catalog` when it, or what it links to, lies outside `folder`, `not_found`, `unreadable`
    for anything but a regular file, and `too_large`.
    """
    try:
        root = path = folder.resolve()
        for spelling in _spellings(url):
            path = (root / spelling).resolve()
            if not path.is_relative_to(root):  # before any access: whether such a file exists must not leak
                line = f"{url}: leads out of the catalog's folder; move the picture into it"
                raise FetchError("outside_catalog", line)
            if path.exists():
                break
        info = path.stat()
    except FileNotFoundError as error:
        what = "is not in the catalog's folder; fix the path"
        if _HOST.match(url):
            what = f"is not in the catalog's folder; if it is a URL, write https://{url}"
        raise FetchError("not_found", f"{url}: {what}") from error
    except (OSError, ValueError, RuntimeError) as error:  # no permission, a NUL byte, a loop of links
        raise FetchError("unreadable", f"{url[:200]!r}: cannot be read ({error})") from error
    if not stat.S_ISREG(info.st_mode):
        raise FetchError("unreadable", f"{url}: is not a file; name a picture")
    if info.st_size > max_bytes:
        raise FetchError("too_large", f"{url}: has more than the {max_bytes / 1e6:g} MB allowed; save it smaller")
    return LocalFile(path, f"{info.st_size}-{info.st_mtime_ns}")


def _spellings(url: str) -> Iterator[str]:
    """Yield a path as it is written, then as other systems write it: backslashes, %20, the other form of accents."""
    slashes = url.replace("\\", "/")
    for text in dict.fromkeys((url, slashes, unquote(url), unquote(url).replace("\\", "/"))):
        yield from dict.fromkeys((text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)))
