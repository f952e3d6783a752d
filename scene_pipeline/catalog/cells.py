"""Parse single cells: numbers as shops write them, lists in JSON or Python style, stock words, image addresses."""

import ast
import html
import json
import re
from urllib.parse import urlsplit

from scene_pipeline.catalog.header import UNITS
from scene_pipeline.vocabulary.lexicon import CM_PER_UNIT

ABSENT = frozenset({"", "-", "--", "n/a", "na", "none", "null", "nan", "nil", "unknown", "tbd", "#n/a"})

_NUMBER = re.compile(r"(?<![\d.,])[-−]?\d[\d.,'’\s\u00a0\u202f]*")
_PRICE_RANGE = re.compile(
    r"(?:from|ab|von|de|da|desde|van)?\s*(.*?\d)\s*[^\d.,]*?(?:\s[-–—]\s?|[-–—~]|\bto\b|\bbis\b|\btot\b|\bà\b)(.*)",
    re.IGNORECASE,
)
_CURRENCY_CODE = re.compile(
    r"\b(?:EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|CAD|AUD|NZD|INR|JPY|CNY|SAR|AED|MXN|BRL|TRY|ZAR)\b"
)
_CURRENCY_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "$": "USD", "¥": "JPY"}
_RUPEES = re.compile(r"\brs\b\.?(?=\s*\d)|(?<=\d)\s*rs\b\.?|₨", re.IGNORECASE)
_ROUNDED = re.compile(r"['=\"]*\d(?:[.,]\d+)?[eE]\+?\d+\"?")
_SPACES = re.compile(r"\s+")
_SEPARATOR = re.compile(r"\s*[|;\n]\s*")
_URL_SEPARATOR = re.compile(  # a mark beside white space, or before what may begin another picture, or nothing
    r"\s*\n\s*|\s+[|;]\s*|[|;]\s+|[|;](?=https?:|/|[|;]|$|(?:n/a|none|null|-)(?:[|;]|$)"
    r"|[^|;\s?=&]+\.(?:jpe?g|png|webp|gif|avif|tiff?|bmp)(?:[|;?]|$))",
    re.IGNORECASE,
)
_AMPERSANDS = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)+", re.IGNORECASE)  # more than one where a feed was written twice
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,5}|#[xX][0-9A-Fa-f]{1,4});")
_URL_LIST = re.compile(r"\s*,[\s,]*(?=[\"']?(?:https?:)?/)|\s+(?=https?://)", re.IGNORECASE)
_QUOTED = re.compile(r"([\"'])((?:https?:)?//.*)\1", re.IGNORECASE)
_BRACKETS = {"[": "]", "(": ")", "<": ">"}
_URL_START = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_PICTURE = re.compile(r"^(?!.*://.*://)[^,]+\.(?:jpe?g|png|webp|gif|avif|tiff?|bmp)(?:\?[^,]*)?$", re.IGNORECASE)
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_HOST_AND_PORT = re.compile(r"[A-Za-z][\w.-]*:\d{1,5}/")
_LENGTH = re.compile(
    r"^\s*(?:[\d.,]+\s*[-–]\s*)?([\d.,]+)(?:\s+(\d{1,2})/(\d{1,2}))?\s*([^\W\d_]+|[\"″])?\.?\s*(?:\([^)]*\)\s*)?$",
    re.IGNORECASE,
)
_LENGTH_WORDS = re.compile(
    r"^\s*(?:(?:ca|circa|approx|approximately|about|env|environ|aprox|ungefähr|etwa|[whdlbtø⌀])\b\.?|[ø⌀~≈])\s*:?\s*",
    re.IGNORECASE,
)
_VULGAR = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8"}
_HYPHEN = re.compile(r"(\d)-(\d{1,2}/\d{1,2})(?!\d)")
_FRACTION = re.compile(r"\s*\d{1,2}/\d{1,2}(?!\d)")
_FEET = re.compile(
    r"^\s*(\d{1,2})\s*(?:'|′|ft\.?|feet)\s*(\d{1,2}(?:\.\d+)?)\s*(?:\"|″|in\.?|inches|'')\s*$", re.IGNORECASE
)

_IN_STOCK = frozenset(
    {
        "true",
        "yes",
        "y",
        "1",
        "in stock",
        "instock",
        "available",
        "ja",
        "auf lager",
        "lieferbar",
        "en stock",
        "op voorraad",
        "disponibile",
        "disponible",
    }
)
_OUT_OF_STOCK = frozenset(
    {
        "false",
        "no",
        "n",
        "0",
        "out of stock",
        "outofstock",
        "épuisé",
        "uitverkocht",
        "esaurito",
        "agotado",
        "sold out",
        "unavailable",
        "discontinued",
        "nein",
    }
)
_PREORDER = frozenset(
    {"preorder", "onbackorder", "notify", "on backorder", "pre-order", "backorder", "back order", "vorbestellbar"}
)


def clean_cell(text: str | None) -> str | None:
    """Return text with white space collapsed, or None when the cell is empty ("", "n/a", "-", ...)."""
    if text is None:
        return None
    collapsed = " ".join(text.split())
    return None if len(collapsed) <= 7 and collapsed.lower() in ABSENT else collapsed


