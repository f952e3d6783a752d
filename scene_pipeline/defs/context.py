"""Season, trends and profiles: what moves the order of lists, fitted on a shop's own sales."""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg
import numpy as np
from pydantic import Field

from scene_pipeline.bundle.layout import TERMS
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.context import fitting
from scene_pipeline.context.context import Context
from scene_pipeline.context.from_events import read_event_sales
from scene_pipeline.context.profiles import ProfileStore, mark_of
from scene_pipeline.context.sales import Sales, read_sales
from scene_pipeline.context.season import MAX_SEASON_LIFT, shipped_lifts
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.context.trend import FRESH_DAYS, MAX_TREND_LIFT, read_signals, read_stock_outs
from scene_pipeline.defs.asset_metadata import OWNERS, warning_check
from scene_pipeline.defs.bundle import serving_bundle
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.learning import events
from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.events.open import events_folder
from scene_pipeline.events.subjects import subject_ids
from scene_pipeline.files import sha256_file
from scene_pipeline.paths import CONTEXT_FOLDER, PROFILES_FOLDER, SEASON_LIFTS, TREND_LIFTS
from scene_pipeline.reporting.previews import markdown_rows
from scene_pipeline.vocabulary.strict_yaml import load_strict

GROUP = "context"
TAGS = {"stage": "context"}
CHOSEN = 0.5
"""Events that weigh this much of a purchase count for trends: purchases, carts, likes and pins, but no clicks."""

AHEAD = "Nothing was learned from a day on or after the day it holds for."
FRESH = "The sales reach up to the last four weeks."


class SalesSource(dg.ConfigurableResource):
    """A shop's own sales and what it knows of trends; all may be empty."""

    path: str = Field(default="", description="Order lines, CSV or Parquet; empty: none. SCENE_PIPELINE_SALES.")
    column_map: str = Field(
        default="",
        description="YAML file from the shop's column names to date, product, person, order, quantity and action; "
        "empty: by name. SCENE_PIPELINE_SALES_COLUMNS.",
    )
    country: str = Field(default="GB", description="Country (ISO 3166) of the sales. SCENE_PIPELINE_COUNTRY.")
    signals: str = Field(
        default="", description="CSV of outside signals: date, term, value, source. SCENE_PIPELINE_SIGNALS."
    )
    stock_outs: str = Field(
        default="", description="CSV of times without stock: sku_id, from, to. SCENE_PIPELINE_STOCK_OUTS."
    )

    def read(self) -> Sales | None:
        """Return the sales, None where no file is named. Raises ScenePipelineError."""
        if not self.path:
            return None
        columns = load_strict(Path(self.column_map).expanduser(), dict[str, str]) if self.column_map else None
        return read_sales(Path(self.path).expanduser(), columns)


class ContextConfig(dg.Config):
    """The day to learn for: only earlier days are read."""

    as_of: str = Field(default="", description="ISO date, such as 2026-11-28; empty: today.")

    def day(self) -> dt.date:
        """Return `as_of`, or today if it is empty."""
        return dt.date.fromisoformat(self.as_of) if self.as_of else dt.date.today()


def _product_table(store: ArtifactStore) -> fitting.FittingTable:
    """Return the promoted bundle's products as fitting reads them. Raises BundleError."""
    bundle = open_bundle(store.path(), verify=False)
    table = bundle.products(["sku_id", "price", "product_id"])
    prices = np.array([np.nan if price is None else price for price in table["price"].to_pylist()], dtype=np.float64)
    skus, ids = (tuple(table[name].to_pylist()) for name in ("sku_id", "product_id"))
    return fitting.FittingTable(skus, ProductTerms.load(bundle.path / TERMS), prices, ids)


def _events(store: ArtifactStore, products: fitting.FittingTable, day: dt.date) -> Sales | None:
    return read_event_sales(events_folder(store.path()), products.sku_of, day)


def _check(name: str, passed: bool, **metadata: float | str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=name, passed=passed, metadata=metadata)


def _asset(
    name: str, code_version: str, deps: Sequence[dg.AssetsDefinition], **checks: str
) -> Callable[..., dg.AssetsDefinition]:
    """Return the decorator of an asset of this group; `checks` are name -> what holds."""
    return dg.asset(
        name=name,
        deps=deps,
        group_name=GROUP,
        owners=OWNERS,
        tags=TAGS,
        kinds={"json"},
        code_version=code_version,
        check_specs=[dg.AssetCheckSpec(check, asset=name, description=text) for check, text in checks.items()],
    )


