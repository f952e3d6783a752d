"""Read what a column's header states besides its name: the unit of its numbers, and the order of axes in its cells."""

import re

from scene_pipeline.vocabulary.lexicon import CM_PER_UNIT

UNITS = {
    **{unit: unit for unit in CM_PER_UNIT},
    **dict.fromkeys(("inch", "inches", "zoll", "pouces", "pouce", "pollici", "pulgadas", '"', "″"), "in"),
    **dict.fromkeys(("feet", "foot"), "ft"),
    **dict.fromkeys(("centimeter", "centimeters", "centimetre", "centimetres", "zentimeter", "cms"), "cm"),
    **dict.fromkeys(("centimètres", "centimetri", "centímetros"), "cm"),
    **dict.fromkeys(("millimeter", "millimeters", "millimetre", "millimetres", "mms"), "mm"),
    **dict.fromkeys(("meter", "meters", "metre", "metres", "mètre", "metri", "metros"), "m"),
}
"""How headers and unit cells spell units of length, in lower case."""

WEIGHT_UNITS = frozenset({"lb", "lbs", "kg", "kgs", "g", "gr", "oz", "pounds", "grams"})

_AXES = {"w": "width", "b": "width", "d": "depth", "t": "depth", "p": "depth", "h": "height", "l": "length"}
_WORDS = "|".join(sorted(map(re.escape, {*UNITS, *WEIGHT_UNITS}), key=len, reverse=True))
_UNIT = re.compile(
    rf"^(.+?)(?:[\s_.-]+(?:in[\s_]+)?|\s*[(\[]\s*(?:in\s+)?|\s*/\s*)({_WORDS})\.?\s*[)\]]?$", re.IGNORECASE
)
_ORDER = re.compile(
    r"[(\[]?(?<![^\W\d_])([a-z])\s*[x×*/]\s*([a-z])(?:\s*[x×*/]\s*([a-z]))?(?![^\W\d_])[)\]]?", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?(?:\s+\d/\d+)?")
_JOINED = re.compile(r"\d\s*[x×*]\s*\d", re.IGNORECASE)
_PLAIN = r"(?:\d+(?:[.,]\d+)*(?:(?:\s+|-)\d{1,2}/\d{1,2}|\s?[¼½¾⅓⅔⅛⅜⅝⅞])?|[¼½¾⅓⅔⅛⅜⅝⅞])"
_BARE = re.compile(rf"^\s*{_PLAIN}(?:\s*[x×*/-]\s*{_PLAIN})*\s*$", re.IGNORECASE)


def split_unit(name: str) -> tuple[str, str]:
    """Return a header without its unit, and the unit or "": "Width (in)" is "Width" in inches."""
    match = _UNIT.match(name.strip())
    if match is None:
        return name, ""
    word = match.group(2).lower()
    return match.group(1).strip(" ([-_,"), UNITS.get(word, word)


def split_axes(name: str) -> tuple[str, tuple[str, ...]]:
    """Return a header without its order of axes, and the axes: "Maße (H x B x T)" is height, width, depth."""
    match = _ORDER.search(name)
    if match is None:
        return name, ()
    letters = [letter for letter in match.groups() if letter]
    axes = tuple("width" if letter == "l" and "L" in letters else _AXES.get(letter.lower(), "") for letter in letters)
    if "" in axes or len(set(axes)) < len(axes):
        return name, ()
    return f"{name[: match.start()]} {name[match.end() :]}".strip(" ,-_()[]"), axes


def with_unit(cell: str | None, unit: str) -> str | None:
    """Return a cell of bare numbers with the unit after it; any other cell, and a lone 0, as it is."""
    return f"{cell.strip()} {unit}" if cell and unit and _BARE.match(cell) and cell.strip("0., ") else cell


def with_unit_if_joined(cell: str | None, unit: str) -> str | None:
    """Return a cell of numbers joined by x with the unit after it: a single "7-8" or "40" may be a clothing size."""
    return with_unit(cell, unit) if cell and _JOINED.search(cell) else cell


def along_axes(cell: str, axes: tuple[str, ...], unit: str) -> dict[str, str] | None:
    """Return axis → length for a cell that holds one number for each axis, or None for any other cell."""
    numbers = _NUMBER.findall(cell)
    if len(numbers) != len(axes):
        return None
    rest = [word for word in re.findall(r'[^\W\d_]+|["″]', cell.lower()) if word not in ("x", "×")]
    stated = next((UNITS[word] for word in rest if word in UNITS), unit)
    return {axis: f"{number} {stated}".strip() for axis, number in zip(axes, numbers, strict=True)}
