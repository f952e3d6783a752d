"""Compare products' pictures with the windows of a photograph, less what each product reaches in photographs anyway.

Some pictures are near to every photograph: one cake dome stood in 32 of 141 lists. So a product's best window is
standardized by mean and deviation of its best window over a fixed set of reference scenes, measured when the bundle is
built and never on the library at hand.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from scene_pipeline.bundle.layout import HUBNESS, LOOKS
from scene_pipeline.errors import BundleError
from scene_pipeline.files import atomic_path
from scene_pipeline.matching.recent import Recent, key_of

MIN_DEVIATION = 0.02
"""Added to a product's deviation, so that a few alike reference scenes do not make every other one outstanding."""

_BLOCK = 8192

IN_MEMORY = 150_000
"""Up to this many products, looks are kept in full precision, column by column: converting them for a scene costs as
much as comparing, and comparing them row by row costs half as much again."""


@dataclass(frozen=True, slots=True)
class Looks:
    """`vectors` [n, look] are unit vectors of the products' pictures (zeros without one); `hubness` [n, 2]
    holds mean and deviation of each product's best window over the reference scenes. `threads`: 1 to compare all of
    them on one core.
    """

    vectors: np.ndarray
    hubness: np.ndarray
    threads: int | None = None
    _recent: Recent[np.ndarray] = field(default_factory=Recent, compare=False, repr=False)

    @classmethod
    def measure(cls, vectors: np.ndarray, reference: np.ndarray) -> "Looks":
        """Return the looks of product vectors [n, look] against the windows of reference scenes [s, w, look]."""
        hubness = np.empty((len(vectors), 2), np.float32)
        scenes = reference.astype(np.float32)
        for start in range(0, len(vectors), _BLOCK):
            block = vectors[start : start + _BLOCK].astype(np.float32)
            best = np.stack([(block @ windows.T).max(axis=1) for windows in scenes])
            hubness[start : start + _BLOCK] = np.stack([best.mean(axis=0), best.std(axis=0) + MIN_DEVIATION], axis=1)
        return cls(vectors.astype(np.float16), hubness)

    def save(self, folder: Path) -> None:
        """Write both arrays into a bundle's folder, each atomically."""
        for name, array in ((LOOKS, self.vectors), (HUBNESS, self.hubness)):
            with atomic_path(folder / name) as temporary, temporary.open("wb") as stream:
                np.save(stream, array)

    @classmethod
    def load(cls, folder: Path, threads: int | None = None) -> "Looks":
        """Read what `save` wrote; many vectors are mapped. Raises BundleError when a file is something else."""
        try:
            vectors = np.load(folder / LOOKS, mmap_mode="r", allow_pickle=False)
            if len(vectors) <= IN_MEMORY:
                mapped, vectors = vectors, np.empty(vectors.shape, np.float32, order="F")
                for start in range(0, len(vectors), _BLOCK):  # in one piece it takes twice the time
                    vectors[start : start + _BLOCK] = mapped[start : start + _BLOCK]
            return cls(vectors, np.load(folder / HUBNESS, allow_pickle=False), threads)
        except (OSError, ValueError, EOFError) as error:
            raise BundleError(f"{folder}: the looks cannot be read ({error}); build the bundle again") from error

    def __len__(self) -> int:
        return len(self.hubness)

    def compare(self, windows: np.ndarray, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return how far [m] the best of `windows` [w, look] lies above a product's usual best, and its position [m].

        In the product's own standard deviations; `rows` [m] are the products, all of them where None. A product without
        a picture has similarity 0 to every window, and its value says nothing.
        """
        count = len(self) if rows is None else len(rows)
        above, window = np.empty(count, np.float32), np.empty(count, np.int16)
        for start in range(0, count, _BLOCK):
            part = slice(start, start + _BLOCK)
            own = part if rows is None else rows[part]
            similarity = self.vectors[own].astype(np.float32, copy=False) @ windows.T
            mean, deviation = self.hubness[own].T
            above[part] = (similarity.max(axis=1) - mean) / deviation
            window[part] = similarity.argmax(axis=1)
        return above, window

    def above(self, windows: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the first result of `compare` for some products [m]: that of `above_usual` where it is kept."""
        every = self._recent.get(key_of(windows))
        return self.compare(windows, rows)[0] if every is None else every[rows]

    def above_usual(self, windows: np.ndarray) -> np.ndarray:
        """Return the first result of `compare` for all products [n]. Do not write to it.

        Results of the last scenes are kept, since a person changes the request many times for one scene.
        """
        key = key_of(windows)
        above = self._recent.get(key)
        if above is None:
            above = np.empty(len(self), np.float32)

            def compare(part: slice) -> None:
                best = (windows @ self.vectors[part].astype(np.float32, copy=False).T).max(axis=0)
                mean, deviation = self.hubness[part].T
                above[part] = (best - mean) / deviation

            self._in_parts(compare)
            above.setflags(write=False)
            self._recent.put(key, above)
        return above

    def _in_parts(self, work: Callable[[slice], None]) -> None:
        """Call `work` with every block of products, on all cores: numpy lets other threads run while it multiplies."""
        parts = [slice(start, start + _BLOCK) for start in range(0, len(self), _BLOCK)]
        if self.threads == 1 or len(parts) == 1:
            for part in parts:
                work(part)
        else:
            list(_pool().map(work, parts))


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    """Return the threads that share the comparisons of this process."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="looks")
