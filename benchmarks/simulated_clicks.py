"""A crowd that clicks: real scenes, products and factors, true products are liked, and places decide what is seen."""

import csv
import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_pipeline.learning.exploration import Exploration, ExplorationPlan, plan_exploration
from scene_pipeline.learning.logs import Logs

K = 10
MIN_CANDIDATES = 20


@dataclass(frozen=True)
class Crowd:
    """P(click) = 1/rank^severity x (noise + taste x true). A taste of 0 clicks on all products alike."""

    severity: float = 1.0
    noise: float = 0.05
    taste: float = 0.8


@dataclass(frozen=True)
class ScoredLists:
    """Candidates of (scene, category), with factors [c, F] and whether each is a true product [c]; `scene` of each."""

    lists: tuple[tuple[np.ndarray, np.ndarray], ...]
    scene: tuple[str, ...]
    prior: np.ndarray
    factor_names: tuple[str, ...]

    @property
    def scenes(self) -> int:
        """How many scenes the lists are of."""
        return len(set(self.scene))

    def halves(self, seed: int) -> tuple["ScoredLists", "ScoredLists"]:
        """Return the lists to learn from and those held out: scenes apart, by a hash of seed and name."""
        first = [hashlib.sha256(f"{seed}-{name}".encode()).digest()[0] % 2 == 0 for name in self.scene]
        return self._part(first), self._part([not side for side in first])

    def _part(self, kept: list[bool]) -> "ScoredLists":
        pairs = [(item, name) for item, name, keep in zip(self.lists, self.scene, kept, strict=True) if keep]
        return ScoredLists(
            tuple(item for item, _ in pairs), tuple(name for _, name in pairs), self.prior, self.factor_names
        )


def scored_lists(artifacts: Path, ikea: Path) -> ScoredLists:
    """Score every product for every scene by the promoted bundle, and part them by category.

    Lists are of one category, as when somebody looks for a lamp for this room, and hold at least one true product.
    """
    from scene_pipeline.matching.factors import FACTORS
    from scene_pipeline.matching.matcher import SceneMatcher

    matcher = SceneMatcher.open(artifacts)
    products = matcher.bundle.products(["sku_id", "category"])
    sku, category = (np.array(products[name].to_pylist()) for name in ("sku_id", "category"))
    truth = defaultdict(set)
    with (ikea / "scene_products.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            truth[row["scene"]].add(row["sku_id"])
    lists, scenes = [], []
    for name in sorted(truth):
        scored = matcher.score_all(matcher.analyze(ikea / "scenes" / name))
        labels = np.isin(sku[scored.rows], sorted(truth[name]))
        for one in np.unique(category):
            members = category[scored.rows] == one
            if labels[members].any() and members.sum() >= MIN_CANDIDATES:
                lists.append((scored.factors[members].astype(np.float64), labels[members]))
                scenes.append(name)
    prior = np.array([matcher.weights[name] for name in FACTORS])
    return ScoredLists(tuple(lists), tuple(scenes), prior, tuple(FACTORS))


def simulate(lists: ScoredLists, crowd: Crowd, rules: Exploration, sessions: int, seed: int = 0) -> tuple[Logs, float]:
    """Return the log of a crowd on lists ranked by the prior, and the share of the score that exploration costs.

    Sessions stand in the order of their lists.
    """
    generator = np.random.default_rng(seed)
    visits = np.bincount(generator.integers(len(lists.lists), size=sessions), minlength=len(lists.lists))
    columns: dict[str, list[np.ndarray]] = {}
    costs, session, row = [], 0, 0
    for (factors, labels), count in zip(lists.lists, visits, strict=True):
        scores = factors @ lists.prior
        best = np.argsort(-scores, kind="stable")[: K + rules.runners_up]
        plan = plan_exploration(scores[best], K, rules)
        orders = drawn_orders(plan, int(count), generator)
        n = len(best)
        rank = np.arange(1, n + 1)
        attraction = crowd.noise + crowd.taste * labels[best][orders]
        click = (generator.random(orders.shape) < attraction / rank**crowd.severity) & (rank <= K)
        candidate, column = np.nonzero(plan.probability)
        rows = row + np.arange(orders.size).reshape(orders.shape)
        part = {
            "request": np.repeat(np.arange(session, session + count), n),
            "rank": np.tile(rank, count),
            "shown": np.tile(rank <= K, count),
            "factors": factors[best][orders.ravel()],
            "reward": click.ravel().astype(float),
            "support_row": np.take_along_axis(rows, np.argsort(orders, axis=1), axis=1)[:, candidate].ravel(),
            "support_rank": np.tile(column + 1, count),
            "support_probability": np.tile(plan.probability[candidate, column], count),
        }
        for name, values in part.items():
            columns.setdefault(name, []).append(values)
        costs.append(1 - plan.score / plan.best_score)
        session, row = session + int(count), row + orders.size
    log = Logs(
        n=sessions,
        scene=np.repeat(np.unique(lists.scene, return_inverse=True)[1], visits),
        factor_names=lists.factor_names,
        **{name: np.concatenate(parts) for name, parts in columns.items()},
    )
    return log, float(np.average(costs, weights=visits))


def drawn_orders(plan: ExplorationPlan, count: int, generator: np.random.Generator) -> np.ndarray:
    """Return the orders [count, n] of a list in many sessions: as `plan.draw`, of which each draws a single one."""
    orders = np.tile(np.arange(len(plan.probability)), (count, 1))
    cuts = generator.integers(len(plan.blocks), size=count)
    for cut, blocks in enumerate(plan.blocks):
        sessions = np.flatnonzero(cuts == cut)
        for places, choices, chance in blocks:
            picked = np.searchsorted(np.cumsum(chance)[:-1], generator.random(len(sessions)), side="right")
            orders[sessions[:, None], places] = choices[picked]
    return orders


def joined(first: Logs, second: Logs) -> Logs:
    """Return one log of both, in which requests and rows are counted on."""
    names = ("scene", "rank", "shown", "factors", "reward", "support_rank", "support_probability")
    columns = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    return Logs(
        n=first.n + second.n,
        request=np.concatenate([first.request, second.request + first.n]),
        support_row=np.concatenate([first.support_row, second.support_row + len(first.request)]),
        factor_names=first.factor_names,
        **columns,
    )


def ndcg_of(lists: ScoredLists, weights: np.ndarray, k: int = K) -> float:
    """Return the mean NDCG@k of the lists ordered by `weights`."""
    discount = 1 / np.log2(2 + np.arange(k))
    found = []
    for factors, labels in lists.lists:
        ranked = labels[np.argsort(-(factors @ weights), kind="stable")][:k]
        found.append(float(ranked @ discount[: len(ranked)] / discount[: min(k, int(labels.sum()))].sum()))
    return float(np.mean(found))
