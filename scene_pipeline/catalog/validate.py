"""Turn rows of text into typed products and rejects, so that every row of the file is accounted for."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

import numpy as np
import pyarrow as pa

from scene_pipeline.catalog.grouping import PARENT, Grouping, group_rows
from scene_pipeline.catalog.products import MAX_ID, NO_HOST, Known, RowReader, RowRefusedError, content_hash
from scene_pipeline.catalog.read import EXTRA_PREFIX, PROBLEM, RawCatalog
from scene_pipeline.catalog.repeats import Repeat, Repeats
from scene_pipeline.catalog.schema import DROPPED, LEFT_OUT, PRODUCTS, REJECTS
from scene_pipeline.catalog.stored import HeldTable, StoredTable, gather, write_parts
from scene_pipeline.catalog.variants import (
    is_variant,
    left_out_reason,
    listed_variants,
    merged_cells,
    variant_of,
    with_variants,
)
from scene_pipeline.errors import CatalogError

VALIDATE_CHUNK = 20_000

_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Validated(Generic[HeldTable]):
    """Products (schema PRODUCTS), rejects (schema REJECTS), and the number of rows folded into an identical one.

    merged: rows that became a variant or a picture of a product. left_out: rows not on sale (schema LEFT_OUT). dropped:
    cells that cannot be used, in rows that can (schema DROPPED). notes: sentences about the file as a whole.
    `products` is in memory or in a file.
    """

    products: HeldTable
    rejects: pa.Table
    folded: int
    rows_in: int
    merged: int = 0
    left_out: pa.Table = field(default_factory=LEFT_OUT.empty_table)
    dropped: pa.Table = field(default_factory=DROPPED.empty_table)
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Return True if rows in = products + folded + merged + rejects + left out.

        Raises AssertionError for a lost row.
        """
        out = self.products.num_rows + self.folded + self.merged + self.rejects.num_rows + self.left_out.num_rows
        assert self.rows_in == out, f"{self.rows_in} rows came in, {out} are accounted for"
        return True


@dataclass(slots=True)
class _State:
    """The state between chunks, and the rejects and notes of the current chunk."""

    raw: RawCatalog
    reader: RowReader = field(init=False)
    repeats: Repeats = field(default_factory=Repeats)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    products: int = 0
    folded: int = 0
    merged: int = 0
    hostless: int = 0

    def __post_init__(self) -> None:
        self.reader = RowReader(self.raw.column_map, self.raw.dialect.damaged, bool(self.raw.profile))

    def leave_out(self, row: int, known: Known, why: tuple[str, str, str]) -> None:
        """Record a row that is not on sale."""
        column, value, reason = why
        self.left_out.append(_reject(row, known.get("id"), RowRefusedError(column, value, reason)))

    def settle(self) -> None:
        """Move the notes of a chunk into tables, which take a tenth of the memory."""
        self.repeats.explain(self.raw.table)
        self.hostless += sum(drop["reason"] == NO_HOST for drop in self.reader.dropped)
        for name, notes in (("rejects", self.rejects), ("left_out", self.left_out), ("dropped", self.reader.dropped)):
            self.tables.setdefault(name, [REJECTS.empty_table()])
            if notes:
                self.tables[name].append(pa.Table.from_pylist(notes, REJECTS))
                notes.clear()

    def table(self, name: str) -> pa.Table:
        """Return the notes of all chunks (schema REJECTS)."""
        return pa.concat_tables(self.tables.get(name, [REJECTS.empty_table()]))

    def result(self, products: HeldTable) -> Validated[HeldTable]:
        """Return the outcome of all rows. Raises AssertionError when one was lost."""
        rejects, left_out, dropped = map(self.table, ("rejects", "left_out", "dropped"))
        rows = self.raw.table.num_rows
        found = Validated(products, rejects, self.folded, rows, self.merged, left_out, dropped, _notes(self))
        assert found.complete
        return found


def validate(raw: RawCatalog, progress: Callable[[int, int], None] | None = None) -> Validated[pa.Table]:
    """Type and check every row. A cell that cannot be used is dropped; a row without an id or a text is a reject that
    names row, column, value and reason.

    Rows of one group (see `grouping`) become one product with variants. Other rows with the same id: those with equal
    values in all known columns are folded into the first; the others are rejected, and the reason names both rows.
    `progress` is called with the rows done and the total. Raises CatalogError when no row is left, naming the most
    frequent reason.
    """
    state = _State(raw)
    return state.result(pa.concat_tables(_products(state, progress)))


