"""Order lines of the retail set as arrays, and the measures that the replays of benchmarks.context share."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from scene_pipeline.context.sales import Sales, sales_of
from scene_pipeline.context.terms import ProductTerms, words_of

DISCOUNT = 1 / np.log2(np.arange(2, 52))
RESAMPLES = 2000
BLOCK = 4
"""Weeks of a block: the gains of neighboring weeks are alike."""

SEASONS = 4
"""Blocks are drawn within quarters, so that every resampled year has all its seasons."""


@dataclass(frozen=True, slots=True)
class Retail:
    """Two years of sales; `terms`, `log_price` [P] and `first_day` [P] have a row for each of `sales.products`.

    `tune` [persons] says which customers parameters are chosen on; the others are reported.
    """

    sales: Sales
    terms: ProductTerms
    log_price: np.ndarray
    first_day: np.ndarray
    tune: np.ndarray

    def gains(self, first: dt.date, days: int) -> np.ndarray:
        """Return how many customers bought each product [P] in some days."""
        sales, start = self.sales, first.toordinal()
        kept = (sales.day >= start) & (sales.day < start + days) & (sales.person >= 0)
        pairs = np.unique(np.stack([sales.person[kept], sales.product[kept]], axis=1), axis=0)
        return np.bincount(pairs[:, 1], minlength=len(self.first_day)).astype(np.float64)


def load(folder: Path) -> Retail:
    """Read year1.parquet and year2.parquet: products whose sku begins with five digits, sold at a price."""
    frame = pd.concat([pd.read_parquet(folder / f"year{year}.parquet") for year in (1, 2)])
    frame = frame[frame["sku"].str.match(r"\d{5}").fillna(False) & (frame["price"] > 0) & (frame["quantity"] > 0)]
    frame = frame.assign(sku=frame["sku"].str.upper()).sort_values("date", kind="stable")
    table = pa.Table.from_pandas(frame, preserve_index=False)
    renamed = {"sku": "product", "customer": "person", "invoice": "order"}
    table = table.rename_columns([renamed.get(name, name) for name in table.column_names])
    sales = sales_of(table, str(folder))
    skus = np.array(table["product"].to_pylist())
    first = {sku: row for row, sku in reversed(list(enumerate(skus.tolist())))}
    rows = [first[sku] for sku in sales.products]
    texts, prices = table["description"].to_pylist(), table["price"].to_numpy()
    days = np.full(len(rows), np.iinfo(np.int64).max)
    np.minimum.at(days, sales.product, sales.day)
    digests = [hashlib.sha256(person.encode()).digest()[0] for person in sales.persons]
    return Retail(
        sales=sales,
        terms=ProductTerms.of(words_of(texts[row] or "") for row in rows),
        log_price=np.log(prices[rows]),
        first_day=days,
        tune=np.array(digests) % 2 == 0,
    )


def ndcg(ranking: np.ndarray, gains: np.ndarray, known: np.ndarray, k: int = 50) -> float:
    """Return NDCG@k of products ordered by `ranking` [P] among those `known` [P], the gain being that of `gains`."""
    gains = np.where(known, gains, 0.0)
    order = np.argsort(np.where(known, -ranking, np.inf), kind="stable")[:k]
    return float((gains[order] * DISCOUNT[:k]).sum() / (np.sort(gains)[::-1][:k] * DISCOUNT[:k]).sum())


def random_ndcg(gains: np.ndarray, known: np.ndarray, k: int = 50) -> float:
    """Return the expected NDCG@k of a random order of the products `known`."""
    gains = np.where(known, gains, 0.0)
    return float(gains[known].mean() * DISCOUNT[:k].sum() / (np.sort(gains)[::-1][:k] * DISCOUNT[:k]).sum())


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95% bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def weekly_interval(values: np.ndarray, seasons: int = SEASONS) -> Interval:
    """Return the mean of weekly values with its interval: a circular block bootstrap within each quarter.

    Seasonal block bootstrap (Politis 2001). With `seasons` 1 blocks are drawn from the whole year.
    """
    generator = np.random.default_rng(0)
    sums = np.zeros(RESAMPLES)
    for part in np.array_split(np.asarray(values, dtype=np.float64), seasons):
        starts = generator.integers(len(part), size=(RESAMPLES, -(-len(part) // BLOCK)))
        drawn = ((starts[:, :, None] + np.arange(BLOCK)) % len(part)).reshape(RESAMPLES, -1)[:, : len(part)]
        sums += part[drawn].sum(axis=1)
    return _interval(float(np.mean(values)), sums / len(values))


def grouped_interval(values: np.ndarray, groups: np.ndarray) -> Interval:
    """Return the mean of values with its interval, whole groups (customers) resampled."""
    _, member = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(member, weights=values), np.bincount(member)
    drawn = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    return _interval(float(values.mean()), sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))


def _interval(value: float, resampled: np.ndarray) -> Interval:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def smallest_good(gains: dict[float, np.ndarray]) -> float:
    """Return the smallest weight that is not surely worse than the best: the one-standard-error rule, on pairs.

    `gains` maps each weight, 0 among them, to its gains over weight 0, one a week or customer. A weight is surely worse
    when the mean of its differences from the best exceeds their standard error.
    """
    best = max(gains, key=lambda weight: float(gains[weight].mean()))
    behind = {weight: gains[best] - values for weight, values in gains.items()}
    return min(weight for weight, gap in behind.items() if float(gap.mean()) <= float(gap.std()) / np.sqrt(len(gap)))
