"""Fit season, trends and profiles for a catalog, and write them where ContextModel reads them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scene_pipeline.context.context import PERSON_ID, Context
from scene_pipeline.context.person import fit_population, fit_profiles
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.context.sales import Sales, joined
from scene_pipeline.context.season import SeasonLifts, fit_season
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.context.trend import Signal, Trends, fit_trends, weekly_sales
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.events.subjects import SubjectIds
from scene_pipeline.paths import PROFILES_FOLDER, SEASON_LIFTS, TREND_LIFTS


@dataclass(frozen=True, slots=True)
class FittingTable:
    """What fitting reads of a bundle's products [n]: sku_ids, terms, prices (NaN unknown) and product_ids."""

    skus: tuple[str, ...]
    terms: ProductTerms
    prices: np.ndarray
    ids: tuple[str, ...] = ()

    @property
    def sku_of(self) -> dict[str, str]:
        """product_id -> sku_id: events name products by the former, sales by the latter."""
        return dict(zip(self.ids, self.skus, strict=True)) if self.ids else {}


def of_catalog(sales: Sales, products: FittingTable) -> Sales:
    """Return the sales of the catalog's products, with its positions. Raises ScenePipelineError if there are none."""
    position = {sku: at for at, sku in reversed(list(enumerate(products.skus)))}
    at = np.array([position.get(sku, -1) for sku in sales.products], dtype=np.int64)[sales.product]
    if len(sales) and not (at >= 0).any():
        example = sales.products[int(sales.product[0])]
        raise ScenePipelineError(f"no product of the sales is in the catalog: '{example}' is not one of its sku_ids")
    kept = sales.where(at >= 0)
    return replace(kept, product=at[at >= 0], products=products.skus)


def write_season(
    folder: Path, sales: Sales | None, products: FittingTable, place: Context, as_of: dt.date
) -> SeasonLifts | None:
    """Fit the season on the sales before `as_of` and write it; without sales remove it, so that the themes apply."""
    path = folder / SEASON_LIFTS
    if sales is None:
        path.unlink(missing_ok=True)
        return None
    lifts = fit_season(of_catalog(sales, products).before(as_of), products.terms, place, "the shop's own sales")
    lifts.save(path)
    return lifts


def write_trends(
    folder: Path,
    sales: Sales | None,
    products: FittingTable,
    as_of: dt.date,
    stock_outs: Sequence[tuple[str, dt.date, dt.date]] = (),
    signals: Sequence[Signal] = (),
    source: str = "the shop's own sales",
) -> Trends:
    """Measure growth before `as_of`, take the outside signals of days up to it, and write both.

    `source` describes the sales, and is written into the file.
    """
    trends = Trends(as_of, "none", {})
    if sales is not None:
        weekly = weekly_sales(of_catalog(sales, products).before(as_of), as_of, stock_outs)
        trends = fit_trends(weekly, products.terms, products.skus, as_of, source)
    heard = tuple(signal for signal in signals if signal.date <= as_of)
    trends = Trends(trends.as_of, trends.source, trends.products, heard)
    trends.save(folder / TREND_LIFTS)
    return trends


def hashed(sales: Sales, ids: SubjectIds | None) -> Sales:
    """Return sales that name people by HMAC ids: through `ids`, or as they stand. Raises ScenePipelineError."""
    people = tuple(ids.subject(person) for person in sales.persons) if ids else sales.persons
    if any(not PERSON_ID.fullmatch(person) for person in people):
        raise ScenePipelineError(
            "the sales name people by ids that are not HMAC ids; set SCENE_PIPELINE_SUBJECT_KEY_FILE so that they are"
        )
    return replace(sales, persons=people)


def write_profiles(folder: Path, sources: Sequence[Sales], products: FittingTable, as_of: dt.date) -> int:
    """Build the profiles of all people in sales and events before `as_of`, and return how many there are.

    Every source names people by HMAC ids. For each person and product, the strongest action in any source counts.
    Corrections and deletions stay in force. Without sources the profiles stay as they are.
    """
    store = ProfileStore(folder / PROFILES_FOLDER)
    if not sources:
        return len(store.ids())
    known = joined([of_catalog(sales, products).before(as_of) for sales in sources])
    log_price = np.log(np.where(products.prices > 0, products.prices, np.nan))
    population = fit_population(known, products.terms, log_price)
    return store.replace_all(fit_profiles(known, products.terms, log_price, as_of), population)
