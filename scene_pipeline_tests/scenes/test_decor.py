"""What stands in a room already and what it lacks."""

import pytest

from scene_pipeline.scenes.analysis import UNKNOWN, RoomObject, RoomReading, Trait
from scene_pipeline.scenes.decor import GROUPS_OF, decor, groups_of
from scene_pipeline.scenes.room_heads import TYPES
from scene_pipeline.vocabulary import load_vocabulary

USUAL = {"sofas": 1, "rugs": 1, "floor_lamps": 1, "cushions": 2, "plants": 1}


def thing(kind: str, top: float = 0.4, bottom: float = 0.6) -> RoomObject:
    return RoomObject(kind, (0.2, top, 0.4, bottom), 0.8, UNKNOWN)


def reading(objects: tuple[RoomObject, ...] = (), present: dict[str, float] | None = None) -> RoomReading:
    open_ = Trait(UNKNOWN, 0.3, "a test")
    return RoomReading(objects, {}, {}, {}, open_, open_, open_, 20.0, (15.0, 25.0), 1.3, present=present or {})


@pytest.mark.parametrize(
    ("top", "bottom", "group"),
    [(0.0, 0.3, "pendant_lamps"), (0.3, 0.9, "floor_lamps"), (0.45, 0.6, "table_lamps")],
)
def test_the_kind_of_a_lamp_is_read_from_where_it_is(top: float, bottom: float, group: str) -> None:
    assert group in groups_of(thing("lamp", top, bottom))


def test_what_is_seen_is_there_and_the_usual_rest_is_missing() -> None:
    things = (thing("sofa"), thing("lamp", 0.45, 0.6), thing("lamp", 0.4, 0.6))
    found = decor(reading(things, {"sofa": 0.9, "lamp": 0.8}), USUAL)
    assert found.counts == {"sofa": 1, "lamp": 2}
    assert "sofas" in found.groups
    assert found.missing == ("rugs", "plants"), "a cushion is never recognized, nor is another lamp missing"


@pytest.mark.parametrize(("sure", "there", "missing"), [(0.9, True, False), (0.4, False, False), (0.1, False, True)])
def test_a_thing_without_a_box_counts_by_how_sure_it_is(sure: float, there: bool, missing: bool) -> None:
    found = decor(reading(present={"rug": sure}), USUAL)
    assert ("rugs" in found.groups) == there
    assert ("rugs" in found.missing) == missing


def test_a_room_that_is_not_known_lacks_nothing() -> None:
    assert decor(reading((thing("sofa"),)), {}).missing == ()


def test_every_type_has_groups_of_the_vocabulary() -> None:
    known = {group.id for group in load_vocabulary().types.groups}
    assert set(GROUPS_OF) == set(TYPES)
    assert {group for groups in GROUPS_OF.values() for group in groups} <= known
