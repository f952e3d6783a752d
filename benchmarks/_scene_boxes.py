"""Does the box that *match* gives a thing hold the middle of such a thing, where one stands in a rendered room?"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._scene_decor import seen, true_groups
from benchmarks.claims import Claim, at_least
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.scenes.decor import READABLE
from training.room.fit import corners


def boxes_claim(matcher: SceneMatcher, folder: Path, rooms: Sequence[dict[str, Any]]) -> Claim:
    """Return the claim on the boxes of things of a type that stands in the room; other things go to standard error."""
    held: list[bool] = []
    absent = 0
    for room in rooms:
        middles: dict[str, list[tuple[float, float]]] = {}
        for item in seen(room):
            left, top, right, bottom = corners(item["box"])
            for name in true_groups(matcher, item):
                middles.setdefault(name, []).append(((left + right) / 2, (top + bottom) / 2))
        for thing in matcher.match(folder / room["image"], Request(k=1)).objects:
            left, top, right, bottom = thing.box
            if thing.type in middles:
                held.append(any(left <= x <= right and top <= y <= bottom for x, y in middles[thing.type]))
            elif thing.type in READABLE:
                absent += 1
    print(f"match names {absent + len(held)} things that could stand there, {len(held)} of which do", file=sys.stderr)
    share, against = float(np.mean(held)), f"renders, {folder.name}"
    return at_least("match, boxes that hold the middle", share, 0.75, unit="share", against=against, n=len(held))
