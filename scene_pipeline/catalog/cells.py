"""Parse single cells: numbers as shops write them, lists in JSON or Python style, stock words, image addresses."""

import ast
import json
import re
from urllib.parse import urlsplit

from scene_pipeline.vocabulary.lexicon import CM_PER_UNIT

ABSENT = frozenset({"", "-", "--", "n/a", "na", "none", "null", "nan", "nil", "unknown", "tbd", "#n/a"})

_NUMBER = re.compile(r"(?<![\d.,])[-−]?\d[\d.,'’\s\u00a0\u202f]*")
_SPACES = re.compile(r"\s+")
_SEPARATOR = re.compile(r"\s*[|;\n]\s*")
_URL_LIST = re.compile(r"[\s,]+(?=https?://)")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_LENGTH = re.compile(r"^\s*([\d.,]+)\s*([a-z\"″]*)\.?\s*$", re.IGNORECASE)
_LENGTH_UNITS = {"": "cm", '"': "in", "″": "in", "inch": "in", "inches": "in", "centimetre": "cm", "feet": "ft"}

_IN_STOCK = frozenset({"true", "yes", "y", "1", "in stock", "instock", "available", "ja", "auf lager", "lieferbar"})
_OUT_OF_STOCK = frozenset(
    {"false", "no", "n", "0", "out of stock", "outofstock", "sold out", "unavailable", "discontinued", "nein"}
)
_PREORDER = frozenset({"preorder", "pre-order", "backorder", "back order", "vorbestellbar"})


def clean_cell(text: str | None) -> str | None:
    """Return text with white space collapsed, or None when the cell says nothing ("", "n/a", "-", ...)."""
    if text is None:
        return None
    collapsed = " ".join(text.split())
    return None if len(collapsed) <= 7 and collapsed.lower() in ABSENT else collapsed


def parse_number(text: str) -> float | None:
    """Return the one number of a cell, or None when there is none or more than one.

    Currency signs and words are passed over. Where both "." and "," occur the last is the decimal mark; a single "," or
    "." before exactly three digits parts thousands ("1,385"), otherwise decimals ("315,0"); spaces and apostrophes
    between digits part thousands.
    """
    found = [match.group() for match in _NUMBER.finditer(text)]
    if len(found) != 1:
        return None
    digits = re.sub(r"['’\s\u00a0\u202f]", "", found[0]).rstrip(".,").replace("−", "-")
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and dot >= 0:
        thousands, decimal = (",", ".") if dot > comma else (".", ",")
        digits = digits.replace(thousands, "").replace(decimal, ".")
    elif comma >= 0 or dot >= 0:
        mark = "," if comma >= 0 else "."
        parts = digits.split(mark)
        whole = parts[0].lstrip("-")
        grouped = all(len(part) == 3 for part in parts[1:]) and 1 <= len(whole) <= 3 and whole != "0"
        digits = "".join(parts) if grouped else digits.replace(mark, ".")
    try:
        value = float(digits)
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


def parse_list(text: str | None) -> list[str]:
    """Return the items of a cell: a JSON or Python list, or text parted by | ; or line ends, or addresses by commas."""
    if text is None or (stripped := text.strip()).lower() in ABSENT:
        return []
    if stripped[0] in "[(" and stripped[-1] in "])":
        items = _literal(stripped)
        if items is not None:
            return [item for value in items if (item := clean_cell(str(value))) is not None]
    return [item for part in _SEPARATOR.split(stripped) if (item := clean_cell(part)) is not None]


def _literal(text: str) -> list[object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    return list(value) if isinstance(value, list | tuple) else None


def parse_words(text: str | None) -> list[str]:
    """Return the items of a tag cell: as `parse_list`, and plain text is parted by commas too."""
    return [item for part in parse_list(text) for piece in part.split(",") if (item := clean_cell(piece)) is not None]


def parse_images(text: str | None) -> list[str]:
    """Return the image addresses of a cell, one or many."""
    items = parse_list(text)
    return [url for item in items for url in _URL_LIST.split(item)] if text and "," in text else items


def image_problem(url: str) -> str | None:
    """Return why an image address is refused, or None: it must be http(s) with a host, or stay under the folder."""
    if "\x00" in url:
        return "the image address holds a NUL"
    if _SCHEME.match(url) and not re.match(r"^[A-Za-z]:[\\/]", url):
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            return "the image address is not a valid URL"
        if parts.scheme.lower() not in ("http", "https"):
            return f"images are http(s) addresses or paths under the catalog's folder, not {parts.scheme.lower()}:"
        return None if host else "the image address names no host"
    plain = url.replace("\\", "/")
    if plain.startswith(("/", "~")) or re.match(r"^[A-Za-z]:/", plain):
        return "the image path is absolute; write it relative to the catalog's folder"
    if ".." in plain.split("/"):
        return "the image path leaves the catalog's folder"
    return None


def parse_availability(text: str) -> str | None:
    """Return in_stock, out_of_stock or preorder; None for words not known."""
    word = _SPACES.sub(" ", text.strip().lower().replace("_", " "))
    word = word.rpartition("schema.org/")[2]
    if word in _IN_STOCK:
        return "in_stock"
    if word in _OUT_OF_STOCK:
        return "out_of_stock"
    return "preorder" if word in _PREORDER else None


def parse_length_cm(text: str) -> float | None:
    """Return a length in centimetres ("35", "35 cm", '14"', "1,2 m"); bare numbers are centimetres."""
    match = _LENGTH.match(text)
    number = parse_number(match.group(1)) if match else None
    if match is None or number is None:
        return None
    unit = match.group(2).lower()
    factor = CM_PER_UNIT.get(_LENGTH_UNITS.get(unit, unit))
    return None if factor is None or number <= 0 else number * factor