def validate_into(
    target: Path, raw: RawCatalog, progress: Callable[[int, int], None] | None = None
) -> Validated[StoredTable]:
    """Do what `validate` does, and write the products to the Parquet file `target`, with one chunk in memory."""
    state = _State(raw)
    return state.result(write_parts(_products(state, progress), target, PRODUCTS))


def _products(state: _State, progress: Callable[[int, int], None] | None) -> Iterator[pa.Table]:
    """Yield the products chunk by chunk. Raises CatalogError when there are none."""
    grouping = group_rows(state.raw.table, state.raw.profile)
    done, total = 0, state.raw.table.num_rows
    bounds, parts = _chunks(total, grouping)
    for starts, positions, table in zip(bounds, parts, gather(state.raw.table, parts), strict=True):
        yield _validate_chunk(table, positions, starts, state, grouping)
        state.settle()
        done += len(positions)
        if progress is not None:
            progress(done, total)
    if not state.products:
        refused = [*state.table("rejects")["reason"].to_pylist(), *state.table("left_out")["reason"].to_pylist()]
        (reason, count), *_ = Counter(map(reason_kind, refused)).most_common(1)
        raise CatalogError(f"{state.raw.path}: none of its {total:,} rows can be used; {count:,} times: {reason}")


def reason_kind(reason: str) -> str:
    """Return a reject's reason with its numbers written N, so that the same kind of reason counts as one."""
    return _NUMBERS.sub("N", reason)


def _notes(state: _State) -> tuple[str, ...]:
    """Return the notes about the whole file, each once."""
    notes, reader = [], state.reader
    if reader.gtins:
        notes.append(
            f"{reader.gtins:,} GTINs were damaged by a spreadsheet ({reader.gtin}) and are not used; "
            "export the column as text"
        )
    if state.hostless:
        notes.append(
            f"{state.hostless:,} picture paths have no host; state their base address as image_base in the column map"
        )
    return tuple(notes)


def _chunks(rows: int, grouping: Grouping | None) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return, of each chunk, where its groups begin and the places of its rows in the table; no group is split."""
    if grouping is None:
        parts = [
            np.arange(start, min(start + VALIDATE_CHUNK, rows), dtype=np.int32)
            for start in range(0, rows, VALIDATE_CHUNK)
        ]
        return [np.arange(len(part), dtype=np.int32) for part in parts], parts
    bounds = list(grouping.chunks(VALIDATE_CHUNK))
    return [own[:-1] - own[0] for own in bounds], [grouping.order[own[0] : own[-1]] for own in bounds]


def _validate_chunk(
    table: pa.Table, positions: np.ndarray, starts: np.ndarray, state: _State, grouping: Grouping | None
) -> pa.Table:
    """Return the products of the rows of a chunk; `positions` are their places in the file's table."""
    columns = {name: table[name].to_pylist() for name in table.column_names}
    numbers, problems = columns.pop("row"), columns.pop(PROBLEM)
    extra_names = [name for name in columns if name.startswith(EXTRA_PREFIX)]
    extras = [(name.removeprefix(EXTRA_PREFIX), columns.pop(name)) for name in extra_names]
    names = list(columns)
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    products = []
    for start, end in zip(starts, [*starts[1:], len(positions)], strict=True):
        group = _Group(state, [int(p) for p in positions[start:end]], numbers[start:end], rows[start:end])
        group.set_aside(problems[start:end], grouping)
        if not group.rows:
            continue
        extra = {
            name: value for name, cells_of in extras if (value := next((c for c in cells_of[start:end] if c), None))
        }
        product = group.product(extra, grouping)
        if product is not None:
            product["content_hash"] = content_hash(product)
            products.append(product)
    state.products += len(products)
    arrays = [pa.array([product.get(f.name) for product in products], f.type) for f in PRODUCTS]
    return pa.Table.from_arrays(arrays, schema=PRODUCTS)


