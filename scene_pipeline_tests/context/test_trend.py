"""Growth is measured on whole weeks before a day, without weeks out of stock; outside signals age and are capped."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.context.context import Context
from scene_pipeline.context.sales import Sales
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.context.trend import (
    MAX_TREND_LIFT,
    SIGNAL_MAX,
    Signal,
    Trends,
    Weekly,
    fit_trends,
    growth,
    read_signals,
    read_stock_outs,
    weekly_sales,
)
from scene_pipeline.errors import ScenePipelineError

MONDAY = dt.date(2026, 3, 30)
PRODUCTS = ("rising", "steady", "falling", "unsold")
TERMS = ProductTerms.of([{"red", "vase"}, {"blue", "vase"}, {"green", "bowl"}, {"red", "lamp"}])


def sold(*by_product: list[int]) -> Weekly:
    return Weekly(np.array(by_product, dtype=float).T)


RISING, STEADY, FALLING, NONE = [2] * 9 + [10, 20, 30], [8] * 12, [20] * 8 + [2, 1, 0, 0], [0] * 12


def test_what_sells_faster_than_usual_rises() -> None:
    lifts = growth(sold(RISING, STEADY, FALLING, NONE), TERMS)
    assert lifts[0] > 0.5 > lifts[1] > lifts[2]
    assert lifts[3] > 0, "an unsold product follows its terms: red rises"
    assert np.abs(lifts).max() <= MAX_TREND_LIFT


def test_no_sales_give_no_growth() -> None:
    assert growth(sold(NONE, NONE, NONE, NONE), TERMS) == pytest.approx(np.zeros(4))


def test_weeks_out_of_stock_do_not_count_as_falling() -> None:
    weekly = sold([*STEADY[:9], 0, 0, 0], STEADY, STEADY, NONE)
    on_sale = np.ones((12, 4), dtype=bool)
    on_sale[9:, 0] = False
    assert growth(weekly, TERMS)[0] < -0.5
    assert abs(growth(Weekly(weekly.sold, on_sale), TERMS)[0]) < 0.1


def sales_on(days: list[dt.date]) -> Sales:
    ordinals = np.sort(np.array([day.toordinal() for day in days]))
    lines = len(days)
    none = np.full(lines, -1)
    return Sales(ordinals, np.zeros(lines, dtype=int), PRODUCTS, none, (), np.arange(lines), np.ones(lines))


def test_the_open_week_and_what_comes_after_are_not_seen() -> None:
    closed = sales_on([MONDAY - dt.timedelta(days=1), MONDAY - dt.timedelta(weeks=12)])
    wednesday = MONDAY + dt.timedelta(days=2)
    ahead = sales_on([*(dt.date.fromordinal(int(day)) for day in closed.day), MONDAY, wednesday, dt.date(2026, 8, 1)])
    expected = weekly_sales(closed, wednesday).sold
    assert expected[:, 0].tolist() == [1.0] + [0.0] * 10 + [1.0]
    assert (weekly_sales(ahead, wednesday).sold == expected).all()


def test_a_buyer_counts_once_a_week_and_product() -> None:
    sales = sales_on([MONDAY - dt.timedelta(days=1)] * 3)
    again = replace(sales, buyer=np.zeros(3, dtype=int))
    assert weekly_sales(again, MONDAY).sold[-1, 0] == 1.0


def test_a_week_with_a_day_out_of_stock_is_left_out() -> None:
    outs = [("steady", MONDAY - dt.timedelta(days=3), MONDAY + dt.timedelta(days=9)), ("unknown", MONDAY, MONDAY)]
    on_sale = weekly_sales(sales_on([MONDAY]), MONDAY, outs).on_sale
    assert on_sale is not None
    assert np.argwhere(~on_sale).tolist() == [[11, 1]]


def test_a_trend_is_fresh_for_four_weeks_and_not_known_before() -> None:
    trends = fit_trends(sold(RISING, STEADY, FALLING, NONE), TERMS, PRODUCTS, MONDAY, "own sales")
    assert trends.growth_at(Context.on(MONDAY))["rising"] > 0
    assert trends.growth_at(Context.on(MONDAY + dt.timedelta(days=28)))
    assert trends.growth_at(Context.on(MONDAY + dt.timedelta(days=29))) == {}
    assert trends.growth_at(Context.on(MONDAY - dt.timedelta(days=1))) == {}, "that would look ahead"
    assert trends.growth_at(Context()) == {}


def signals(*of: tuple[int, float]) -> Trends:
    return Trends(
        MONDAY, "", {}, tuple(Signal(MONDAY - dt.timedelta(days=age), "boho", value, f"s{age}") for age, value in of)
    )


def test_a_signal_ages_is_capped_and_names_its_source() -> None:
    now = Context.on(MONDAY)
    fresh, source = signals((0, 0.2)).signals_at(now)["boho"]
    assert (fresh, source) == (pytest.approx(np.log(1.2)), "s0")
    assert signals((14, 0.2)).signals_at(now)["boho"][0] == pytest.approx(np.log(1.2) / 2)
    assert signals((0, 50.0)).signals_at(now)["boho"][0] == SIGNAL_MAX
    assert signals((0, -0.9)).signals_at(now)["boho"][0] == -SIGNAL_MAX
    assert signals((29, 0.2)).signals_at(now) == {}
    assert signals((-1, 0.2)).signals_at(now) == {}, "a signal of tomorrow would look ahead"
    assert signals((0, 0.1), (1, 0.4)).signals_at(now)["boho"][1] == "s1"


def test_signals_are_read(tmp_path: Path) -> None:
    path = tmp_path / "signals.csv"
    path.write_text("date,term,value,source\n2026-03-01,Vases,0.3,search\n2026-03-01,style:boho,-0.1,press\n")
    assert [(signal.term, signal.value, signal.source) for signal in read_signals(path)] == [
        ("vase", 0.3, "search"),
        ("style:boho", -0.1, "press"),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("date,term,value\n2026-03-01,vase,0.3\n", "no column source"),
        ("date,term,value,source\n01.03.2026,vase,0.3,s\n", "row 2"),
        ("date,term,value,source\n2026-03-01,vase,-1,s\n", "relative growth above -1"),
        ("date,term,value,source\n2026-03-01,vase,nan,s\n", "relative growth above -1"),
        ("date,term,value,source\n2026-03-01,red vase,0.3,s\n", "not one telling word"),
        ("date,term,value,source\n2026-03-01,vase,0.3,\n", "term or source is empty"),
    ],
)
def test_a_broken_signal_is_named(tmp_path: Path, text: str, names: str) -> None:
    (tmp_path / "signals.csv").write_text(text)
    with pytest.raises(ScenePipelineError, match=names):
        read_signals(tmp_path / "signals.csv")


def test_stock_outs_are_read_and_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("sku_id,from,to\nA,2026-03-01,2026-03-09\n")
    assert read_stock_outs(path) == (("A", dt.date(2026, 3, 1), dt.date(2026, 3, 9)),)
    path.write_text("sku,from,to\nA,2026-03-01,2026-03-09\n")
    with pytest.raises(ScenePipelineError, match=r"stock\.csv"):
        read_stock_outs(path)
