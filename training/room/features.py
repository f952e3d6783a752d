"""What the room heads learn from: feature maps of the frozen backbone, with the truth of renders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scene_pipeline.encoders.compact import MAP_BLOCKS
from training.room.augment import log_span

SIDE = 384
CELLS = SIDE // 16


def backbone_maps(backbone: Any, images: list[Image.Image]) -> list[np.ndarray]:
    """Return the maps of MAP_BLOCKS of pictures, [n, 40, 48, 48], [n, 112, 24, 24] and [n, 320, 12, 12], float16."""
    import torch

    stack = [np.asarray(i.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32) for i in images]
    pixels = torch.from_numpy(np.stack(stack).transpose(0, 3, 1, 2) / 255).sub(0.5).div(0.5)
    found: list[np.ndarray] = []
    with torch.inference_mode():
        x = backbone.bn1(backbone.conv_stem(pixels))
        for number, block in enumerate(backbone.blocks):
            x = block(x)
            if number in MAP_BLOCKS:
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
