"""Read the renders that `python -m training.studio dataset` leaves: packshots and rooms, and what they show."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from scene_pipeline.vocabulary import load_vocabulary
from training.compact.paths import HELD_OUT_RENDERS

MIN_SOLID = 0.03
"""Least share of a packshot that must differ from white for its product to be cut out."""


@dataclass(frozen=True)
class Renders:
    """Picture files and, for each, row numbers of the vocabulary's room, style and category (-1: none), and words.

    `products` are the nouns of what stands in a room, none for a packshot; `palettes` the ids of rooms' palettes, ""
    for a packshot.
    """

    files: list[Path]
    captions: list[tuple[str, ...]]
    products: list[tuple[str, ...]]
    palettes: list[str]
    room: np.ndarray
    style: np.ndarray
    category: np.ndarray


def read_studio(folder: Path) -> Renders:
    """Return the renders listed in `folder/labels.jsonl`. A picture that is not rendered yet is left out.

    Raises SystemExit with the command that makes them where there are none.
    """
    if not (folder / "labels.jsonl").exists():
        held_out = " --held-out-shapes --seed 4242" if folder == HELD_OUT_RENDERS else ""
        raise SystemExit(
            f"{folder}: holds no renders; make them by: python -m training.studio dataset{held_out} --out {folder}"
        )
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
        products=[tuple(dict.fromkeys(record.get("products", ()))) for record in records],
        palettes=[record.get("palette", "") for record in records],
        room=_rows([r.get("room") if yes else None for r, yes in zip(records, is_room, strict=True)], rooms),
        style=_rows([record.get("style") for record in records], styles),
        category=_rows([record.get("category") for record in records], categories),
    )


def cut_out(picture: np.ndarray) -> np.ndarray:
    """Return a packshot (s, s, 3) uint8 as shops show it that cut products out: on pure white, hardly a margin.

    A product that its white ground can't be separated from stays as it is.
    """
    side = picture.shape[0]
    darkest, brightest = picture.min(2).astype(int), picture.max(2).astype(int)
    solid = (brightest - darkest > 14) | (darkest < 200)
    if solid.mean() < MIN_SOLID:
        return picture
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    white = np.where(((darkest > 225) & ~solid)[..., None], 255, picture).astype(np.uint8)
    piece = Image.fromarray(white).crop(box)
    piece = ImageOps.contain(piece, (side - 4, side - 4), Image.Resampling.BICUBIC)
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(piece, ((side - piece.width) // 2, (side - piece.height) // 2))
    return np.asarray(canvas)


def _rows(names: list[str | None], known: list[str]) -> np.ndarray:
    return np.array([known.index(name) if name in known else -1 for name in names], np.int64)
