"""One image vector per product from its several pictures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROLE_WEIGHTS = {"primary": 0.5, "lifestyle": 0.3, "detail": 0.2}
"""What each kind of picture counts, renormalized over the kinds a product has. Swatches show a color, not a thing."""


def pool_images(
    products: Sequence[int] | NDArray[np.integer], roles: Sequence[str], vectors: NDArray[np.float32], count: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return one unit image vector per product, float32 [count, d], and the mask [count] of products that have one.

    Picture i belongs to product `products[i]` (0 to count - 1), plays `roles[i]` and has the unit vector `vectors[i]`.
    Pictures of one role share its weight; roles outside ROLE_WEIGHTS are left out; products without pictures get zeros.
    """
    owner = np.asarray(products, dtype=np.int64)
    combined = np.zeros((count, vectors.shape[1]), np.float32)
    role = np.asarray(roles, dtype=np.str_)
    for name, weight in ROLE_WEIGHTS.items():
        chosen = np.flatnonzero(role == name)
        if not len(chosen):
            continue
        pictures = np.bincount(owner[chosen], minlength=count)
        share = (weight / pictures[owner[chosen]]).astype(np.float32)
        np.add.at(combined, owner[chosen], vectors[chosen] * share[:, None])
    # The weights need no division by their sum over the roles there are: the length is set to 1 in any case.
    lengths = np.linalg.norm(combined, axis=1, keepdims=True)
    has_image = lengths[:, 0] > 0
    np.divide(combined, lengths, out=combined, where=lengths > 0)
    return combined, has_image
