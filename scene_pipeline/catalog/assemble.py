"""Put the cells of a shop's columns under our names: add units, assign attributes to columns, join columns."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import pyarrow as pa

from scene_pipeline.catalog.columns import ATTRIBUTES, LENGTHS, MULTIPLE, ColumnPlan, Source, attribute_column
from scene_pipeline.catalog.header import UNITS, along_axes, with_unit, with_unit_if_joined
from scene_pipeline.catalog.html_text import SEPARATOR
from scene_pipeline.catalog.listed import option_values, write_variants
from scene_pipeline.catalog.packed import Pairs, parse_pairs

Cells = Sequence[str | None]

_NO_OPTION = frozenset({"default title", "default", ""})
_SIGNS = {"detailed_description": SEPARATOR, "facts": "\n"}
_LENGTH_LIKE = (*LENGTHS, "dimensions")


class Assembler:
    """Assembles the chunks of one file in order: an attribute's name may be in a row of the chunk before."""

    def __init__(self, plan: ColumnPlan) -> None:
        self.plan = plan
        stated = plan.column_map.unit
        self.default_unit = UNITS.get(stated, "") or (plan.profile.unit if plan.profile is not None else "")
        self.names: dict[str, str] = {}
        self.group: str | None = None
        self.has_attributes = bool(plan.pairs or plan.packed or any(source.ours == "facts" for source in plan.sources))

    def arrays(self, columns: Mapping[str, Cells], rows: int) -> dict[str, pa.Array]:
        """Return our columns as Arrow strings; `columns` are the shop's, by name. Every chunk has the same columns."""
        filled: dict[str, Cells] = {}
        ordered = sorted(self.plan.sources, key=lambda source: source.ours)
        sources = {ours: list(group) for ours, group in groupby(ordered, key=lambda source: source.ours)}
        for source in self.plan.sources:
            if source.ours not in filled:
                parts = [self._cells(one, columns, filled) for one in sources[source.ours]]
                filled[source.ours] = parts[0] if len(parts) == 1 else _joined(source.ours, parts)
        if self.plan.profile is not None and self.plan.profile.options:
            self._list_variants(columns, filled, rows)
        if self.has_attributes:
            self._attributes(columns, filled, rows)
            nothing: Cells = [None] * rows
            filled |= {ours: nothing for ours in (*ATTRIBUTES, "detailed_description") if ours not in filled}
        filled.pop("unit", None)
        return {ours: pa.array(cells, pa.string()) for ours, cells in filled.items()}

    def _cells(self, source: Source, columns: Mapping[str, Cells], filled: dict[str, Cells]) -> Cells:
        cells = columns[source.shop]
        if source.label:
            return [f"{source.label}: {cell.strip()}" if cell and cell.strip() else None for cell in cells]
        if source.axes:
            return _split_axes(cells, source, filled)
        if source.ours not in _LENGTH_LIKE:
            return cells
        unit_column = source.unit_column or next((s.shop for s in self.plan.sources if s.ours == "unit"), "")
        unit = source.unit or self.default_unit
        if unit_column:
            units = [UNITS.get((cell or "").strip().lower(), unit) for cell in columns[unit_column]]
            write = with_unit_if_joined if source.ours == "dimensions" and not source.unit else with_unit
            stated = [bool((cell or "").strip()) for cell in columns[unit_column]]
            return [(with_unit if s else write)(cell, own) for cell, own, s in zip(cells, units, stated, strict=True)]
        if source.ours == "dimensions" and not source.unit:
            return [with_unit_if_joined(cell, unit) for cell in cells] if unit else cells
        return [with_unit(cell, unit) for cell in cells] if unit else cells

    def _attributes(self, columns: Mapping[str, Cells], filled: dict[str, Cells], rows: int) -> None:
        """Put attributes into our columns; those without a column become lines of the detailed description."""
        packed = [columns[name] for name in self.plan.packed]
        pairs = [(columns[name], columns[value], name) for name, value in self.plan.pairs]
        facts = filled.pop("facts", None)
        key = (
            filled.get(self.plan.profile.group or "id") if self.plan.profile and self.plan.profile.carry_names else None
        )
        added: dict[str, dict[int, list[str]]] = {}
        for row in range(rows):
            found: Pairs = []
            if key is not None and key[row] != self.group:
                self.group, self.names = key[row], {}
            for names, values, column in pairs:
                found += self._pair(names[row], values[row], column)
            for cells in packed:
                found += parse_pairs(cells[row])
            if facts is not None and facts[row]:
                found += parse_pairs(facts[row])
            for ours, value in _sorted_in(found, self.default_unit):
                added.setdefault(ours, {}).setdefault(row, []).append(value)
        for ours, values in added.items():
            before = filled.get(ours, [None] * rows)
            filled[ours] = [_with(cell, values.get(row), ours) for row, cell in enumerate(before)]

    def _list_variants(self, columns: Mapping[str, Cells], filled: dict[str, Cells], rows: int) -> None:
        """List the variants that a row's options make, and keep the first of its SKUs as the product's."""
        skus = [option_values(cell) for cell in filled.get("sku_id", [None] * rows)]
        listed: list[str | None] = []
        for row in range(rows):
            options: dict[str, tuple[str, list[str]]] = {}
            for names, values in self.plan.pairs:
                name, found = (columns[names][row] or "").strip(), option_values(columns[values][row])
                if name and found and (values not in options or attribute_column(name)):
                    options[values] = name, found
            listed.append(write_variants(list(options.values()), skus[row]))
        filled["children"] = listed
        filled["sku_id"] = [own[0] if own else None for own in skus]

    def _pair(self, name: str | None, value: str | None, column: str) -> Pairs:
        name = (name or "").strip()
        if self.plan.profile is not None and self.plan.profile.options:
            values, known = option_values(value), attribute_column(name)
            several = known is None or known[0] in MULTIPLE
            return [(name, "\n".join(values if several else values[:1]))] if name and values else []
        if name:
            self.names[column] = name
        elif self.plan.profile is not None and self.plan.profile.carry_names:
            name = self.names.get(column, "")
        value = (value or "").strip()
        return [] if not name or value.lower() in _NO_OPTION else [(name, value)]


