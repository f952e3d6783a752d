"""The scenes and products that scores are evaluated on, and which pairs are true."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.truth import MatchTruth


@dataclass(frozen=True)
class Gallery:
    """The scenes and products of a matrix of scores, and which pairs are true.

    scenes: file names, one per row. skus: sku_ids, one per column, distinct. types: product type of each column, ""
    where it is not known. relevant: bool, shape (scenes, products).
    """

    scenes: tuple[str, ...]
    skus: tuple[str, ...]
    types: tuple[str, ...]
    relevant: np.ndarray

    def rankings(self, scores: np.ndarray) -> dict[str, list[str]]:
        """Return every product of every scene, best first; ties keep the order of the columns."""
        order = np.argsort(-scores, axis=1, kind="stable")
        return {scene: [self.skus[column] for column in row] for scene, row in zip(self.scenes, order, strict=True)}

    def truth(self) -> MatchTruth:
        """Return the true pairs of the gallery."""
        skus = np.asarray(self.skus)
        products = {scene: frozenset(skus[row].tolist()) for scene, row in zip(self.scenes, self.relevant, strict=True)}
        return MatchTruth(products=products, room_types={})


def gallery_of(truth: MatchTruth, scenes: Sequence[str], skus: Sequence[str], types: Sequence[str]) -> Gallery:
    """Return the gallery of the scenes that the truth names, in the order of `scenes`.

    Raises TruthError when the truth names none of them, or when two products share a sku_id.
    """
    named = tuple(scene for scene in scenes if scene in truth.products)
    if not named:
        raise TruthError(f"the truth names none of the {len(scenes)} scenes; check that file names are written alike")
    columns = {sku: column for column, sku in enumerate(skus)}
    if len(columns) != len(skus):
        raise TruthError(f"{len(skus) - len(columns)} products repeat a sku_id; give each its own")
    relevant = np.zeros((len(named), len(skus)), dtype=bool)
    for row, scene in enumerate(named):
        relevant[row, [columns[sku] for sku in truth.products[scene] if sku in columns]] = True
    return Gallery(named, tuple(skus), tuple(types), relevant)
