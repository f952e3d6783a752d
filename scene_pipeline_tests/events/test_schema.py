"""What is an event, and what is refused."""

import msgspec
import pytest

from scene_pipeline.errors import EventError
from scene_pipeline.events.schema import check_events, decode_actions, decode_event, encode_event
from scene_pipeline_tests.events.conftest import NOON, action, exposure


def test_events_survive_storage() -> None:
    for event in (exposure("r1", subject="abc", seed=7), action("r1", kind="purchase", value=12.5)):
        assert decode_event(encode_event(event)) == event


def test_actions_of_a_page_get_a_time_and_a_capped_dwell() -> None:
    body = b'[{"type":"action","request_id":"r1","kind":"dwell","product_id":"p1","value":9999}]'
    (found,) = decode_actions(body, NOON)
    assert (found.at, found.value, found.censored) == (NOON, 300.0, True)


def test_an_action_without_an_id_counts_once_for_product_and_subject() -> None:
    assert action("r1").event_id == action("r1", at=NOON + 60).event_id
    others = {action("r1", "p2").event_id, action("r1", kind="like").event_id, action("r1", subject="a").event_id}
    assert action("r1").event_id not in others
    assert action("r1", action_id="mine").event_id == action("r2", kind="like", action_id="mine").event_id
    assert "mine" not in action("r1", action_id="mine").event_id


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{}", "JSON list"),
        (b'[{"type":"action","request_id":"r","kind":"stare","product_id":"p"}]', r"\$\[0\]\.kind"),
        (b'[{"type":"action","request_id":"","kind":"click","product_id":"p"}]', "request_id"),
        (b'[{"type":"action","request_id":"r","kind":"click"}]', "product_id"),
        (b'[{"type":"action","request_id":"r","kind":"purchase","product_id":"p"}]', "has no value"),
        (b'[{"type":"action","request_id":"r","kind":"purchase","product_id":"p","value":-1}]', "value"),
        (b'[{"type":"action","request_id":"r","kind":"click","product_id":"p","email":"a@b.c"}]', "email"),
        (b'[{"type":"exposure","request_id":"r"}]', "exposure"),
        (b'[{"type":"action","request_id":"r","kind":"click","product_id":"p","at":1e99}]', "at"),
    ],
)
def test_a_page_that_sends_anything_else_is_reported_the_field(body: bytes, named: str) -> None:
    with pytest.raises(EventError, match=named):
        decode_actions(body, NOON)


def test_a_later_schema_is_refused() -> None:
    with pytest.raises(EventError, match="upgrade scene-pipeline"):
        decode_event(encode_event(exposure("r1", schema_version=99)))
    with pytest.raises(EventError, match="restore the event store"):
        decode_event(b"\x00")


def test_events_built_in_code_are_validated_alike() -> None:
    check_events([exposure("r1"), action("r1")])
    wrong = msgspec.structs.replace(exposure("r1").products[0], propensity=0.0)
    with pytest.raises(EventError, match="r1 is invalid"):
        check_events([msgspec.structs.replace(exposure("r1"), products=(wrong,))])
