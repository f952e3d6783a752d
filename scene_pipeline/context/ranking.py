"""Order products by how well they fit the scene and the context: `logit(score) + Σ weight · lift`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.context.context import Context
from scene_pipeline.context.person import Population, Profile, person_fit, person_reason, price_limit, term_lifts
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.context.season import SeasonLifts, season_reason, shipped_lifts
from scene_pipeline.context.terms import ProductTerms, name_of
from scene_pipeline.context.trend import Trends
from scene_pipeline.errors import VocabularyError
from scene_pipeline.paths import CONTEXT_WEIGHTS, PROFILES_FOLDER, SEASON_LIFTS, TREND_LIFTS
from scene_pipeline.vocabulary.strict_yaml import load_strict

LIFT_KINDS = ("season", "trend", "person")
MAX_LIFT = 1.5
"""Each lift of a product (season, trend, person) lies within ± this before it is weighted."""

PACKAGED_WEIGHTS = Path(__file__).parents[1] / "vocabulary" / "data" / "context.yaml"


class LiftWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights of the lifts, each at least 0; `channels` replaces weights by name in a channel."""

    season: float
    trend: float
    person: float
    channels: dict[str, dict[str, float]] = {}

    def of(self, channel: str | None) -> np.ndarray:
        """Return the weights [3] of a channel, in the order of KINDS."""
        own = self.channels.get(channel or "", {})
        return np.array([own.get(kind, getattr(self, kind)) for kind in LIFT_KINDS])


def load_weights(path: Path) -> LiftWeights:
    """Read weights from YAML. Raises VocabularyError."""
    weights = load_strict(path, LiftWeights)
    for where, named in [("weights", {kind: getattr(weights, kind) for kind in LIFT_KINDS}), *weights.channels.items()]:
        for kind, value in named.items():
            if kind not in LIFT_KINDS or not 0 <= value < math.inf:
                raise VocabularyError(
                    f"{path}: {where}, '{kind}' is {value:g}; give {', '.join(LIFT_KINDS)} at least 0"
                )
    return weights


@dataclass(frozen=True, slots=True)
class ContextEffect:
    """What the context did to a product: places moved (up is positive), weighted lifts by kind, and the sentence.

    The sentence is empty for a product that did not move.
    """

    moved: int
    lifts: dict[str, float]
    sentence: str


@dataclass(frozen=True, slots=True)
class _Day:
    """The lifts of a date and place: by product [n]; and by term the value [T], its key or its source."""

    season: np.ndarray
    season_terms: np.ndarray
    season_keys: dict[str, str]
    trend: np.ndarray
    growth: dict[str, float]
    signals: dict[str, tuple[float, str]]


