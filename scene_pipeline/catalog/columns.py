"""Assign the columns of a shop's file to ours: by a map first, then the export format, then known names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import msgspec

from scene_pipeline.catalog.column_map import ColumnMap, load_column_map
from scene_pipeline.catalog.feeds import FeedProfile, metafield_name, name_pattern, plain_name
from scene_pipeline.catalog.header import split_axes, split_unit
from scene_pipeline.errors import CatalogError
from scene_pipeline.vocabulary.strict_yaml import load_strict

TEXTS = ("description", "title", "detailed_description")
"""Columns of which a file must have at least one: a product is read from their text."""

LENGTHS = ("length", "width", "depth", "height", "diameter")
MULTIPLE = frozenset(
    {"detailed_description", "keywords", "search_terms", "style_tags", "room_tags", "materials", "colors", "facts"}
    | {"primary_image", "lifestyle_images", "detail_images", "swatch_images"}
)
"""Columns of ours that join all the shop's columns for them; the others take the first that is not empty."""

_ROW_COUNTERS = {"", "x1", "x", "index", "unnamed0", "unnamed", "rownum", "rownumber", "column1"}
ATTRIBUTES = (
    *("materials", "colors", "dimensions", *LENGTHS, "weight", "style_tags", "room_tags", "brand", "collection"),
    "care_instructions",
)
"""Columns of ours that an attribute can belong to."""

_PRIVATE = re.compile(r"^meta:\s*_", re.IGNORECASE)
_UNIT = re.compile(r"[-_ ]unit$", re.IGNORECASE)
_NUMBERED = re.compile(r"[\s_-]*\d+$")


@dataclass(frozen=True, slots=True)
class Source:
    """A shop's column that feeds one of ours. unit: of its bare numbers; unit_column: the column that states it; axes:
    the order in which its cells state lengths; label: written before each cell ("Seat Height (in)")."""

    shop: str
    ours: str
    unit: str = ""
    unit_column: str = ""
    axes: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How every column of a file is used.

    `used` maps the shop's name to ours (a name of `column_names.yaml`); `extra` are the columns kept aside under their
    own names; `left_out` are row counters and ignored columns. `guesses` are sentences on what was guessed. pairs:
    columns that hold an attribute's name and value; packed: columns that hold several attributes.
    """

    used: dict[str, str]
    extra: tuple[str, ...]
    left_out: tuple[str, ...]
    guesses: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    packed: tuple[str, ...] = ()
    profile: FeedProfile | None = None
    column_map: ColumnMap = field(default_factory=ColumnMap)


@lru_cache(maxsize=1)
def known_columns() -> dict[str, tuple[str, ...]]:
    """Return our column names, each with the names shops give it."""
    return {
        name: tuple(words) for name, words in load_strict(Path(__file__).parent / "column_names.yaml", dict).items()
    }


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Return plain name → our column; where two columns have a name, the first one keeps it."""
    found: dict[str, str] = {}
    for ours, names in known_columns().items():
        for name in (ours, *names):
            found.setdefault(plain_name(name), ours)
    return found


def names_columns(row: Sequence[str]) -> bool:
    """Return whether the cells of a row are names of columns, among them an id and a text."""
    found = {_names().get(plain_name(name)) for name in row if name}
    return not found.isdisjoint({"id", "sku_id", "gtin"}) and not found.isdisjoint(TEXTS)


@lru_cache(maxsize=4096)
def attribute_column(name: str) -> tuple[str, str] | None:
    """Return (our column, unit) of an attribute's name in a packed cell or an option, or None."""
    base, unit = split_unit(name)
    ours = _names().get(plain_name(base)) or _names().get(plain_name(name))
    return (ours, unit) if ours in ATTRIBUTES else None


def plan_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[str | None]],
    column_map: ColumnMap,
    path: Path,
    profile: FeedProfile | None = None,
) -> ColumnPlan:
    """Decide what each column of `header` is; `rows` are the first rows. Raises CatalogError when there is no text or
    no id.

    A name of the map that the file does not have is an error too: otherwise a typing mistake would lose the column.
    """
    absent = [shop for shop in column_map.columns if shop not in header]
    if absent:
        raise CatalogError(
            f"{path.name}: the column map names '{absent[0]}', which the file does not have; it has {_listed(header)}"
        )
    planner = _Planner(header, column_map, profile)
    planner.take_map()
    if profile is not None:
        planner.take_profile(profile)
    planner.take_known()
    planner.take_units()
    _require(planner, path)
    unused = [name for name in header if name not in planner.taken]
    counters = tuple(name for name in unused if plain_name(name) in _ROW_COUNTERS and _counts(rows, header.index(name)))
    planner.guesses += [f"column '{name}' only counts the rows and is left out" for name in counters]
    return ColumnPlan(
        used={source.shop: source.ours for source in planner.sources},
        extra=tuple(name for name in unused if name not in counters),
        left_out=(*counters, *planner.ignored),
        guesses=tuple(planner.guesses),
        sources=tuple(planner.sources),
        pairs=tuple(planner.pairs),
        packed=tuple(planner.packed),
        profile=profile,
        column_map=column_map,
    )


