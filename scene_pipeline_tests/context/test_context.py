"""A context refuses what it cannot read and knows the hemisphere of a country."""

import datetime as dt

import pytest

from scene_pipeline.context.context import Context
from scene_pipeline.errors import ScenePipelineError

PERSON = "0123456789abcdef"


@pytest.mark.parametrize(
    ("fields", "southern"),
    [
        ({}, False),
        ({"country": "GB"}, False),
        ({"country": "AU"}, True),
        ({"hemisphere": "south"}, True),
        ({"country": "AU", "hemisphere": "north"}, False),
    ],
)
def test_the_hemisphere_is_the_one_given_or_that_of_the_country(fields: dict[str, str], southern: bool) -> None:
    assert Context(**fields).southern is southern


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"country": "England"}, "country 'England'"),
        ({"hemisphere": "west"}, "hemisphere 'west'"),
        ({"person": "alice@example.com"}, "HMAC id"),
        ({"person": "../../etc/passwd"}, "HMAC id"),
        ({"channel": "a b"}, "channel 'a b'"),
        ({"date": "24.12.2026"}, r"date '24\.12\.2026'"),
        ({"date": "20261224"}, "date '20261224'"),
        ({"date": "2026-02-30"}, "date '2026-02-30'"),
    ],
)
def test_a_wrong_value_is_named_with_the_fix(fields: dict[str, str], names: str) -> None:
    with pytest.raises(ScenePipelineError, match=names):
        Context(**fields)


def test_the_error_about_a_person_does_not_repeat_who_it_is() -> None:
    with pytest.raises(ScenePipelineError) as raised:
        Context(person="alice@example.com")
    assert "alice" not in str(raised.value)


def test_a_row_records_the_context_but_not_who_the_person_is() -> None:
    context = Context.on(dt.date(2026, 11, 28), "GB")
    assert (context.day, context.known) == (dt.date(2026, 11, 28), True)
    assert Context(date="2026-11-28", person=PERSON, channel="web").record() == {
        "date": "2026-11-28", "country": None, "hemisphere": None, "person": True, "channel": "web",
    }  # fmt: skip


def test_nothing_is_known_by_default() -> None:
    assert not Context().known
    assert not Context(country="GB", channel="web").known
    assert Context(person=PERSON).known


def test_today_becomes_the_date() -> None:
    assert Context(date="today").day == dt.date.today()
