"""Which column of a shop's file is which of ours: an explicit map first, then exact names, then reported guesses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from scene_pipeline.errors import CatalogError
from scene_pipeline.vocabulary.strict_yaml import load_strict

REQUIRED_COLUMNS = ("id", "description")

_NOT_NAME = re.compile(r"[\W_]+")
_ROW_COUNTERS = {"", "x1", "x", "index", "unnamed0", "unnamed", "rownum", "rownumber", "column1"}


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What becomes of every column of a file.

    `used` maps the shop's name to ours (a name of `column_names.yaml`); `extra` are the columns kept aside under their
    own names; `left_out` only count the rows. `guesses` says in sentences what was not stated by anybody.
    """

    used: dict[str, str]
    extra: tuple[str, ...]
    left_out: tuple[str, ...]
    guesses: tuple[str, ...]


@lru_cache(maxsize=1)
def known_columns() -> dict[str, tuple[str, ...]]:
    """Return our column names, each with the names shops give it."""
    return {
        name: tuple(words) for name, words in load_strict(Path(__file__).parent / "column_names.yaml", dict).items()
    }


def load_column_map(column_map: Mapping[str, str] | Path | None) -> dict[str, str]:
    """Return the map from a shop's names to ours, read from YAML where a path is given. Raises CatalogError."""
    if column_map is None:
        return {}
    source = "the column map"
    if isinstance(column_map, Path):
        source = str(column_map)
        column_map = load_strict(column_map, dict[str, str])
    for shop, ours in column_map.items():
        if ours not in known_columns():
            raise CatalogError(
                f"{source}: '{shop}' is mapped to '{ours}', which is none of {', '.join(known_columns())}"
            )
    repeated = {ours for ours in column_map.values() if list(column_map.values()).count(ours) > 1}
    if repeated:
        raise CatalogError(f"{source}: {', '.join(sorted(repeated))} is the target of two columns; keep one of them")
    return dict(column_map)


def plan_columns(
    header: Sequence[str], rows: Sequence[Sequence[str | None]], column_map: Mapping[str, str], path: Path
) -> ColumnPlan:
    """Decide what each column of `header` is; `rows` are the first rows. Raises CatalogError when `id` or `description`
    cannot be found.

    A name of the map that the file does not have is an error too: a silent typing mistake would lose the column.
    """
    absent = [shop for shop in column_map if shop not in header]
    if absent:
        raise CatalogError(
            f"{path.name}: the column map names '{absent[0]}', which the file does not have; it has {_listed(header)}"
        )
    used = dict(column_map)
    for name in header:
        if name not in used and name in known_columns() and name not in used.values():
            used[name] = name
    guesses = []
    free = {_plain(name): name for name in reversed(header) if name not in used}
    for ours, names in known_columns().items():
        if ours in used.values():
            continue
        shop = next((free[_plain(name)] for name in (ours, *names) if _plain(name) in free), None)
        if shop is not None:
            used[shop] = ours
            del free[_plain(shop)]
            guesses.append(f"column '{shop}' is read as {ours}")
    if "id" not in used.values() and "sku_id" in used.values():
        shop = next(name for name, ours in used.items() if ours == "sku_id")
        used[shop] = "id"
        guesses = [guess for guess in guesses if not guess.endswith(" as sku_id")]
        guesses.append(f"column '{shop}' is read as id")
    for ours in REQUIRED_COLUMNS:
        if ours not in used.values():
            raise CatalogError(
                f"{path.name}: no column is '{ours}' (found {_listed(header)}); "
                f"rename one, or map it: {{shop's name: {ours}}} in a column map"
            )
    if "sku_id" not in used.values():
        guesses.append("there is no column sku_id; it is copied from id")
    if "primary_image" not in used.values():
        guesses.append("there is no column primary_image; the products have no picture")
    unused = [name for name in header if name not in used]
    counters = tuple(name for name in unused if _plain(name) in _ROW_COUNTERS and _counts(rows, header.index(name)))
    guesses += [f"column '{name}' only counts the rows and is left out" for name in counters]
    return ColumnPlan(used, tuple(name for name in unused if name not in counters), counters, tuple(guesses))


def _counts(rows: Sequence[Sequence[str | None]], column: int) -> bool:
    """Say whether a column holds consecutive whole numbers: a left-over row index, not a fact of the product."""
    values = [row[column] for row in rows if len(row) > column]
    if not values or not all(value is not None and value.isascii() and value.isdigit() for value in values):
        return False
    numbers = [int(value) for value in values if value]
    return all(after == before + 1 for before, after in pairwise(numbers))


def _plain(name: str) -> str:
    return _NOT_NAME.sub("", name.lower())


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name[:40]}'" for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"