def read_column_map(column_map: Mapping[str, str] | ColumnMap | Path | None, profile: str = "") -> ColumnMap:
    """Return the column map of a file, with `profile`, if not empty, as its export format. Raises CatalogError."""
    stated = load_column_map(column_map, known_columns())
    return msgspec.structs.replace(stated, profile=profile) if profile else stated


class _Planner:
    """Collects sources from the map, then the export format, then the known names."""

    def __init__(self, header: Sequence[str], column_map: ColumnMap, profile: FeedProfile | None) -> None:
        self.header, self.map, self.profile = header, column_map, profile
        self.sources: list[Source] = []
        self.pairs: list[tuple[str, str]] = []
        self.packed: list[str] = []
        self.guesses: list[str] = []
        self.ignored: list[str] = []
        self.taken: set[str] = set()

    def fed(self, ours: str) -> bool:
        return any(source.ours == ours for source in self.sources)

    def add(self, shop: str, ours: str) -> None:
        base, unit = split_unit(shop)
        unit = unit if ours in (*LENGTHS, "dimensions", "weight") else ""
        axes = split_axes(base)[1] if ours == "dimensions" else ()
        self.sources.append(Source(shop, ours, unit, axes=axes))
        self.taken.add(shop)

    def take_map(self) -> None:
        for shop, ours in self.map.columns.items():
            if ours == "ignore":
                self.ignored.append(shop)
                self.taken.add(shop)
            else:
                self.add(shop, ours)

    def take_profile(self, profile: FeedProfile) -> None:
        self.guesses.append(
            f"this is a {profile.title}" if profile.title[0] not in "AE" else f"this is an {profile.title}"
        )
        plain = {name: profile.plain(name) for name in self.header if name not in self.taken}
        mapped = {source.ours for source in self.sources}
        for ours, names in profile.columns.items():
            if ours in mapped:
                continue
            for wanted in names:
                pattern = name_pattern(wanted)
                found = [name for name, own in plain.items() if pattern.fullmatch(own) and name not in self.taken]
                found = [name for name in found if not name.lower().endswith(("-unit", "_unit"))]
                several = ours in MULTIPLE or "#" in wanted
                for name in found if several else _preferred(found):
                    self.add(name, ours)
                if found and ours not in MULTIPLE and ours not in ("dimensions", "unit", "type", "category"):
                    break
        self.take_attributes(profile, plain)

    def take_attributes(self, profile: FeedProfile, plain: Mapping[str, str]) -> None:
        """Take the columns that hold attributes: pairs, packed cells, metafields, units of their own."""
        for name_column, value_column in profile.pairs:
            first, second = (
                {own: name for name, own in plain.items() if name_pattern(column).fullmatch(own)}
                for column in (name_column, value_column)
            )
            values = dict(zip(map(_digits, second), second.values(), strict=True))
            found = [(name, values[_digits(own)]) for own, name in first.items() if _digits(own) in values]
            self.pairs += [pair for pair in found if not self.taken.issuperset(pair)]
            self.taken.update(name for pair in found for name in pair)
        packed = {plain_name(name) for name in profile.packed}
        self.packed += [name for name, own in plain.items() if own in packed and name not in self.taken]
        self.taken.update(self.packed)
        for i, source in enumerate(self.sources):
            beside = [f"{source.shop}{sign}unit{more}" for sign in "-_ " for more in ("", "_of_measure", " of measure")]
            unit_column = next((name for name in beside if name in self.header), "")
            if unit_column:
                self.sources[i] = replace(source, unit_column=unit_column)
                self.taken.add(unit_column)
        if profile.metafields:
            for name in self.header:
                label = metafield_name(name) if name not in self.taken else None
                if label is not None and _PRIVATE.match(name) and attribute_column(label) is None:
                    self.ignored.append(name)  # private data of a plugin: "Meta: _wpcom_is_markdown"
                    self.taken.add(name)
                elif label is not None:
                    self.add_attribute(name, label)
        ignored = [name for name, own in plain.items() if any(name_pattern(i).fullmatch(own) for i in profile.ignore)]
        if profile.scoped:  # other languages and channels of columns that are read
            read = {plain[source.shop] for source in self.sources if source.shop in plain}
            ignored += [name for name, own in plain.items() if own in read and "-" in name and not _UNIT.search(name)]
        self.ignored += [name for name in ignored if name not in self.taken]
        self.taken.update(ignored)

    def add_attribute(self, shop: str, label: str) -> None:
        known = attribute_column(label)
        if known is None:
            self.sources.append(Source(shop, "facts", label=label))
            self.taken.add(shop)
        elif known[0] in MULTIPLE or not self.fed(known[0]):
            self.sources.append(Source(shop, known[0], known[1]))
            self.taken.add(shop)

    def take_known(self) -> None:
        """Take the columns with our own names, then those with names that shops are known to use."""
        for name in self.header:
            if name not in self.taken and name in known_columns() and not self.fed(name):
                self.add(name, name)
        free: dict[str, list[str]] = {}
        for name in self.header:
            if name not in self.taken:
                free.setdefault(plain_name(name), []).append(name)
                numbered = plain_name(_NUMBERED.sub("", name))
                if numbered != plain_name(name):
                    free.setdefault(numbered, []).append(name)
        for ours, names in known_columns().items():
            fed = self.fed(ours)
            if fed and ours not in MULTIPLE:
                continue
            for wanted in (ours, *names):
                found = [name for name in free.get(plain_name(wanted), ()) if name not in self.taken]
                exact = [name for name in found if plain_name(name) == plain_name(wanted)]
                found = found if ours in MULTIPLE else exact
                if fed and not set(exact).isdisjoint(known_columns()):
                    continue
                for name in found:
                    self.add(name, ours)
                    self.guesses.append(f"column '{name}' is read as {ours}")
                if found and ours not in MULTIPLE:
                    break
                fed = fed or bool(found)
                if found and ours.endswith(("image", "images")):
                    break

    def take_units(self) -> None:
        """Take the columns with a known name and a unit or an order of axes: "Width (in)", "Maße (HxBxT)"."""
        for name in self.header:
            if name in self.taken:
                continue
            base, unit = split_unit(name)
            base, axes = split_axes(base)
            ours = _names().get(plain_name(base)) or ("dimensions" if axes and not plain_name(base) else None)
            if not (unit or axes) or ours not in (*LENGTHS, "dimensions", "weight"):
                continue
            if ours == "weight" and self.fed("weight"):
                continue
            self.sources.append(Source(name, ours, unit, axes=axes))
            self.taken.add(name)
            self.guesses.append(f"column '{name}' is read as {ours}" + (f", in {unit}" if unit else ""))


