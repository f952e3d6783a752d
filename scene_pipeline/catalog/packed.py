"""Read cells that hold several attributes: JSON, `name=value,…`, `Name:Value:Position`, lines of `Name: value`."""

import ast
import csv
import json
import re

Pairs = list[tuple[str, str]]

MAX_PAIRS = 200
_NAMES = ("key", "name", "label", "attribute", "title")
_VALUES = ("value", "values", "val", "content")
_EQUALS = re.compile(r"[,;|\n]\s*(?=[^\W\d][\w .()/-]{0,60}=)")
_COLON_PARTS = (re.compile(r"\s*[|;\n]\s*"), re.compile(r",\s*(?=[^\W\d][^,:]{0,60}:)"))
_QUOTED = re.compile(r'^"[^"=]+=')
_DISPLAY = re.compile(r"(^|[,;|])\s*\[[A-Z]{1,4}\](?=\w)")
_SWATCH = re.compile(r"\s*\[(?:#[0-9A-Fa-f]{3,8}(?::#[0-9A-Fa-f]{3,8})*|https?:[^\]]*)\]")
_POSITION = re.compile(r":\d+(?::\d+)?$")


def parse_pairs(text: str | None) -> Pairs:
    """Return the (name, value) pairs of a cell, at most MAX_PAIRS; empty where it holds none."""
    stripped = (text or "").strip()
    if not stripped:
        return []
    if stripped[0] in "[{":
        found = _structured(stripped)
        if found:
            return found[:MAX_PAIRS]
    if _QUOTED.match(stripped):  # Magento with "fields enclosure": "color=Matte Black","size=Large"
        return _split(next(csv.reader([stripped], strict=False)), "=")[:MAX_PAIRS]
    if "=" in stripped:
        pairs = _split(_EQUALS.split(_DISPLAY.sub(r"\1", _SWATCH.sub("", stripped))), "=")
        return _options(pairs)[:MAX_PAIRS]
    if ":" not in stripped:
        return []
    parts = [stripped]
    for separator in _COLON_PARTS:
        parts = [piece for part in parts for piece in separator.split(part)]
    return _split([_POSITION.sub("", part) for part in parts], ":")[:MAX_PAIRS]


def _split(parts: list[str], sign: str) -> Pairs:
    pairs = [part.partition(sign) for part in parts]
    return [(name.strip(" \"'"), value.strip(" \"'")) for name, _, value in pairs if name.strip() and value.strip()]


def _options(pairs: Pairs) -> Pairs:
    """Return pairs in which BigCommerce's `Type=Swatch|Name=Color|Value=Natural` is one pair."""
    names = [name.lower() for name, _ in pairs]
    if "name" not in names or "value" not in names:
        return pairs
    found: Pairs = []
    option = ""
    for name, value in pairs:
        if name.lower() == "name":
            option = value
        elif name.lower() == "value":
            found.append((option, value))
        elif name.lower() != "type":
            found.append((name, value))
    return found


def _structured(text: str) -> Pairs:
    for read in (json.loads, ast.literal_eval):
        for candidate in (text, text.replace("=>", ":")):
            try:
                return _pairs_of(read(candidate))
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
    return []


def _pairs_of(value: object, depth: int = 0) -> Pairs:
    """Return the pairs of a dict of names and values, or of a list of {name, value}, at any depth."""
    if depth > 4:
        return []
    if isinstance(value, dict):
        low = {str(key).lower(): item for key, item in value.items()}
        name = next((low[key] for key in _NAMES if key in low), None)
        content = next((low[key] for key in _VALUES if key in low), None)
        if name is not None and content is not None:
            return [(str(name), _text(content))]
        pairs: Pairs = []
        for key, item in value.items():
            nested = _pairs_of(item, depth + 1) if isinstance(item, dict | list) else []
            pairs += nested or [(str(key), _text(item))]
        return pairs
    if isinstance(value, list | tuple):
        return [pair for item in value if isinstance(item, dict | list) for pair in _pairs_of(item, depth + 1)]
    return []


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "" if value is None else " ".join(str(value).split())
