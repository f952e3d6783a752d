"""Products that a person has decided on: pinned to a place of the list, or rejected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of the product table. pinned: rank (from 1) -> row; such products are shown whatever the constraints say."""

    pinned: Mapping[int, int] = field(default_factory=dict)
    rejected: tuple[int, ...] = ()

    @property
    def rows(self) -> np.ndarray:
        """The rows that must not stand in the rest of the list."""
        return np.array([*self.pinned.values(), *self.rejected], dtype=np.int64)

    def placed(self, free: Sequence[int], pinned: Mapping[int, int], k: int) -> list[int]:
        """Return up to `k` entries: `pinned` (rank -> entry) at their ranks, `free` in their order around them."""
        waiting = list(free)
        order: list[int] = []
        for rank in range(1, k + 1):
            if rank in pinned:
                order.append(pinned[rank])
            elif waiting:
                order.append(waiting.pop(0))
        return order
