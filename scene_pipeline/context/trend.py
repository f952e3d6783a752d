"""Trend: how much faster than usual products and their terms have sold lately, and what outside sources say."""

import csv
import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.context.context import Context
from scene_pipeline.context.sales import Sales
from scene_pipeline.context.terms import ProductTerms, words_of
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import write_bytes

WINDOW = 12
"""Weeks of sales that recent ones are compared with."""

HALF_LIFE = 1.5
"""Half-life of a sale's weight, in weeks."""

PRODUCT_PRIOR, TERM_PRIOR = 1.0, 20.0
"""Strength of the Gamma priors, in expected recent sales: products are shrunk to their terms, terms to no growth."""

MAX_TREND_LIFT = 1.5
"""Growth of a product or term lies within ± this."""

SIGNAL_MAX, SIGNAL_HALF_LIFE = 0.5, 14.0
"""The most that outside signals add to a term, and the half-life of a signal in days."""

FRESH_DAYS = 28
"""A trend or signal older than this lifts nothing."""


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source's value for a term on a day: relative growth, 0.3 for 30% more interest than usual."""

    date: dt.date
    term: str
    value: float
    source: str


class Trends(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Growth as of a day, the first whose sales were not used: log-lifts by sku_id, and outside signals."""

    as_of: dt.date
    source: str
    products: dict[str, float]
    signals: tuple[Signal, ...] = ()

    def save(self, path: Path) -> None:
        """Write as JSON, atomically."""
        write_bytes(path, msgspec.json.encode(self, order="sorted"))

    @classmethod
    def load(cls, path: Path) -> "Trends":
        """Read what `save` wrote. Raises ScenePipelineError."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise ScenePipelineError(f"{path}: cannot be read ({error}); materialize trends again") from error

    def growth_at(self, context: Context) -> dict[str, float]:
        """Return the growth by sku_id at a context's date; empty before `as_of` (look-ahead) and when stale."""
        if context.day is None or not 0 <= (context.day - self.as_of).days <= FRESH_DAYS:
            return {}
        return self.products

    def signals_at(self, context: Context) -> dict[str, tuple[float, str]]:
        """Return what outside sources add to terms at a context's date, and the source that adds most.

        Signals of later days are not used, nor stale ones. The signals of a term are averaged, weighted by age.
        """
        heard: dict[str, list[tuple[float, float, str]]] = {}
        for signal in self.signals:
            age = (context.day - signal.date).days if context.day else -1
            if 0 <= age <= FRESH_DAYS:
                weight = 0.5 ** (age / SIGNAL_HALF_LIFE)
                heard.setdefault(signal.term, []).append((weight, math.log1p(signal.value), signal.source))
        return {term: _averaged(said) for term, said in heard.items()}


def _averaged(said: Sequence[tuple[float, float, str]]) -> tuple[float, str]:
    weight = max(sum(weight for weight, _, _ in said), 1.0)  # one old signal counts for less than a fresh one
    value = sum(weight * growth for weight, growth, _ in said) / weight
    loudest = max(said, key=lambda one: abs(one[0] * one[1]))
    return min(max(value, -SIGNAL_MAX), SIGNAL_MAX), loudest[2]


def read_signals(path: Path) -> tuple[Signal, ...]:
    """Read outside signals: a CSV with the columns date, term, value and source.

    A term is a word or a fact with its prefix, such as `style:boho`. Raises ScenePipelineError naming file and row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = {"date", "term", "value", "source"} - set(reader.fieldnames or ())
            if missing:
                raise ScenePipelineError(f"{path}: has no column {', '.join(sorted(missing))}; add it")
            return tuple(_signal(row, f"{path}, row {number}") for number, row in enumerate(reader, start=2))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScenePipelineError(f"{path}: cannot be read as signals ({error}); give a CSV file") from error


def _signal(row: dict[str, str], where: str) -> Signal:
    try:
        date, value = dt.date.fromisoformat(row["date"].strip()), float(row["value"])
    except (ValueError, AttributeError, TypeError) as error:
        raise ScenePipelineError(f"{where}: {error}; write the date as 2026-11-28 and the value as 0.3") from error
    if not (math.isfinite(value) and value > -1):
        raise ScenePipelineError(f"{where}: value {value:g} is not a relative growth above -1; write 0.3 for 30% more")
    term, source = (row["term"] or "").strip(), (row["source"] or "").strip()
    if not term or not source:
        raise ScenePipelineError(f"{where}: term or source is empty; every signal names both")
    if ":" not in term:
        words = words_of(term)
        if len(words) != 1:
            raise ScenePipelineError(f"{where}: term '{term}' is not one telling word; give a row to each word")
        term = next(iter(words))
    return Signal(date, term, value, source)


@dataclass(frozen=True, slots=True)
class Weekly:
    """Buyers of products by week up to a day, the last week being the last whole one: `sold` [weeks, P].

    `on_sale` [weeks, P] is False where a product was out of stock in a week; None where stock is unknown.
    """

    sold: np.ndarray
    on_sale: np.ndarray | None = None


def weekly_sales(sales: Sales, as_of: dt.date, stock_outs: Sequence[tuple[str, dt.date, dt.date]] = ()) -> Weekly:
    """Count buyers of products in the WINDOW whole weeks (Monday to Sunday) before `as_of`; the open week is left out.

    `stock_outs` are (sku_id, first day, last day) in which a product could not be bought: a week with such a day does
    not count for it.
    """
    monday = as_of.toordinal() - as_of.weekday()
    week = WINDOW - 1 - (monday - 1 - sales.day) // 7
    inside = (week >= 0) & (week < WINDOW) & (sales.day < monday)
    line = np.stack([week[inside], sales.buyer[inside], sales.product[inside]], axis=1)
    line = np.unique(line, axis=0)
    sold = np.zeros((WINDOW, len(sales.products)))
    np.add.at(sold, (line[:, 0], line[:, 2]), 1)
    if not stock_outs:
        return Weekly(sold)
    on_sale = np.ones(sold.shape, dtype=bool)
    position = {sku: index for index, sku in enumerate(sales.products)}
    starts = monday - 7 * (WINDOW - np.arange(WINDOW))
    for sku, first, last in stock_outs:
        if sku in position:
            on_sale[(starts <= last.toordinal()) & (starts + 6 >= first.toordinal()), position[sku]] = False
    return Weekly(sold, on_sale)


def growth(weekly: Weekly, terms: ProductTerms) -> np.ndarray:
    """Return the log-growth [P] of products: recent sales over the sales expected from the whole window.

    Recent is weighted by age (HALF_LIFE). The rate is the mean of a Gamma posterior whose prior mean is the growth of
    the product's terms, which are shrunk to 1. A product without sales gets the growth of its terms.
    """
    sold = weekly.sold
    on_sale = np.ones_like(sold) if weekly.on_sale is None else weekly.on_sale.astype(np.float64)
    recency = 0.5 ** (np.arange(len(sold))[::-1] / HALF_LIFE)
    total = sold.sum(axis=1)
    recent = recency @ (sold * on_sale)
    exposure = total[:, None] * on_sale
    rate = (sold * on_sale).sum(axis=0) / np.maximum(exposure.sum(axis=0), 1.0)
    expected = rate * (recency @ exposure)
    every = np.arange(len(recent))
    by_term = np.log((terms.counts(every, recent) + TERM_PRIOR) / (terms.counts(every, expected) + TERM_PRIOR))
    terms_of_each = np.diff(terms.starts)
    prior = np.exp(terms.lift(by_term) / np.sqrt(np.maximum(terms_of_each, 1)))
    lifts = np.log((recent + PRODUCT_PRIOR * prior) / (expected + PRODUCT_PRIOR))
    return np.clip(lifts, -MAX_TREND_LIFT, MAX_TREND_LIFT)


def fit_trends(weekly: Weekly, terms: ProductTerms, products: Sequence[str], as_of: dt.date, source: str) -> Trends:
    """Return the growth of `products` (sku_ids, a column each of `weekly`) as of a day, without outside signals."""
    lifts = np.round(growth(weekly, terms), 3)
    return Trends(as_of, source, {sku: lift for sku, lift in zip(products, lifts.tolist(), strict=True) if lift})


def read_stock_outs(path: Path) -> tuple[tuple[str, dt.date, dt.date], ...]:
    """Read times without stock: a CSV with the columns sku_id, from and to (ISO dates, both included)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return tuple(
                (row["sku_id"].strip(), dt.date.fromisoformat(row["from"]), dt.date.fromisoformat(row["to"]))
                for row in csv.DictReader(stream)
            )
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ScenePipelineError(
            f"{path}: cannot be read as stock-outs ({error}); give a CSV with sku_id, from and to as 2026-11-28"
        ) from error
