"""The heads in torch, their targets and their losses; weights are written as the numpy side reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from scene_pipeline.scenes.room_heads import DIRECTIONS, MATERIALS, PATTERNS, SHELL, SOURCES, TYPES, WARMTHS
from training.room.features import CELLS, COCO

WIDTH, BLOCKS = 120, 3
MIDDLE_CHANNELS, DEEP_CHANNELS = 112, 320
BOX = len(TYPES)
FIRST_DENSE = BOX + 5
MINIMUM_AREA = 0.0008
SIZE_MIDDLE, HEIGHT_MIDDLE = 3.0, 1.3
"""What the size of the room (log of m2) and the height of the camera (m) are counted from."""


def shifted(x: torch.Tensor, reach: int) -> torch.Tensor:
    """Return five groups of channels: as they are, and moved by `reach` cells from each side."""
    height, width = x.shape[2:]
    padded = functional.pad(x, (reach, reach, reach, reach))
    size, far = x.shape[1] // 5, 2 * reach
    offsets = ((reach, reach), (reach, 0), (reach, far), (0, reach), (far, reach))
    return torch.cat(
        [
            padded[:, group * size : (group + 1) * size, dy : dy + height, dx : dx + width]
            for group, (dy, dx) in enumerate(offsets)
        ],
        1,
    )


class Heads(nn.Module):
    """A shared trunk over both maps; outputs a cell and outputs for the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        cells = FIRST_DENSE + len(SHELL) + len(MATERIALS) + len(PATTERNS)
        self.mid = nn.Conv2d(MIDDLE_CHANNELS, WIDTH, 1)
        self.deep = nn.Conv2d(DEEP_CHANNELS, WIDTH, 1)
        self.blocks = nn.ModuleList([nn.Conv2d(WIDTH, WIDTH, 1) for _ in range(BLOCKS)])
        self.out = nn.Conv2d(WIDTH, cells, 1)
        self.glob = nn.Linear(2 * WIDTH + DEEP_CHANNELS, len(SOURCES) + len(WARMTHS) + len(DIRECTIONS) + 2)
        nn.init.constant_(self.out.bias[:BOX], -4.0)  # type: ignore[index]

    def forward(self, middle: torch.Tensor, deep: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the numbers of each cell [n, c, 24, 24] and of the whole [n, g]."""
        x = functional.relu(self.mid(middle) + functional.interpolate(self.deep(deep), scale_factor=2.0))
        for reach, block in enumerate(self.blocks, start=1):
            x = x + functional.relu(block(shifted(x, reach)))
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3)), deep.mean((2, 3))], 1)
        return self.out(x), self.glob(pooled)


def object_targets(objects: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return types [t, 24, 24], distances to the edges [4, 24, 24] and which cells [24, 24] are a thing's middle."""
    kinds = np.zeros((len(TYPES), CELLS, CELLS), np.float32)
    edges = np.zeros((4, CELLS, CELLS), np.float32)
    middle = np.zeros((CELLS, CELLS), np.float32)
    y, x = np.meshgrid((np.arange(CELLS) + 0.5) / CELLS, (np.arange(CELLS) + 0.5) / CELLS, indexing="ij")
    for item in sorted(objects, key=lambda item: -item["box"][2] * item["box"][3]):
        left, top, width, height = item["box"]
        if width * height < MINIMUM_AREA:
            continue
        reach = max(width * 0.22, 0.55 / CELLS), max(height * 0.22, 0.55 / CELLS)
        away = np.stack([x - left, y - top, left + width - x, top + height - y])
        inside = (abs(x - left - width / 2) <= reach[0]) & (abs(y - top - height / 2) <= reach[1])
        inside &= away.min(0) > -0.02
        kinds[:, inside] = 0
        kinds[TYPES.index(item["type"]), inside] = 1
        edges[:, inside] = np.maximum(away, 0.004)[:, inside]
        middle[inside] = 1
    return kinds, edges, middle


def dense_targets(layers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the part of the shell, the material and the pattern of layers [n, h, w, 3] (see training.studio.facts)."""
    seen = layers[..., 0].astype(int)
    shell = np.full(seen.shape, SHELL.index("other"))
    for value, name in ((255, "wall"), (254, "floor"), (253, "ceiling"), (252, "window"), (251, "window")):
        shell[seen == value] = SHELL.index(name)
    shell[(seen > 0) & (seen <= 200)] = SHELL.index("thing")
    return shell, layers[..., 1].astype(int), layers[..., 2].astype(int)


def object_loss(out: torch.Tensor, targets: tuple[torch.Tensor, ...], known: torch.Tensor) -> torch.Tensor:
    """Return focal loss of the types (`known` [t] masks types), generalized IoU of the boxes, and their quality."""
    kinds, edges, middle = targets
    p = torch.sigmoid(out[:, :BOX]).clamp(1e-5, 1 - 1e-5)
    focal = -(kinds * (1 - p) ** 2 * torch.log(p) + (1 - kinds) * p**2 * torch.log(1 - p))
    loss = 2 * (focal * known[None, :, None, None]).sum() / middle.sum().clamp_min(1)
    at = middle.bool()
    if not at.any():
        return loss
    found = torch.exp(out[:, BOX : BOX + 4].permute(0, 2, 3, 1)[at].clamp(-7, 1))
    giou, iou = generalized_iou(found, edges.permute(0, 2, 3, 1)[at])
    quality = functional.binary_cross_entropy_with_logits(out[:, BOX + 4][at], iou.clamp(0, 1))
    return loss + 1.5 * (1 - giou).mean() + 0.5 * quality


def generalized_iou(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return generalized and plain IoU of boxes given as distances [m, 4] from one point (Rezatofighi 2019)."""
    sides = [torch.min(first[:, k], second[:, k]) + torch.min(first[:, k + 2], second[:, k + 2]) for k in (0, 1)]
    hull = [torch.max(first[:, k], second[:, k]) + torch.max(first[:, k + 2], second[:, k + 2]) for k in (0, 1)]
    areas = [(box[:, 0] + box[:, 2]) * (box[:, 1] + box[:, 3]) for box in (first, second)]
    union = areas[0] + areas[1] - sides[0] * sides[1]
    iou = sides[0] * sides[1] / union.clamp_min(1e-9)
    whole = hull[0] * hull[1]
    return iou - (whole - union) / whole.clamp_min(1e-9), iou.detach()


def room_loss(
    out: torch.Tensor, whole: torch.Tensor, dense: tuple[torch.Tensor, ...], traits: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """Return the loss of shell, material and pattern a cell, and of light, size and camera."""
    sizes = [len(SHELL), len(MATERIALS), len(PATTERNS)]
    parts = out[:, FIRST_DENSE:].split(sizes, dim=1)
    loss = torch.zeros(())
    for part, truth in zip(parts, dense, strict=True):
        loss = loss + 0.6 * functional.cross_entropy(functional.interpolate(part, scale_factor=2.0), truth)
    named, numbers = traits
    logits = whole.split([len(SOURCES), len(WARMTHS), len(DIRECTIONS), 2], dim=1)
    for weight, part, truth in zip((0.2, 0.3, 0.3), logits[:3], named.T, strict=True):
        loss = loss + weight * functional.cross_entropy(part, truth)
    return loss + functional.smooth_l1_loss(logits[3], numbers)


KNOWN_TO_TEACHER = torch.tensor([float(name in COCO.values()) for name in TYPES])
