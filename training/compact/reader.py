"""Read pictures with exported heads as the package does: scenes at the scene size, products at the input size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scene_pipeline.encoders.loading import load_image_tower
from scene_pipeline.encoders.preprocess import preprocess
from scene_pipeline.encoders.spec import compact_spec
from scene_pipeline.encoders.windows import meaning_of


class Reader:
    """The tower whose heads lie in a folder."""

    def __init__(self, weights: Path) -> None:
        self.spec = compact_spec(weights)
        self._tower = load_image_tower(self.spec, weights)

    def scenes(self, files: Sequence[Path]) -> np.ndarray:
        """Return the meaning vectors [n, 384] of photographs or renders of rooms."""
        return self._meaning(files, self.spec.scene_size)

    def products(self, files: Sequence[Path]) -> np.ndarray:
        """Return the meaning vectors [n, 384] of packshots."""
        return self._meaning(files, self.spec.input_size)

    def _meaning(self, files: Sequence[Path], side: int) -> np.ndarray:
        parts = []
        with torch.inference_mode():
            for start in range(0, len(files), 16):
                pixels = np.stack([self._pixels(file, side) for file in files[start : start + 16]])
                parts.append(self._tower(torch.from_numpy(pixels)).numpy())
        return meaning_of(self.spec, np.concatenate(parts))

    def _pixels(self, file: Path, side: int) -> np.ndarray:
        with Image.open(file) as image:
            return preprocess(image.convert("RGB"), self.spec, side)
