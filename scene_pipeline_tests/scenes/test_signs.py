"""Rooms without photographs are read from the things in them."""

import numpy as np
import pytest

from scene_pipeline.encoders.spec import compact_spec, get_spec
from scene_pipeline.errors import VocabularyError
from scene_pipeline.scenes.decor import USUAL
from scene_pipeline.scenes.room_heads import TYPES
from scene_pipeline.scenes.signs import (
    MANY_THINGS,
    MAX_NULL,
    TAIL,
    Sign,
    evidence,
    named_classes,
    signs_of,
    with_evidence,
    with_things,
)
from scene_pipeline.vocabulary import Room, load_vocabulary

ROOMS = ("living_room", "bedroom", "childrens_room", "laundry")
TAILS = tuple(float(value) for value in np.linspace(-6, -1, len(TAIL)))
SIGNS = (
    Sign("childrens_room", "crib", 0, TAILS),
    Sign("childrens_room", "teddy", 1, TAILS),
    Sign("laundry", "washer", 2, TAILS),
)
NOTHING, CLEAR = -9.0, -0.5


def test_every_packaged_sign_is_a_class_of_the_backbone() -> None:
    signs = signs_of(compact_spec(), load_vocabulary().rooms)
    assert {sign.room for sign in signs} == {"childrens_room", "home_office", "laundry", "outdoor"}
    assert all(len(sign.tail) == len(TAIL) and sorted(sign.tail) == list(sign.tail) for sign in signs)


def test_classes_are_those_of_imagenet_in_order() -> None:
    classes = named_classes()
    assert len(classes.names) == len(classes.tails) == 1000
    assert [classes.names[at] for at in (0, 516, 999)] == ["tench", "cradle", "toilet tissue"]


def test_a_sign_that_is_not_a_class_is_refused_with_the_nearest_name() -> None:
    room = Room("sauna", "sauna", ("a photo of a sauna",), signs=("wash machine",))
    with pytest.raises(VocabularyError, match="rooms, sauna: the sign 'wash machine' is not a class"):
        signs_of(compact_spec(), [room])


def test_an_encoder_that_names_nothing_has_no_signs() -> None:
    assert signs_of(get_spec("ViT-B-32/laion2b_s34b_b79k"), load_vocabulary().rooms) == ()


def test_a_clear_sign_speaks_for_its_room_and_none_against_it() -> None:
    found = evidence(SIGNS, np.array([CLEAR, NOTHING, NOTHING]))
    assert found["childrens_room"] > 5
    assert found["laundry"] < 1


def test_two_chances_cost_evidence() -> None:
    found = evidence(SIGNS, np.array([CLEAR, NOTHING, CLEAR]))
    assert found["laundry"] > found["childrens_room"]


def test_evidence_makes_a_room_the_likeliest_and_leaves_the_null_class() -> None:
    shares = np.array([0.1, 0.68, 0.01, 0.01, 0.2], np.float32)
    reported = with_evidence(shares, ROOMS, evidence(SIGNS, np.array([CLEAR, NOTHING, NOTHING])))
    assert reported[:-1].argmax() == 2
    assert reported.sum() == pytest.approx(1)
    assert reported[-1] == pytest.approx(0.2)


def test_without_a_sign_seen_the_other_rooms_keep_their_order() -> None:
    shares = np.array([0.3, 0.5, 0.1, 0.1, 0.0], np.float32)
    reported = with_evidence(shares, ROOMS, evidence(SIGNS, np.full(3, NOTHING)))
    assert reported[1] > reported[0] > max(reported[2], reported[3])


OFFICE = Room("home_office", "home office", ("a photo of a home office",), needs=("desk",), never=("sink", "bath"))
KITCHEN = Room("kitchen", "kitchen", ("a photo of a kitchen",))


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ({"desk": 1.0, "sink": 0.0, "bath": 0.0}, 0.6),  # nothing speaks against it
        ({"desk": USUAL["desk"], "sink": 0.0, "bath": 0.0}, 0.6),  # no less certain than in other photographs
        ({"desk": USUAL["desk"] / 2, "sink": 0.0, "bath": 0.0}, 0.8 * 0.75 * 0.5 / (0.75 * 0.5 + 0.25)),
        ({"desk": 1.0, "sink": 1.0, "bath": 0.0}, 0.8 * 0.75 * 0.02 / (0.75 * 0.02 + 0.25)),  # never ruled out for sure
    ],
)
def test_a_room_loses_by_what_it_lacks_and_by_what_it_never_has(present: dict[str, float], expected: float) -> None:
    office, kitchen, nothing = with_things(np.array([0.6, 0.2, 0.2]), (OFFICE, KITCHEN), present)
    assert office == pytest.approx(expected)
    assert office + kitchen == pytest.approx(0.8)
    assert nothing == pytest.approx(0.2)


@pytest.mark.parametrize(("count", "null"), [(MANY_THINGS, MAX_NULL), (MANY_THINGS - 1, 0.9)])
def test_a_picture_of_many_things_is_a_room(count: int, null: float) -> None:
    present = {name: 0.9 if at < count else 0.0 for at, name in enumerate(TYPES)}
    found = with_things(np.array([0.08, 0.02, 0.9], np.float32), (KITCHEN, KITCHEN), present)
    assert found[-1] == pytest.approx(null)
    assert found.sum() == pytest.approx(1)
    assert found[0] == pytest.approx(4 * found[1])
    assert found.dtype == np.float32


def test_a_thing_that_is_not_recognized_is_refused() -> None:
    room = Room("sauna", "sauna", ("a photo of a sauna",), never=("stove",))
    with pytest.raises(VocabularyError, match="rooms, sauna: 'stove' is not recognized; things are chair, "):
        signs_of(compact_spec(), [room])
