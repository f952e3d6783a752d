"""Read the renders that `python -m training.studio dataset` leaves: packshots and rooms, and what they show."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_pipeline.vocabulary import load_vocabulary


@dataclass(frozen=True)
class Renders:
    """Picture files and, for each, row numbers of the vocabulary's room, style and category (-1: none) and captions."""

    files: list[Path]
    captions: list[tuple[str, ...]]
    room: np.ndarray
    style: np.ndarray
    category: np.ndarray


def read_studio(folder: Path) -> Renders:
    """Return the renders listed in `folder/labels.jsonl`. A picture that is not rendered yet is left out."""
    vocabulary = load_vocabulary()
    rooms = [room.id for room in vocabulary.rooms]
    styles = [style.id for style in vocabulary.styles]
    categories = [category.id for category in vocabulary.categories]
    records = [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines() if line]
    records = [record for record in records if (folder / record["image"]).exists()]
    is_room = [record["kind"] == "room" for record in records]
    return Renders(
        files=[folder / record["image"] for record in records],
        captions=[tuple(record["captions"]) for record in records],
        room=_rows([r.get("room") if yes else None for r, yes in zip(records, is_room, strict=True)], rooms),
        style=_rows([record.get("style") for record in records], styles),
        category=_rows([record.get("category") for record in records], categories),
    )


def _rows(names: list[str | None], known: list[str]) -> np.ndarray:
    return np.array([known.index(name) if name in known else -1 for name in names], np.int64)
