"""Furnish a photographed room: the set of products that suits it and holds together, within a budget."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import sha256_bytes
from scene_pipeline.matching.filtering import allowed_products, kept_back
from scene_pipeline.matching.pairwise import pairwise_fit
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.result import FurnishedSet, Piece, Swap
from scene_pipeline.matching.set_solver import Choice, SetProblem, greedy, mean_fit, solve
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Vocabulary

if TYPE_CHECKING:
    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.matching.scored import Scored

BEST, CHEAPEST = 5, 1
"""Candidates for each place: those that suit the room best, and the cheapest, so that a small budget has an answer."""

PROMISING = 40
"""Products of one place that are scored, where it has many: those whose picture stands out most in the photograph."""

MAX_PIECES = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """What a set must be. Prices are in the catalog's currency.

    `must` and `want` map a type group, product type or category to pieces of one product (four chairs are one choice);
    everything in `must` has to be in the set. Without both, the set is what such a room usually has. `keep` names what
    stays in the room: a type, of which nothing is bought, or the id or SKU of a product of the catalog, which the set
    has to go with.
    """

    budget: float
    must: Mapping[str, int] = field(default_factory=dict)
    want: Mapping[str, int] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    seconds: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a budget that buys nothing, and counts out of bounds."""
        if not (0 < self.budget < float("inf")):
            raise ScenePipelineError(f"the budget is {self.budget:g}; it must be a number above 0")
        for name, count in (*self.must.items(), *self.want.items()):
            if not 1 <= count <= MAX_PIECES:
                raise ScenePipelineError(f"'{name}={count}': pieces must lie between 1 and {MAX_PIECES}")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a set: its name, how many pieces, the rows that may take it, whether it has to be taken."""

    name: str
    count: int
    rows: np.ndarray
    must: bool


def furnish(matcher: "SceneMatcher", scene: Scene, plan: Plan, request: Request) -> FurnishedSet:
    """Return the set for an analyzed scene. Raises ScenePipelineError for unknown names.

    A plan that nothing meets has no pieces, and a note that says what to relax.
    """
    started = time.perf_counter()
    kept, own = _kept(matcher, plan)
    slots, missing = _slots(matcher, scene, plan, request, kept)
    candidates = _Candidates.of(matcher, scene, slots, (own, request))
    problem = candidates.problem(plan)
    found = None if any(slot.must for slot in missing) else solve(problem, plan.seconds)
    if found is None or not len(problem.slot):
        found = Choice(np.zeros(0, np.int64), 0.0)
        note = _relaxation(plan, slots, missing, candidates, matcher.currency)
        if not np.isfinite(matcher.features.price).any():
            note = "no set: no product of the catalog has a price; add prices, or ask for a list without a budget"
    else:
        note = _left_out(slots, missing, candidates, found.chosen)
    return _answer(matcher, (scene, plan, request), candidates, (found, note), started)


def greedy_fit(matcher: "SceneMatcher", scene: Scene, plan: Plan, request: Request) -> float:
    """Return the mean pairwise fit of the set of the best product for each place: the baseline for `furnish`.

    0 where there is no such set.
    """
    kept, own = _kept(matcher, plan)
    slots, _ = _slots(matcher, scene, plan, request, kept)
    problem = _Candidates.of(matcher, scene, slots, (own, request)).problem(plan)
    chosen = greedy(problem)
    return 0.0 if chosen is None else mean_fit(problem.fit, chosen)


def _kept(matcher: "SceneMatcher", plan: Plan) -> tuple[set[str], np.ndarray]:
    """Return the type groups of which nothing is bought, and the rows of the catalog's products that stay."""
    groups: set[str] = set()
    rows: list[int] = []
    for name in plan.keep:
        found = _groups_of(matcher.vocabulary, name)
        if found:
            groups |= found
        elif (row := matcher.row_of(name)) is not None:
            rows.append(row)
            groups |= {matcher.group_of(row)} - {""}
        else:
            raise ScenePipelineError(f"keep '{name}': is neither a type nor an id or SKU of the catalog")
    return groups, np.array(rows, dtype=np.int64)


def _groups_of(vocabulary: Vocabulary, name: str) -> set[str]:
    """Return the type groups that a group id, a product type or a category names; empty for an unknown name."""
    wanted = name.strip().lower().replace("_", " ")
    for group in vocabulary.types.groups:
        if wanted == group.id.replace("_", " ") or wanted in group.types:
            return {group.id}
    return set()


