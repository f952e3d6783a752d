"""Holidays fall on the days that they are held on, in the country they are held in."""

import datetime as dt

import pytest

from scene_pipeline.context.calendar import date_of, next_date, week_of_year, weeks_to
from scene_pipeline.context.season import load_themes
from scene_pipeline.errors import VocabularyError

RULES = {holiday.id: holiday.dates for holiday in load_themes().holidays}


@pytest.mark.parametrize(
    ("holiday", "on", "country", "expected"),
    [
        ("christmas", dt.date(2026, 12, 1), "GB", dt.date(2026, 12, 25)),
        ("christmas", dt.date(2026, 12, 25), "AU", dt.date(2026, 12, 25)),
        ("christmas", dt.date(2026, 12, 26), None, dt.date(2027, 12, 25)),
        ("easter", dt.date(2010, 1, 1), "GB", dt.date(2010, 4, 4)),
        ("easter", dt.date(2011, 1, 1), "GB", dt.date(2011, 4, 24)),
        ("mothers_day", dt.date(2011, 1, 1), "GB", dt.date(2011, 4, 3)),
        ("mothers_day", dt.date(2011, 1, 1), "US", dt.date(2011, 5, 8)),
        ("fathers_day", dt.date(2026, 7, 1), "AU", dt.date(2026, 9, 6)),
        ("thanksgiving", dt.date(2026, 1, 1), "US", dt.date(2026, 11, 26)),
        ("thanksgiving", dt.date(2026, 1, 1), "GB", None),
        ("diwali", dt.date(2026, 1, 1), "IN", dt.date(2026, 11, 8)),
        ("lunar_new_year", dt.date(2026, 1, 1), "CN", dt.date(2026, 2, 17)),
        ("lunar_new_year", dt.date(2026, 1, 1), "SG", dt.date(2026, 2, 17)),
    ],
)
def test_the_next_occurrence_is_found(holiday: str, on: dt.date, country: str | None, expected: dt.date | None) -> None:
    assert next_date(RULES[holiday], on, country) == expected


def test_every_packaged_rule_has_a_date_in_every_year() -> None:
    for dates in RULES.values():
        for country, rule in dates.items():
            place = None if country == "any" else country
            assert all(date_of(rule, year, place) is not None for year in range(2010, 2031)), (rule, country)


@pytest.mark.parametrize("rule", ["25 december", "public Diwali", "05 someday 2"[:2]])
def test_an_unknown_rule_is_refused(rule: str) -> None:
    with pytest.raises(VocabularyError, match="date rule"):
        date_of(rule, 2026, None)


def test_a_country_that_the_package_does_not_know_is_named() -> None:
    with pytest.raises(VocabularyError, match="no country 'XX'"):
        date_of("public Diwali", 2026, "XX")


def test_seasons_shift_by_half_a_year_in_the_south_and_weeks_stay_in_range() -> None:
    midsummer = dt.date(2026, 6, 24)
    assert week_of_year(dt.date(2026, 12, 23), southern=True) == week_of_year(midsummer, southern=False)
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=at) for at in range(366)]
    assert {week_of_year(day, southern=south) for day in days for south in (True, False)} == set(range(52))
    assert weeks_to(dt.date(2026, 12, 25), dt.date(2026, 12, 25)) == 0
    assert weeks_to(dt.date(2027, 12, 25), dt.date(2026, 12, 26)) == 51
