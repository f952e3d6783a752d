"""Turn rows of text into typed products and rejects, so that every row of the file is accounted for."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from scene_pipeline.catalog.grouping import PARENT, Grouping, group_rows
from scene_pipeline.catalog.products import MAX_ID, NO_HOST, Known, RefusedError, RowReader, content_hash
from scene_pipeline.catalog.read import EXTRA_PREFIX, PROBLEM, RawCatalog
from scene_pipeline.catalog.schema import DROPPED, LEFT_OUT, PRODUCTS, REJECTS
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
class Validated:
    """Products (schema PRODUCTS), rejects (schema REJECTS), and how many rows were folded into an identical one.

    merged: rows that became a variant or a picture of a product. left_out: rows not on sale (schema LEFT_OUT). dropped:
    cells that cannot be used, in rows that can (schema DROPPED). notes: sentences about the file as a whole.
    """

    products: pa.Table
    rejects: pa.Table
    folded: int
    rows_in: int
    merged: int = 0
    left_out: pa.Table = field(default_factory=LEFT_OUT.empty_table)
    dropped: pa.Table = field(default_factory=DROPPED.empty_table)
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True: rows in = products + folded + merged + rejects + left out. AssertionError when a row was lost."""
        out = self.products.num_rows + self.folded + self.merged + self.rejects.num_rows + self.left_out.num_rows
        assert self.rows_in == out, f"{self.rows_in} rows came in, {out} are accounted for"
        return True


@dataclass(slots=True)
class _State:
    """What is known of the rows before: for each id, where its first product stands in the table, and its digest."""

    table: pa.Table
    reader: RowReader
    first: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    folded: int = 0
    merged: int = 0

    def leave_out(self, row: int, known: Known, why: tuple[str, str, str]) -> None:
        """Note a row that is not on sale."""
        column, value, reason = why
        self.left_out.append(_reject(row, known.get("id"), RefusedError(column, value, reason)))


def validate(raw: RawCatalog, progress: Callable[[int, int], None] | None = None) -> Validated:
    """Type and check every row. A cell that cannot be used is dropped; a row without an id or a text is a reject that
    names row, column, value and reason.

    Rows of one group (see `grouping`) become one product with variants. Other rows of the same id: those that say the
    same in all columns we know are folded into the first; the others are rejected naming both rows. `progress` is
    called with the rows done and the rows in all. Raises CatalogError when no row is left, naming the most frequent
    reason.
    """
    state = _State(raw.table, RowReader(raw.column_map, raw.dialect.damaged, bool(raw.profile)))
    grouping = group_rows(raw.table, raw.profile)
    tables, done, total = [], 0, raw.table.num_rows
    for starts, positions in _chunks(total, grouping):
        tables.append(_validate_chunk(positions, starts, state, grouping))
        done += len(positions)
        if progress is not None:
            progress(done, total)
    products = pa.concat_tables(tables) if tables else PRODUCTS.empty_table()
    result = Validated(
        products,
        pa.Table.from_pylist(state.rejects, REJECTS),
        state.folded,
        total,
        state.merged,
        pa.Table.from_pylist(state.left_out, LEFT_OUT),
        pa.Table.from_pylist(state.reader.dropped, DROPPED),
        _notes(state),
    )
    if not products.num_rows:
        refused = [*state.rejects, *state.left_out]
        (reason, count), *_ = Counter(reason_kind(reject["reason"]) for reject in refused).most_common(1)
        raise CatalogError(f"{raw.path}: none of its {result.rows_in:,} rows can be used; {count:,} times: {reason}")
    assert result.complete
    return result


def reason_kind(reason: str) -> str:
    """Return a reject's reason with its numbers written N, so that the same kind of reason counts as one."""
    return _NUMBERS.sub("N", reason)


def _notes(state: _State) -> tuple[str, ...]:
    """Return what is to be said once about the whole file."""
    notes, reader = [], state.reader
    if reader.gtins:
        notes.append(
            f"{reader.gtins:,} GTINs were damaged by a spreadsheet ({reader.gtin}) and are not used; "
            "export the column as text"
        )
    hostless = sum(drop["reason"] == NO_HOST for drop in reader.dropped)
    if hostless:
        notes.append(
            f"{hostless:,} picture paths have no host; state their base address as image_base in the column map"
        )
    return tuple(notes)


