"""Person: a profile that can be read and corrected, and how well it fits products."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from scene_pipeline.context.sales import Sales
from scene_pipeline.context.terms import ProductTerms, name_of

SHRINKAGE = 20.0
"""A profile of n purchases counts for n / (n + SHRINKAGE)."""

PRIOR = 0.5
"""Strength of the Gamma prior of a term, in expected purchases."""

PRICE_WEIGHT = 0.3
"""Weight of the price level beside the terms."""

MAX_TERM_LIFT = 3.0
"""The lift of a term or price lies within ± this."""

MAX_FIT = 1.5
"""The fit of a product lies within ± this: a small loss for a right profile, and a limit on the harm of a wrong one."""

KEPT_TERMS = 400
"""Maximum number of terms kept in a profile, the most frequent first."""


class PriceLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Natural logarithms of prices: their number, mean and variance."""

    count: float
    mean: float
    variance: float


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What everybody buys: of all purchases the share that has a term, and the price level."""

    purchases: float
    shares: dict[str, float]
    price: PriceLevel | None = None


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person bought, by term, and what they or the merchandiser corrected.

    `purchases` is the number of different products, where other actions count less (sales.ACTION_WEIGHTS);
    `corrections` maps a term to the log-lift that holds in place of the computed one: 0 to ignore it, -1 to avoid it.
    """

    id: str
    updated: dt.date
    purchases: float = 0.0
    terms: dict[str, float] = {}
    price: PriceLevel | None = None
    corrections: dict[str, float] = {}

    @property
    def weight(self) -> float:
        """How much the profile counts, 0 to 1."""
        return self.purchases / (self.purchases + SHRINKAGE)


def term_lifts(profile: Profile, shares: np.ndarray, positions: Mapping[str, int]) -> np.ndarray:
    """Return the log-lift of every term [T] for a person; all are 0 without purchases and corrections.

    `shares` [T] are those of the population, and `positions` maps a term to its index.
    """
    count = np.zeros(len(shares))
    for term, value in profile.terms.items():
        if term in positions:
            count[positions[term]] = value
    lifts = profile.weight * np.log((count + PRIOR) / (profile.purchases * shares + PRIOR))
    for term, value in profile.corrections.items():
        if term in positions:
            lifts[positions[term]] = value
    return np.clip(lifts, -MAX_TERM_LIFT, MAX_TERM_LIFT)


def price_lift(profile: Profile, population: Population, log_price: np.ndarray) -> np.ndarray:
    """Return how much likelier a price [m] (natural logarithm, NaN unknown) is for the person than for everybody.

    Both are normal distributions of the logarithm, and the person's is shrunk to everybody's. An unknown price gives 0.
    """
    own, usual = profile.price, population.price
    if own is None or usual is None or not own.count:
        return np.zeros(len(log_price))
    n = own.count + SHRINKAGE
    mean = (own.count * own.mean + SHRINKAGE * usual.mean) / n
    second = own.count * (own.variance + own.mean**2) + SHRINKAGE * (usual.variance + usual.mean**2)
    variance = max(second / n - mean**2, 1e-3)
    lift = 0.5 * (
        (log_price - usual.mean) ** 2 / usual.variance
        - (log_price - mean) ** 2 / variance
        + math.log(usual.variance / variance)
    )
    return PRICE_WEIGHT * profile.weight * np.clip(np.nan_to_num(lift), -MAX_TERM_LIFT, MAX_TERM_LIFT)


def person_fit(profile: Profile, population: Population, lifts: np.ndarray, log_price: np.ndarray) -> np.ndarray:
    """Return how well products [m] fit a person, from the lifts of their terms [m] and their prices [m]."""
    return np.clip(lifts + price_lift(profile, population, log_price), -MAX_FIT, MAX_FIT)


def fit_population(sales: Sales, terms: ProductTerms, log_price: np.ndarray) -> Population:
    """Return what everybody buys; `terms` and `log_price` [P] have a row for each of `sales.products`.

    Each person counts once for a product; lines without a person are left out.
    """
    _, product, weight = _distinct(sales)
    total = float(weight.sum())
    counts = terms.counts(product, weight) / max(total, 1.0)
    shares = dict(zip(terms.names.tolist(), np.round(counts, 6).tolist(), strict=True))
    sold = {term: share for term, share in shares.items() if share}
    return Population(total, sold, _price_level(log_price[product], weight))


def fit_profiles(sales: Sales, terms: ProductTerms, log_price: np.ndarray, updated: dt.date) -> Iterator[Profile]:
    """Yield a profile for every person of the sales; rows of `terms` and `log_price` [P] are `sales.products`."""
    person, product, weight = _distinct(sales)
    starts = np.flatnonzero(np.r_[True, person[1:] != person[:-1]]) if len(person) else np.array([], dtype=np.int64)
    names = terms.names
    for rows in np.split(np.arange(len(person)), starts[1:]) if len(starts) else []:
        own, amount = product[rows], weight[rows]
        count = terms.counts(own, amount)
        kept = np.argsort(-count, kind="stable")[:KEPT_TERMS]
        yield Profile(
            id=sales.persons[person[rows[0]]],
            updated=updated,
            purchases=round(float(amount.sum()), 2),
            terms={str(names[at]): round(float(count[at]), 2) for at in kept if count[at] > 0},
            price=_price_level(log_price[own], amount),
        )


def _distinct(sales: Sales) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return person, product and weight of each pair with a known person, by person; the strongest action counts."""
    known = np.flatnonzero(sales.person >= 0)
    order = known[np.lexsort((-sales.weight[known], sales.product[known], sales.person[known]))]
    person, product = sales.person[order], sales.product[order]
    first = np.r_[True, (person[1:] != person[:-1]) | (product[1:] != product[:-1])] if len(order) else []
    kept = order[np.asarray(first, dtype=bool)]
    return sales.person[kept], sales.product[kept], sales.weight[kept]


def _price_level(log_price: np.ndarray, weight: np.ndarray) -> PriceLevel | None:
    known = np.isfinite(log_price)
    total = float(weight[known].sum())
    if not total:
        return None
    mean = float(np.average(log_price[known], weights=weight[known]))
    variance = float(np.average((log_price[known] - mean) ** 2, weights=weight[known]))
    return PriceLevel(round(total, 2), round(mean, 4), round(max(variance, 1e-3), 4))


def person_reason(profile: Profile, likes: list[str], price: float | None) -> str:
    """Return why a product suits the person: "for you: light wood, under 50"; empty when nothing does.

    `likes` are terms of the product that the person likes, the strongest first; `price` is the product's.
    """
    parts = list(dict.fromkeys(map(name_of, likes)))[:2]
    limit = price_limit(profile)
    if price is not None and limit is not None and price <= limit:
        parts.append(f"under {limit:g}")
    return f"for you: {', '.join(parts)}" if likes else ""


def price_limit(profile: Profile) -> float | None:
    """Return a round price that most of the person's purchases stay under; None for fewer than five."""
    if profile.price is None or profile.price.count < 5:
        return None
    value = math.exp(profile.price.mean + math.sqrt(profile.price.variance))
    step = 10 ** math.floor(math.log10(value)) / 2
    return math.ceil(value / step) * step