@dataclass(slots=True)
class _Group:
    """The rows of one product: their positions in the table, their numbers in the file, and their cells."""

    state: _State
    places: list[int]
    numbers: list[int]
    rows: list[dict[str, str | None]]

    def set_aside(self, problems: Sequence[str | None], grouping: Grouping | None) -> None:
        """Reject rows that cannot be split; leave out rows not on sale, and the whole group if its first row is one."""
        kept, whole = [], None
        for i, (number, known) in enumerate(zip(self.numbers, self.rows, strict=True)):
            if problems[i] is not None:
                self.reject(number, known, RowRefusedError(None, None, problems[i] or ""))
                continue
            why = whole or left_out_reason(known)
            if why is None:
                kept.append(i)
                continue
            self.state.leave_out(number, known, why)
            if i == 0 or (grouping is not None and grouping.kind(self.places[i]) == PARENT):
                whole = why
                for j in kept:
                    self.state.leave_out(self.numbers[j], self.rows[j], why)
                kept = []
        self.places, self.numbers, self.rows = (
            [values[i] for i in kept] for values in (self.places, self.numbers, self.rows)
        )

    def reject(self, number: int, known: Known, refused: RowRefusedError) -> None:
        """Record a refused row."""
        self.state.rejects.append(_reject(number, known.get("id"), refused))

    def product(self, extra: dict[str, str], grouping: Grouping | None) -> dict[str, Any] | None:
        """Return the product of the rows, or None where they are rejected, or folded into an identical one."""
        known, row = self.rows[0], self.numbers[0]
        kinds: list[str] = []
        if grouping is not None and len(self.rows) > 1:
            kinds = [grouping.kind(place) for place in self.places]
            known = merged_cells(self.rows, kinds)
            if PARENT not in kinds and grouping.keys_are_ids:
                known["id"] = grouping.key(self.places[0])
        before = len(self.state.reader.dropped)
        try:
            product = self.state.reader.product(row, known, extra)
        except RowRefusedError as refused:
            for number, own in zip(self.numbers, self.rows, strict=True):
                self.reject(number, own, refused)
            return None
        repeat = self.state.repeats.find(product["product_id"], self.places[0], known)
        if repeat is not None:
            self.repeated(repeat, product["product_id"])
            return None
        if len(self.rows) > 1:
            self.state.merged += len(self.rows) - 1
            product = with_variants(product, self.variants(kinds))
            self.settle_dropped(before)
        elif grouping is None and (listed := listed_variants(known, [])):
            product = with_variants(product, listed)
        return product

    def repeated(self, repeat: Repeat, product_id: str) -> None:
        """Fold the rows into the product of the same id if its values are equal, else reject them."""
        if repeat.says_the_same:
            self.state.folded += len(self.rows)
            return
        for number, own in zip(self.numbers, self.rows, strict=True):
            self.reject(number, own, RowRefusedError("id", product_id, ""))
            repeat.rejects.append(self.state.rejects[-1])
        repeat.row = self.numbers[0]

    def variants(self, kinds: Sequence[str]) -> list[dict[str, Any]]:
        """Return the variants of the rows; none where only one row can be bought."""
        found = [
            variant_of(self.state.reader, number, known)
            for number, known, kind in zip(self.numbers, self.rows, kinds, strict=True)
            if is_variant(known, kind)
        ]
        if PARENT in kinds:
            listed = listed_variants(next(r for r, kind in zip(self.rows, kinds, strict=True) if kind == PARENT), found)
            own = (self.rows[kinds.index(PARENT)].get("sku_id") or "").strip()
            return [] if [v["sku_id"] for v in (*found, *listed)] == [own] else [*found, *listed]
        return found if len(found) > 1 else []

    def settle_dropped(self, first: int) -> None:
        """Set the row of each dropped cell, without repeats: a variant's cell is also read as the product's."""
        dropped = self.state.reader.dropped
        settled: dict[tuple[Any, ...], dict[str, Any]] = {}
        for drop in dropped[first:]:
            column, value = drop["column"], drop["value"]
            rows = zip(self.numbers, self.rows, strict=True)
            stands = next((n for n, known in rows if value in " ".join((known.get(column) or "").split())), drop["row"])
            row = drop["row"] if drop["row"] != self.numbers[0] else stands
            settled.setdefault((row, column, value), {**drop, "row": row})
        dropped[first:] = settled.values()


def _reject(row: int, product_id: str | None, refused: RowRefusedError) -> dict[str, Any]:
    value = None if refused.value is None else refused.value[:200]
    return {
        "row": row,
        "product_id": None if product_id is None else product_id.strip()[:MAX_ID] or None,
        "column": refused.column,
        "value": value,
        "reason": refused.reason,
    }
