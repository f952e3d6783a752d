"""What a person states about a file: the meaning of its columns, which to ignore, and defaults for its cells."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from scene_pipeline.catalog.header import UNITS
from scene_pipeline.errors import CatalogError
from scene_pipeline.vocabulary.strict_yaml import load_strict

SETTINGS = ("image_base", "currency", "unit", "profile")
MULTIPLE_TARGETS = frozenset(
    {"ignore", "detailed_description", "detail_images", "primary_image", "materials", "colors"}
)


class ColumnMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """columns: the shop's name → ours, or "ignore". image_base: the address that relative pictures stand under.
    currency: of prices that state none. unit: of lengths that state none. profile: the export format, by name."""

    columns: dict[str, str] = {}
    image_base: str = ""
    currency: str = ""
    unit: str = ""
    profile: str = ""


def load_column_map(column_map: Mapping[str, str] | ColumnMap | Path | None, known: Mapping[str, Any]) -> ColumnMap:
    """Return the map, read from YAML where a path is given: names only, or `columns:` beside the settings.

    `known` has our column names. Raises CatalogError naming the file, the name and the fix.
    """
    source = str(column_map) if isinstance(column_map, Path) else "the column map"
    if column_map is None:
        return ColumnMap()
    if isinstance(column_map, Path):
        content = load_strict(column_map, dict[str, Any])
        if not all(isinstance(value, str | dict) for value in content.values()):
            load_strict(column_map, dict[str, str])
        settings = isinstance(content.get("columns"), dict) or (bool(content) and set(content) <= set(SETTINGS))
        column_map = load_strict(column_map, ColumnMap) if settings else load_strict(column_map, dict[str, str])
    found = column_map if isinstance(column_map, ColumnMap) else ColumnMap(columns=dict(column_map))
    for shop, ours in found.columns.items():
        if ours != "ignore" and ours not in known:
            raise CatalogError(f"{source}: '{shop}' is mapped to '{ours}', which is none of {', '.join(known)}, ignore")
    targets = list(found.columns.values())
    repeated = {ours for ours in targets if targets.count(ours) > 1 and ours not in MULTIPLE_TARGETS}
    if repeated:
        raise CatalogError(f"{source}: {', '.join(sorted(repeated))} is the target of two columns; keep one of them")
    if found.unit and found.unit not in UNITS:
        raise CatalogError(f"{source}: unit '{found.unit}' is unknown; use cm, mm, m, in or ft")
    if found.image_base and urlsplit(found.image_base).scheme not in ("http", "https"):
        raise CatalogError(f"{source}: image_base '{found.image_base}' is not an http(s) address")
    return found
