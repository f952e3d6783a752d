"""Vectorised augmentation on tensors: crops, flips, light, erasing, and mixing two pictures of a batch."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Mix:
    """Pictures mixed with those of `order`; `mask` (b, 1, s, s) is the share of the first, `kept` (b,) its mean."""

    order: torch.Tensor
    mask: torch.Tensor
    kept: torch.Tensor


def crop_maps(count: int, smallest: torch.Tensor, lean: float = 0.0) -> torch.Tensor:
    """Return affine maps (b, 2, 3) of random resized crops with flips.

    `smallest` (b,) is the least share of the area a crop keeps; `lean` is the most that rows and columns are slanted.
    """
    area = smallest + (1 - smallest) * torch.rand(count)
    ratio = torch.exp((torch.rand(count) * 2 - 1) * math.log(4 / 3))
    width = (area * ratio).sqrt().clamp(max=1)
    height = (area / ratio).sqrt().clamp(max=1)
    maps = torch.zeros(count, 2, 3)
    maps[:, 0, 0] = width * torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    maps[:, 1, 1] = height
    maps[:, [0, 1], [1, 0]] = (torch.rand(count, 2) * 2 - 1) * lean
    maps[:, 0, 2] = (torch.rand(count) * 2 - 1) * (1 - width)
    maps[:, 1, 2] = (torch.rand(count) * 2 - 1) * (1 - height)
    return maps


def look(images: torch.Tensor, maps: torch.Tensor, size: int) -> torch.Tensor:
    """Return what the maps show of `images` (b, c, h, w) at `size` pixels, (b, c, size, size)."""
    grid = functional.affine_grid(maps, [len(images), images.shape[1], size, size], align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def relight(images: torch.Tensor, strength: float) -> torch.Tensor:
    """Return images (values 0-1) with brightness, contrast, saturation and white balance shifted a little."""
    shape = (len(images), 1, 1, 1)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * _factor(shape, strength)
    center = images.mean((1, 2, 3), keepdim=True)
    images = center + (images - center) * _factor(shape, strength)
    balance = _factor((len(images), 3, 1, 1), strength / 4)
    return (images * _factor(shape, strength) * balance).clamp(0, 1)


def _factor(shape: tuple[int, ...], strength: float) -> torch.Tensor:
    return 1 + (torch.rand(shape) * 2 - 1) * strength


def erase(images: torch.Tensor, probability: float) -> torch.Tensor:
    """Return images in some of which a rectangle of up to a quarter of the area is one random colour."""
    count, _, height, width = images.shape
    area, ratio = 0.02 + 0.2 * torch.rand(count), torch.exp(torch.rand(count) * 2 - 1)
    box = _box((area * ratio).sqrt().clamp(max=0.9), (area / ratio).sqrt().clamp(max=0.9), height, width)
    box &= (torch.rand(count) < probability)[:, None, None, None]
    return torch.where(box, torch.rand(count, 3, 1, 1), images)


def mix(images: torch.Tensor, probability: float) -> tuple[torch.Tensor, Mix]:
    """Return images blended with others of the batch (half of the time by a rectangle, half by opacity), and how."""
    count, _, height, width = images.shape
    order = torch.randperm(count)
    mask = torch.ones(count, 1, height, width)
    if torch.rand(()) < probability:
        if torch.rand(()) < 0.5:
            kept = torch.distributions.Beta(0.4, 0.4).sample((count,))
            mask = kept[:, None, None, None].expand(-1, 1, height, width).contiguous()
        else:
            side = (torch.rand(count) * 0.5).sqrt()
            mask = 1.0 - _box(side, side, height, width).float()
    return images * mask + images[order] * (1 - mask), Mix(order, mask, mask.mean((1, 2, 3)))


def _box(wide: torch.Tensor, high: torch.Tensor, height: int, width: int) -> torch.Tensor:
    left, top = torch.rand(len(wide)) * (1 - wide), torch.rand(len(high)) * (1 - high)
    x = (torch.arange(width) + 0.5)[None, :] / width
    y = (torch.arange(height) + 0.5)[None, :] / height
    across = (x >= left[:, None]) & (x < (left + wide)[:, None])
    down = (y >= top[:, None]) & (y < (top + high)[:, None])
    return (down[:, :, None] & across[:, None, :])[:, None]


def normalize(images: torch.Tensor) -> torch.Tensor:
    """Return images (values 0-1) as the tower takes them, channels last in memory."""
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def to_float(pixels: torch.Tensor) -> torch.Tensor:
    """Return (b, h, w, 3) uint8 as (b, 3, h, w) float in 0-1."""
    return pixels.permute(0, 3, 1, 2).float() / 255
