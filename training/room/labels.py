"""Photographs of rooms/train256 that were labeled by eye: `photographs.jsonl`, one photograph a line.

A label names the things of our types with their boxes (left, top, right, bottom, 0-1), the materials and the patterns
that cover some of the picture, its light and its architecture. `id` is the room and the row of the photograph in the
file of that room. Some are held out: on them it is fitted what the heads' numbers mean in photographs.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from scene_pipeline.scenes.room_heads import ARCHITECTURE, DIRECTIONS, MATERIALS, PATTERNS, SOURCES, TYPES, WARMTHS
from training.room.augment import Window, cropped_objects
from training.room.fit import large

LABELS = Path(__file__).with_name("photographs.jsonl")


def read_labels() -> dict[str, dict[str, Any]]:
    """Return the labels by id."""
    return {label["id"]: label for label in map(json.loads, LABELS.read_text(encoding="utf-8").splitlines())}


def photographs(folder: Path, *, held_out: bool) -> Iterator[tuple[dict[str, Any], Image.Image]]:
    """Yield label and picture of the photographs of the training set that are labeled, those held out or the others."""
    import pyarrow.parquet as pq

    labels = read_labels()
    for file in sorted(folder.glob("*.parquet")):
        for row, value in enumerate(pq.read_table(file, columns=["image"])["image"].to_pylist()):
            label = labels.get(f"{file.stem}_{row:03d}")
            if label is not None and label.get("held_out", False) == held_out:
                yield label, Image.open(io.BytesIO(value)).convert("RGB")


def photograph_truth(label: dict[str, Any], window: Window) -> dict[str, Any]:
    """Return what is true of a window of a labeled photograph; what covers it is that of the whole."""
    boxes = [
        {"type": kind, "box": [left, top, right - left, bottom - top]}
        for kind, left, top, right, bottom in label["objects"]
    ]
    objects = cropped_objects(boxes, window)
    seen = {item["type"] for item in objects if large(item)}
    return {
        "objects": objects,
        "source": SOURCES.index(label["source"]),
        "warmth": WARMTHS.index(label["warmth"]),
        "light_from": DIRECTIONS.index(label["from"]),
        "present": [float(name in seen) for name in TYPES],
        "architecture": [float(name in label["architecture"]) for name in ARCHITECTURE],
        "covered_materials": [float(name in label["materials"]) for name in MATERIALS],
        "covered_patterns": [float(name in label["patterns"]) for name in PATTERNS],
    }
