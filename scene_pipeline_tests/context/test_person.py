"""A profile speaks for its person as far as it is known, and a correction holds."""

import datetime as dt

import msgspec
import numpy as np
import pytest

from scene_pipeline.context.person import (
    MAX_FIT,
    Population,
    Profile,
    fit_population,
    fit_profiles,
    person_fit,
    person_reason,
    price_limit,
    term_lifts,
)
from scene_pipeline.context.sales import Sales
from scene_pipeline.context.terms import ProductTerms

TODAY = dt.date(2026, 3, 30)
PRODUCTS = ("oak table", "oak chair", "steel table", "steel chair")
TERMS = ProductTerms.of(
    [
        {"table", "material:oak", "brand:acme", "room:kitchen"},
        {"chair", "material:oak", "brand:acme", "room:kitchen"},
        {"table", "material:steel", "brand:other", "room:office"},
        {"chair", "material:steel", "brand:other", "room:office"},
    ]
)
LOG_PRICE = np.log([100.0, 40.0, 110.0, 45.0])
POSITIONS = {name: at for at, name in enumerate(TERMS.names.tolist())}


OAK = ("table", "material:oak", "brand:acme", "room:kitchen")


def sales(*bought: tuple[int, int, float]) -> Sales:
    """Return sales of (person, product, weight)."""
    person, product, weight = (np.array(column) for column in zip(*bought, strict=True))
    day = np.full(len(person), TODAY.toordinal() - 1)
    names = ("a" * 16, "b" * 16, "c" * 16)
    return Sales(
        day, product.astype(int), PRODUCTS, person.astype(int), names, person.astype(int), weight.astype(float)
    )


EVERYBODY = sales((0, 0, 1), (0, 1, 1), (1, 2, 1), (1, 3, 1), (2, 0, 1), (2, 3, 1))
POPULATION = fit_population(EVERYBODY, TERMS, LOG_PRICE)
SHARES = TERMS.values(POPULATION.shares)


def fit(profile: Profile) -> np.ndarray:
    lifts = TERMS.lift(term_lifts(profile, SHARES, POSITIONS))
    return person_fit(profile, POPULATION, lifts, LOG_PRICE)


def test_what_everybody_buys_is_shares_of_purchases() -> None:
    assert POPULATION.purchases == 6
    assert POPULATION.shares["material:oak"] == pytest.approx(0.5)


def test_a_profile_likes_brand_room_and_material_that_were_bought() -> None:
    profiles = {profile.id: profile for profile in fit_profiles(EVERYBODY, TERMS, LOG_PRICE, TODAY)}
    oak, steel = fit(profiles["a" * 16]), fit(profiles["b" * 16])
    assert oak[0] > oak[2]
    assert oak[1] > oak[3]
    assert steel[2] > steel[0]
    lifts = term_lifts(profiles["a" * 16], SHARES, POSITIONS)
    for liked, other in (("brand:acme", "brand:other"), ("room:kitchen", "room:office")):
        assert lifts[POSITIONS[liked]] > 0 > lifts[POSITIONS[other]]


def test_nobody_known_is_lifted_nothing_exactly() -> None:
    assert (fit(Profile("a" * 16, TODAY)) == 0).all()


def test_more_purchases_are_believed_more() -> None:
    few, many = (Profile("a" * 16, TODAY, n, dict.fromkeys(OAK, float(n))) for n in (2, 40))
    assert few.weight == pytest.approx(2 / 22)
    assert 0 < fit(few)[0] < fit(many)[0]


def test_a_correction_holds_in_place_of_what_was_computed() -> None:
    profile = Profile("a" * 16, TODAY, 40, dict.fromkeys(OAK, 40.0))
    ignored = msgspec.structs.replace(profile, corrections={"material:oak": 0.0})
    avoided = msgspec.structs.replace(profile, corrections={"material:oak": -2.0})
    assert fit(profile)[0] > fit(ignored)[0] > fit(avoided)[0]
    assert fit(Profile("a" * 16, TODAY, corrections={"material:oak": 1.0}))[0] > 0, (
        "taste can be stated before a purchase"
    )


def test_the_fit_stays_within_its_cap() -> None:
    extreme = Profile("a" * 16, TODAY, 5000, {"material:oak": 5000.0, "brand:acme": 5000.0, "table": 5000.0})
    assert np.abs(fit(extreme)).max() <= MAX_FIT


def test_prices_near_those_paid_are_lifted_and_unknown_ones_are_not() -> None:
    cheap = sales(*[(0, 1, 1.0)], (0, 3, 1.0), (1, 0, 1.0), (2, 2, 1.0))
    population = fit_population(cheap, TERMS, LOG_PRICE)
    profile = msgspec.structs.replace(next(fit_profiles(cheap, TERMS, LOG_PRICE, TODAY)), purchases=40.0)
    prices = np.log([42.0, 105.0])
    low, high, unknown = person_fit(profile, population, np.zeros(3), np.append(prices, np.nan))
    assert low > 0 > high
    assert unknown == 0


def test_a_product_counts_once_by_its_strongest_action() -> None:
    profile = next(fit_profiles(sales((0, 0, 0.1), (0, 0, 1.0), (0, 1, 0.5)), TERMS, LOG_PRICE, TODAY))
    assert profile.purchases == 1.5
    assert profile.terms["material:oak"] == 1.5


def test_lines_without_a_person_make_no_profile() -> None:
    assert list(fit_profiles(sales((-1, 0, 1.0)), TERMS, LOG_PRICE, TODAY)) == []
    assert fit_population(sales((-1, 0, 1.0)), TERMS, LOG_PRICE) == Population(0.0, {})


def test_a_reason_names_what_is_liked_and_a_price_that_was_usual() -> None:
    profile = next(fit_profiles(sales(*[(0, at, 1.0) for at in range(4)]), TERMS, LOG_PRICE, TODAY))
    assert price_limit(profile) is None, "four purchases are too few"
    assert profile.price is not None
    known = msgspec.structs.replace(profile, price=msgspec.structs.replace(profile.price, count=9.0))
    assert price_limit(known) == pytest.approx(150)
    assert (
        person_reason(known, ["material:light_wood", "white", "table"], 40.0) == "for you: light wood, white, under 150"
    )
    assert person_reason(known, ["white"], None) == "for you: white"
    assert person_reason(known, [], 40.0) == ""
