"""Read XML and RSS product feeds item by item, in bounded memory, and refuse dangerous XML (entities, references)."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

from scene_pipeline.catalog.encoding import open_bytes
from scene_pipeline.errors import CatalogError

FIRST_ITEMS = 1000
"""Number of first items whose tags become the columns; a tag that first occurs later is not read."""

MAX_ITEM = 8 << 20
"""Maximum bytes between two items: an element without an end would fill the memory."""

_ITEMS = frozenset({"item", "entry", "product", "offer", "article", "shopitem", "artikel", "produit"})
_NAMES = ("attribute_name", "name", "key", "label")
_VALUES = ("attribute_value", "value", "content")


def is_xml(path: Path, compressed: bool) -> bool:
    """Return whether a text file starts like XML."""
    with open_bytes(path, compressed) as stream:
        head = stream.read(512).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\x00", b"")
    return head.startswith(
        (b"<?xml", b"<rss", b"<feed", b"<products", b"<catalog", b"<!DOCTYPE rss", b"<items", b"<shop")
    )


def iter_items(path: Path, compressed: bool) -> Iterator[dict[str, str]]:
    """Yield each item as tag → text, without namespaces; repeated tags are joined by line ends.

    Raises CatalogError for entities, external references, damaged XML and an item larger than MAX_ITEM.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    with open_bytes(path, compressed) as stream:
        counted = _Counted(stream, path)
        parents: list[Element] = []
        inside = 0
        try:
            for event, element in iterparse(counted, events=("start", "end"), forbid_entities=True):
                is_item = _local(element.tag) in _ITEMS
                if event == "start":
                    parents.append(element)
                    inside += is_item
                    continue
                parents.pop()
                inside -= is_item
                if is_item and not inside:
                    yield _cells(element)
                    counted.since_item = 0
                    (parents[-1] if parents else element).clear()
        except DefusedXmlException as error:
            raise CatalogError(
                f"{path}: declares an entity or refers to another file ({type(error).__name__}), which a product feed "
                "does not need; export it again without a DTD"
            ) from error
        except ParseError as error:
            raise CatalogError(f"{path}: is not well-formed XML ({error}); export it again") from error


class _Counted:
    """A stream that fails when too much is read between two items."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self.stream, self.path, self.since_item = stream, path, 0

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.since_item += len(data)
        if self.since_item > MAX_ITEM:
            raise CatalogError(
                f"{self.path}: holds more than {MAX_ITEM >> 20} MiB without an item; it is no product feed"
            )
        return data


def _cells(item: Element) -> dict[str, str]:
    cells: dict[str, list[str]] = {}
    attributes: Any = item.attrib
    for name, value in attributes.items():
        cells.setdefault(_local(name), []).append(value)
    for child in item:
        text = _pair(child) if len(child) else (child.text or child.get("href") or "").strip()
        if text:
            cells.setdefault(_local(child.tag), []).append(text)
    return {name: "\n".join(values) for name, values in cells.items()}


def _pair(element: Element) -> str:
    """Return a nested element as "name: value", or all its texts."""
    texts = {_local(child.tag): " ".join("".join(child.itertext()).split()) for child in element}
    name = next((texts[key] for key in _NAMES if texts.get(key)), None)
    value = next((texts[key] for key in _VALUES if texts.get(key)), None)
    return f"{name}: {value}" if name and value else "\n".join(text for text in texts.values() if text)


def _local(tag: object) -> str:
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""
