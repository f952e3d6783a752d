"""What stands in rendered rooms already: is it read, and do lists that complete a room leave it out?"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims import Claim, at_least, at_most
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.scenes.analysis import UNKNOWN, RoomObject
from scene_pipeline.scenes.decor import groups_of
from training.room.fit import corners

MIN_AREA = 0.0015
"""Share of the picture from which a rendered thing is to be found."""


def seen(room: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the things of a rendered room's labels that are large enough to be found."""
    return [item for item in room["objects"] if item["box"][2] * item["box"][3] >= MIN_AREA]


def true_groups(matcher: SceneMatcher, item: dict[str, Any]) -> tuple[str, ...]:
    """Return the type groups that a rendered thing belongs to: that of its product, else those of its type."""
    group = matcher.vocabulary.types.by_type().get(item["product"])
    if group is not None:
        return (group.id,)
    return groups_of(RoomObject(item["type"], corners(item["box"]), 1.0, UNKNOWN))


def decor_claims(matcher: SceneMatcher, folder: Path, rooms: list[dict[str, Any]]) -> list[Claim]:
    """Return the claims on the types that are there, and on products shown that duplicate what is there."""
    agreed, shown, doubled, loose = np.zeros(3, int), 0, 0, 0
    twice: Counter[str] = Counter()
    for room in rooms:
        scene = matcher.analyze(folder / room["image"])
        true = {item["type"] for item in seen(room)}
        found = set(scene.analysis.decor.counts) if scene.analysis.decor else set()
        agreed += np.array([len(true & found), len(found - true), len(true - found)])
        own: set[str] = set()
        for item in seen(room):
            own.update(true_groups(matcher, item))
        for row in matcher.recommend_for(scene, k=10).recommendations:
            number = matcher.row_of(row.product_id)
            name = matcher.group_of(number) if number is not None else ""
            shown += 1
            doubled += name in own
            loose += name in own and by_type_bought_in_numbers(matcher, name)
            twice[name] += name in own
    hit, false, missed = agreed.tolist()
    print(f"duplicates by group: {twice.most_common(8)}; {loose} of things bought in numbers", file=sys.stderr)
    against = f"renders, {folder.name}"
    f1 = 2 * hit / max(2 * hit + false + missed, 1)
    return [
        at_least("types that are there, F1", f1, 0.65, unit="F1", against=against, n=hit + missed),
        at_most("shown that duplicate what is there", doubled / shown, 0.05, unit="share", against=against, n=shown),
    ]


def by_type_bought_in_numbers(matcher: SceneMatcher, name: str) -> bool:
    """Tell whether a type group is of things that are bought in numbers, such as plants."""
    return any(group.id == name and group.bought_in_numbers for group in matcher.vocabulary.types.groups)
