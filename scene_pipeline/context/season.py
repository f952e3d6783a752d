"""Season: how much more or less than over the whole year the products of a term sell at this time of the year."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.context.calendar import WEEKS, next_date, week_of_year, weeks_to
from scene_pipeline.context.context import Context
from scene_pipeline.context.sales import Sales
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import write_bytes
from scene_pipeline.vocabulary.strict_yaml import load_strict

YEAR = "year"
"""The key of a term that follows the weather; others follow a holiday, by its id."""

PRIOR = 200.0
"""Strength of the Gamma prior, in expected sales: a term with few sales is shrunk to no lift."""

BANDWIDTH = 1.0
"""Standard deviation in weeks of the Gaussian over neighboring weeks."""

MIN_SALES = 30
"""Terms that sold less often over the year have no curve."""

MAX_SEASON_LIFT = 1.5
"""Lifts of terms lie within ± this (natural logarithm): 4.5 times as often as usual."""

THEMES = Path(__file__).parents[1] / "vocabulary" / "data" / "themes.yaml"


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the records of themes.yaml."""


class Holiday(_Strict, frozen=True):
    """A holiday: its rules by country (see calendar.next_date) and the words that products for it carry."""

    id: str
    name: str
    dates: dict[str, str]
    words: tuple[str, ...]


class Theme(_Strict, frozen=True):
    """Words with one sales curve: 26 log-lifts, one per fortnight, of the year or up to the holiday `by`."""

    id: str
    name: str
    by: str
    words: tuple[str, ...]
    lifts: tuple[float, ...]


class Themes(_Strict, frozen=True):
    """The packaged seasonal vocabulary and where its curves come from."""

    source: str
    holidays: tuple[Holiday, ...]
    themes: tuple[Theme, ...]


class Curve(_Strict, frozen=True):
    """The log-lifts of a term: 52 weeks of the year, or weeks 0-51 up to the holiday `by`."""

    by: str
    lifts: tuple[float, ...]


