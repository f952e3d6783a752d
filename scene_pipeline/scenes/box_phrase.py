"""Say in words where in a picture a box lies."""

from collections.abc import Sequence

THIRD = 0.38
"""Relative coordinate up to which a center lies at the left or the top; the right and the bottom begin at 1 - THIRD."""

WIDE = 0.7
"""Relative side from which a box has no place along that side."""


def box_phrase(box: Sequence[float]) -> str:
    """Return a phrase such as "on the left" for a box (left, top, right, bottom) in relative coordinates 0-1.

    Empty for a box that covers most of the picture: it has no place. Raises ValueError for a box without an area or
    outside the picture.
    """
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError(f"box {box}: must be (left, top, right, bottom) within 0-1, left < right, top < bottom")
    wide, high = right - left >= WIDE, bottom - top >= WIDE
    if wide and high:
        return ""
    column = "" if wide else _third((left + right) / 2, ("left", "", "right"))
    row = "" if high else _third((top + bottom) / 2, ("top", "", "bottom"))
    if row:
        return f"at the {row} {column}".rstrip()
    return f"on the {column}" if column else "in the middle"


def _third(center: float, names: tuple[str, str, str]) -> str:
    return names[0] if center < THIRD else names[2] if center > 1 - THIRD else names[1]
