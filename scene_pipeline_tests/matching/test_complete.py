"""A list that completes a room: without what is there, and first what is missing."""

from dataclasses import replace

import numpy as np
import pytest

from scene_pipeline.matching.complete import Completion
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.phrases import LOOKS_LIKE
from scene_pipeline.matching.result import Recommendation
from scene_pipeline.scenes.analysis import Classification, Decor, RoomReading, SceneAnalysis, Trait
from scene_pipeline.vocabulary import load_vocabulary

TYPES = load_vocabulary().types
IDS = [group.id for group in TYPES.groups]
EVEN = dict.fromkeys(FACTORS, 1 / len(FACTORS))
OPEN = Classification("unknown", 0.5, 1.0, {})
NO_TRAIT = Trait("unknown", 0.3, "a test")
READING = RoomReading(
    (), {}, {}, {}, NO_TRAIT, NO_TRAIT, NO_TRAIT, 20.0, (15.0, 25.0), 1.3
)  # fmt: skip
ROOM = SceneAnalysis(
    OPEN,
    OPEN,
    OPEN,
    (),
    reading=READING,
    decor=Decor({"sofa": 1}, {"sofa": 0.9}, ("sofas",), ("rugs", "curtains", "coffee_tables")),
)


def groups(*names: str) -> np.ndarray:
    return np.array([IDS.index(name) if name else -1 for name in names])


def item(reason: str) -> Recommendation:
    return Recommendation(1, "a", "A", "a thing", "soft_textiles", "", 0.5, 0.5, False, {}, reason)


def test_what_is_there_comes_last_whether_it_passed_or_not() -> None:
    completion = Completion.of(ROOM, TYPES, EVEN)
    parts = completion.parts(groups("sofas", "rugs", "", "sofas", "vases"), np.array([True, True, True, False, False]))
    assert [part.tolist() for part in parts] == [[1, 2], [4], [0, 3]]


def test_what_is_missing_gains_and_its_reason_says_so() -> None:
    completion = Completion.of(ROOM, TYPES, EVEN)
    own = groups("rugs", "vases", "")
    worth = completion.worth(own)
    assert worth[0] > worth[1] == worth[2] == 0
    found = completion.explained([item("It suits the room."), item("It suits the room."), item("")], own)
    assert [thing.reason for thing in found] == [
        "There is no rug here yet, and it suits the room.", "It suits the room.", "",
    ]  # fmt: skip


def test_what_may_be_there_loses_in_proportion() -> None:
    reading = replace(READING, present={"vase": 0.4, "plant": 0.2})
    worth = Completion.of(replace(ROOM, reading=reading), TYPES, EVEN).worth(groups("vases", "plants", "cushions"))
    assert worth[0] < worth[1] < worth[2] == 0


def test_a_room_is_not_said_to_lack_what_may_be_unrecognized() -> None:
    completion = Completion.of(replace(ROOM, reading=replace(READING, present={"rug": 0.2})), TYPES, EVEN)
    assert completion.missing[groups("rugs")].all()
    sure = Completion.of(replace(ROOM, reading=replace(READING, present={"rug": 0.02})), TYPES, EVEN)
    assert sure.explained([item("It fits.")], groups("rugs"))[0].reason.startswith("There is no rug here yet")
    similar = f"It {LOOKS_LIKE} at the left."
    assert sure.explained([item(similar)], groups("rugs"))[0].reason == similar
    assert completion.explained([item("It fits.")], groups("rugs"))[0].reason == "It fits."


def test_what_belongs_to_the_house_comes_last_though_it_is_not_seen() -> None:
    parts = Completion.of(ROOM, TYPES, EVEN).parts(groups("taps", "rugs", "appliances"), np.ones(3, bool))
    assert [part.tolist() for part in parts] == [[1], [], [0, 2]]


@pytest.mark.parametrize(
    ("group", "says"), [("curtains", "There are no curtains"), ("coffee_tables", "no coffee table")]
)
def test_a_reason_names_one_or_several(group: str, says: str) -> None:
    assert says in Completion.of(ROOM, TYPES, EVEN).explained([item("It fits.")], groups(group))[0].reason


def test_only_what_belongs_to_the_house_is_left_out_where_nothing_is_known() -> None:
    completion = Completion.of(replace(ROOM, decor=None), TYPES, EVEN)
    assert [name for name, there in zip(IDS, completion.there, strict=False) if there] == [
        group.id for group in TYPES.groups if group.fitted
    ]
    assert not completion.missing.any()


def test_nothing_is_left_out_where_only_similarity_counts() -> None:
    completion = Completion.of(ROOM, TYPES, {**dict.fromkeys(FACTORS, 0.0), "base_similarity": 1.0})
    assert not completion.there.any()
    assert not completion.missing.any()
