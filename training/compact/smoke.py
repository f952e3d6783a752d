"""A tiny data set drawn on the spot: three "rooms" that differ in plain shapes, so that a minute's training shows."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from training.compact.build import Sources

_ROOMS = ("bathroom", "bedroom", "kitchen")


def smoke_sources(folder: Path, each: int = 80, seed: int = 0) -> Sources:
    """Write `each` pictures of three rooms as parquet into `folder/photos` and return them as sources."""
    rng = np.random.default_rng(seed)
    photos = folder / "photos"
    photos.mkdir(parents=True)
    for room in _ROOMS:
        images = [_draw(room, rng) for _ in range(each)]
        table = pa.table({"image": images, "room": [room] * each, "source": ["drawn"] * each})
        pq.write_table(table, photos / f"{room}.parquet")
    _draw_studio(folder / "studio", rng)
    return Sources(photos=photos, detector=None, studio=folder / "studio", cache=folder / "cache")


def _draw_studio(folder: Path, rng: np.random.Generator) -> None:
    """Stand-ins for renders: vases on white and bedrooms, listed as the studio lists them."""
    folder.mkdir()
    records = []
    for i in range(32):
        name = f"{i}.jpg"
        if i % 2:
            (folder / name).write_bytes(_draw("bedroom", rng))
            record = {"kind": "room", "room": "bedroom", "style": "minimalist", "captions": ["a minimalist bedroom"]}
        else:
            image = Image.new("RGB", (128, 128), "white")
            ImageDraw.Draw(image).ellipse((40, 20, 85, 115), fill=tuple(int(v) for v in rng.integers(0, 200, 3)))
            image.save(folder / name)
            record = {"kind": "packshot", "category": "statement_vases", "captions": ["a vase on white", "a vase"]}
        records.append(record | {"image": name})
    (folder / "labels.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def _draw(room: str, rng: np.random.Generator) -> bytes:
    wall = tuple(int(v) for v in rng.integers(120, 256, 3))
    image = Image.new("RGB", (128, 128), wall)
    draw = ImageDraw.Draw(image)
    x, y = (int(v) for v in rng.integers(0, 40, 2))
    if room == "bathroom":
        for line in range(0, 128, 16):
            draw.line((0, line, 128, line), fill="white", width=2)
            draw.line((line, 0, line, 128), fill="white", width=2)
        draw.ellipse((x, 70, x + 70, 110), fill=(240, 240, 240))
    elif room == "bedroom":
        draw.rectangle((x, 60 + y // 2, x + 85, 125), fill=tuple(int(v) for v in rng.integers(0, 120, 3)))
    else:
        for column in range(0, 128, 32):
            draw.rectangle((column, y // 2, column + 28, 45), fill=(90, 60, 30))
            draw.rectangle((column, 85, column + 28, 125), fill=(90, 60, 30))
    buffer = io.BytesIO()
    noisy = np.clip(np.asarray(image, float) + rng.normal(0, 8, (128, 128, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(buffer, "JPEG")
    return buffer.getvalue()