class ContextModel:
    """The lifts of the products of one bundle. Safe to share between threads.

    The files are those that season_lifts, trends and profiles write; each is read again when it changes. Without a
    season of the shop's own the packaged themes apply; without trends or profiles these lifts are 0.
    """

    def __init__(self, folder: Path, terms: ProductTerms, skus: Sequence[str], prices: np.ndarray) -> None:
        """`terms`, `skus` and `prices` [n] (NaN unknown) are the rows of the bundle's product table."""
        self.folder = folder
        self.terms = terms
        self.profiles = ProfileStore(folder / PROFILES_FOLDER)
        self._skus = list(skus)
        self._prices = prices
        self._log_price = np.log(np.where(prices > 0, prices, np.nan))
        self._names: list[str] = terms.names.tolist()
        self._positions = {name: at for at, name in enumerate(self._names)}
        self._named: dict[str, list[str]] = {}
        for name in self._names:
            self._named.setdefault(name_of(name).lower(), []).append(name)
        self._day = lru_cache(maxsize=16)(self._read_day)
        self._people = lru_cache(maxsize=2)(self._read_population)

    def weights(self, channel: str | None) -> np.ndarray:
        """Return the weights [3] of a channel: those of the shop's own file, else the packaged ones."""
        own = self.folder / CONTEXT_WEIGHTS
        return _cached_weights(own if own.is_file() else PACKAGED_WEIGHTS, _stamp(own)).of(channel)

    def lifts(self, context: Context, rows: np.ndarray) -> np.ndarray:
        """Return the lifts of products [m, 3] in the order of KINDS, before weights; what is unknown is 0."""
        day = self._at(context)
        person = np.zeros(len(rows))
        profile = self._profile(context)
        if profile is not None:
            population, shares = self._people(self._population_stamp())
            lifts = self.terms.lift(term_lifts(profile, shares, self._positions), rows)
            person = person_fit(profile, population, lifts, self._log_price[rows])
        return np.clip(np.stack([day.season[rows], day.trend[rows], person], axis=1), -MAX_LIFT, MAX_LIFT)

    def order(self, context: Context, rows: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores to order by [m], 0 to 1, and the weighted lifts [m, 3] that were applied.

        The scores equal `scores` where all lifts are 0, and increase strictly with them at equal lifts.
        """
        weighted = self.lifts(context, rows) * self.weights(context.channel)
        total = weighted.sum(axis=1)
        sure = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
        lifted = 1 / (1 + np.exp(-(np.log(sure / (1 - sure)) + total)))
        return np.where(total == 0, scores, lifted), weighted

    def effect(self, context: Context, row: int, moved: int, weighted: np.ndarray) -> ContextEffect:
        """Return what the context did to the product of a row that moved so many places by these lifts [3]."""
        lifts = {kind: round(float(value), 4) for kind, value in zip(LIFT_KINDS, weighted, strict=True)}
        if not moved:
            return ContextEffect(0, lifts, "")
        toward = 1 if moved > 0 else -1
        kind = LIFT_KINDS[int((toward * weighted).argmax())]
        because = self._reason(context, kind, row, toward) if (toward * weighted).max() > 0 else ""
        places = f"{abs(moved)} place{'s' if abs(moved) != 1 else ''}"
        sentence = f"moved {'up' if moved > 0 else 'down'} {places}"
        return ContextEffect(moved, lifts, f"{sentence}: {because}" if because else sentence)

    def stamps(self, context: Context) -> tuple[int, ...]:
        """Return the time of the last change (ns) of each file that a context's lifts come from."""
        names = [SEASON_LIFTS, TREND_LIFTS, CONTEXT_WEIGHTS, f"{PROFILES_FOLDER}/population.json"]
        files = [self.folder / name for name in names]
        if context.person:
            files.append(self.profiles.path(context.person))
        return tuple(_stamp(path) for path in files)

    def describe(self, context: Context) -> str:
        """Return what is known of the person in a line ("for you: oak, white, under 50"); empty for nobody known."""
        profile = self._profile(context)
        if profile is None:
            return ""
        _, shares = self._people(self._population_stamp())
        lifts = term_lifts(profile, shares, self._positions)
        liked = [self._names[at] for at in np.argsort(-lifts, kind="stable")[:6] if lifts[at] > 0.1]
        return person_reason(profile, liked, price_limit(profile))

    def person_terms(self, profile: Profile) -> list[tuple[str, float]]:
        """Return the terms of a profile that the catalog has, with their lifts, the strongest first.

        Corrections come before learned terms.
        """
        _, shares = self._people(self._population_stamp())
        lifts = term_lifts(profile, shares, self._positions)
        named = [
            (term, float(lifts[at]))
            for term, at in self._positions.items()
            if term in {*profile.terms, *profile.corrections}
        ]
        return sorted(named, key=lambda item: (item[0] not in profile.corrections, -abs(item[1]), item[0]))

    def terms_named(self, text: str) -> list[str]:
        """Return the terms of the catalog that a person means by a text: that very term, or all of this name."""
        return [text] if text in self._positions and ":" in text else self._named.get(name_of(text).lower(), [])

    def _profile(self, context: Context) -> Profile | None:
        return self.profiles.get(context.person) if context.person else None

    def _reason(self, context: Context, kind: str, row: int, toward: int) -> str:
        """Return why a kind moved a product up (`toward` 1) or down (-1)."""
        day = self._at(context)
        own = self.terms.indices[self.terms.starts[row] : self.terms.starts[row + 1]]
        if kind == "season":
            return self._season_reason(context, day, own, toward)
        if kind == "trend":
            name = max((self._names[at] for at in own if self._names[at] in day.signals),
                       key=lambda term: toward * day.signals[term][0], default="")  # fmt: skip
            said = toward * day.signals[name][0] if name else 0.0
            if said > toward * day.growth.get(self._skus[row], 0.0):
                return f"'{name}' is {'rising' if toward > 0 else 'falling'} ({day.signals[name][1]})"
            return f"its sales have {'grown' if toward > 0 else 'fallen'} lately"
        profile = self._profile(context)
        if profile is None:
            return ""
        if toward < 0:
            return "unlike what this person chose before"
        _, shares = self._people(self._population_stamp())
        lifts = term_lifts(profile, shares, self._positions)
        liked = [self._names[at] for at in own[np.argsort(-lifts[own], kind="stable")] if lifts[at] > 0]
        price = float(self._prices[row])
        return person_reason(profile, liked, None if math.isnan(price) else price)

    def _season_reason(self, context: Context, day: _Day, own: np.ndarray, toward: int) -> str:
        if not len(own):
            return ""
        term = self._names[own[int((toward * day.season_terms[own]).argmax())]]
        return season_reason(term, day.season_keys.get(term, ""), context, rises=toward > 0)

    def _at(self, context: Context) -> _Day:
        where = Context(context.date, context.country, context.hemisphere)
        return self._day(where, _stamp(self.folder / SEASON_LIFTS), _stamp(self.folder / TREND_LIFTS))

    def _read_day(self, context: Context, season_stamp: int, trends_stamp: int) -> _Day:
        season = SeasonLifts.load(self.folder / SEASON_LIFTS) if season_stamp else shipped_lifts()
        by_term = season.at(context)
        season_terms = self.terms.values({term: lift for term, (lift, _) in by_term.items()})
        growth: dict[str, float] = {}
        signals: dict[str, tuple[float, str]] = {}
        if trends_stamp:
            trends = Trends.load(self.folder / TREND_LIFTS)
            growth, signals = trends.growth_at(context), trends.signals_at(context)
        said = self.terms.values({term: value for term, (value, _) in signals.items()})
        own = np.array([growth.get(sku, 0.0) for sku in self._skus]) if growth else np.zeros(len(self._skus))
        return _Day(
            season=self.terms.lift(season_terms),
            season_terms=season_terms,
            season_keys={term: key for term, (_, key) in by_term.items()},
            trend=own + self.terms.lift(said),
            growth=growth,
            signals=signals,
        )

    def _population_stamp(self) -> int:
        return _stamp(self.folder / PROFILES_FOLDER / "population.json")

    def _read_population(self, stamp: int) -> tuple[Population, np.ndarray]:
        """Return what everybody buys, and its shares by term [T]; `stamp` changes when the file does."""
        population = (self.profiles.population() if stamp else None) or Population(0.0, {})
        return population, self.terms.values(population.shares)


@lru_cache(maxsize=8)
def _cached_weights(path: Path, stamp: int) -> LiftWeights:
    return load_weights(path)


def _stamp(path: Path) -> int:
    """Return when a file last changed (ns), 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def moves(plain: Sequence[int] | np.ndarray, lifted: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return how many places up each candidate of the order `lifted` [m] stands from where it stood in `plain` [m]."""
    place = np.empty(len(plain), dtype=np.int64)
    place[np.asarray(plain)] = np.arange(len(plain))
    return place[np.asarray(lifted)] - np.arange(len(lifted))
