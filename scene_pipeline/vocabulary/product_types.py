"""Common sense about product types, as `types.yaml` says it: groups, postures, and what is not a décor."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Literal

import msgspec

from scene_pipeline.errors import VocabularyError

TYPE_KINDS = ("decor", "component", "supply")
"""What a product is: décor or furniture, a part of something else, or used up. Arrays hold the position."""

ANY_PLACE = "any"
"""The entry of a `places` mapping for rooms that it does not name."""


class Posture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to stand, hang or lie. `places`: room id, or "any" → phrases that say where, best first."""

    id: str
    places: dict[str, tuple[str, ...]]


class TypeGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Product types that stand in for one another: a second product of the group would replace the first.

    `types` are product types of the lexicon, `posture` one or several ids, `places` the group's own places in place of
    those of its first posture. `kind` (`class` in YAML) says whether such a thing is décor, a part of something else or
    used up. `fitted` says that a room has such a thing as part of the house or of its bed. `counts_as` names a
    group with which it shares its place in a list: who has a chair needs no swivel chair beside it.
    """

    id: str
    posture: str | tuple[str, ...]
    types: tuple[str, ...]
    places: dict[str, tuple[str, ...]] = {}
    kind: Literal["decor", "component", "supply"] = msgspec.field(default="decor", name="class")
    bought_in_numbers: bool = False
    fitted: bool = False
    counts_as: str = ""
    children: bool = False
    outdoor: bool = False

    @property
    def postures(self) -> tuple[str, ...]:
        """The ids of its postures, the usual one first."""
        return (self.posture,) if isinstance(self.posture, str) else self.posture


class ProductTypes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The file `types.yaml`; its comments say what each key means. An overlay may give any part of it."""

    things: dict[str, tuple[str, ...]] = {}
    postures: tuple[Posture, ...] = ()
    children_words: tuple[str, ...] = ()
    indoor_words: tuple[str, ...] = ()
    groups: tuple[TypeGroup, ...] = ()

    def by_type(self) -> dict[str, TypeGroup]:
        """Return product type → group."""
        return self._by_type

    def postures_by_type(self) -> dict[str, tuple[str, ...]]:
        """Return product type → ids of the postures of its group, the usual one first."""
        return self._postures_by_type

    @cached_property
    def positions(self) -> dict[str, int]:
        """Id of a group → its position in `groups`."""
        return {group.id: position for position, group in enumerate(self.groups)}

    @cached_property
    def group_names(self) -> tuple[str, ...]:
        """The groups in words: each by its first type, or by its id."""
        return tuple(group.types[0] if group.types else group.id.replace("_", " ") for group in self.groups)

    @cached_property
    def _by_type(self) -> dict[str, TypeGroup]:
        return {name: group for group in self.groups for name in group.types}

    @cached_property
    def _postures_by_type(self) -> dict[str, tuple[str, ...]]:
        return {name: postures for group in self.groups for postures in (group.postures,) for name in group.types}


def merge_types(layers: Sequence[ProductTypes]) -> ProductTypes:
    """Return the layers as one: later postures and groups replace those of the same id, and take types from others."""
    merged = layers[0]
    for layer in layers[1:]:
        taken = {name for group in layer.groups for name in group.types}
        own = {group.id: group for group in layer.groups}
        kept = {
            group.id: msgspec.structs.replace(group, types=tuple(name for name in group.types if name not in taken))
            for group in merged.groups
        }
        merged = ProductTypes(
            things=merged.things | layer.things,
            postures=tuple(({p.id: p for p in merged.postures} | {p.id: p for p in layer.postures}).values()),
            children_words=(*merged.children_words, *layer.children_words),
            indoor_words=(*merged.indoor_words, *layer.indoor_words),
            groups=tuple((kept | own).values()),
        )
    return merged


def check_types(types: ProductTypes, rooms: Iterable[str]) -> None:
    """Raise VocabularyError for a type in two groups, an unknown posture or room, or a place that no room has.

    A phrase that names one of `things` may stand only under a room that has it.
    """
    known = set(rooms)
    for name, named in types.things.items():
        _check_rooms(f"types.yaml, thing '{name}'", named, known)
    for posture in types.postures:
        where = f"types.yaml, posture '{posture.id}'"
        _check_rooms(where, [room for room in posture.places if room != ANY_PLACE], known)
        check_places(where, posture.places, types)
        if not posture.places.get(ANY_PLACE):
            raise VocabularyError(f"{where}: needs an 'any' entry for the other rooms")
    _check_groups(types, known)


def _check_groups(types: ProductTypes, rooms: set[str]) -> None:
    postures = {posture.id for posture in types.postures}
    seen: dict[str, str] = {}
    ids: set[str] = set()
    known = {group.id for group in types.groups}
    for group in types.groups:
        where = f"types.yaml, group '{group.id}'"
        if group.id in ids:
            raise VocabularyError(f"{where}: is given twice; ids must be unique")
        ids.add(group.id)
        for posture in group.postures:
            if posture not in postures:
                raise VocabularyError(f"{where}: posture '{posture}' is not one of {', '.join(sorted(postures))}")
        for name in group.types:
            if name in seen:
                raise VocabularyError(f"{where}: '{name}' is in group '{seen[name]}' too; keep one")
            seen[name] = group.id
        if group.counts_as and group.counts_as not in known:
            raise VocabularyError(f"{where}: counts_as '{group.counts_as}' is not a group of types.yaml")
        _check_rooms(where, [room for room in group.places if room != ANY_PLACE], rooms)
        check_places(where, group.places, types)


def check_places(where: str, places: Mapping[str, tuple[str, ...]], types: ProductTypes) -> None:
    """Raise VocabularyError for a phrase that names one of `things` under a room that does not have it."""
    for room, phrases in places.items():
        for phrase in phrases:
            thing = next((name for name in types.things if re.search(rf"\b{re.escape(name)}\b", phrase)), None)
            if thing is not None and room not in types.things[thing]:
                raise VocabularyError(
                    f"{where}: '{phrase}' names a {thing}, which not every '{room}' has; "
                    f"name it only under {', '.join(types.things[thing])}"
                )


def _check_rooms(where: str, named: Iterable[str], rooms: set[str]) -> None:
    for room in named:
        if room not in rooms:
            raise VocabularyError(f"{where}: '{room}' is not one of {', '.join(sorted(rooms))}")
