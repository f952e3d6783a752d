"""A context refuses what it cannot read and knows the hemisphere of a country."""

import datetime as dt

import pytest

from scene_pipeline.context.context import Context, parse_context
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
    assert (parse_context(**fields) or Context()).southern is southern


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"country": "England"}, "country 'ENGLAND'"),
        ({"hemisphere": "west"}, "hemisphere 'west'"),
        ({"person": "alice@example.com"}, "HMAC id"),
        ({"person": "../../etc/passwd"}, "HMAC id"),
        ({"channel": "a b"}, "channel 'a b'"),
        ({"date": "24.12.2026"}, "date '24.12.2026'"),
        ({"date": "2026-02-30"}, "date '2026-02-30'"),
    ],
)
def test_a_wrong_value_is_named_with_the_fix(fields: dict[str, str], names: str) -> None:
    with pytest.raises(ScenePipelineError, match=names):
        parse_context(**fields)


def test_the_error_about_a_person_does_not_repeat_who_it_is() -> None:
    with pytest.raises(ScenePipelineError) as raised:
        Context(person="alice@example.com")
    assert "alice" not in str(raised.value)


def test_texts_become_a_context_and_nothing_becomes_none() -> None:
    assert parse_context() is None
    assert parse_context("", "", "", "", "") is None
    context = parse_context("2026-11-28", "gb", person=PERSON, channel="web")
    assert context is not None
    assert context == Context(dt.date(2026, 11, 28), "GB", None, PERSON, "web")
    assert context.record() == {
        "date": "2026-11-28", "country": "GB", "hemisphere": None, "person": PERSON, "channel": "web",
    }  # fmt: skip


def test_today_is_a_date() -> None:
    context = parse_context("today")
    assert context is not None
    assert context.date == dt.date.today()
