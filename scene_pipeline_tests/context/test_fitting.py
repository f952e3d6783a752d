"""Season, trends and profiles are fitted for the catalog's products and on earlier days only."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from scene_pipeline.context.context import Context
from scene_pipeline.context.fitting import FittingTable, hashed, of_catalog, write_profiles, write_season, write_trends
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.context.sales import Sales, sales_of
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.context.trend import Signal, Trends
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.events.subjects import SubjectIds
from scene_pipeline.paths import PROFILES_FOLDER, SEASON_LIFTS, TREND_LIFTS

AS_OF = dt.date(2026, 3, 30)
PRODUCTS = FittingTable(
    ("new", "vase", "bowl"), ProductTerms.of([{"red"}, {"red", "vase"}, {"bowl"}]), np.array([5.0, np.nan, 10.0])
)


def sales(*lines: tuple[int, str, str]) -> Sales:
    """Return sales of (days before AS_OF, product, person)."""
    days = [AS_OF - dt.timedelta(days=back) for back, _, _ in lines]
    columns = {"date": days, "product": [sku for _, sku, _ in lines], "person": [who for _, _, who in lines]}
    return sales_of(pa.table(columns), "made")


LINES = sales((1, "vase", "anna"), (2, "vase", "bert"), (30, "bowl", "anna"), (-5, "bowl", "cleo"), (3, "gone", "anna"))


def test_sales_are_put_into_the_catalogs_positions_and_others_are_left_out() -> None:
    placed = of_catalog(LINES, PRODUCTS)
    assert [placed.products[at] for at in placed.product] == ["bowl", "vase", "vase", "bowl"]
    with pytest.raises(ScenePipelineError, match="'gone' is not one of its sku_ids"):
        of_catalog(sales((1, "gone", "anna")), PRODUCTS)


def test_trends_see_neither_later_sales_nor_later_signals(tmp_path: Path) -> None:
    signals = [Signal(AS_OF, "red", 0.2, "press"), Signal(AS_OF + dt.timedelta(days=1), "red", 0.9, "press")]
    found = write_trends(tmp_path, LINES, PRODUCTS, AS_OF, signals=signals)
    assert found == Trends.load(tmp_path / TREND_LIFTS)
    assert found.products["vase"] > 0
    assert found.products["new"] > 0, "a product without sales follows its terms"
    assert [signal.value for signal in found.signals] == [0.2]
    assert write_trends(tmp_path, LINES.before(AS_OF), PRODUCTS, AS_OF).products == found.products
    assert write_trends(tmp_path, None, PRODUCTS, AS_OF).products == {}


def test_profiles_name_people_by_hmac_id_only(tmp_path: Path) -> None:
    with pytest.raises(ScenePipelineError, match="not HMAC ids"):
        hashed(LINES, None)
    ids = SubjectIds(b"a key of at least sixteen bytes")
    assert write_profiles(tmp_path, [hashed(LINES, ids)], PRODUCTS, AS_OF) == 2
    store = ProfileStore(tmp_path / PROFILES_FOLDER)
    anna = store.get(ids.subject("anna"))
    assert anna is not None
    assert (anna.purchases, set(anna.terms)) == (2, {"red", "vase", "bowl"})
    assert store.get(ids.subject("cleo")) is None, "she buys later"
    assert not [path for path in tmp_path.rglob("*.json") if b"anna" in path.read_bytes()]
    assert write_profiles(tmp_path, [], PRODUCTS, AS_OF) == 2, "without sales they stay"


def test_events_and_sales_make_one_profile_in_which_a_product_counts_once(tmp_path: Path) -> None:
    ids = SubjectIds(b"a key of at least sixteen bytes")
    anna, dora = ids.subject("anna"), ids.subject("dora")
    columns = {
        "date": [AS_OF - dt.timedelta(days=1)] * 3,
        "product": ["vase", "new", "bowl"],
        "person": [anna, anna, dora],
        "action": ["click", "like", "pin"],
    }
    acted = sales_of(pa.table(columns), "made")
    assert write_profiles(tmp_path, [hashed(LINES, ids), acted], PRODUCTS, AS_OF) == 3
    store = ProfileStore(tmp_path / PROFILES_FOLDER)
    known = store.get(anna)
    assert known is not None
    assert known.purchases == 2.5, "vase and bowl were bought, new was liked, and the click on the vase adds nothing"
    assert known.terms == {"red": 1.5, "vase": 1.0, "bowl": 1.0}
    other = store.get(dora)
    assert other is not None
    assert other.purchases == 0.5


def test_without_sales_the_packaged_themes_hold(tmp_path: Path) -> None:
    (tmp_path / SEASON_LIFTS).write_text("{}")
    assert write_season(tmp_path, None, PRODUCTS, Context(country="GB"), AS_OF) is None
    assert not (tmp_path / SEASON_LIFTS).exists()
    with pytest.raises(ScenePipelineError, match="needs a year of sales"):
        write_season(tmp_path, LINES, PRODUCTS, Context(country="GB"), AS_OF)
