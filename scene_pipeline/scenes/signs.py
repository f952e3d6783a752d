"""Read rooms from the things in them: a crib gives away a children's room, a washing machine a laundry room.

For some rooms there are no photographs that an encoder may be trained on, so prompts say little about them. A backbone
that names ImageNet's classes still recognizes the things in them. How rarely a thing is seen so clearly in photographs
of other rooms is a p-value, and the evidence for the room is the e-value made of it (Vovk and Wang 2021): how many
times likelier the picture is if it shows this room.

Furniture that is recognized speaks as well: an office needs a desk and never has a sink.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.errors import VocabularyError
from scene_pipeline.scenes.decor import USUAL
from scene_pipeline.scenes.room_heads import TYPES
from scene_pipeline.vocabulary import Room

CLASSES = Path(__file__).parent / "references" / "imagenet_classes.json"

TAIL = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002)
"""Shares of photographs of other rooms in which a thing is seen at least as clearly; see `Sign.tail`."""

KAPPA = 0.3
"""Exponent of the p-to-e calibrator KAPPA * p ** (KAPPA - 1)."""

SHARPNESS = 2.25
"""Exponent of the combined weights: 123 IKEA rooms are then right (.72) as often as stated (.74); with 1.5, .64."""

MIN_FIT = 0.02
"""Least factor for a thing that is missing or should not be there: recognition errs more often than it is unsure."""


MANY_THINGS, SURE, MAX_NULL = 4, 0.6, 0.3
"""Where so many types of thing are there this surely, the picture shows a room: the null class has at most MAX_NULL.
One of 200 product pictures shows so many, and five of seven photographs of rooms that were taken for none."""


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A thing that gives a room away.

    `index` is its class; `tail` are the log probabilities that the shares TAIL of other rooms' photographs exceed.
    """

    room: str
    thing: str
    index: int
    tail: tuple[float, ...]


class NamedClasses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The classes that the compact encoder's backbone names, and how clearly photographs of rooms show each.

    `tails` [c, len(TAIL)] are measured on the training photographs (training/scene_mean).
    """

    names: tuple[str, ...]
    tails: tuple[tuple[float, ...], ...]


def named_classes() -> NamedClasses:
    """Return the classes that ship."""
    return msgspec.json.decode(CLASSES.read_bytes(), type=NamedClasses)


def signs_of(spec: EncoderSpec, rooms: Sequence[Room]) -> tuple[Sign, ...]:
    """Return the signs of rooms for an encoder; none for one that names nothing.

    Raises VocabularyError for a sign that is not a class, and for a thing that a room needs or never has if it is none
    of TYPES.
    """
    for room in rooms:
        for thing in (*room.needs, *room.never):
            if thing not in TYPES:
                raise VocabularyError(f"rooms, {room.id}: '{thing}' is not recognized; things are {', '.join(TYPES)}")
    if not spec.scene_size or not any(room.signs for room in rooms):
        return ()
    classes = named_classes()
    found = []
    for room in rooms:
        for thing in room.signs:
            if thing not in classes.names:
                near = difflib.get_close_matches(thing, classes.names, n=3)
                hint = f"did you mean {' or '.join(near)}?" if near else f"the names are in {CLASSES.name}"
                raise VocabularyError(f"rooms, {room.id}: the sign '{thing}' is not a class of ImageNet; {hint}")
            index = classes.names.index(thing)
            found.append(Sign(room.id, thing, index, classes.tails[index]))
    return tuple(found)


def evidence(signs: Sequence[Sign], named: np.ndarray) -> dict[str, float]:
    """Return room -> how many times likelier the picture is if it shows the room than if it shows another.

    `named` [c] are the log probabilities of the classes. The clearest sign counts, corrected for the number of signs
    (Bonferroni). Below 1 where none is seen.
    """
    p: dict[str, list[float]] = {}
    for sign in signs:
        value = float(np.interp(named[sign.index], sign.tail, np.log(TAIL), left=0.0))
        p.setdefault(sign.room, []).append(value)
    least = {room: min(0.0, min(values) + float(np.log(len(values)))) for room, values in p.items()}
    return {room: KAPPA * float(np.exp((KAPPA - 1) * value)) for room, value in least.items()}


def with_evidence(probabilities: np.ndarray, rooms: Sequence[str], found: dict[str, float]) -> np.ndarray:
    """Return the probabilities [R + 1] of rooms and the null class with the evidence of signs.

    A room with signs is weighted by its evidence, the other rooms by the mean weight, so that these keep their order.
    The null class keeps its share.
    """
    signed = np.array([room in found for room in rooms])
    if not signed.any() or signed.all():
        return probabilities
    known = probabilities[:-1]
    others = np.where(signed, 0.0, known)
    weights = others / max(float(others.sum()), 1e-9) * float((~signed).sum())
    weights = np.where(signed, [found.get(room, 0.0) for room in rooms], weights) ** SHARPNESS
    return np.append(weights / weights.sum() * known.sum(), probabilities[-1]).astype(probabilities.dtype)


def with_things(probabilities: np.ndarray, rooms: Sequence[Room], present: Mapping[str, float]) -> np.ndarray:
    """Return the probabilities [R + 1] of rooms and the null class, given how surely (0-1) each thing is there.

    A room is weighted by the probability that nothing is there that it never has, and that all it needs is, as if
    things were independent. What it needs speaks against it only where that is less certain than in photographs in
    general. The null class keeps its share, up to MAX_NULL in a picture of MANY_THINGS.
    """
    null = float(probabilities[-1])
    if null > MAX_NULL and sum(sure >= SURE for sure in present.values()) >= MANY_THINGS:
        known = probabilities[:-1] * ((1 - MAX_NULL) / max(1 - null, 1e-9))
        probabilities = np.append(known, MAX_NULL).astype(probabilities.dtype)
    weights = np.ones(len(rooms))
    for at, room in enumerate(rooms):
        needed = (min(present[thing] / USUAL[thing], 1) for thing in room.needs)
        for sure in (*needed, *(1 - present[thing] for thing in room.never)):
            weights[at] *= max(sure, MIN_FIT)
    return weighted(probabilities, weights)


def weighted(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the probabilities [R + 1] with the rooms weighted [R]; the null class keeps its share."""
    known = probabilities[:-1] * weights
    scaled = known * (probabilities[:-1].sum() / max(float(known.sum()), 1e-9))
    return np.append(scaled, probabilities[-1]).astype(probabilities.dtype)
