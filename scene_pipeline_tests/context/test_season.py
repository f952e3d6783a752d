"""Seasonal lifts follow holidays that move, shift with the hemisphere, and never look ahead."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.context.context import Context
from scene_pipeline.context.sales import Sales
from scene_pipeline.context.season import (
    MAX_SEASON_LIFT,
    SeasonLifts,
    fit_season,
    load_themes,
    season_reason,
    shipped_lifts,
)
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.errors import ScenePipelineError

PRODUCTS = ("easter egg", "garden chair", "plain bowl")
TERMS = ProductTerms.of([{"easter", "egg"}, {"garden", "chair"}, {"plain", "bowl"}])


def year_of_sales(first: dt.date, peaks: dict[int, dt.date], days: int = 365) -> Sales:
    """Return sales of ten pieces a day and product, sixty in the four weeks before a product's peak."""
    day, product = [], []
    for offset in range(days):
        on = first + dt.timedelta(days=offset)
        for at in range(len(PRODUCTS)):
            near = at in peaks and 0 <= (peaks[at] - on).days < 28
            count = 60 if near else 10
            day += [on.toordinal()] * count
            product += [at] * count
    lines = len(day)
    return Sales(np.array(day), np.array(product), PRODUCTS, np.full(lines, -1), (), np.arange(lines), np.ones(lines))


@pytest.fixture(scope="module")
def fitted() -> SeasonLifts:
    sales = year_of_sales(dt.date(2010, 1, 1), {0: dt.date(2010, 4, 4), 1: dt.date(2010, 7, 1)})
    return fit_season(sales, TERMS, Context(country="GB"), "made")


def lift(lifts: SeasonLifts, term: str, on: dt.date, country: str) -> float:
    return lifts.at(Context.on(on, country))[term][0]


def test_a_holiday_is_followed_when_it_moves(fitted: SeasonLifts) -> None:
    assert fitted.curves["egg"].by == "easter"
    before_easter_2011 = lift(fitted, "egg", dt.date(2011, 4, 18), "GB")
    assert before_easter_2011 > 0.3
    assert lift(fitted, "egg", dt.date(2011, 5, 9), "GB") < 0
    assert lift(fitted, "egg", dt.date(2011, 4, 18), "AU") == before_easter_2011, "holidays do not shift in the south"


def test_weather_shifts_by_half_a_year_in_the_south(fitted: SeasonLifts) -> None:
    assert fitted.curves["garden"].by == "year"
    assert lift(fitted, "garden", dt.date(2011, 6, 20), "GB") > 0.3
    assert lift(fitted, "garden", dt.date(2011, 6, 20), "AU") < 0
    assert lift(fitted, "garden", dt.date(2011, 12, 20), "AU") > 0.3


def test_a_southern_shop_teaches_the_northern_summer() -> None:
    sales = year_of_sales(dt.date(2010, 1, 1), {1: dt.date(2010, 12, 31)})
    southern = fit_season(sales, TERMS, Context(country="AU"), "made")
    assert lift(southern, "garden", dt.date(2011, 12, 20), "AU") > 0.3
    assert lift(southern, "garden", dt.date(2011, 6, 20), "GB") > 0.3


def test_nothing_is_lifted_within_the_sales_it_was_fitted_on(fitted: SeasonLifts) -> None:
    assert fitted.until == "2010-12-31"
    assert fitted.at(Context.on(dt.date(2010, 12, 31), "GB")) == {}
    assert fitted.at(Context.on(dt.date(2011, 1, 1), "GB"))


def test_without_a_date_nothing_is_lifted(fitted: SeasonLifts) -> None:
    assert fitted.at(Context(country="GB")) == {}
    assert shipped_lifts().at(Context(country="GB")) == {}


def test_the_future_changes_no_lift_of_the_past() -> None:
    first = dt.date(2010, 1, 1)
    longer = year_of_sales(first, {1: dt.date(2010, 7, 1)}, days=500)
    cut = first + dt.timedelta(days=365)
    assert fit_season(longer.before(cut), TERMS, Context(country="GB"), "made") == fit_season(
        year_of_sales(first, {1: dt.date(2010, 7, 1)}), TERMS, Context(country="GB"), "made"
    )


def test_lifts_stay_within_their_cap_and_few_sales_have_no_curve(fitted: SeasonLifts) -> None:
    for lifts in (fitted, shipped_lifts()):
        assert all(abs(value) <= MAX_SEASON_LIFT for curve in lifts.curves.values() for value in curve.lifts)
        assert all(len(curve.lifts) == 52 for curve in lifts.curves.values())
    day = np.array([dt.date(2010, 1, 1).toordinal(), dt.date(2010, 12, 31).toordinal()])
    few = Sales(day, np.array([0, 1]), PRODUCTS, np.full(2, -1), (), np.arange(2), np.ones(2))
    assert fit_season(few, TERMS, Context(country="GB"), "made").curves == {}


def test_less_than_a_year_is_refused() -> None:
    with pytest.raises(ScenePipelineError, match="made: covers 100 days"):
        fit_season(year_of_sales(dt.date(2010, 1, 1), {}, days=100), TERMS, Context(country="GB"), "made")


def test_lifts_are_read_as_they_were_written(tmp_path: Path, fitted: SeasonLifts) -> None:
    fitted.save(tmp_path / "season.json")
    assert SeasonLifts.load(tmp_path / "season.json") == fitted
    (tmp_path / "season.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ScenePipelineError, match=r"season\.json"):
        SeasonLifts.load(tmp_path / "season.json")


@pytest.mark.parametrize(
    ("term", "by", "on", "sentence"),
    [
        ("bauble", "christmas", dt.date(2026, 12, 1), "Christmas is in 24 days"),
        ("bauble", "christmas", dt.date(2026, 12, 24), "Christmas is tomorrow"),
        ("bauble", "christmas", dt.date(2026, 12, 25), "Christmas is today"),
        ("garden", "year", dt.date(2026, 5, 1), "'garden' sells more at this time of the year"),
        ("material:raw_wool", "year", dt.date(2026, 5, 1), "'raw wool' sells more at this time of the year"),
    ],
)
def test_a_reason_names_the_holiday_or_the_term(term: str, by: str, on: dt.date, sentence: str) -> None:
    assert season_reason(term, by, Context.on(on, "GB")) == sentence


def test_packaged_themes_name_their_source_and_share_no_word() -> None:
    themes = load_themes()
    assert "CC BY 4.0" in themes.source
    words = [word for theme in themes.themes for word in theme.words]
    assert len(words) == len(set(words))
    holidays = {holiday.id for holiday in themes.holidays}
    assert {theme.by for theme in themes.themes} <= holidays | {"year"}
    assert all(len(theme.lifts) == 26 for theme in themes.themes)


@pytest.mark.parametrize(
    ("term", "on", "country", "rises"),
    [
        ("christmas", dt.date(2026, 11, 28), "GB", True),
        ("christmas", dt.date(2026, 6, 1), "GB", False),
        ("garden", dt.date(2026, 5, 1), "GB", True),
        ("garden", dt.date(2026, 5, 1), "AU", False),
        ("warmer", dt.date(2026, 12, 1), "GB", True),
        ("warmer", dt.date(2026, 12, 1), "AU", False),
    ],
)
def test_packaged_themes_know_the_seasons(term: str, on: dt.date, country: str, rises: bool) -> None:
    assert (shipped_lifts().at(Context.on(on, country))[term][0] > 0) is rises
