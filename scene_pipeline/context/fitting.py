"""Fit season, trends and profiles for a catalog, and write them where ContextModel reads them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scene_pipeline.context.context import PERSON_ID, Context
from scene_pipeline.context.person import fit_population, fit_profiles
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.context.ranking import PROFILES, SEASON, TRENDS
from scene_pipeline.context.sales import Sales
from scene_pipeline.context.season import SeasonLifts, fit_season
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.context.trend import Signal, Trends, fit_trends, weekly_sales
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.events.subjects import SubjectIds


@dataclass(frozen=True, slots=True)
class ProductTable:
    """What fitting reads of a bundle's products [n]: sku_ids, terms and prices (NaN unknown)."""

    skus: tuple[str, ...]
    terms: ProductTerms
    prices: np.ndarray


def of_catalog(sales: Sales, products: ProductTable) -> Sales:
    """Return the sales of products that the catalog has, in its positions. Raises ScenePipelineError where none is."""
    position = {sku: at for at, sku in reversed(list(enumerate(products.skus)))}
    at = np.array([position.get(sku, -1) for sku in sales.products], dtype=np.int64)[sales.product]
    if len(sales) and not (at >= 0).any():
        example = sales.products[int(sales.product[0])]
        raise ScenePipelineError(f"no product of the sales is in the catalog: '{example}' is not one of its sku_ids")
    kept = sales.where(at >= 0)
    return replace(kept, product=at[at >= 0], products=products.skus)


def write_season(
    folder: Path, sales: Sales | None, products: ProductTable, place: Context, as_of: dt.date
) -> SeasonLifts | None:
    """Fit the season on the sales before `as_of` and write it; without sales remove it, so that the themes hold."""
    path = folder / SEASON
    if sales is None:
        path.unlink(missing_ok=True)
        return None
    lifts = fit_season(of_catalog(sales, products).before(as_of), products.terms, place, "the shop's own sales")
    lifts.save(path)
    return lifts


def write_trends(
    folder: Path,
    sales: Sales | None,
    products: ProductTable,
    as_of: dt.date,
    stock_outs: Sequence[tuple[str, dt.date, dt.date]] = (),
    signals: Sequence[Signal] = (),
) -> Trends:
    """Measure growth before `as_of`, take the outside signals of days up to it, and write both."""
    trends = Trends(as_of, "none", {})
    if sales is not None:
        weekly = weekly_sales(of_catalog(sales, products).before(as_of), as_of, stock_outs)
        trends = fit_trends(weekly, products.terms, products.skus, as_of, "the shop's own sales")
    heard = tuple(signal for signal in signals if signal.date <= as_of)
    trends = Trends(trends.as_of, trends.source, trends.products, heard)
    trends.save(folder / TRENDS)
    return trends


def write_profiles(
    folder: Path, sales: Sales | None, products: ProductTable, as_of: dt.date, ids: SubjectIds | None
) -> int:
    """Build the profiles of all people with sales before `as_of`, and return how many there are.

    People are named by `ids` (HMAC); without it they must be HMAC ids already. Corrections and deletions hold. Without
    sales the profiles stay as they are. Raises ScenePipelineError.
    """
    store = ProfileStore(folder / PROFILES)
    if sales is None:
        return len(store.ids())
    people = tuple(ids.subject(person) for person in sales.persons) if ids else sales.persons
    if any(not PERSON_ID.fullmatch(person) for person in people):
        raise ScenePipelineError(
            "the sales name people by ids that are not HMAC ids; set SCENE_PIPELINE_SUBJECT_KEY_FILE so that they are"
        )
    known = of_catalog(replace(sales, persons=people), products).before(as_of)
    log_price = np.log(np.where(products.prices > 0, products.prices, np.nan))
    population = fit_population(known, products.terms, log_price)
    return store.replace_all(fit_profiles(known, products.terms, log_price, as_of), population)