def _require(planner: _Planner, path: Path) -> None:
    """Check that there are an id and a text, or raise CatalogError; note which column replaces a missing one."""
    for ours, instead in (("id", "sku_id"), ("id", "gtin")):
        if planner.profile is None and not planner.fed(ours) and planner.fed(instead):
            source = next(source for source in planner.sources if source.ours == instead)
            planner.sources[planner.sources.index(source)] = replace(source, ours=ours)
            planner.guesses = [guess for guess in planner.guesses if not guess.endswith(f" as {instead}")]
            planner.guesses.append(f"column '{source.shop}' is read as id")
    missing = [] if planner.fed("id") or planner.profile is not None else ["id"]
    missing += [] if any(planner.fed(name) for name in TEXTS) else ["description"]
    for ours in missing:
        raise CatalogError(
            f"{path.name}: no column is '{ours}' (found {_listed(planner.header)}); "
            f"rename one, or map it: {{shop's name: {ours}}} in a column map"
        )
    if not planner.fed("id") and not planner.fed("sku_id"):
        planner.guesses.append("there is no column id; products get ids of their own, made from their texts")
    elif planner.fed("id") and not planner.fed("sku_id"):
        planner.guesses.append("there is no column sku_id; it is copied from id")
    if not planner.fed("description"):
        planner.guesses.append("there is no column description; the title is read in its place")
    if not (planner.fed("primary_image") or planner.fed("detail_images")):
        planner.guesses.append("there is no column primary_image; the products have no picture")


def _preferred(names: Sequence[str]) -> list[str]:
    """Return which of several columns of the same name is read: the English one of a file in several locales."""
    english = [name for name in names if "-en" in name]
    return list((english or list(names))[:1])


def _digits(name: str) -> str:
    return "".join(char for char in name if char.isdigit())


def _counts(rows: Iterable[Sequence[str | None]], column: int) -> bool:
    """Return whether a column holds consecutive whole numbers: a row index, not a fact of the product."""
    values = [row[column] for row in rows if len(row) > column]
    if not values or not all(value is not None and value.isascii() and value.isdigit() for value in values):
        return False
    numbers = [int(value) for value in values if value]
    return all(after == before + 1 for before, after in pairwise(numbers))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name[:40]}'" for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"
