"""The arrays that scoring reads: one row per product, computed when the bundle is built."""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from scene_pipeline.errors import BundleError
from scene_pipeline.files import atomic_path


@dataclass(frozen=True, slots=True)
class ProductFeatures:
    """One row per product, in the order of the bundle's product table; R rooms, S styles, P palettes.

    Unknown sizes and prices are NaN, unknown categories and palettes -1; everything else lies in 0-1.
    """

    category: np.ndarray  # int8 [n]
    room_fit: np.ndarray  # float32 [n, R]
    style_share: np.ndarray  # float32 [n, S]: how probable each style is, adding up to 1
    material_style: np.ndarray  # float32 [n, S]: mean affinity of its materials to each style
    material_quality: np.ndarray  # float32 [n]
    palette: np.ndarray  # int8 [n]
    color_lab: np.ndarray  # float32 [n, 4, 3]
    color_share: np.ndarray  # float32 [n, 4]
    largest_cm: np.ndarray  # float32 [n]
    availability: np.ndarray  # float32 [n]
    price: np.ndarray  # float32 [n]
    has_image: np.ndarray  # bool [n]
    harmony_mean: np.ndarray  # float32 [n]: harmony of the colors with typical rooms
    harmony_std: np.ndarray  # float32 [n]: its deviation over those rooms
    color_usual: np.ndarray  # float32 [n, 4, 2]: mean and deviation of the colors' log density in typical rooms
    type_group: np.ndarray  # int16 [n]: position in the vocabulary's type groups, -1 unknown
    kind: np.ndarray  # int8 [n]: position in the vocabulary's KINDS
    for_children: np.ndarray  # bool [n]
    for_outdoors: np.ndarray  # bool [n]: and not for indoors as well
    size_range: np.ndarray  # float32 [C + 1, 2]: usual largest dimension in cm, NaN for uncategorized

    def save(self, path: Path) -> None:
        """Write the arrays as one .npz, atomically."""
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "ProductFeatures":
        """Read what `save` wrote. Raises BundleError when an array is missing or the file is something else."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(**{field.name: arrays[field.name] for field in fields(cls)})
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise BundleError(f"{path.name}: cannot be read ({error}); rebuild the bundle") from error

    def __len__(self) -> int:
        return len(self.category)
