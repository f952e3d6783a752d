"""Fields of products as arrays, and a filter as a mask over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scene_pipeline.index.where import And, AnyOf, Eq, FieldKind, In, Leaf, Not, Or, Range, Where

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Coded:
    """Texts as numbers: `codes` [m] into `values`; `owner` [m] is the row of each, None where row i has code i.

    An unknown text has the code -1.
    """

    codes: npt.NDArray[np.int32]
    values: Mapping[str, int]
    owner: npt.NDArray[np.int64] | None = None


class Columns:
    """The fields of `n` products, ready to be filtered. Nothing changes after it is made."""

    def __init__(self, n: int, kinds: Mapping[str, FieldKind], values: Mapping[str, Sequence[Any]]) -> None:
        """Encode `values`, by field: one per product, None where unknown."""
        self._n = n
        self._numbers: dict[str, npt.NDArray[np.float64]] = {}
        self._texts: dict[str, Coded] = {}
        for name, kind in kinds.items():
            if kind in ("number", "flag"):
                self._numbers[name] = np.array([np.nan if value is None else value for value in values[name]], float)
            else:
                self._texts[name] = _coded(values[name], several=kind == "texts")

    def mask(self, where: Where) -> Mask:
        """Return which products [n] meet `where`."""
        if isinstance(where, Not):
            return ~self.mask(where.part)
        if isinstance(where, And | Or):
            every = isinstance(where, And)
            found = np.full(self._n, every)
            for part in where.parts:
                found = found & self.mask(part) if every else found | self.mask(part)
            return found
        return self._leaf(where)

    def _leaf(self, leaf: Leaf) -> Mask:
        if leaf.field in self._numbers:
            return _number(self._numbers[leaf.field], leaf)
        column = self._texts[leaf.field]
        wanted = (leaf.value,) if isinstance(leaf, Eq) else () if isinstance(leaf, Range) else leaf.values
        codes = [column.values[value] for value in map(str, wanted) if value in column.values]
        hit = np.isin(column.codes, codes) if len(codes) != 1 else column.codes == codes[0]
        if column.owner is None:
            return hit
        mask = np.zeros(self._n, bool)
        mask[column.owner[hit]] = True
        return mask


def _number(values: npt.NDArray[np.float64], leaf: Leaf) -> Mask:
    if isinstance(leaf, Range):
        mask = ~np.isnan(values)
        if leaf.low is not None:
            mask &= values >= leaf.low
        if leaf.high is not None:
            mask &= values <= leaf.high
        return mask
    if isinstance(leaf, Eq):
        return values == float(leaf.value)
    assert isinstance(leaf, In | AnyOf)
    return np.isin(values, [float(value) for value in leaf.values])


def _coded(values: Sequence[Any], several: bool) -> Coded:
    known: dict[str, int] = {}
    codes: list[int] = []
    owner: list[int] = []
    for row, value in enumerate(values):
        for text in (value or ()) if several else (value,):
            codes.append(-1 if text is None else known.setdefault(text, len(known)))
            owner.append(row)
    return Coded(np.array(codes, np.int32), known, np.array(owner, np.int64) if several else None)
