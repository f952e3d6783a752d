"""Replays of the person: every four weeks of the second year, what is new to a customer and bought in the next four."""

import datetime as dt
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks._context_data import DISCOUNT, Retail
from scene_pipeline.context.person import Profile, fit_population, fit_profiles, person_fit, term_lifts
from scene_pipeline.context.trend import weekly_sales

CUTS = tuple(dt.date(2011, 1, 3) + dt.timedelta(weeks=4 * at) for at in range(12))
HORIZON_DAYS = 28
PERSON_GRID = tuple(step / 10 for step in range(13))
MAX_HARM = 0.0075
"""A weight at which a wrong profile costs more NDCG than this on the tune customers is not chosen."""
ALS_GRID = (2.0, 4.0, 6.0, 8.0, 12.0, 20.0, 40.0)
PEER = "implicit==0.7.2"
K = 10


@dataclass(frozen=True, slots=True)
class Cut:
    """What was known on a day and what came after; `people` [m] bought something new to them in the next four weeks.

    `popularity` [P] is the logarithm of the share of sales in the last 12 weeks; `fit` [m, P] is how well products fit
    the person, `wrong` [m, P] how well they fit another customer with about as many purchases.
    """

    day: dt.date
    people: np.ndarray
    purchases: np.ndarray
    popularity: np.ndarray
    fit: np.ndarray
    wrong: np.ndarray
    owned: np.ndarray
    new: np.ndarray


def bought(retail: Retail, first: int, last: int) -> np.ndarray:
    """Return which person bought which product in the days from `first` to before `last`, as [persons, P]."""
    sales = retail.sales
    kept = (sales.day >= first) & (sales.day < last) & (sales.person >= 0)
    matrix = np.zeros((len(sales.persons), len(sales.products)), dtype=bool)
    matrix[sales.person[kept], sales.product[kept]] = True
    return matrix


def cuts(retail: Retail) -> Iterator[Cut]:
    """Yield the cuts; nothing of a cut but `new` depends on a later day."""
    for day in CUTS:
        ordinal = day.toordinal()
        owned = bought(retail, 0, ordinal)
        new = bought(retail, ordinal, ordinal + HORIZON_DAYS) & ~owned
        new[:, retail.first_day >= ordinal] = False  # nobody can recommend what is not in the catalog yet
        people = np.flatnonzero(new.any(axis=1))
        sold = weekly_sales(retail.sales, day).sold.sum(axis=0)
        purchases = owned[people].sum(axis=1)
        fit = people_fit(retail, day, people)
        yield Cut(
            day=day,
            people=people,
            purchases=purchases,
            popularity=np.where(retail.first_day < ordinal, np.log(sold / sold.sum() + 1e-5), -np.inf),
            fit=fit,
            wrong=fit[another(purchases)],
            owned=owned[people],
            new=new[people],
        )


def people_fit(retail: Retail, day: dt.date, people: np.ndarray) -> np.ndarray:
    """Return how well products fit people [m, P], from the profiles that stood on a day."""
    before = retail.sales.before(day)
    population = fit_population(before, retail.terms, retail.log_price)
    shares = retail.terms.values(population.shares)
    positions = {name: at for at, name in enumerate(retail.terms.names.tolist())}
    wanted = {retail.sales.persons[person] for person in people}
    known = np.isin(before.person, people)
    profiles = {
        profile.id: profile for profile in fit_profiles(before.where(known), retail.terms, retail.log_price, day)
    }
    assert set(profiles) <= wanted
    fits = np.zeros((len(people), len(retail.log_price)))
    for row, person in enumerate(people):
        profile = profiles.get(retail.sales.persons[person]) or Profile("", day)
        lifts = retail.terms.lift(term_lifts(profile, shares, positions))
        fits[row] = person_fit(profile, population, lifts, retail.log_price)
    return fits


def another(purchases: np.ndarray) -> np.ndarray:
    """Return for each person [m] another one with about as many purchases."""
    order = np.argsort(purchases + np.random.default_rng(0).random(len(purchases)), kind="stable")
    result = np.empty(len(order), dtype=np.int64)
    result[order] = np.roll(order, 1)
    return result


def measures(scores: np.ndarray, cut: Cut) -> tuple[np.ndarray, np.ndarray]:
    """Return hit@10 and NDCG@10 [m] of products in the order of `scores` [m, P], those owned left out."""
    scores = np.where(cut.owned, -np.inf, scores)
    top = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    right = np.take_along_axis(cut.new, top, axis=1)
    ideal = np.cumsum(DISCOUNT[:K])[np.minimum(cut.new.sum(axis=1), K) - 1]
    return np.asarray(right.any(axis=1), dtype=np.float64), (right * DISCOUNT[:K]).sum(axis=1) / ideal


def replay(found: list[Cut], scores: Callable[[Cut], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return hit@10 and NDCG@10 of all people of all cuts, end to end."""
    parts = [measures(scores(cut), cut) for cut in found]
    return np.concatenate([hit for hit, _ in parts]), np.concatenate([ndcg for _, ndcg in parts])


def als_factors(retail: Retail, found: list[Cut]) -> list[dict[str, np.ndarray]]:
    """Return the peer's factors for every cut, computed in an environment made for it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for at, cut in enumerate(found):
            person, product = np.nonzero(bought(retail, 0, cut.day.toordinal()))
            shape = np.array([len(retail.sales.persons), len(retail.sales.products)])
            np.savez(folder / f"cut_{at:02d}.npz", person=person, product=product, shape=shape)
        venv.create(folder / "peer", with_pip=True)
        python = folder / "peer" / "bin" / "python"
        script = Path(__file__).with_name("_context_als.py")
        for command in (["-m", "pip", "install", "-q", PEER], [str(script), str(folder)]):
            subprocess.run([python, *command], check=True, stdout=sys.stderr)
        found_factors = []
        for at, cut in enumerate(found):
            with np.load(folder / f"als_cut_{at:02d}.npz") as arrays:
                names = [key.removeprefix("person_") for key in arrays.files if key.startswith("person_")]
                found_factors.append(
                    {name: arrays[f"person_{name}"][cut.people] @ arrays[f"product_{name}"].T for name in names}
                )
        return found_factors
