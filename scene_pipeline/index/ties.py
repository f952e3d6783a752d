"""Cut a list of the best at k, with equal inner products in the order of their ids."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

SPARE = 8
"""How many more than k are requested, to detect a tie across the cut."""

Best = tuple[npt.NDArray[Any], npt.NDArray[np.float32]]
Search = Callable[[int], Best]
"""Takes the number of results, returns (sortable places or ids, inner products), best first."""


def cut_at(search: Search, k: int, passing: int) -> Best:
    """Return the best min(k, passing) of `search`, ties by id; search again, deeper, while a tie crosses the cut.

    Fewer are returned only where `search` finds fewer.
    """
    wanted = min(k, passing)
    depth = min(wanted + SPARE, passing)
    while True:
        found, inner = search(depth)
        short = len(found) < depth or len(found) >= passing
        if short or not wanted or inner[-1] < inner[wanted - 1]:
            order = np.lexsort((found, -inner))[:wanted]
            return found[order], inner[order]
        depth = min(4 * depth, passing)
