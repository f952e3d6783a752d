"""What the room heads learn from: feature maps of the frozen backbone, with the truth of renders or of a teacher."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.room.augment import log_span

SIDE = 384
CELLS = SIDE // 16
MIDDLE, DEEP = 4, 6
"""Blocks of the backbone whose outputs the heads read: stride 16 and stride 32."""

COCO = {56: "chair", 57: "sofa", 58: "plant", 59: "bed", 60: "table", 61: "toilet", 71: "sink", 75: "vase"}
"""Classes of the teacher that are types of ours; photographs say nothing of the others."""

TEACHER_SCORE, TEACHER_OVERLAP = 0.35, 0.5


def backbone_maps(backbone: Any, images: list[Image.Image]) -> list[np.ndarray]:
    """Return the middle [n, 112, 24, 24] and the deep [n, 320, 12, 12] maps of pictures, float16."""
    import torch

    stack = [np.asarray(i.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32) for i in images]
    pixels = torch.from_numpy(np.stack(stack).transpose(0, 3, 1, 2) / 255).sub(0.5).div(0.5)
    found: list[np.ndarray] = []
    with torch.inference_mode():
        x = backbone.bn1(backbone.conv_stem(pixels))
        for number, block in enumerate(backbone.blocks):
            x = block(x)
            if number in (MIDDLE, DEEP):
                found.append(x.numpy().astype(np.float16))
    return found


def renders(folder: Path) -> Iterator[tuple[Image.Image, dict[str, Any]]]:
    """Yield the rooms of a rendered folder with their labels, `layers` and the log of their `span`."""
    for line in (folder / "labels.jsonl").read_text().splitlines():
        labels = json.loads(line)
        if labels["kind"] == "room" and "objects" in labels:
            stem = folder / "layers" / Path(labels["image"]).stem
            labels["layers"] = np.asarray(Image.open(f"{stem}.png"))
            depth = np.asarray(Image.open(f"{stem}-depth.png")).astype(np.float32) / 1000
            labels["span"] = log_span(depth, labels["camera"]["fov"])
            yield Image.open(folder / labels["image"]).convert("RGB"), labels


def teacher_boxes(session: Any, image: Image.Image) -> list[tuple[str, list[float], float]]:
    """Return (type, box x y w h in shares, score) of what YOLOX finds of our types."""
    side = 416
    scale = min(side / image.width, side / image.height)
    size = (round(image.width * scale), round(image.height * scale))
    canvas = np.full((side, side, 3), 114, np.float32)
    canvas[: size[1], : size[0]] = np.asarray(image.resize(size), np.float32)[..., ::-1]
    out = session.run(None, {session.get_inputs()[0].name: canvas.transpose(2, 0, 1)[None]})[0][0]
    grids, strides = [], []
    for stride in (8, 16, 32):
        count = side // stride
        y, x = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
        grids.append(np.stack([x, y], -1).reshape(-1, 2))
        strides.append(np.full((count * count, 1), stride))
    grid, step = np.concatenate(grids), np.concatenate(strides)
    center, extent = (out[:, :2] + grid) * step, np.exp(out[:, 2:4]) * step
    scores = out[:, 4:5] * out[:, 5:]
    kept: list[tuple[str, list[float], float]] = []
    for coco, name in COCO.items():
        own = scores[:, coco]
        taken: list[np.ndarray] = []
        for at in [index for index in np.argsort(-own)[:60] if own[index] >= TEACHER_SCORE]:
            box = np.concatenate([center[at] - extent[at] / 2, center[at] + extent[at] / 2])
            if all(iou(box, other) < TEACHER_OVERLAP for other in taken):
                taken.append(box)
                left, top, right, bottom = (box / np.array([size[0], size[1]] * 2)).clip(0, 1).tolist()
                kept.append((name, [left, top, right - left, bottom - top], float(own[at])))
    return kept


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Return intersection over union of two corner boxes."""
    w, h = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if w <= 0 or h <= 0:
        return 0.0
    return float(w * h / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - w * h))


def photographs(folder: Path, count: int) -> Iterator[Image.Image]:
    """Yield photographs of the training set, spread over its files."""
    import pyarrow.parquet as pq

    files = sorted(folder.glob("*.parquet"))
    for file in files:
        column = pq.read_table(file, columns=["image"])["image"]
        step = max(len(column) * len(files) // count, 1)
        for row in range(0, len(column), step):
            value = column[row].as_py()
            data = value["bytes"] if isinstance(value, dict) else value
            yield Image.open(io.BytesIO(data)).convert("RGB")
