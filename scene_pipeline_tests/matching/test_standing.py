"""Where in the picture a product would stand."""

import pytest

from scene_pipeline.matching.standing import Standing
from scene_pipeline.scenes.analysis import (
    Box,
    Classification,
    FreeStretch,
    RoomObject,
    RoomReading,
    SceneAnalysis,
    Trait,
)  # fmt: skip
from scene_pipeline.vocabulary import load_vocabulary

TYPES = load_vocabulary().types
OPEN = Classification("unknown", 0.5, 1.0, {})
WALL, FLOOR = (0.1, 0.1, 0.4, 0.3), (0.2, 0.7, 0.8, 0.9)
TABLE, SOFA = (0.4, 0.6, 0.6, 0.8), (0.0, 0.5, 0.3, 0.8)


def analysis(*things: tuple[str, Box]) -> SceneAnalysis:
    trait = Trait("unknown", 0.3, "a test")
    objects = tuple(RoomObject(kind, box, 0.8, "unknown") for kind, box in things)
    free = (FreeStretch("wall", WALL, None, None), FreeStretch("floor", FLOOR, 200, 100))
    reading = RoomReading(objects, {}, {}, {}, trait, trait, trait, 20.0, (15.0, 25.0), 1.3, free=free)
    return SceneAnalysis(OPEN, OPEN, OPEN, (), reading=reading)


@pytest.mark.parametrize(
    ("kind", "box"),
    [("picture", WALL), ("rug", FLOOR), ("cushion", SOFA), ("vase", (0.4, 0.53, 0.6, 0.67)), ("pendant lamp", None)],
)
def test_a_product_goes_where_such_things_are(kind: str, box: Box | None) -> None:
    found = Standing(TYPES, analysis(("sofa", SOFA), ("table", TABLE))).box(kind)
    assert found == (None if box is None else pytest.approx(box))


def test_a_second_product_stands_beside_the_first_within_the_place() -> None:
    standing = Standing(TYPES, analysis())
    first, second, third = (standing.box("rug") for _ in range(3))
    assert first == FLOOR
    assert second is not None
    assert third is not None
    assert FLOOR[0] <= second[0] < second[2] <= third[0] + 1e-9 < third[2] <= FLOOR[2]


@pytest.mark.parametrize("kind", ["vase", "no such type", None])
def test_nothing_is_said_where_nothing_holds_it(kind: str | None) -> None:
    assert Standing(TYPES, analysis(("mirror", TABLE))).box(kind) is None


@pytest.mark.parametrize(
    ("kind", "room"),
    [("rug", (200.0, 100.0)), ("picture", None), ("vase", None), ("no such type", None), (None, None)],
)
def test_the_room_for_a_product_is_the_free_stretch_of_known_size(kind: str | None, room: object) -> None:
    assert Standing(TYPES, analysis()).room(kind) == room
    assert Standing(TYPES, SceneAnalysis(OPEN, OPEN, OPEN, ())).room(kind) is None
