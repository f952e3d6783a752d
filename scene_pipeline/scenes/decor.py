"""Which things stand in a room already, and what a room of its kind usually has and this one lacks."""

from collections.abc import Mapping

from scene_pipeline.scenes.analysis import Decor, RoomObject, RoomReading

GROUPS_OF: dict[str, tuple[str, ...]] = {
    "chair": ("chairs", "desk_chairs", "stools", "bar_stools", "childrens_seats"),
    "armchair": ("armchairs",),
    "sofa": ("sofas",),
    "bed": ("beds", "cots"),
    "table": ("dining_tables", "coffee_tables", "side_tables", "bedside_tables", "console_tables", "childrens_tables"),
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


THERE, ABSENT, SURELY_ABSENT = 0.5, 0.3, 0.1
"""Certainty from which a type counts as there, below which it counts as missing, and below which that may be stated: in
labeled photographs one such statement in fifty is wrong."""


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
        missing=tuple(group for group in usual if group not in groups and is_absent(group, reading.present, ABSENT)),
    )


def is_absent(group: str, present: Mapping[str, float], below: float) -> bool:
    """Return whether the types of a group are less certain than `below`; False for types that are never recognized."""
    types = [name for name, groups in GROUPS_OF.items() if group in groups]
    return bool(types) and all(present.get(name, 0.0) < below for name in types)
