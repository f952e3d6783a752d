"""The context's part of an answer: candidates ordered by score and lifts, and what that did to each."""

from functools import cached_property

import numpy as np

from scene_pipeline.bundle.layout import TERMS, bundles_root
from scene_pipeline.bundle.open import Bundle
from scene_pipeline.context.context import Context
from scene_pipeline.context.ranking import LIFT_KINDS, ContextEffect, ContextModel, moves
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.errors import BundleError
from scene_pipeline.files import sha256_bytes
from scene_pipeline.paths import CONTEXT_FOLDER


class Contextual:
    """The lifts of a bundle's products in a context. Their data is read at the first use."""

    def __init__(self, bundle: Bundle, prices: np.ndarray) -> None:
        """`prices` [n] are those of the bundle's products, NaN unknown."""
        self._bundle = bundle
        self._prices = prices

    @cached_property
    def model(self) -> ContextModel:
        """The lifts. Raises BundleError for a bundle without the file of terms."""
        path = self._bundle.path / TERMS
        if not path.is_file():
            raise BundleError(f"{path} is missing: the bundle knows no context; build it again")
        skus = self._bundle.products(["sku_id"])["sku_id"].to_pylist()
        folder = bundles_root(self._bundle.artifacts).parent / CONTEXT_FOLDER
        return ContextModel(folder, ProductTerms.load(path), skus, self._prices.astype(np.float64))

    def order(
        self, context: Context, found: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the order [m] of candidates given as rows, scores and whether they passed [m], and in this order the
        scores they are ranked by [m] and their weighted lifts [m, 3].
        """
        rows, scores, passed = found
        ranking, lifts = scores, np.zeros((len(rows), len(LIFT_KINDS)))
        if context.known:
            ranking, lifts = self.model.order(context, rows, scores)
        order = np.lexsort((rows, -ranking, ~passed))
        return order, ranking[order], lifts[order]

    def version(self, context: Context) -> str:
        """Return a hash that changes with the context and with what was learned of it; empty for an unknown context."""
        return sha256_bytes(f"{context}{self.model.stamps(context)}".encode())[:16] if context.known else ""

    def effect(self, context: Context, row: int, moved: int, lifts: np.ndarray) -> ContextEffect:
        """Return what a known context did to a product."""
        return self.model.effect(context, row, moved, lifts)


def shown_moves(scores: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Return how many places up each product of a list [k] stands from where its score [k] alone would put it.

    `fixed` [k] are products that a person pinned: they do not move, and places are counted among the others.
    """
    moved = np.zeros(len(scores), dtype=np.int64)
    free = np.flatnonzero(~fixed)
    moved[free] = moves(np.argsort(-scores[free], kind="stable"), np.arange(len(free)))
    return moved
