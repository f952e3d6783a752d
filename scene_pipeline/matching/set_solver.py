"""Choose one product for each place of a set, within a budget, so that all suit the room and each other.

A quadratic choice, made linear: `y[i, j]` is 1 where both products of a pair are chosen. With one product a place, the
sum of `y[i, ·]` over another place is at most `x[i]`, which bounds the pairs tightly (Adams and Sherali 1986). HiGHS
solves it through scipy; where its time is up before it has proved the best, the gap says how far off the answer may be.
"""

from dataclasses import dataclass, field

import numpy as np

PAIR_SHARE = 2.0
"""Weight of a set's mean pairwise fit, over that of the mean score of its products."""


@dataclass(frozen=True, slots=True)
class SetProblem:
    """Candidates of a set: `slot` [n] is the place each may take, `worth` [n] how well it suits the room (0-1), `price`
    [n] what it costs there, `fit` [n, n] how well each goes with each other one (0-1, symmetric).

    `must` are places that have to be taken.
    """

    slot: np.ndarray
    worth: np.ndarray
    price: np.ndarray
    fit: np.ndarray
    budget: float
    must: frozenset[int] = field(default_factory=frozenset)

    @property
    def slots(self) -> np.ndarray:
        """The places that have candidates."""
        return np.unique(self.slot)

    def value(self, chosen: np.ndarray) -> float:
        """Return what the solver maximizes, for the positions of a set."""
        pairs = self.fit[np.ix_(chosen, chosen)][np.triu_indices(len(chosen), 1)].sum()
        return float(self.worth[chosen].sum() + pair_weight(len(self.slots)) * pairs)


@dataclass(frozen=True, slots=True)
class Choice:
    """Positions of the products chosen, and the largest share by which a better set could exceed this one's value."""

    chosen: np.ndarray
    gap: float


def pair_weight(slots: int) -> float:
    """Return the weight of one pair: each product has a pair with every other place."""
    return PAIR_SHARE / max(slots - 1, 1)


def mean_fit(fit: np.ndarray, chosen: np.ndarray) -> float:
    """Return the mean pairwise fit of a set; 1 for a single product."""
    pairs = fit[np.ix_(chosen, chosen)][np.triu_indices(len(chosen), 1)]
    return float(pairs.mean()) if len(pairs) else 1.0


def greedy(problem: SetProblem) -> np.ndarray | None:
    """Return the best product of each place by its own worth, place by place. The lowest cost of the musts still to
    come is kept back. None where the places that must be taken exceed the budget.
    """
    cheapest = {slot: problem.price[problem.slot == slot].min() for slot in problem.slots.tolist()}
    held = sum(cheapest[slot] for slot in problem.must)
    if held > problem.budget:
        return None
    spent, chosen = 0.0, []
    for slot in sorted(problem.slots.tolist(), key=lambda slot: (slot not in problem.must, slot)):
        held -= cheapest[slot] if slot in problem.must else 0
        own = np.flatnonzero((problem.slot == slot) & (problem.price <= problem.budget - spent - held + 1e-9))
        if len(own):
            best = int(own[problem.worth[own].argmax()])
            chosen.append(best)
            spent += problem.price[best]
    return np.array(sorted(chosen), dtype=np.int64)


def solve(problem: SetProblem, time_limit: float = 2.0) -> Choice | None:
    """Return the best set that HiGHS finds in `time_limit` seconds; None where none meets budget and musts."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    start = greedy(problem)
    if start is None:
        return None
    if not len(problem.slot):  # HiGHS takes no empty problem
        return Choice(start, 0.0)
    count = len(problem.slot)
    first, second = np.nonzero(np.triu(problem.slot[:, None] != problem.slot[None], 1))
    cost = -np.concatenate([problem.worth, pair_weight(len(problem.slots)) * problem.fit[first, second]])
    matrix, low, high = _constraints(problem, first, second)
    found = milp(
        cost,
        integrality=np.concatenate([np.ones(count), np.zeros(len(first))]),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, low, high),
        options={"time_limit": time_limit, "mip_rel_gap": 1e-4},
    )
    ours = problem.value(start)
    best, bound = start, -float(found.mip_dual_bound) if found.mip_dual_bound is not None else np.inf
    if found.x is not None:
        chosen = np.flatnonzero(found.x[:count] > 0.5)
        if problem.value(chosen) >= ours:
            best = chosen
    value = problem.value(best)
    return Choice(best, float(max(bound - value, 0.0) / max(value, 1e-9)) if np.isfinite(bound) else 1.0)


def _constraints(problem: SetProblem, first: np.ndarray, second: np.ndarray) -> tuple:
    """Return the sparse matrix over products and pairs, with the lower and the upper bound of each row."""
    from scipy.sparse import coo_array

    count, slots = len(problem.slot), problem.slots
    rows, columns, values, low, high = [], [], [], [], []

    def add(cells: np.ndarray, weights: np.ndarray | float, least: float, most: float) -> None:
        rows.append(np.full(len(cells), len(low)))
        columns.append(cells)
        values.append(np.broadcast_to(weights, len(cells)))
        low.append(least)
        high.append(most)

    add(np.arange(count), problem.price, 0, problem.budget)
    for slot in slots.tolist():
        add(np.flatnonzero(problem.slot == slot), 1.0, float(slot in problem.must), 1)
    for own, other in ((first, second), (second, first)):
        key = own * (int(slots.max()) + 1) + problem.slot[other]
        order = np.argsort(key, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
            if len(part):
                _tie(add, part, own, count)
    shape = (len(low), count + len(first))
    matrix = coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    return matrix.tocsr(), np.array(low), np.array(high)


def _tie(add, part: np.ndarray, own: np.ndarray, count: int) -> None:
    """Let the pairs of one product with one place be at most that product."""
    weights = np.ones(len(part) + 1)
    weights[-1] = -1
    add(np.append(count + part, own[part[0]]), weights, -np.inf, 0)
