"""Unit vectors of pictures from a tower, prepared as the package prepares them: the whole picture, squeezed square."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from training.compact import augment
from training.compact.photos import square


def embed(tower: nn.Module, pixels: np.ndarray, size: int) -> np.ndarray:
    """Return unit vectors (n, 384) of square pictures (n, s, s, 3) uint8 at `size` pixels."""
    vectors = []
    with torch.inference_mode():
        for start in range(0, len(pixels), 64):
            images = augment.to_float(torch.from_numpy(np.ascontiguousarray(pixels[start : start + 64])))
            if images.shape[-1] != size:
                images = nn.functional.interpolate(images, size=(size, size), mode="bicubic", antialias=True).clamp(
                    0, 1
                )
            vectors.append(nn.functional.normalize(tower(augment.normalize(images)).float(), dim=1).numpy())
    return np.concatenate(vectors)


def embed_files(tower: nn.Module, files: Iterable[Path], size: int) -> np.ndarray:
    """Return unit vectors (n, 384) of picture files."""
    pictures = []
    for file in files:
        with Image.open(file) as image:
            pictures.append(square(image, size))
    return embed(tower, np.stack(pictures), size)
