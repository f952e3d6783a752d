"""Lists as they are shown and logged, explored or not: for the service and the batch run alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scene_pipeline.events.schema import ExposedProduct, Exposure
from scene_pipeline.learning.exploration import Exploration, list_rule, plan_exploration, request_seed
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.vocabulary import Diversity


@dataclass(frozen=True, slots=True)
class ServedList:
    """What to show and to log: the shown products and the runners-up, in the order of ranks.

    price: the share of the list's expected score that exploration costs; 0 without.
    """

    shown: tuple[Recommendation, ...]
    products: tuple[ExposedProduct, ...]
    factor_names: tuple[str, ...]
    exploration: str
    seed: int
    price: float


def list_as_is(items: Sequence[Recommendation], k: int | None = None) -> ServedList:
    """Return items in their own order, ranks from 1. The first `k` are shown (all where None), the rest are logged."""
    ranked = [replace(item, rank=rank) for rank, item in enumerate(items, start=1)]
    k = len(ranked) if k is None else k
    products = tuple(
        ExposedProduct(
            item.product_id, item.rank, item.score, 1.0, shown=item.rank <= k, factors=tuple(item.factors.values())
        )
        for item in ranked
    )
    return ServedList(tuple(ranked[:k]), products, tuple(ranked[0].factors) if ranked else (), "", 0, 0.0)


def serve_list(result: SceneResult, k: int, rules: Exploration, request_id: str, diversity: Diversity) -> ServedList:
    """Return the list of `k` that a request is shown, drawn by `rules` from what a result recommends.

    Request `rules.wanted` of the matcher: list and runners-up together have no near-duplicates. With the rules off
    the list is shown in its order and every propensity is 1.
    """
    candidates = (*result.recommendations, *result.runners_up)
    if rules.method == "off":
        return list_as_is(candidates, k)
    scores = np.array([item.score for item in candidates])
    categories = np.unique([item.category for item in candidates], return_inverse=True)[1]
    rule = list_rule(categories, k, diversity) if candidates else None
    plan = plan_exploration(scores, k, rules, rule)
    order = plan.draw(request_id)
    chance = plan.propensities(order)
    ranked = [replace(candidates[place], rank=rank) for rank, place in enumerate(order, start=1)]
    products = tuple(
        ExposedProduct(
            product_id=item.product_id,
            rank=item.rank,
            score=item.score,
            propensity=float(chance[item.rank - 1]),
            shown=item.rank <= k,
            factors=tuple(item.factors.values()),
            rank_propensities=plan.rank_propensities(int(place)) if chance[item.rank - 1] < 1 else (),
        )
        for item, place in zip(ranked, order, strict=True)
    )
    names = tuple(candidates[0].factors) if candidates else ()
    price = 1 - plan.score / plan.best_score if candidates and plan.best_score > 0 else 0.0
    return ServedList(tuple(ranked[:k]), products, names, rules.name, request_seed(request_id), price)


def exposure_of(served: ServedList, request_id: str, at: float, result: SceneResult, **more: Any) -> Exposure:
    """Return the exposure of a served list in the context of its result.

    `more` are further fields of Exposure: scene, subject, weights_version, experiment, arm, intent and source.
    """
    context = result.context or {}
    return Exposure(
        request_id=request_id,
        at=at,
        bundle=result.bundle_version,
        products=served.products,
        factor_names=served.factor_names,
        seed=served.seed,
        exploration=served.exploration,
        elapsed_ms=result.elapsed_ms,
        price=served.price,
        calibrated=bool(served.shown) and all(item.calibrated for item in served.shown),
        personal=bool(context.get("person")),
        **{name: context.get(name) or "" for name in ("date", "country", "hemisphere", "channel")},
        **{"scene": "", "weights_version": "", **more},
    )
