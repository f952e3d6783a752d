"""Replays of season and trend, week by week through the second year, each week ranked by what was known before it."""

import datetime as dt
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks._context_data import Retail, ndcg, random_ndcg, smallest_good
from scene_pipeline.context.context import Context
from scene_pipeline.context.season import SeasonLifts
from scene_pipeline.context.trend import growth, weekly_sales

FIRST_MONDAY = dt.date(2009, 12, 7)
YEAR2 = dt.date(2010, 12, 6)
LAST_MONDAY = dt.date(2011, 11, 28)
"""The week of 5 December 2011 is open: it ends on Friday."""

TREND_GRID = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
SEASON_GRID = (0.0, 0.1, 0.2, 0.4, 0.6)
TRAILING = 26
"""Weeks before a week on which the weight of the season on top of popularity is learned."""

MIN_TRAILING = 8
"""Weeks that must have passed before a weight other than 0 is learned."""

MIN_BUYERS = 20
"""Weeks with fewer customers, those of the Christmas closure, are left out."""


@dataclass(frozen=True, slots=True)
class Week:
    """A week to rank for: which products [P] were known before it, and how many customers bought each in it [P]."""

    monday: dt.date
    known: np.ndarray
    bought: np.ndarray

    def ndcg(self, ranking: np.ndarray) -> float:
        """Return the NDCG@50 of products in the order of `ranking` [P]."""
        return ndcg(ranking, self.bought, self.known)


class Weeks:
    """All whole weeks of the data, and what could be computed before each."""

    def __init__(self, retail: Retail) -> None:
        self.retail = retail
        count = (LAST_MONDAY - FIRST_MONDAY).days // 7 + 1
        self.all = [week for at in range(count) if (week := self._week(FIRST_MONDAY + dt.timedelta(weeks=at)))]
        self.year1 = [week for week in self.all if dt.date(2010, 3, 8) <= week.monday < YEAR2]
        self.year2 = [week for week in self.all if week.monday >= YEAR2]
        self.popularity = cache(self._popularity)
        self.growth = cache(self._growth)

    def _week(self, monday: dt.date) -> Week | None:
        sales, start = self.retail.sales, monday.toordinal()
        inside = (sales.day >= start) & (sales.day < start + 7)
        if len(np.unique(sales.buyer[inside])) < MIN_BUYERS:
            return None
        return Week(monday, self.retail.first_day < start, self.retail.gains(monday, 7))

    def _popularity(self, monday: dt.date) -> np.ndarray:
        sold = weekly_sales(self.retail.sales, monday).sold.sum(axis=0)
        return np.log(sold / max(sold.sum(), 1.0) + 1e-5)

    def _growth(self, monday: dt.date) -> np.ndarray:
        return growth(weekly_sales(self.retail.sales, monday), self.retail.terms)

    def season(self, lifts: SeasonLifts, monday: dt.date) -> np.ndarray:
        """Return the season's lift [P] of products in the middle of a week in Britain."""
        by_term = lifts.at(Context.on(monday + dt.timedelta(days=3), country="GB"))
        values = self.retail.terms.values({term: lift for term, (lift, _) in by_term.items()})
        return self.retail.terms.lift(values)

    def season_over_random(self, lifts: SeasonLifts) -> np.ndarray:
        """Return by week of the second year the NDCG@50 of the season alone over that of a random order."""
        return np.array(
            [week.ndcg(self.season(lifts, week.monday)) - random_ndcg(week.bought, week.known) for week in self.year2]
        )

    def on_a_years_popularity(self, lifts: SeasonLifts, weight: float) -> np.ndarray:
        """Return by week of the second year what the season adds to popularity that holds no season: of 52 weeks."""
        gains = []
        for week in self.year2:
            sales, end = self.retail.sales, week.monday.toordinal()
            inside = (sales.day < end) & (sales.day >= end - 364)
            line = np.stack([(end - 1 - sales.day[inside]) // 7, sales.buyer[inside], sales.product[inside]], axis=1)
            sold = np.bincount(np.unique(line, axis=0)[:, 2], minlength=len(sales.products))
            base = np.log(sold / sold.sum() + 1e-5)
            gains.append(week.ndcg(base + weight * self.season(lifts, week.monday)) - week.ndcg(base))
        return np.array(gains)

    def trend_gain(self, weeks: list[Week], weight: float) -> np.ndarray:
        """Return by week the NDCG@50 that growth adds to 12-week popularity at a weight."""
        return np.array(
            [
                week.ndcg(self.popularity(week.monday) + weight * self.growth(week.monday))
                - week.ndcg(self.popularity(week.monday))
                for week in weeks
            ]
        )

    def learned_trend(self) -> float:
        """Return the weight of growth learned on the first year."""
        return smallest_good({weight: self.trend_gain(self.year1, weight) for weight in TREND_GRID})

    def season_on_recent(self, lifts: SeasonLifts, trend: float) -> tuple[np.ndarray, list[float]]:
        """Return by week of the second year what the season adds to recent popularity, and the weights learned.

        Recent popularity holds the season up to last week, so what is added is how the season's lift changes from the
        last three weeks to this one. The weight of a week is learned on the weeks before it, and is 0 for the first.
        """
        gains: dict[float, list[float]] = {weight: [] for weight in SEASON_GRID}
        reported, weights = [], []
        for week in self.year2:
            recent = self.popularity(week.monday) + trend * self.growth(week.monday)
            before = [self.season(lifts, week.monday - dt.timedelta(weeks=back)) for back in (1, 2, 3)]
            change = self.season(lifts, week.monday) - np.mean(before, axis=0)
            known = {weight: np.array(values[-TRAILING:]) for weight, values in gains.items()}
            weights.append(smallest_good(known) if len(known[0.0]) >= MIN_TRAILING else 0.0)
            base = week.ndcg(recent)
            for tried, values in gains.items():
                values.append(week.ndcg(recent + tried * change) - base)
            reported.append(gains[weights[-1]][-1])
        return np.array(reported), weights