def _sorted_in(pairs: Pairs, default_unit: str) -> list[tuple[str, str]]:
    """Return (our column, value) for each attribute; a unit among the attributes is the unit of the lengths."""
    if not pairs:
        return []
    unit = next((UNITS[v.lower()] for k, v in pairs if "unit" in k.lower() and v.lower() in UNITS), default_unit)
    result = []
    for name, value in pairs:
        known = attribute_column(name)
        if known is None:
            if "unit" not in name.lower():
                result.append(("detailed_description", f"{name}: {value}"))
            continue
        ours, own_unit = known
        joined = ours == "dimensions" and not own_unit
        length = with_unit_if_joined(value, unit) if joined else with_unit(value, own_unit or unit)
        result.append((ours, length or "" if ours in _LENGTH_LIKE else value))
    return result


def _with(cell: str | None, values: list[str] | None, ours: str) -> str | None:
    if not values:
        return cell
    if ours in MULTIPLE:
        return _SIGNS.get(ours, "\n").join([cell, *values] if cell else values)
    return cell if cell and cell.strip() else values[0]


def _joined(ours: str, parts: Sequence[Cells]) -> Cells:
    """Join the shop's columns of one of ours: all texts, or the first that is not empty."""
    if ours in MULTIPLE:
        sign = _SIGNS.get(ours, "\n")
        return [
            sign.join(cell for cell in cells if cell and cell.strip()) or None for cells in zip(*parts, strict=True)
        ]
    return [next((cell for cell in cells if cell and cell.strip()), None) for cells in zip(*parts, strict=True)]


def _split_axes(cells: Cells, source: Source, filled: dict[str, Cells]) -> Cells:
    """Split cells whose header states an order ("H x W x D") into lengths; return the cells that cannot be split."""
    lengths = {axis: list(filled.get(axis, [None] * len(cells))) for axis in source.axes}
    rest: list[str | None] = [None] * len(cells)
    for row, cell in enumerate(cells):
        found = along_axes(cell, source.axes, source.unit or "cm") if cell else None
        if found is None:
            rest[row] = cell
            continue
        for axis, value in found.items():
            lengths[axis][row] = lengths[axis][row] or value
    filled.update(lengths)
    return rest
