"""Find the rows of an export that are one product: variants and pictures with one handle, parent or group id."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scene_pipeline.catalog.feeds import FeedProfile, feed_profiles
from scene_pipeline.catalog.packed import parse_pairs
from scene_pipeline.catalog.stored import Rows, batches

PARENT, VARIANT, SIMPLE, PICTURE, RULE = "parent", "variant", "simple", "picture", "rule"

_KINDS = (PARENT, VARIANT, SIMPLE, PICTURE, RULE)
_BATCH = 50_000

Texts = list[str | None]
_Columns = Callable[..., Iterator[tuple[Texts, ...]]]
"""Returns the stripped cells of the named columns, some rows at a time."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """The rows of a table in the order of their groups, in a few bytes per row; each key is kept once.

    order: int64 [rows]; starts: where each group begins in it; kinds: uint8 [rows], what each row of the table is (see
    `kind`); keys: each row's group, null for a row without one; keys_are_ids: the key identifies the product, and
    becomes its id where no row is the parent.
    """

    order: np.ndarray
    starts: np.ndarray
    kinds: np.ndarray
    keys: pa.DictionaryArray
    keys_are_ids: bool

    def kind(self, place: int) -> str:
        """Return what a row of the table is."""
        return _KINDS[self.kinds[place]]

    def key(self, place: int) -> str | None:
        """Return the group of a row of the table."""
        return self.keys[place].as_py()

    def chunks(self, rows: int) -> Iterator[np.ndarray]:
        """Yield the starts of whole groups that together have about `rows` rows, and the end of the last."""
        first = 0
        while first < len(self.starts):
            last = int(np.searchsorted(self.starts, self.starts[first] + rows, side="left"))
            last = max(last, first + 1)
            end = self.starts[last] if last < len(self.starts) else len(self.order)
            yield np.append(self.starts[first:last], end)
            first = last


def group_rows(table: Rows, profile: str) -> Grouping | None:
    """Return which rows are one product, or None where every row is one: an unknown format without group ids."""
    known = feed_profiles().get(profile)
    names = set(table.column_names)
    mode = known.group if known is not None else "group_id" if "group_id" in names else "parent"
    needed = {"id": "id", "group_id": "group_id", "parent": "parent_id", "children": "children", "follows": "row_kind"}
    if needed.get(mode) not in names:
        return None
    columns = _columns(table)
    kinds = _kinds(columns, known, "children" in names)
    found = [pa.array(part, pa.string()).dictionary_encode() for part in _KEYS[mode](columns, kinds)]
    keys = pa.chunked_array(found, pa.dictionary(pa.int32(), pa.string())).unify_dictionaries().combine_chunks()
    order, starts = _ordered(keys)
    return Grouping(order, starts, kinds, keys, keys_are_ids=mode != "follows")


def _ordered(keys: pa.DictionaryArray) -> tuple[np.ndarray, np.ndarray]:
    """Return (order, starts): groups in the order of their first rows; rows without a key are groups of one."""
    codes, alone = keys.indices.fill_null(-1).to_numpy(), np.arange(len(keys))
    first = np.full(len(keys.dictionary), len(keys))
    np.minimum.at(first, codes[codes >= 0], alone[codes >= 0])
    places = np.where(codes < 0, alone, first[codes]) if len(first) else alone
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    return order, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


def _columns(table: Rows) -> _Columns:
    def cells(*names: str) -> Iterator[tuple[Texts, ...]]:
        present = [name for name in names if name in table.column_names]
        for batch in batches(table, [*present, "row"], _BATCH):
            nothing: Texts = [None] * batch.num_rows
            yield tuple(_texts(batch[name]) if name in present else nothing for name in names)

    return cells


def _texts(column: pa.ChunkedArray) -> Texts:
    return [value.strip() or None if value else None for value in column.to_pylist()]


def _kinds(columns: _Columns, profile: FeedProfile | None, has_children: bool) -> np.ndarray:
    known = {word: _KINDS.index(kind) for word, kind in (profile.kinds if profile is not None else {}).items()}
    simple, parent = _KINDS.index(SIMPLE), _KINDS.index(PARENT)
    parts = []
    for kinds, children in columns("row_kind", "children"):
        part = [known.get((kind or "").lower().split(",")[0].strip(), simple) for kind in kinds]
        if has_children:
            part = [parent if listed else kind for kind, listed in zip(part, children, strict=True)]
        parts.append(np.array(part, np.uint8))
    return np.concatenate(parts)


def _own(name: str) -> Callable[[_Columns, np.ndarray], Iterable[Texts]]:
    return lambda columns, _: (keys for (keys,) in columns(name))


def _by_parent(columns: _Columns, kinds: np.ndarray) -> Iterator[Texts]:
    """Yield each row's parent; a parent is named by its SKU, by its id, or as "id:" and its id."""
    named = {parent.removeprefix("id:") for (parents,) in columns("parent_id") for parent in parents if parent}
    alias: dict[str, str] = {}
    for rows in columns("id", "sku_id", "parent_id"):
        for own, sku, parent in zip(*rows, strict=True):
            if parent is None and (own in named or sku in named):
                key = own or sku or ""
                alias |= {name: key for name in (own, sku) if name}
    start = 0
    for ids, skus, parents in columns("id", "sku_id", "parent_id"):
        keys: Texts = []
        is_parent = kinds[start : start + len(ids)] == _KINDS.index(PARENT)
        start += len(ids)
        for own, sku, on_top, parent in zip(ids, skus, is_parent, parents, strict=True):
            if parent is not None and not on_top:
                plain = parent.removeprefix("id:")
                keys.append(alias.get(plain, plain))
            elif own in alias or on_top:
                keys.append(alias.get(own or "", own))
            else:
                keys.append(alias.get(sku or ""))
        yield keys


def _by_children(columns: _Columns, kinds: np.ndarray) -> Iterator[Texts]:
    """Yield the parent of each row that a parent's list of variations names ("sku=A-1,color=Grey|sku=A-2,…")."""
    parents: dict[str, str] = {}
    for ids, lists in columns("id", "children"):
        for own, children in zip(ids, lists, strict=True):
            if own is None or children is None:
                continue
            parents[own] = own
            for child in children.split("|"):
                sku = next((value for name, value in parse_pairs(child) if name.lower() == "sku"), None)
                if sku is not None and sku != own:
                    parents.setdefault(sku, own)
    for (ids,) in columns("id"):
        yield [parents.get(own or "") for own in ids]


def _following(columns: _Columns, kinds: np.ndarray) -> Iterator[Texts]:
    """Yield the last parent above each row: variants and pictures come after their product."""
    heads = (_KINDS.index(PARENT), _KINDS.index(SIMPLE))
    keys: Texts = []
    last: str | None = None
    for row, kind in enumerate(kinds):
        if kind in heads:
            last = f"row {row}"
        keys.append(last)
        if len(keys) == _BATCH:
            yield keys
            keys = []
    yield keys


_KEYS: dict[str, Callable[[_Columns, np.ndarray], Iterable[Texts]]] = {
    "id": _own("id"),
    "group_id": _own("group_id"),
    "parent": _by_parent,
    "children": _by_children,
    "follows": _following,
}
