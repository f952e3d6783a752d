"""Which rows of an export are one product: variants and pictures that share a handle, a parent or a group id."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scene_pipeline.catalog.feeds import FeedProfile, feed_profiles
from scene_pipeline.catalog.packed import parse_pairs

PARENT, VARIANT, SIMPLE, PICTURE, RULE = "parent", "variant", "simple", "picture", "rule"

Texts = list[str | None]


@dataclass(frozen=True, slots=True)
class Grouping:
    """The rows of a table in the order of their groups.

    order: int64 [rows]; starts: where each group begins in it; kinds: what each row of the table is; keys: each row's
    group, or None where it stands alone; keys_are_ids: a key names the product, and is its id where no row is the
    parent.
    """

    order: np.ndarray
    starts: np.ndarray
    kinds: list[str]
    keys: Texts
    keys_are_ids: bool

    def chunks(self, rows: int) -> Iterator[np.ndarray]:
        """Yield the starts of whole groups that together have about `rows` rows, and the end of the last."""
        first = 0
        while first < len(self.starts):
            last = int(np.searchsorted(self.starts, self.starts[first] + rows, side="left"))
            last = max(last, first + 1)
            end = self.starts[last] if last < len(self.starts) else len(self.order)
            yield np.append(self.starts[first:last], end)
            first = last


def group_rows(table: pa.Table, profile: str) -> Grouping | None:
    """Return which rows are one product, or None where every row is one: a table of its own kind without group ids."""
    known = feed_profiles().get(profile)
    names = set(table.column_names)
    mode = known.group if known is not None else "group_id" if "group_id" in names else "parent"
    needed = {"id": "id", "group_id": "group_id", "parent": "parent_id", "children": "children", "follows": "row_kind"}
    if needed.get(mode) not in names:
        return None
    kinds = _kinds(table, known)
    keys = _KEYS[mode](table, kinds)
    codes, seen = np.empty(table.num_rows, np.int64), dict[str, int]()
    for i, key in enumerate(keys):
        codes[i] = i if key is None else seen.setdefault(key, i)
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return Grouping(order, starts, kinds, keys, keys_are_ids=mode != "follows")


def _texts(table: pa.Table, name: str) -> Texts:
    if name not in table.column_names:
        return [None] * table.num_rows
    return [value.strip() or None if value else None for value in table[name].to_pylist()]


def _kinds(table: pa.Table, profile: FeedProfile | None) -> list[str]:
    known = profile.kinds if profile is not None else {}
    kinds = [known.get((kind or "").lower().split(",")[0].strip(), SIMPLE) for kind in _texts(table, "row_kind")]
    if "children" in table.column_names:
        return [PARENT if children else kind for kind, children in zip(kinds, _texts(table, "children"), strict=True)]
    return kinds


def _by_id(table: pa.Table, kinds: list[str]) -> Texts:
    return _texts(table, "id")


def _by_group(table: pa.Table, kinds: list[str]) -> Texts:
    return _texts(table, "group_id")


def _by_parent(table: pa.Table, kinds: list[str]) -> Texts:
    """Return each row's parent; a parent is named by its SKU, by its id, or as "id:" and its id."""
    ids, skus, parents = (_texts(table, name) for name in ("id", "sku_id", "parent_id"))
    alias: dict[str, str] = {}
    named = {parent.removeprefix("id:") for parent in parents if parent}
    for own, sku, parent in zip(ids, skus, parents, strict=True):
        if parent is None and (own in named or sku in named):
            key = own or sku or ""
            alias |= {name: key for name in (own, sku) if name}
    keys: Texts = []
    for own, sku, kind, parent in zip(ids, skus, kinds, parents, strict=True):
        if parent is not None and kind != PARENT:
            plain = parent.removeprefix("id:")
            keys.append(alias.get(plain, plain))
        elif own in alias or kind == PARENT:
            keys.append(alias.get(own or "", own))
        else:
            keys.append(alias.get(sku or ""))
    return keys


def _by_children(table: pa.Table, kinds: list[str]) -> Texts:
    """Return the parent of each row that a parent's list of variations names ("sku=A-1,color=Grey|sku=A-2,…")."""
    ids, lists = _texts(table, "id"), _texts(table, "children")
    parents: dict[str, str] = {}
    for own, children in zip(ids, lists, strict=True):
        if own is None or children is None:
            continue
        parents[own] = own
        for child in children.split("|"):
            sku = next((value for name, value in parse_pairs(child) if name.lower() == "sku"), None)
            if sku is not None and sku != own:
                parents.setdefault(sku, own)
    return [parents.get(own or "") for own in ids]


def _following(table: pa.Table, kinds: list[str]) -> Texts:
    """Return the last parent above each row: variants and pictures stand below their product."""
    keys: Texts = []
    last: str | None = None
    for row, kind in enumerate(kinds):
        if kind in (PARENT, SIMPLE):
            last = f"row {row}"
        keys.append(last)
    return keys


_KEYS = {"id": _by_id, "group_id": _by_group, "parent": _by_parent, "children": _by_children, "follows": _following}
