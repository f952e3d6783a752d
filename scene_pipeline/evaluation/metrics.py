"""The metrics of a report by family, under the names in the output of `evaluate matches --json`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation import list_metrics
from scene_pipeline.evaluation.bootstrap import Estimate, bootstrap
from scene_pipeline.evaluation.calibration import brier, ece
from scene_pipeline.evaluation.discrimination import BlankQuestions, auc_same_type, draw_questions, fill_in_the_blank
from scene_pipeline.evaluation.gallery import Gallery
from scene_pipeline.evaluation.matches import MatchReport, evaluate_matches


def discrimination_metrics(scores: np.ndarray, gallery: Gallery, seed: int = 0) -> dict[str, Estimate]:
    """Return fitb4 and auc_same_type of `scores`, shape (scenes, products)."""
    questions = draw_questions(gallery.relevant, gallery.types, choices=4, seed=seed)
    return {
        "fitb4": fill_in_the_blank(scores, questions, seed),
        "auc_same_type": auc_same_type(scores, gallery.relevant, gallery.types, seed),
    }


def calibration_metrics(
    confidence: np.ndarray, questions: BlankQuestions, prior: float | None = None, seed: int = 0
) -> dict[str, Estimate]:
    """Return ece and brier of `confidence`, shape (scenes, products), on the true and the wrong options of questions.

    prior: the share of fitting products that the map assumes (CalibrationMap.prior); the examples are weighted to it,
    since questions have one true product in `choices`. The scenes must not be those that the map was fitted on.
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
    """The lists that people were shown: the columns of each scene's products, best first, with categories and vectors.

    categories: one per product of the catalog. vectors: for each list the unit vectors of its products, shape
    (listed, dimension).
    """

    columns: tuple[tuple[int, ...], ...]
    categories: tuple[str, ...]
    vectors: tuple[np.ndarray, ...]


def shown_list_metrics(
    shown: ShownLists, near_duplicate_similarity: float, k: int = 10, seed: int = 0
) -> dict[str, Estimate]:
    """Return categories@k, intra_list_distance, near_duplicate@k, coverage and gini of the first `k` of each list."""
    columns = [list(row[:k]) for row in shown.columns if row]
    if not columns:
        raise TruthError("no scene was given a product; there is no list to judge")
    vectors = [part[:k] for row, part in zip(shown.columns, shown.vectors, strict=True) if row]
    n_products = len(shown.categories)
    return {
        f"categories@{k}": list_metrics.categories_at_k(
            [[shown.categories[c] for c in row] for row in columns], k, seed
        ),
        "intra_list_distance": list_metrics.intra_list_distance(vectors, seed),
        f"near_duplicate@{k}": list_metrics.near_duplicate_share(vectors, near_duplicate_similarity, seed),
        "coverage": list_metrics.coverage(columns, n_products, seed),
        "gini": list_metrics.gini(columns, n_products, seed),
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
            discrimination_metrics(scores, gallery, seed) if discriminate else {}
        )
        for name, scores in variants.items()
    }
