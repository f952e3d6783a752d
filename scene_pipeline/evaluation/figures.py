"""The figures of a report by family, under the names that `evaluate matches --json` prints them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation import lists
from scene_pipeline.evaluation.bootstrap import Estimate, bootstrap
from scene_pipeline.evaluation.calibration import brier, ece
from scene_pipeline.evaluation.discrimination import Questions, auc_same_type, draw_questions, fill_in_the_blank
from scene_pipeline.evaluation.matches import MatchReport, evaluate_matches
from scene_pipeline.evaluation.truth import MatchTruth


@dataclass(frozen=True)
class Gallery:
    """What scenes are judged against: the scenes and products of a matrix of scores, and which pairs are true.

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


def discrimination_figures(scores: np.ndarray, gallery: Gallery, seed: int = 0) -> dict[str, Estimate]:
    """Return fitb4 and auc_same_type of `scores`, shape (scenes, products)."""
    questions = draw_questions(gallery.relevant, gallery.types, choices=4, seed=seed)
    return {
        "fitb4": fill_in_the_blank(scores, questions, seed),
        "auc_same_type": auc_same_type(scores, gallery.relevant, gallery.types, seed),
    }


def calibration_figures(
    confidence: np.ndarray, questions: Questions, prior: float | None = None, seed: int = 0
) -> dict[str, Estimate]:
    """Return ece and brier of `confidence`, shape (scenes, products), on the true and the wrong options of questions.

    prior: the share of fitting products that the map assumes (CalibrationMap.prior); the examples are weighed to it,
    since questions hold one true product in `choices`. The scenes must not be those that the map was fitted on.
    """
    values, labels, scenes = questions.examples(confidence)
    share = labels.mean()
    weights = np.where(labels == 1, (prior or share) / share, (1 - (prior or share)) / (1 - share))
    return {
        "ece": bootstrap(lambda rows: ece(values[rows], labels[rows], weights=weights[rows]), scenes, seed),
        "brier": bootstrap(lambda rows: brier(values[rows], labels[rows], weights[rows]), scenes, seed),
    }


@dataclass(frozen=True)
class ShownLists:
    """What people were shown: columns of the products of each scene's list, best first, and what they are.

    categories: one per product of the catalogue. vectors: for each list the unit vectors of its products, shape
    (listed, dimension).
    """

    columns: tuple[tuple[int, ...], ...]
    categories: tuple[str, ...]
    vectors: tuple[np.ndarray, ...]


def list_figures(
    shown: ShownLists, near_duplicate_similarity: float, k: int = 10, seed: int = 0
) -> dict[str, Estimate]:
    """Return categories@k, intra_list_distance, near_duplicate@k, coverage and gini of the first `k` of each list."""
    columns = [list(row[:k]) for row in shown.columns if row]
    if not columns:
        raise TruthError("no scene was given a product; there is no list to judge")
    vectors = [part[:k] for row, part in zip(shown.columns, shown.vectors, strict=True) if row]
    n_products = len(shown.categories)
    return {
        f"categories@{k}": lists.categories_at_k([[shown.categories[c] for c in row] for row in columns], k, seed),
        "intra_list_distance": lists.intra_list_distance(vectors, seed),
        f"near_duplicate@{k}": lists.near_duplicate_share(vectors, near_duplicate_similarity, seed),
        "coverage": lists.coverage(columns, n_products, seed),
        "gini": lists.gini(columns, n_products, seed),
    }


def compare(
    variants: Mapping[str, np.ndarray], gallery: Gallery, seed: int = 0, *, discriminate: bool = True
) -> dict[str, MatchReport]:
    """Return a report for each variant (name -> scores, shape (scenes, products)): all on the same questions.

    `discriminate` adds fitb4 and auc_same_type, which need products of one type in several scenes.
    """
    truth = gallery.truth()
    return {
        name: evaluate_matches(gallery.rankings(scores), truth, gallery.skus, seed).with_estimates(
            discrimination_figures(scores, gallery, seed) if discriminate else {}
        )
        for name, scores in variants.items()
    }
