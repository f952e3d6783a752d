"""How far a catalog moved since the last bundle: categories, colors, prices, and what its words still tell."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

DRIFT_COLUMNS = ("category", "colors", "price", "product_type")

SHARE_MOVED = 0.15
PRICE_MOVED = 0.2
UNRECOGNIZED_MORE = 0.05
_FEW = 20


@dataclass(frozen=True, slots=True)
class Drift:
    """A figure of how far something moved, its bound and one sentence. `bound` is warned about, never blocked on."""

    name: str
    figure: float
    bound: float
    message: str

    @property
    def holds(self) -> bool:
        """Whether it moved no further than its bound."""
        return self.figure <= self.bound


def drift(before: pa.Table | None, after: pa.Table) -> tuple[Drift, ...]:
    """Return the drifts between two product tables with DRIFT_COLUMNS; without one before, nothing has moved.

    Tables of fewer than 20 products are not compared: a few products more would look like a landslide.
    """
    if before is None or before.num_rows < _FEW or after.num_rows < _FEW:
        reason = "there is no earlier bundle" if before is None else f"fewer than {_FEW} products are not compared"
        return tuple(Drift(name, 0.0, bound, reason) for name, bound in BOUNDS.items())
    return (
        _shares("drift_categories", "categories", _list(before, "category"), _list(after, "category")),
        _shares("drift_colors", "colors", _flat(before, "colors"), _flat(after, "colors")),
        _prices(before, after),
        _unrecognized(before, after),
    )


BOUNDS = {
    "drift_categories": SHARE_MOVED,
    "drift_colors": SHARE_MOVED,
    "drift_prices": PRICE_MOVED,
    "drift_words": UNRECOGNIZED_MORE,
}
"""Name -> bound of every drift."""


def _shares(name: str, what: str, before: list[str], after: list[str]) -> Drift:
    """Total variation distance of two distributions: the share of products that would have to change sides."""
    was, now = Counter(before), Counter(after)
    moved = {key: now[key] / max(len(after), 1) - was[key] / max(len(before), 1) for key in sorted({*was, *now})}
    figure = sum(abs(change) for change in moved.values()) / 2
    largest = sorted(moved.items(), key=lambda item: -abs(item[1]))[:3]
    said = ", ".join(f"{key} {change:+.1%}" for key, change in largest)
    message = f"{figure:.1%} of the products' {what} moved since the last bundle, the bound is {SHARE_MOVED:.0%}"
    if figure > SHARE_MOVED:
        message += f" ({said}); see whether the feed lost a part or a column changed its meaning"
    return Drift(name, figure, SHARE_MOVED, message)


def _prices(before: pa.Table, after: pa.Table) -> Drift:
    was, now = (
        np.array([value for value in table["price"].to_pylist() if value is not None]) for table in (before, after)
    )
    if not len(was) or not len(now):
        figure = 0.0 if len(was) == len(now) else 1.0
        said = "neither catalog states prices" if figure == 0 else "one of the two catalogs states no price"
    else:
        old, new = float(np.median(was)), float(np.median(now))
        figure = abs(new - old) / max(abs(old), 1e-9)
        said = f"the median price went from {old:,.2f} to {new:,.2f}, a change of {figure:.0%}"
    message = f"{said}; the bound is {PRICE_MOVED:.0%}"
    if figure > PRICE_MOVED:
        message += ": see whether currency or number format of the feed changed"
    return Drift("drift_prices", figure, PRICE_MOVED, message)


def _unrecognized(before: pa.Table, after: pa.Table) -> Drift:
    was, now = (table["product_type"].null_count / table.num_rows for table in (before, after))
    figure = max(0.0, now - was)
    message = (
        f"{now:.1%} of the products have no word for what they are that is known, {was:.1%} before; "
        f"{UNRECOGNIZED_MORE:.0%} more may"
    )
    if figure > UNRECOGNIZED_MORE:
        message += "; run `scene-pipeline profile` on the feed and add the words it lists to the lexicon"
    return Drift("drift_words", figure, UNRECOGNIZED_MORE, message)


def _list(table: pa.Table, column: str) -> list[str]:
    return [value or "none" for value in table[column].to_pylist()]


def _flat(table: pa.Table, column: str) -> list[str]:
    values: Iterable[list[str] | None] = table[column].to_pylist()
    return [color for colors in values for color in (colors or ["none"])[:1]]