def parse_number(text: str) -> float | None:
    """Return the one number of a cell, or None when there is none or more than one.

    Currency signs and words are ignored. Where both "." and "," occur, the last one is the decimal mark. A single ","
    or "." before exactly three digits separates thousands ("1,385"), otherwise decimals ("315,0"). Spaces and
    apostrophes between digits separate thousands.
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
        indian = len(parts) > 2 and len(parts[-1]) == 3 and all(len(part) == 2 for part in parts[1:-1])
        grouped = (indian or all(len(part) == 3 for part in parts[1:])) and 1 <= len(whole) <= 3 and whole != "0"
        digits = "".join(parts) if grouped else digits.replace(mark, ".")
    try:
        value = float(digits)
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


def parse_price(text: str) -> tuple[float, float] | None:
    """Return the price of a cell as (low, high): equal unless the cell states a range ("12.99 - 18.99"), or None.

    A price of 0 counts as no price.
    """
    text = _RUPEES.sub(" ", text)
    single = parse_number(text)
    if single is not None:
        return (single, single) if single > 0 else None
    match = _PRICE_RANGE.fullmatch(text.strip())
    ends = [parse_number(end) for end in match.groups()] if match else []
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0] <= 0 or ends[1] < ends[0]:
        return None
    return ends[0], ends[1]


def parse_currency(text: str | None) -> str | None:
    """Return the ISO 4217 code a price states, or None: by its code or its sign ($ is USD, Rs. is INR)."""
    if not text:
        return None
    match = _CURRENCY_CODE.search(text)
    if match:
        return match.group()
    if _RUPEES.search(text):
        return "INR"
    return next((code for sign, code in _CURRENCY_SIGNS.items() if sign in text), None)


def damaged_gtin(text: str) -> bool:
    """Return whether a spreadsheet has rounded a trade number: "8.71E+12"."""
    return _ROUNDED.fullmatch(text.strip()) is not None


def parse_gtin(text: str | None) -> str | None:
    """Return a trade number of 8 to 14 digits, or None."""
    digits = "".join(char for char in text or "" if char.isascii() and char.isdigit())
    return digits if 8 <= len(digits) <= 14 else None


def parse_list(text: str | None, separator: re.Pattern[str] = _SEPARATOR) -> list[str]:
    """Return the items of a cell: a JSON or Python list, text split at | ; or line ends, or addresses at commas."""
    if text is None or (stripped := text.strip()).lower() in ABSENT:
        return []
    if stripped[0] in "[(" and stripped[-1] in "])":
        items = _literal(stripped)
        if items is not None:
            return [item for value in items if (item := clean_cell(str(value))) is not None]
    return [item for part in separator.split(stripped) if (item := clean_cell(part)) is not None]


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
    """Return the items of a tag cell: as `parse_list`, and plain text is split at commas too."""
    return [item for part in parse_list(text) for piece in part.split(",") if (item := clean_cell(piece)) is not None]


def parse_images(text: str | None) -> list[str]:
    """Return the image addresses of a cell, one or many.

    Feeds written as XML or HTML have `&amp;` for `&` in them. A `;` or `|` inside an address does not split it; quotes
    and brackets around addresses are no part of them.
    """
    text = _ENTITY.sub(lambda match: html.unescape(match.group()), _AMPERSANDS.sub("&", text or ""))
    items = parse_list(text, _URL_SEPARATOR if "://" in text else _SEPARATOR)
    if "//" not in text:
        return [url for item in items for url in _split_files(item)]
    parts = [part for item in items for part in _URL_LIST.split(_within(item).rstrip(" ,"))]
    return [url for part in parts for url in _split_files(_unquoted(part))]


def _unquoted(part: str) -> str:
    quoted = _QUOTED.fullmatch(part)
    return quoted.group(2) if quoted else part


def _within(item: str) -> str:
    """Return what the brackets around addresses hold."""
    inner = item[1:-1].lstrip(" \"'")
    return item[1:-1] if _BRACKETS.get(item[:1]) == item[-1:] and _URL_START.match(inner) else item


def _split_files(text: str) -> list[str]:
    """Split "a.jpg, b.jpg" at its commas; an address with commas of its own stays whole."""
    parts = [part.strip() for part in text.split(",")]
    return parts if len(parts) > 1 and all(_PICTURE.search(part) for part in parts) else [text]


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
        if _HOST_AND_PORT.match(url):
            return f"the image address has no scheme; write https://{url[:60]}"
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


def _fractions_apart(text: str) -> str:
    """Return a mixed number with a space before its fraction: 31½, 31-1/2 and 31 1/2 are the same."""
    text = "".join(f" {_VULGAR[sign]}" if sign in _VULGAR else sign for sign in text)
    text = _HYPHEN.sub(r"\1 \2", text)
    return f"0 {text.strip()}" if _FRACTION.match(text) else text


def parse_length_cm(text: str) -> float | None:
    """Return a length in centimeters ("35", "35 cm", '14 1/2"', "1,2 m"): of a range the upper end; bare numbers are
    centimeters."""
    feet = _FEET.match(text)
    if feet is not None:
        return (12 * int(feet.group(1)) + float(feet.group(2))) * 2.54
    match = _LENGTH.match(_fractions_apart(_LENGTH_WORDS.sub("", text)))
    number = parse_number(match.group(1)) if match else None
    if match is None or number is None:
        return None
    if match.group(2) and int(match.group(3)):
        number += int(match.group(2)) / int(match.group(3))
    factor = CM_PER_UNIT.get(UNITS.get((match.group(4) or "cm").lower(), ""))
    return None if factor is None or number <= 0 else number * factor