class SeasonLifts(_Strict, frozen=True):
    """The curves of terms, their source, and the last day of the sales they were fitted on (ISO form, or empty)."""

    source: str
    until: str
    curves: dict[str, Curve]

    def save(self, path: Path) -> None:
        """Write as JSON, atomically."""
        write_bytes(path, msgspec.json.encode(self, order="sorted"))

    @classmethod
    def load(cls, path: Path) -> "SeasonLifts":
        """Read what `save` wrote. Raises ScenePipelineError."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise ScenePipelineError(f"{path}: cannot be read ({error}); materialize season_lifts again") from error

    def at(self, context: Context) -> dict[str, tuple[float, str]]:
        """Return the log-lift of every term at the date and place of a context, and the key it follows.

        Empty without a date; holidays that the country does not celebrate are left out. Without a country the rules for
        "any" apply. A day within the fitted sales gets nothing either: its lifts would use later sales.
        """
        if context.day is None or (self.until and context.day.isoformat() <= self.until):
            return {}
        weeks = _weeks(context.day, context.country, context.southern)
        return {
            term: (curve.lifts[week], curve.by)
            for term, curve in self.curves.items()
            if (week := weeks.get(curve.by)) is not None
        }


@lru_cache(maxsize=1)
def load_themes() -> Themes:
    """Return the packaged holidays and themes. Raises VocabularyError."""
    return load_strict(THEMES, Themes)


@lru_cache(maxsize=1)
def shipped_lifts() -> SeasonLifts:
    """Return the curves for a shop without sales of its own: those of the packaged themes."""
    themes = load_themes()
    curves = {
        word: Curve(theme.by, tuple(np.repeat(theme.lifts, 2).tolist()))
        for theme in themes.themes
        for word in theme.words
    }
    return SeasonLifts(themes.source, "", curves)


@lru_cache(maxsize=1024)
def _weeks(on: dt.date, country: str | None, southern: bool) -> Mapping[str, int | None]:
    """Return the position of a day on the curve of the year and on that of every holiday."""
    weeks: dict[str, int | None] = {YEAR: week_of_year(on, southern=southern)}
    for holiday in load_themes().holidays:
        found = next_date(holiday.dates, on, country)
        weeks[holiday.id] = None if found is None else weeks_to(found, on)
    return weeks


def season_reason(term: str, by: str, context: Context, *, rises: bool = True) -> str:
    """Return why a term is lifted: "Christmas is in 24 days", or "garden sells more at this time of the year"."""
    holiday = next((holiday for holiday in load_themes().holidays if holiday.id == by), None)
    found = next_date(holiday.dates, context.day, context.country) if holiday and context.day else None
    if holiday is None or found is None or context.day is None:
        name = term.rsplit(":", maxsplit=1)[-1].replace("_", " ")
        return f"'{name}' sells {'more' if rises else 'less'} at this time of the year"
    days = (found - context.day).days
    return f"{holiday.name} is {'today' if days == 0 else 'tomorrow' if days == 1 else f'in {days} days'}"


def fit_season(
    sales: Sales, terms: ProductTerms, place: Context, source: str, pooled: Sequence[tuple[str, ...]] = ()
) -> SeasonLifts:
    """Fit the curves of all terms on at least a year of a shop's sales in one place.

    `terms` has a row for each of `sales.products`; `place` gives country and hemisphere. Each buyer counts once a week
    and product. The rate of a term in a week over its rate in the year is the mean of a Gamma posterior whose prior is
    worth PRIOR expected sales. Words of a holiday follow the days to it, all others the week of the northern year.
    Words of `pooled` share one curve. Raises ScenePipelineError for less than 350 days.
    """
    days = np.unique(sales.day)
    if len(days) == 0 or days[-1] - days[0] < 350:
        covered = int(days[-1] - days[0]) + 1 if len(days) else 0
        raise ScenePipelineError(f"{source}: covers {covered} days; a season needs a year of sales")
    last_year = days[-1] - 364  # exactly one year: otherwise some weeks of the year would count twice
    sales = sales.where(sales.day >= last_year)
    counts = _weekly(sales, terms, place)
    groups = _groups(terms, pooled)
    curves: dict[str, Curve] = {}
    for key, (by_term, everything) in counts.items():
        members = [(names, at) for names, at in groups if _key_of(names[0]) == key]
        if members:
            sold = np.stack([by_term[:, at].sum(axis=1) for _, at in members], axis=1)
            lifts = _shrunk(sold, everything)
            for (names, _), curve, total in zip(members, lifts.T, sold.sum(axis=0), strict=True):
                if total >= MIN_SALES:
                    curves |= dict.fromkeys(names, Curve(key, tuple(np.round(curve, 2).tolist())))
    return SeasonLifts(source, dt.date.fromordinal(int(days[-1])).isoformat(), curves)


@lru_cache(maxsize=1)
def _holiday_words() -> dict[str, str]:
    return {word: holiday.id for holiday in load_themes().holidays for word in holiday.words}


def _key_of(term: str) -> str:
    return _holiday_words().get(term, YEAR)


def _groups(terms: ProductTerms, pooled: Sequence[tuple[str, ...]]) -> list[tuple[tuple[str, ...], list[int]]]:
    """Return the groups of terms that share a curve, with their positions."""
    position = {name: index for index, name in enumerate(terms.names.tolist())}
    groups = [(words, [position[word] for word in words if word in position]) for words in pooled]
    shared = {word for words in pooled for word in words}
    return groups + [((name,), [index]) for name, index in position.items() if name not in shared]


def _weekly(sales: Sales, terms: ProductTerms, place: Context) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return, by key, the sales of terms [52, T] and of everything [52] by position on the key's curve."""
    first = int(sales.day[0])
    dates = [dt.date.fromordinal(first + offset) for offset in range(int(sales.day[-1]) - first + 1)]
    line = np.stack([(sales.day - first) // 7, sales.buyer, sales.product], axis=1)
    _, kept = np.unique(line, axis=0, return_index=True)
    keys = [YEAR, *(holiday.id for holiday in load_themes().holidays)]
    weeks = [_weeks(on, place.country, place.southern) for on in dates]
    result = {}
    for key in keys:
        at_day = np.array([-1 if (at := day[key]) is None else at for day in weeks])
        at = at_day[sales.day[kept] - first]
        by_term = np.stack([terms.counts(sales.product[kept[at == week]]) for week in range(WEEKS)])
        result[key] = (by_term, np.bincount(at[at >= 0], minlength=WEEKS).astype(np.float64))
    return result


def _shrunk(sold: np.ndarray, everything: np.ndarray) -> np.ndarray:
    """Return the log-lifts [52, T] of counts `sold` [52, T] among `everything` [52], smoothed around the year."""
    apart = np.abs(np.arange(WEEKS)[:, None] - np.arange(WEEKS))
    kernel = np.exp(-0.5 * (np.minimum(apart, WEEKS - apart) / BANDWIDTH) ** 2)
    share = sold.sum(axis=0) / max(everything.sum(), 1.0)
    smooth, expected = kernel @ sold, np.outer(kernel @ everything, share)
    return np.clip(np.log((smooth + PRIOR) / (expected + PRIOR)), -MAX_SEASON_LIFT, MAX_SEASON_LIFT)
