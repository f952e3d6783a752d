"""When holidays are, in a country and year: fixed days, days counted from Easter, and public holidays that move."""

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache

from scene_pipeline.errors import VocabularyError

WEEKS = 52
"""Weeks of a curve: of the year, or to the next occurrence of a holiday."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def next_date(dates: Mapping[str, str], on: dt.date, country: str | None) -> dt.date | None:
    """Return the next occurrence on or after `on` of the holiday with these rules; None where it is not celebrated.

    `dates` maps a country or "any" to a rule: "12-25" (month and day), "easter-21" (days from Western Easter),
    "05 sunday 2" (the second Sunday of May) or "public Diwali" (a public holiday of the country, by its English name,
    as the package `holidays` knows it). Raises VocabularyError for another rule.
    """
    rule = dates.get(country or "", dates.get("any"))
    if rule is None:
        return None
    for year in (on.year, on.year + 1):
        found = date_of(rule, year, country)
        if found is not None and found >= on:
            return found
    return None


@lru_cache(maxsize=4096)
def date_of(rule: str, year: int, country: str | None) -> dt.date | None:
    """Return the date of a rule of `next_date` in a year, None where the country has no such holiday in it."""
    if match := re.fullmatch(r"(\d\d)-(\d\d)", rule):
        return dt.date(year, int(match[1]), int(match[2]))
    if match := re.fullmatch(r"easter([+-]\d+)?", rule):
        from dateutil.easter import easter

        return easter(year) + dt.timedelta(days=int(match[1] or 0))
    if match := re.fullmatch(r"(\d\d) ([a-z]+) (\d)", rule):
        first = dt.date(year, int(match[1]), 1)
        ahead = (_DAYS.index(match[2]) - first.weekday()) % 7
        return first + dt.timedelta(days=ahead + 7 * (int(match[3]) - 1))
    if rule.startswith("public ") and country:
        return _public(rule.removeprefix("public "), year, country)
    raise VocabularyError(
        f"the date rule '{rule}' is unknown; write 12-25, easter-21, '05 sunday 2' or, of one country, 'public NAME'"
    )


def _public(name: str, year: int, country: str) -> dt.date | None:
    import holidays

    try:
        found = holidays.country_holidays(country, years=year, language="en_US", observed=False).get_named(name)
    except NotImplementedError as error:
        raise VocabularyError(f"'public {name}': the package holidays knows no country '{country}'") from error
    return min(found, default=None)


def week_of_year(on: dt.date, *, southern: bool) -> int:
    """Return the week (0-51) of the northern year with the season of `on`: in the south plus half a year."""
    week = min((on.timetuple().tm_yday - 1) // 7, WEEKS - 1)
    return (week + WEEKS // 2) % WEEKS if southern else week


def weeks_to(holiday: dt.date, on: dt.date) -> int:
    """Return the whole weeks (0-51) from `on` to the next occurrence of a holiday."""
    return min((holiday - on).days // 7, WEEKS - 1)
