"""Decode the training pictures once into one uint8 array on disk, and split the photographs by content."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

SIDE = 128
HELD_OUT = 0.07


@dataclass(frozen=True)
class Photos:
    """`pixels` (n, 128, 128, 3) uint8, room id and source of each, and whether it is held out for validation."""

    pixels: np.ndarray
    rooms: np.ndarray
    sources: np.ndarray
    held_out: np.ndarray


def load_photos(folder: Path, cache: Path) -> Photos:
    """Return the photographs of `folder/*.parquet` (columns image, room, source), decoded once into `cache`.

    A photograph is held out for validation by the hash of its bytes, so that the split never moves.
    """
    target, names = cache / "photos.npy", cache / "photos.npz"
    if not (target.exists() and names.exists()):
        _decode(folder, target, names)
    table = np.load(names)
    return Photos(np.load(target, mmap_mode="r"), table["rooms"], table["sources"], table["held_out"])


def _decode(folder: Path, target: Path, names: Path) -> None:
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise SystemExit(f"{folder}: holds no *.parquet; the room photographs are needed for training")
    target.parent.mkdir(parents=True, exist_ok=True)
    tables = [pq.read_table(file, columns=["image", "room", "source"]) for file in files]
    rows = sum(table.num_rows for table in tables)
    pixels = np.lib.format.open_memmap(target, "w+", np.uint8, (rows, SIDE, SIDE, 3))
    rooms, sources, held_out = [], [], []
    for table in tables:
        for data in table["image"].to_pylist():
            pixels[len(held_out)] = decode(data)
            held_out.append(int.from_bytes(hashlib.sha256(data).digest()[:4]) / 2**32 < HELD_OUT)
        rooms += table["room"].to_pylist()
        sources += table["source"].to_pylist()
    pixels.flush()
    np.savez(names, rooms=np.array(rooms), sources=np.array(sources), held_out=np.array(held_out))


def decode(data: bytes | Path) -> np.ndarray:
    """Return a picture squeezed to (128, 128, 3) uint8 RGB, transparent pixels on white."""
    with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as image:
        return square(image)


def square(image: Image.Image, side: int = SIDE) -> np.ndarray:
    """Return the whole picture resized to a square of `side` pixels, as the encoder sees it."""
    if image.mode in ("RGBA", "LA", "P"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    if image.size != (side, side):
        image = image.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(image)