@_asset("season_lifts", "1", [serving_bundle], no_look_ahead=AHEAD, within_caps="Every lift lies within its cap.")
@user_errors_as_failures
def season_lifts(store: ArtifactStore, sales: SalesSource, config: ContextConfig) -> dg.MaterializeResult:
    """How much more, or less, products of a term sell at a time of the year: the shop's own, else packaged themes."""
    folder, day = store.path(CONTEXT_FOLDER), config.day()
    fitted = fitting.write_season(folder, sales.read(), _product_table(store), Context(country=sales.country), day)
    lifts = fitted or shipped_lifts()
    now = lifts.at(Context.on(day, sales.country))
    largest = max((abs(value) for curve in lifts.curves.values() for value in curve.lifts), default=0.0)
    top = sorted(now.items(), key=lambda item: -abs(item[1][0]))[:20]
    return dg.MaterializeResult(
        metadata={
            "terms": len(lifts.curves),
            "source": lifts.source,
            "until": lifts.until or "packaged",
            "today": dg.MetadataValue.md(
                markdown_rows([{"term": term, "lift": lift, "follows": key} for term, (lift, key) in top])
            ),
        },
        data_version=dg.DataVersion(sha256_file(folder / SEASON_LIFTS) if fitted else "packaged"),
        check_results=[
            _check("no_look_ahead", lifts.until < day.isoformat(), until=lifts.until or "packaged"),
            _check("within_caps", largest <= MAX_SEASON_LIFT, largest=largest),
        ],
    )


@_asset(
    "trends",
    "2",
    [serving_bundle, events],
    no_look_ahead=AHEAD,
    within_caps="Every growth lies within its cap.",
    fresh=FRESH,
)
@user_errors_as_failures
def trends(store: ArtifactStore, sales: SalesSource, config: ContextConfig) -> dg.MaterializeResult:
    """How much faster than usual products have sold lately, and what outside sources say of terms.

    Without sales, what people bought, liked or pinned in lists (the event store) counts as sold.
    """
    folder, day, products = store.path(CONTEXT_FOLDER), config.day(), _product_table(store)
    lines, source = sales.read(), "the shop's own sales"
    if lines is None and (acted := _events(store, products, day)) is not None:
        lines, source = acted.where(acted.weight >= CHOSEN), "the event store"
    signals = read_signals(Path(sales.signals).expanduser()) if sales.signals else ()
    stock_outs = read_stock_outs(Path(sales.stock_outs).expanduser()) if sales.stock_outs else ()
    found = fitting.write_trends(folder, lines, products, day, stock_outs, signals, source)
    seen = lines.before(day) if lines is not None else None
    age = day.toordinal() - int(seen.day[-1]) if seen is not None and len(seen) else None
    top = sorted(found.products.items(), key=lambda item: -item[1])
    return dg.MaterializeResult(
        metadata={
            "products": len(found.products),
            "signals": len(found.signals),
            "source": found.source,
            "rising": dg.MetadataValue.md(markdown_rows([{"sku_id": sku, "growth": lift} for sku, lift in top[:20]])),
        },
        data_version=dg.DataVersion(sha256_file(folder / TREND_LIFTS)),
        check_results=[
            _check("no_look_ahead", all(signal.date <= day for signal in found.signals) and (age is None or age > 0)),
            _check("within_caps", all(abs(lift) <= MAX_TREND_LIFT for lift in found.products.values())),
            warning_check(
                "fresh",
                lines is None or (age is not None and age <= FRESH_DAYS),
                FRESH,
                **{"days since the last sale": age},
            ),
        ],
    )


@_asset(
    "profiles",
    "2",
    [serving_bundle, events],
    counts="Every person with sales has a profile, or none.",
    nobody_excluded="No deleted profile came back.",
)
@user_errors_as_failures
def profiles(store: ArtifactStore, sales: SalesSource, config: ContextConfig) -> dg.MaterializeResult:
    """What people chose, by term: a JSON file for each, named by HMAC id, that can be corrected and deleted.

    From sales and from the event store together.
    """
    folder, day, products, sold = store.path(CONTEXT_FOLDER), config.day(), _product_table(store), sales.read()
    acted = _events(store, products, day)
    bought = None if sold is None else fitting.hashed(sold, subject_ids(events_folder(store.path())))
    count = fitting.write_profiles(folder, [part for part in (bought, acted) if part is not None], products, day)
    kept = ProfileStore(folder / PROFILES_FOLDER)
    ids, excluded = set(kept.ids()), kept.excluded()
    return dg.MaterializeResult(
        metadata={
            "profiles": count,
            "excluded": len(excluded),
            "people in sales": len(bought.persons) if bought else 0,
            "people in events": len(acted.persons) if acted else 0,
        },
        data_version=dg.DataVersion(hash_of(kept, sorted(ids))),
        check_results=[
            _check("counts", count == len(ids), profiles=count, files=len(ids)),
            _check("nobody_excluded", not {mark_of(person) for person in ids} & excluded),
        ],
    )


def hash_of(store: ProfileStore, ids: list[str]) -> str:
    """Return a hash of all profiles that does not reveal who has one."""
    digest = hashlib.sha256()
    for person in ids:
        digest.update(store.path(person).read_bytes())
    return digest.hexdigest()


learn_context = dg.define_asset_job(
    "learn_context",
    selection=[season_lifts, trends, profiles],
    description="Learn season, trends and profiles from the shop's sales, for the promoted bundle.",
)
