"""The heads in torch, their targets and their losses; weights are written as the numpy side reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from scene_pipeline.scenes.room_heads import (
    BANDS,
    BLOCKS,
    CELL_PARTS,
    SHELL,
    SURFACE_BLOCKS,
    SURFACE_PARTS,
    TYPES,
    WHOLE_PARTS,
)  # fmt: skip
from training.room.features import CELLS

WIDTH, INNER = 128, 48
FINE_CHANNELS, MIDDLE_CHANNELS, DEEP_CHANNELS = 40, 112, 320
SURFACE_WIDTH = 96
READS_SURFACES = ("fine", "seen", "textures", "surface")
"""Modules of the heads that read materials and patterns, and nothing else."""
MINIMUM_AREA = 0.0008
DROPPED, NOISE = 0.05, 0.1
"""Share of the channels of the maps that is dropped in training, and the deviation of what is added to them."""
COVERING, COVERING_SLOPE = 0.03, 2.0
"""Share of the picture from which a label names a material or a pattern, and how sharply."""


class Block(nn.Module):
    """A residual block of some channels that looks `reach` cells far."""

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(width, INNER, 1)
        self.b = nn.Conv2d(INNER, INNER, 3, padding=reach, dilation=reach)
        self.c = nn.Conv2d(INNER, width, 1)
        self.c.weight.data *= 0.3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.c(functional.relu(self.b(functional.relu(self.a(x)))))


class Heads(nn.Module):
    """A trunk over the middle and the deep map, and one over the fine map for what covers a cell."""

    def __init__(self) -> None:
        super().__init__()
        self.mid = nn.Conv2d(MIDDLE_CHANNELS, WIDTH, 1)
        self.deep = nn.Conv2d(DEEP_CHANNELS, WIDTH, 1)
        self.blocks = nn.ModuleList([Block(WIDTH, reach) for reach in range(1, BLOCKS + 1)])
        self.out = nn.Conv2d(WIDTH, sum(CELL_PARTS.values()), 1)
        self.glob = nn.Linear(2 * WIDTH + BANDS * DEEP_CHANNELS, sum(WHOLE_PARTS.values()))
        self.fine = nn.Conv2d(FINE_CHANNELS, SURFACE_WIDTH, 2, stride=2)
        self.seen = nn.Conv2d(WIDTH, SURFACE_WIDTH, 1)
        self.textures = nn.ModuleList([Block(SURFACE_WIDTH, reach) for reach in range(1, SURFACE_BLOCKS + 1)])
        self.surface = nn.Conv2d(SURFACE_WIDTH, sum(SURFACE_PARTS.values()), 1)
        nn.init.constant_(self.out.bias[: len(TYPES)], -4.0)  # type: ignore[index]

    def forward(
        self, fine: torch.Tensor, middle: torch.Tensor, deep: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Return the numbers of each cell [n, c, 24, 24] and of the whole [n, g], by name."""
        x = functional.relu(self.mid(middle) + functional.interpolate(self.deep(deep), scale_factor=2.0))
        for block in self.blocks:
            x = block(x)
        x = functional.relu(x)
        y = functional.relu(self.fine(fine) + self.seen(x))
        for block in self.textures:
            y = block(y)
        bands = torch.stack([part.mean((2, 3)) for part in deep.tensor_split(BANDS, dim=3)], dim=2)
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3)), bands.flatten(1)], 1)
        whole = self.glob(functional.dropout(pooled, 0.1, self.training))
        cells = _parts(self.out(x), CELL_PARTS) | _parts(self.surface(functional.relu(y)), SURFACE_PARTS)
        return cells, _parts(whole, WHOLE_PARTS)


def _parts(numbers: torch.Tensor, sizes: dict[str, int]) -> dict[str, torch.Tensor]:
    return dict(zip(sizes, numbers.split(list(sizes.values()), dim=1), strict=True))


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


def object_loss(cells: dict[str, torch.Tensor], targets: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Return focal loss of the types, generalized IoU of the boxes, and their quality."""
    kinds, edges, middle = targets
    p = torch.sigmoid(cells["types"]).clamp(1e-5, 1 - 1e-5)
    focal = -(kinds * (1 - p) ** 2 * torch.log(p) + 0.75 * (1 - kinds) * p**2 * torch.log(1 - p))
    loss = 2 * focal.sum() / middle.sum().clamp_min(1)
    at = middle.bool()
    if not at.any():
        return loss
    found = torch.exp(cells["edges"].permute(0, 2, 3, 1)[at].clamp(-7, 1))
    giou, iou = generalized_iou(found, edges.permute(0, 2, 3, 1)[at])
    quality = functional.binary_cross_entropy_with_logits(cells["quality"][:, 0][at], iou.clamp(0, 1))
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
    cells: dict[str, torch.Tensor], whole: dict[str, torch.Tensor], truth: dict[str, torch.Tensor]
) -> torch.Tensor:
    """Return the loss of what is said of the whole picture, and of shell, material, pattern and span a cell.

    `truth` has an entry a part. Cells have a truth in renders alone; of photographs it is known which materials and
    patterns cover some of the picture (`covered_…` [n, c]). The size and the camera count only where `uncropped`.
    """
    loss = torch.zeros(())
    for weight, name in ((0.2, "source"), (0.3, "warmth"), (0.3, "light_from")):
        loss = loss + weight * functional.cross_entropy(whole[name], truth[name])
    for name in ("present", "architecture"):
        loss = loss + 0.5 * functional.binary_cross_entropy_with_logits(whole[name], truth[name])
    for name in ("materials", "patterns"):
        if f"covered_{name}" in truth:
            share = torch.softmax(cells[name], dim=1).mean((2, 3)).clamp_min(1e-5)
            covers = COVERING_SLOPE * torch.log(share / COVERING)[:, 1:]
            loss = loss + 0.3 * functional.binary_cross_entropy_with_logits(covers, truth[f"covered_{name}"][:, 1:])
    if "shell" in truth:
        loss = loss + dense_loss(cells, whole, truth)
    return loss


def dense_loss(
    cells: dict[str, torch.Tensor], whole: dict[str, torch.Tensor], truth: dict[str, torch.Tensor]
) -> torch.Tensor:
    """Return the loss of shell, material, pattern and span a cell, and of the size and the camera."""
    loss = torch.zeros(())
    for name in ("shell", "materials", "patterns"):
        part = functional.interpolate(cells[name], scale_factor=2.0)
        loss = loss + 0.6 * functional.cross_entropy(part, truth[name].long())
    span = functional.interpolate(cells["span"], scale_factor=2.0)[:, 0]
    seen = torch.isfinite(truth["span"])
    loss = loss + 0.6 * functional.smooth_l1_loss(span[seen], truth["span"][seen], beta=0.2)
    own = truth["uncropped"]
    if own.any():
        for name in ("size", "camera"):
            loss = loss + functional.smooth_l1_loss(whole[name][own, 0], truth[name][own], beta=0.3)
    return loss