def _slots(
    matcher: "SceneMatcher", scene: Scene, plan: Plan, request: Request, kept: set[str]
) -> tuple[list[Slot], list[Slot]]:
    """Return the places that products of the catalog can take, musts first, and those that none can."""
    wanted = {**plan.must, **{name: count for name, count in plan.want.items() if name not in plan.must}}
    usual: Mapping[str, int] = {}
    if not plan.want and scene.analysis.room_certain:
        usual = next((room.usual for room in matcher.vocabulary.rooms if room.id == scene.analysis.room.value), {})
    features = matcher.features
    allowed = allowed_products(request.constraints, features, matcher.category_ids, matcher.brands)
    every = np.arange(len(features)) if allowed is None else np.flatnonzero(allowed)
    every = every[np.isfinite(features.price[every]) & (features.price[every] <= plan.budget)]
    every = every[~kept_back(scene, features, every, request.constraints.include)] if len(every) else every
    slots: list[Slot] = []
    taken: set[str] = set(kept)
    for name, count in (*wanted.items(), *usual.items()):
        groups = _groups_of(matcher.vocabulary, name)
        stated = name in wanted
        if not groups and name not in matcher.category_ids:
            raise ScenePipelineError(f"'{name}' is no type group, product type or category of the vocabulary")
        if not stated and groups <= taken:
            continue
        rows = every[_belongs(matcher, every, name, groups)]
        rows = rows[features.price[rows] * count <= plan.budget]
        slots.append(Slot(name, count, rows, name in plan.must))
        taken |= groups
    if not slots:
        raise ScenePipelineError(
            "the room is not certain, so nothing is usual in it; say what is wanted, as in --want sofa=1"
        )
    return [slot for slot in slots if len(slot.rows)], [slot for slot in slots if not len(slot.rows)]


