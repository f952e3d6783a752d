"""Mean average precision of the things that the heads find in rendered rooms."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._scene_decor import seen
from benchmarks.claims import Claim, at_least
from scene_pipeline.encoders.windows import decoded_side, embed_scene
from scene_pipeline.images.decode import decode_image
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.scenes.analysis import RENDERS, RoomObject
from scene_pipeline.scenes.room_heads import TYPES, RoomHeads
from scene_pipeline.scenes.room_reading import find_objects, overlap
from training.room.fit import corners

FLOOR = 0.08
"""Score below which no box is counted."""

HIT = 0.5


def average_precision_claim(matcher: SceneMatcher, folder: Path, rooms: list[dict[str, Any]]) -> Claim:
    """Return the claim on mAP@.5 over the types; the figure of each type goes to standard error."""
    heads = RoomHeads.shipped()
    open_ = {"objects.least": np.full(len(TYPES), FLOOR, np.float32), "objects.certainty": np.array([1.0, 0.0])}
    found: list[tuple[RoomObject, ...]] = []
    for room in rooms:
        image = decode_image(folder / room["image"], short_side=decoded_side(matcher.spec))
        maps = embed_scene(matcher.encoder, image).maps
        assert maps is not None, "the encoder gives no feature maps"
        cells, _ = heads.outputs(maps, RENDERS)
        found.append(find_objects(cells, np.zeros((2, *cells["shell"].shape[1:])), open_))
    figures = {}
    for name in TYPES:
        true = [[corners(item["box"]) for item in seen(room) if item["type"] == name] for room in rooms]
        count = sum(map(len, true))
        if count:
            figures[name] = (average_precision(name, found, true), count)
    print("AP@.5 by type:", json.dumps({name: [round(ap, 2), n] for name, (ap, n) in figures.items()}), file=sys.stderr)
    mean = float(np.mean([ap for ap, _ in figures.values()]))
    total = sum(n for _, n in figures.values())
    return at_least("things, mAP@.5", mean, 0.50, unit="mAP", against=f"renders, {folder.name}", n=total)


def average_precision(name: str, found: list[tuple[RoomObject, ...]], true: list[list[Any]]) -> float:
    """Return the area under the precision envelope of a type, each true box found once at most."""
    boxes = sorted(
        ((item.certainty, at, item.box) for at, own in enumerate(found) for item in own if item.type == name),
        reverse=True,
    )
    taken: set[tuple[int, int]] = set()
    right = []
    for _, at, box in boxes:
        near = [(overlap(box, other), k) for k, other in enumerate(true[at]) if (at, k) not in taken]
        best = max(near, default=(0.0, -1))
        right.append(best[0] >= HIT)
        if best[0] >= HIT:
            taken.add((at, best[1]))
    if not right:
        return 0.0
    hits = np.cumsum(right)
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    recall = np.concatenate([[0.0], hits / sum(map(len, true))])
    return float((np.diff(recall) * precision).sum())
