"""Which things stand in a room already, and what a room of its kind usually has and this one lacks."""

from collections.abc import Mapping

from scene_pipeline.scenes.analysis import Decor, RoomObject, RoomReading

GROUPS_OF: dict[str, tuple[str, ...]] = {
    "chair": ("chairs", "desk_chairs", "stools", "bar_stools", "childrens_seats"),
    "armchair": ("armchairs",),
    "sofa": ("sofas",),
    "bed": ("beds", "cots"),
    "table": (
        *("dining_tables", "wall_tables", "coffee_tables", "side_tables", "bedside_tables", "console_tables"),
        "childrens_tables",
    ),
    "desk": ("desks", "dressing_tables"),
    "cabinet": ("cabinets", "sideboards", "shelving", "chests", "wardrobes", "tv_benches", "wall_shelves"),
    "lamp": ("table_lamps", "desk_lamps", "floor_lamps", "pendant_lamps", "ceiling_lamps", "wall_lamps"),
    "rug": ("rugs", "bath_mats"),
    "plant": ("plants", "trees", "flowers"),
    "curtain": ("curtains",),
    "mirror": ("mirrors",),
    "picture": ("pictures",),
    "vase": ("vases",),
    "sink": ("sinks", "washbasins"),
    "bath": (),
    "toilet": ("toilets",),
}
"""Type of thing in a photograph → the type groups of such products."""

READABLE = frozenset(name for groups in GROUPS_OF.values() for name in groups)
"""Type groups that the heads of the room know."""

HANGING = ("pendant_lamps", "ceiling_lamps")
TALL = ("floor_lamps",)
SMALL = ("table_lamps", "desk_lamps", "wall_lamps")
HANGS_ABOVE, STANDS_BELOW, TALL_FROM = 0.55, 0.55, 0.28
"""Shares of the picture's height: a hanging lamp ends above the first, a floor lamp ends below the second and is at
least as high as the third."""


def groups_of(item: RoomObject) -> tuple[str, ...]:
    """Return the type groups that a thing may belong to; for a lamp they depend on its place in the picture."""
    if item.type != "lamp":
        return GROUPS_OF[item.type]
    _, top, _, bottom = item.box
    if bottom >= STANDS_BELOW and bottom - top >= TALL_FROM:
        return TALL
    return HANGING if bottom <= HANGS_ABOVE and top < 1 - bottom else SMALL


USUAL = {
    "chair": 0.44, "armchair": 0.22, "sofa": 0.26, "bed": 0.21, "table": 0.51, "desk": 0.034, "cabinet": 0.60,
    "lamp": 0.56, "rug": 0.28, "plant": 0.37, "curtain": 0.31, "mirror": 0.19, "picture": 0.44, "vase": 0.18,
    "sink": 0.18, "bath": 0.068, "toilet": 0.073,
}  # fmt: skip
"""Shares of 1,099 photographs of rooms that show a thing, by their labels (training/room)."""

THERE, ABSENT, SURELY_ABSENT = 0.5, 0.3, 0.1
"""Certainty from which a type counts as there, and below which it counts as missing; and the share of its usual
certainty below which it is said to be absent. A desk is rarely recognized, so that little certainty says little."""

MISSING_BELOW = dict.fromkeys(USUAL, ABSENT)
STATED_BELOW = {name: SURELY_ABSENT * usual for name, usual in USUAL.items()}
"""Certainty below which each type counts as missing, and is said to be absent."""


def decor(reading: RoomReading, usual: Mapping[str, int]) -> Decor:
    """Return what is there and what is missing. `usual` are the type groups that such a room has, empty if unknown."""
    counts = {name: 0 for name, sure in reading.present.items() if sure >= THERE}
    groups: set[str] = set()
    for item in reading.objects:
        counts[item.type] = counts.get(item.type, 0) + 1
        groups.update(groups_of(item))
    for name, count in counts.items():
        if not count:
            groups.update(GROUPS_OF[name])
    return Decor(
        counts={name: max(count, 1) for name, count in counts.items()},
        certainty={name: round(reading.present.get(name, 1.0), 3) for name in counts},
        groups=tuple(sorted(groups)),
        missing=tuple(
            group for group in usual if group not in groups and _is_absent(group, reading.present, MISSING_BELOW)
        ),
    )


def surely_absent(group: str, present: Mapping[str, float]) -> bool:
    """Return whether a group may be said to be absent: it is much less certain than in photographs in general."""
    return _is_absent(group, present, STATED_BELOW)


def _is_absent(group: str, present: Mapping[str, float], below: Mapping[str, float]) -> bool:
    """Return whether all types of a group are less certain than `below`; False for types that are never recognized."""
    types = [name for name, groups in GROUPS_OF.items() if group in groups]
    return bool(types) and all(present.get(name, 0.0) < below[name] for name in types)