def _chunks(rows: int, grouping: Grouping | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (where each group begins in the chunk, the chunk's rows of the table); no group is parted."""
    if grouping is None:
        for start in range(0, rows, VALIDATE_CHUNK):
            positions = np.arange(start, min(start + VALIDATE_CHUNK, rows))
            yield np.arange(len(positions)), positions
        return
    for bounds in grouping.chunks(VALIDATE_CHUNK):
        yield bounds[:-1] - bounds[0], grouping.order[bounds[0] : bounds[-1]]


def _validate_chunk(positions: np.ndarray, starts: np.ndarray, state: _State, grouping: Grouping | None) -> pa.Table:
    """Return the products of the rows of the table at `positions`."""
    in_order = bool(len(positions)) and positions[-1] - positions[0] == len(positions) - 1
    table = state.table.slice(int(positions[0]), len(positions)) if in_order else state.table.take(positions)
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
    arrays = [pa.array([product.get(f.name) for product in products], f.type) for f in PRODUCTS]
    return pa.Table.from_arrays(arrays, schema=PRODUCTS)


@dataclass(slots=True)
class _Group:
    """The rows of one product: where they stand in the table, their numbers in the file, and their cells."""

    state: _State
    places: list[int]
    numbers: list[int]
    rows: list[dict[str, str | None]]

    def set_aside(self, problems: Sequence[str | None], grouping: Grouping | None) -> None:
        """Reject rows that cannot be split; leave out rows not on sale, and the group of one that stands first."""
        kept, whole = [], None
        for i, (number, known) in enumerate(zip(self.numbers, self.rows, strict=True)):
            if problems[i] is not None:
                self.reject(number, known, RefusedError(None, None, problems[i] or ""))
                continue
            why = whole or left_out_reason(known)
            if why is None:
                kept.append(i)
                continue
            self.state.leave_out(number, known, why)
            if i == 0 or (grouping is not None and grouping.kinds[self.places[i]] == PARENT):
                whole = why
                for j in kept:
                    self.state.leave_out(self.numbers[j], self.rows[j], why)
                kept = []
        self.places, self.numbers, self.rows = (
            [values[i] for i in kept] for values in (self.places, self.numbers, self.rows)
        )

    def reject(self, number: int, known: Known, refused: RefusedError) -> None:
        """Note a refused row."""
        self.state.rejects.append(_reject(number, known.get("id"), refused))

    def product(self, extra: dict[str, str], grouping: Grouping | None) -> dict[str, Any] | None:
        """Return the product of the rows, or None: they are rejected, or folded into one that says the same."""
        known, row = self.rows[0], self.numbers[0]
        kinds: list[str] = []
        if grouping is not None and len(self.rows) > 1:
            kinds = [grouping.kinds[place] for place in self.places]
            known = merged_cells(self.rows, kinds)
            if PARENT not in kinds and grouping.keys_are_ids:
                known["id"] = grouping.keys[self.places[0]]
        before = len(self.state.reader.dropped)
        try:
            product = self.state.reader.product(row, known, extra)
            first = _is_first(self.places[0], product["product_id"], known, self.state)
        except RefusedError as refused:
            for number, own in zip(self.numbers, self.rows, strict=True):
                self.reject(number, own, refused)
            return None
        if not first:
            self.state.folded += len(self.rows)
            return None
        if len(self.rows) > 1:
            self.state.merged += len(self.rows) - 1
            product = with_variants(product, self.variants(kinds))
            self.settle_dropped(before)
        return product

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
        """Give each dropped cell the row it stands in, once: a variant's cell is read as the product's too."""
        dropped = self.state.reader.dropped
        settled: dict[tuple[Any, ...], dict[str, Any]] = {}
        for drop in dropped[first:]:
            column, value = drop["column"], drop["value"]
            rows = zip(self.numbers, self.rows, strict=True)
            stands = next((n for n, known in rows if value in " ".join((known.get(column) or "").split())), drop["row"])
            row = drop["row"] if drop["row"] != self.numbers[0] else stands
            settled.setdefault((row, column, value), {**drop, "row": row})
        dropped[first:] = settled.values()


def _reject(row: int, product_id: str | None, refused: RefusedError) -> dict[str, Any]:
    value = None if refused.value is None else refused.value[:200]
    return {
        "row": row,
        "product_id": None if product_id is None else product_id.strip()[:MAX_ID] or None,
        "column": refused.column,
        "value": value,
        "reason": refused.reason,
    }


def _is_first(place: int, identity: str, known: dict[str, str | None], state: _State) -> bool:
    """Say whether a row is the first of its id; False: it says the same as the first and is folded into it.

    A row that says something else is refused, naming both rows and what differs.
    """
    values = _comparable(known)
    digest = sha256("\x00".join(values).encode()).digest()
    first_place, first_digest = state.first.setdefault(identity, (place, digest))
    if first_place == place:
        return True
    if first_digest == digest:
        return False
    first = {name: state.table[name][first_place].as_py() for name in known}
    pairs = zip(known, _comparable(first), values, strict=True)
    differing = [name for name, before, now in pairs if before != now]
    first_row, row = state.table["row"][first_place], state.table["row"][place]
    reason = f"row {row} repeats the id of row {first_row} with another {', '.join(differing[:4])}"
    raise RefusedError("id", identity, reason)


def _comparable(known: dict[str, str | None]) -> list[str]:
    return [" ".join(value.split()) if value else "" for value in known.values()]
