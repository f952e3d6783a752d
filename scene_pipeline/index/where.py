"""Filters of a product index: a small typed tree that each adapter translates in its own way, never into a string.

A leaf is true for a product whose field has a value that meets it, and false for an unknown value. `Not` is the
complement: it is true wherever its part is not, unknown values included.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from scene_pipeline.errors import ProductIndexError

FieldKind = Literal["text", "texts", "number", "flag"]
"""What a field holds: one text, several texts, a number, or yes and no. Any of them may be unknown (None)."""

Value = str | float | bool


@dataclass(frozen=True, slots=True)
class Eq:
    """The field equals the value."""

    field: str
    value: Value


@dataclass(frozen=True, slots=True)
class In:
    """The field equals one of the values."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The number lies between `low` and `high`, both included; None means no bound."""

    field: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field of several texts holds at least one of the values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All parts are true; without parts it is always true."""

    parts: tuple["Where", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part is true; without parts it is never true."""

    parts: tuple["Where", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not true."""

    part: "Where"


Where = Eq | In | Range | AnyOf | And | Or | Not
Leaf = Eq | In | Range | AnyOf

_LEAVES: Mapping[type, tuple[FieldKind, ...]] = {
    Eq: ("text", "number", "flag"),
    In: ("text", "number", "flag"),
    Range: ("number",),
    AnyOf: ("texts",),
}
_TYPES: Mapping[FieldKind, type | tuple[type, ...]] = {
    "text": str,
    "texts": str,
    "number": (int, float),
    "flag": bool,
}


def leaves(where: Where) -> Iterator[Leaf]:
    """Yield the leaves of a tree, left to right."""
    if isinstance(where, And | Or):
        for part in where.parts:
            yield from leaves(part)
    elif isinstance(where, Not):
        yield from leaves(where.part)
    else:
        yield where


def check_where(where: Where | None, fields: Mapping[str, FieldKind]) -> None:
    """Raise ProductIndexError for an unknown field, or a value that its field cannot hold."""
    for leaf in leaves(where) if where is not None else ():
        kind = fields.get(leaf.field)
        if kind is None:
            raise ProductIndexError(f"the index has no field '{leaf.field}'; it has {', '.join(sorted(fields))}")
        if kind not in _LEAVES[type(leaf)]:
            raise ProductIndexError(
                f"{type(leaf).__name__} cannot be applied to '{leaf.field}', which is a {kind} field"
            )
        for value in values_of(leaf):
            if not isinstance(value, _TYPES[kind]) or (kind == "number" and isinstance(value, bool)):
                raise ProductIndexError(f"'{leaf.field}' is a {kind} field and cannot be compared with {value!r}")


def values_of(leaf: Leaf) -> tuple[Value, ...]:
    """Return the values a leaf compares with."""
    if isinstance(leaf, Eq):
        return (leaf.value,)
    if isinstance(leaf, Range):
        return tuple(bound for bound in (leaf.low, leaf.high) if bound is not None)
    return leaf.values


def where_key(where: Where | None) -> bytes:
    """Return the same bytes for equal trees, different bytes for different ones."""
    return msgspec.json.encode(_tagged(where))


def _tagged(where: Where | None) -> object:
    if where is None:
        return None
    if isinstance(where, And | Or):
        return [type(where).__name__, *map(_tagged, where.parts)]
    if isinstance(where, Not):
        return ["Not", _tagged(where.part)]
    return [type(where).__name__, msgspec.to_builtins(where)]
