"""Say of which types of product the things of a photograph are, and where they stand.

The heads of the room read things, but a chair that they read may be a bar stool. It is given the type whose products
look most like the windows around it and suit the room. Types that the heads do not know, such as bowls, are seen where
the picture of one of their products stands out from what it reaches in photographs anyway (see `looks`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scene_pipeline.matching.scoring import log_room_fit
from scene_pipeline.scenes.analysis import Box
from scene_pipeline.scenes.decor import GROUPS_OF, READABLE, THERE, groups_of
from scene_pipeline.scenes.room_reading import overlaps
from scene_pipeline.scenes.scene import Scene

if TYPE_CHECKING:
    from scene_pipeline.matching.matcher import SceneMatcher

STANDS_OUT = 2.0
"""Deviations above its usual from which the picture of a product says that such a thing is in the photograph."""

MIN_CERTAINTY = 0.25
"""Certainty from which a thing that is read is named."""

NEAR = 4
"""Windows that a thing is compared with: those that its box overlaps most."""

LARGE = frozenset(("floor", "wall", "ceiling", "fixture"))
"""Postures of types that are not named where another thing is read: a step stool that looks like the chair there."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing of a photograph: its type group, its box, and how far the best product of its type stands out."""

    type: str
    box: Box
    above: float


def things_in(
    matcher: "SceneMatcher", scene: Scene, rows: np.ndarray, above: np.ndarray, window: np.ndarray
) -> list[Thing]:
    """Return what stands in a scene: what is read, the surest first, then others, each type once.

    `rows` [m] are products of known types; `above` [m] and `window` [m] are those of `SceneMatcher.stand_out`.
    """
    groups = matcher.features.type_group[rows]
    names = {int(group): matcher.vocabulary.types.groups[group].id for group in np.unique(groups)}
    members = {name: np.flatnonzero(groups == group) for group, name in names.items()}
    best = {name: int(own[above[own].argmax()]) for name, own in members.items()}
    read = [Thing(name, box, float(above[best[name]])) for name, box in _read(matcher, scene, rows, members).items()]
    known = _known(scene)
    unknown = (
        Thing(name, _box(scene.boxes[window[at]]), float(above[at]))
        for name, at in best.items()
        if name not in known and above[at] >= STANDS_OUT
    )
    others = [thing for thing in unknown if not _is_another(matcher, scene, thing)]
    return read + sorted(others, key=lambda thing: -thing.above)


def _read(matcher: "SceneMatcher", scene: Scene, rows: np.ndarray, members: Mapping[str, np.ndarray]) -> dict[str, Box]:
    """Return the type groups of the things that are read, each with the box of the surest of them."""
    reading = scene.analysis.reading
    found: dict[str, Box] = {}
    for item in reading.objects if reading is not None else ():
        own = [members[name] for name in groups_of(item) if name in members]
        if not own or item.certainty < MIN_CERTAINTY:
            continue
        options = rows[np.concatenate(own)]
        above, _ = matcher.stand_out(_around(scene, item.box), options)
        nearest = options[(above + log_room_fit(matcher.features, scene, options)).argmax()]
        found.setdefault(matcher.group_of(int(nearest)), item.box)
    return found


def _around(scene: Scene, box: Box) -> Scene:
    """Return the scene with the windows alone that show a box best."""
    near = np.argsort(-overlaps(np.array(box), scene.boxes), kind="stable")[:NEAR]
    return replace(scene, windows=scene.windows[near], boxes=scene.boxes[near])


def _known(scene: Scene) -> set[str]:
    """Return the type groups of which the heads say whether they are there: all that they know, but for those of a
    thing that is surely present and that they do not find.
    """
    reading = scene.analysis.reading
    if reading is None:
        return set()
    read = {item.type for item in reading.objects}
    lost = {kind for kind, sure in reading.present.items() if sure >= THERE and kind not in read}
    return set(READABLE.difference(*(GROUPS_OF[kind] for kind in lost)))


def _is_another(matcher: "SceneMatcher", scene: Scene, thing: Thing) -> bool:
    """Return whether the box of a large thing shows another thing, which is read."""
    reading, types = scene.analysis.reading, matcher.vocabulary.types
    if reading is None or LARGE.isdisjoint(types.groups[types.positions[thing.type]].postures):
        return False
    left, top, right, bottom = thing.box
    x, y = (left + right) / 2, (top + bottom) / 2
    return any(
        item.box[0] <= x <= item.box[2] and item.box[1] <= y <= item.box[3] and item.certainty >= MIN_CERTAINTY
        for item in reading.objects
    )


def _box(corners: np.ndarray) -> Box:
    left, top, right, bottom = (round(float(value), 4) for value in corners)
    return left, top, right, bottom