def _belongs(matcher: "SceneMatcher", rows: np.ndarray, name: str, groups: set[str]) -> np.ndarray:
    features = matcher.features
    if groups:
        ids = [group.id for group in matcher.vocabulary.types.groups]
        return np.isin(features.type_group[rows], [ids.index(group) for group in groups])
    return features.category[rows] == matcher.category_ids.index(name)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Candidates of all places: positions into `scored`, the place, the pieces and the price of each."""

    matcher: "SceneMatcher"
    scored: "Scored"
    position: np.ndarray
    slot: np.ndarray
    count: np.ndarray
    names: tuple[str, ...]
    must: frozenset[int]
    own: np.ndarray

    @classmethod
    def of(
        cls, matcher: "SceneMatcher", scene: Scene, slots: Sequence[Slot], extra: tuple[np.ndarray, Request]
    ) -> "_Candidates":
        """Score what may take a place, and keep the best and the cheapest of each."""
        own, request = extra
        rows = np.unique(np.concatenate([own, *[_promising(matcher, scene, slot.rows) for slot in slots]]))
        scored = matcher.score_rows(scene, rows.astype(np.int64), request)
        place = {int(row): index for index, row in enumerate(scored.rows)}
        positions, numbers, counts = [], [], []
        for number, slot in enumerate(slots):
            found = np.array(sorted(place[int(row)] for row in slot.rows if int(row) in place), np.int64)
            found = found[~np.isin(scored.rows[found], own)]
            best = found[:BEST]
            price = matcher.features.price[scored.rows[found]]
            chosen = np.union1d(best, found[np.argsort(price, kind="stable")[:CHEAPEST]])
            positions += chosen.tolist()
            numbers += [number] * len(chosen)
            counts += [slot.count] * len(chosen)
        positions += [place[int(row)] for row in own]
        numbers += [len(slots) + index for index in range(len(own))]
        counts += [0] * len(own)
        must = frozenset([number for number, slot in enumerate(slots) if slot.must])
        return cls(
            matcher,
            scored,
            np.array(positions, np.int64),
            np.array(numbers, np.int64),
            np.array(counts, np.int64),
            (*[slot.name for slot in slots], *["kept"] * len(own)),
            must | frozenset(range(len(slots), len(slots) + len(own))),
            own,
        )

    @property
    def rows(self) -> np.ndarray:
        return self.scored.rows[self.position]

    @property
    def price(self) -> np.ndarray:
        """The price of each in its place; 0 for a product that is in the room already."""
        price = self.matcher.features.price[self.rows].astype(np.float64).round(2)
        return np.where(self.count > 0, price, 0.0)

    def problem(self, plan: Plan) -> SetProblem:
        fit = pairwise_fit(self.matcher.features, self.rows, self.matcher.vocabulary)
        worth = self.scored.ranking[self.position]
        taken = frozenset(self.must & set(self.slot.tolist()))
        return SetProblem(self.slot, worth, self.price * self.count, fit, plan.budget, taken)


def _promising(matcher: "SceneMatcher", scene: Scene, rows: np.ndarray) -> np.ndarray:
    """Return the rows worth scoring for a place: few of many, by their pictures alone, and the cheapest."""
    if len(rows) <= PROMISING:
        return rows
    above, _ = matcher.stand_out(scene, rows)
    cheapest = rows[np.argsort(matcher.features.price[rows], kind="stable")[:CHEAPEST]]
    return np.union1d(rows[np.argpartition(-above, PROMISING - 1)[:PROMISING]], cheapest)


def _relaxation(
    plan: Plan, slots: Sequence[Slot], missing: Sequence[Slot], candidates: _Candidates, currency: str
) -> str:
    """Say in a line why there is no set, and what to relax."""
    gone = [slot.name for slot in missing if slot.must]
    if gone:
        return (
            f"no set: the catalog has no {_names(gone)} with a price within {_money(plan.budget, currency)} under the "
            f"constraints; raise the budget, loosen them, or leave {_names(gone)} out"
        )
    if missing and not slots:
        return (
            f"no set: the catalog has no product with a price within {_money(plan.budget, currency)} that fits as "
            f"{_names([slot.name for slot in missing])}; raise the budget, or loosen the constraints"
        )
    cost = {
        number: (candidates.price * candidates.count)[candidates.slot == number].min() for number in candidates.must
    }
    dearest = max(cost, key=lambda number: cost[number])
    musts = [f"{slot.count} of {slot.name}" if slot.count > 1 else slot.name for slot in slots if slot.must]
    return (
        f"no set: {_names(musts)} cost at least {_money(sum(cost.values()), currency)}; raise the budget from "
        f"{_money(plan.budget, currency)}, or leave out {candidates.names[dearest]}"
    )


def _left_out(slots: Sequence[Slot], missing: Sequence[Slot], candidates: _Candidates, chosen: np.ndarray) -> str:
    """Say what was wanted and is not in the set."""
    taken = set(candidates.slot[chosen].tolist())
    beyond = [slot.name for number, slot in enumerate(slots) if number not in taken]
    parts = []
    if beyond:
        parts.append(f"the budget leaves out {_names(beyond)}")
    if missing:
        parts.append(f"no product with a price fits as {_names([slot.name for slot in missing])}")
    return "; ".join(parts)


def _names(names: Sequence[str]) -> str:
    shown = [name.replace("_", " ") for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _money(amount: float, currency: str) -> str:
    return f"{amount:,.2f} {currency}".rstrip()


def _answer(
    matcher: "SceneMatcher",
    question: tuple[Scene, Plan, Request],
    candidates: _Candidates,
    found: tuple[Choice, str],
    started: float,
) -> FurnishedSet:
    scene, plan, request = question
    choice, note = found
    chosen = choice.chosen
    fit = pairwise_fit(matcher.features, candidates.rows, matcher.vocabulary)
    bought = chosen[candidates.count[chosen] > 0]
    other = _best_swap(candidates, fit, chosen)
    shown = bought if other is None else np.append(bought, other[1])
    products = matcher.explain(scene, candidates.scored, candidates.position[shown].tolist(), request)
    pieces = tuple(
        Piece(candidates.names[candidates.slot[at]], int(candidates.count[at]), float(candidates.price[at]), product)
        for at, product in zip(bought.tolist(), products, strict=False)
    )
    cost = round(sum(piece.total for piece in pieces), 2)
    swap = None
    if other is not None:
        out, into, saves = other
        changed = np.where(chosen == out, into, chosen)
        place = bought.tolist().index(out)
        swap = Swap(products[place].product_id, products[-1], saves, mean_fit(fit, changed))
    stated = (request.id, plan.budget, sorted(plan.must.items()), sorted(plan.want.items()), plan.keep)
    return FurnishedSet(
        scene=scene.analysis,
        pieces=pieces,
        kept=plan.keep,
        cost=cost,
        left=round(plan.budget - cost, 2),
        budget=plan.budget,
        currency=matcher.currency,
        fit=mean_fit(fit, chosen) if len(chosen) else 0.0,
        gap=choice.gap,
        swap=swap,
        note=note,
        bundle_version=matcher.bundle.version,
        set_id=sha256_bytes(msgspec.json.encode((stated, [piece.product.product_id for piece in pieces])))[:12],
        elapsed_ms=1000 * (time.perf_counter() - started),
    )


def _best_swap(candidates: _Candidates, fit: np.ndarray, chosen: np.ndarray) -> tuple[int, int, float] | None:
    """Return the exchange that saves most as (old position, new position, saving); None where none saves."""
    paid = candidates.price * candidates.count
    best: tuple[int, int, float] | None = None
    for own in chosen.tolist():
        others = np.flatnonzero((candidates.slot == candidates.slot[own]) & (paid < paid[own] - 0.005))
        for other in others.tolist():
            saves = float(paid[own] - paid[other])
            if best is None or (saves, fit[other, chosen].mean()) > (best[2], fit[best[1], chosen].mean()):
                best = (own, other, saves)
    return best
