"""Evaluate recommendations against the products that really stood in the photographed rooms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation import ranking as rank
from scene_pipeline.evaluation.bootstrap import Estimate, bootstrap_mean
from scene_pipeline.evaluation.truth import MatchTruth

HIT_CUTOFFS = (1, 5, 10, 20, 50)


@dataclass(frozen=True)
class MatchReport:
    """How well rankings find the true products, averaged over scenes.

    n_products: size of the catalog that was ranked. estimates: metric -> value and 95% bootstrap interval over scenes.
    random_hit_10: exact, by the hypergeometric formula. missing_scenes: named by the truth, without a ranking, left
    out. scenes_without_products: none of their true products is in the catalog, left out. unknown_pairs: true pairs
    whose product the catalog lacks; they count in no metric.
    """

    n_scenes: int
    n_products: int
    estimates: Mapping[str, Estimate]
    random_hit_10: float
    missing_scenes: tuple[str, ...] = ()
    scenes_without_products: tuple[str, ...] = ()
    unknown_pairs: int = 0

    def with_estimates(self, more: Mapping[str, Estimate]) -> "MatchReport":
        """Return the report with further metrics (see discrimination, list_metrics and calibration)."""
        return replace(self, estimates={**self.estimates, **more})

    def to_json(self) -> dict[str, object]:
        """Return the document that `evaluate matches --json` prints: one flat key per metric, and the intervals."""
        return {
            "n_scenes": self.n_scenes,
            "n_products": self.n_products,
            **{name: estimate.value for name, estimate in self.estimates.items()},
            "random_hit@10": self.random_hit_10,
            "intervals": {name: [estimate.low, estimate.high] for name, estimate in self.estimates.items()},
            "missing_scenes": list(self.missing_scenes),
            "scenes_without_products": list(self.scenes_without_products),
            "unknown_pairs": self.unknown_pairs,
        }


def evaluate_matches(
    rankings: Mapping[str, Sequence[str]], truth: MatchTruth, catalog_skus: Sequence[str], seed: int = 0
) -> MatchReport:
    """Return hit@k, recall@10, NDCG@10 and MRR of `rankings` (scene -> sku_ids, best first).

    A scene counts when it is in both `rankings` and `truth` and at least one of its true products is in the catalog. A
    ranking may be short: a product that it does not list is not found. `seed` draws the bootstrap. Raises TruthError
    when no scene counts, or when a ranking lists a product twice or one that the catalog lacks.
    """
    catalog = set(catalog_skus)
    relevant = {scene: skus & catalog for scene, skus in truth.products.items() if scene in rankings}
    counted = sorted(scene for scene, skus in relevant.items() if skus)
    if not counted:
        raise TruthError(
            f"none of the {len(truth.products)} scenes of the truth has both a ranking and a product in the catalog; "
            "check that file names and sku_ids are written alike"
        )
    for scene in counted:
        _check_ranking(scene, rankings[scene], catalog)
    pairs = [(rankings[scene], relevant[scene]) for scene in counted]
    figures = {
        **{f"hit@{k}": [rank.hit(items, true, k) for items, true in pairs] for k in HIT_CUTOFFS},
        "recall@10": [rank.recall(items, true, 10) for items, true in pairs],
        "ndcg@10": [rank.ndcg(items, true, 10) for items, true in pairs],
        "mrr": [rank.reciprocal_rank(items, true) for items, true in pairs],
    }
    return MatchReport(
        n_scenes=len(counted),
        n_products=len(catalog),
        estimates={name: bootstrap_mean(np.asarray(values), seed=seed) for name, values in figures.items()},
        random_hit_10=float(np.mean([rank.random_hit(len(catalog), len(true), 10) for _, true in pairs])),
        missing_scenes=truth.missing_from(rankings),
        scenes_without_products=tuple(sorted(set(relevant) - set(counted))),
        unknown_pairs=sum(len(skus - catalog) for skus in truth.products.values()),
    )


def _check_ranking(scene: str, ranking: Sequence[str], catalog: set[str]) -> None:
    listed = set(ranking)
    if len(listed) != len(ranking):
        raise TruthError(f"the ranking of {scene} lists a product twice; list each once")
    if listed - catalog:
        raise TruthError(f"the ranking of {scene} lists {min(listed - catalog)}, which the catalog lacks")
