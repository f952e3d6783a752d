"""Matching: the things of a photograph, each with the products most like it and the box that shows it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_pipeline.color.density import log_density
from scene_pipeline.matching.match import MAX_OBJECTS, match
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.matching.things import STANDS_OUT
from scene_pipeline.sample import sample_libraries
from scene_pipeline.scenes.analysis import UNKNOWN, RoomObject
from scene_pipeline.scenes.decor import GROUPS_OF, READABLE, groups_of

ROOM = min(sample_libraries().rglob("living-room*.webp"))


@pytest.fixture(scope="module")
def matcher(demo: Path) -> SceneMatcher:
    return SceneMatcher.open(demo, verify=False)


def test_each_thing_has_a_box_and_products_of_its_type_best_first(matcher: SceneMatcher) -> None:
    found = matcher.match(ROOM, k=3)
    assert 1 <= len(found.objects) <= MAX_OBJECTS
    assert found.note == ""
    groups = matcher.vocabulary.types.by_type()
    types = dict(zip(*matcher.bundle.products(["product_id", "product_type"]).to_pydict().values(), strict=True))
    for thing in found.objects:
        left, top, right, bottom = thing.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert [product.rank for product in thing.products] == list(range(1, len(thing.products) + 1))
        assert {groups[types[product.product_id]].id for product in thing.products} == {thing.type}
    assert len({thing.object_id for thing in found.objects}) == len(found.objects)
    assert len({thing.type for thing in found.objects}) == len(found.objects)


def test_what_is_read_comes_first_then_what_stands_out_enough(matcher: SceneMatcher) -> None:
    scene = matcher.analyze(ROOM)
    assert scene.analysis.reading is not None
    read = [item.box for item in scene.analysis.reading.objects]
    found = match(matcher, scene, Request(k=1)).objects
    first = [read.index(thing.box) for thing in found if thing.box in read]
    assert first
    assert first == sorted(first)
    others = found[len(first) :]
    assert others
    assert [thing.above for thing in others] == sorted((thing.above for thing in others), reverse=True)
    assert all(thing.above >= STANDS_OUT and thing.type not in READABLE for thing in others)


def test_a_chair_that_is_read_is_of_the_type_that_suits_the_room(matcher: SceneMatcher) -> None:
    scene = matcher.analyze(ROOM)
    reading = scene.analysis.reading
    assert reading is not None
    rooms = [room.id for room in matcher.vocabulary.rooms]

    def named(room: str) -> set[str]:
        chair = RoomObject("chair", (0.3, 0.5, 0.7, 0.9), 0.9, UNKNOWN)
        weights = np.eye(len(rooms), dtype=np.float32)[rooms.index(room)]
        analysis = replace(scene.analysis, reading=replace(reading, objects=(chair,)))
        things = match(matcher, replace(scene, rooms=weights, analysis=analysis), Request(k=1)).objects
        return {thing.type for thing in things if thing.box == chair.box}

    assert named("dining_room") == {"chairs"}
    assert named("home_office") == {"desk_chairs"}


def test_of_two_that_look_alike_the_one_of_the_room_and_its_colors_comes_first(matcher: SceneMatcher) -> None:
    scene, features = matcher.analyze(ROOM), matcher.features
    rooms = [room.id for room in matcher.vocabulary.rooms]
    rows = np.flatnonzero(features.has_image & (features.color_share[:, 0] > 0))
    alike = np.zeros(len(rows))

    def similarity(room: str, color: np.ndarray | None = None) -> np.ndarray:
        density = scene.density if color is None else log_density(np.tile(color, (64, 1)))
        weights = np.eye(len(rooms), dtype=np.float32)[rooms.index(room)]
        return matcher.shown_similarity(replace(scene, rooms=weights, density=density), rows, alike)

    fit = features.room_fit[rows]
    suits = fit[:, rooms.index("bathroom")] > fit[:, rooms.index("living_room")]
    assert 0 < suits.sum() < len(rows)
    assert (similarity("bathroom") > similarity("living_room"))[suits].all()
    own = int(np.argmax(features.color_share[rows, 0]))
    main = features.color_lab[rows[own], 0]
    assert similarity("bathroom", main)[own] > similarity("bathroom", np.array([100.0, 0, 0]) - main)[own] + 1


def test_what_is_surely_not_in_the_picture_is_not_named_though_a_product_stands_out(matcher: SceneMatcher) -> None:
    scene = matcher.analyze(ROOM)
    reading = scene.analysis.reading
    assert reading is not None
    named = next(thing.type for thing in match(matcher, scene, Request(k=1)).objects if kinds_of(thing.type))
    present = dict(reading.present) | dict.fromkeys(kinds_of(named), 0.001)
    others = tuple(item for item in reading.objects if item.type not in kinds_of(named))
    changed = replace(reading, present=present, objects=others)
    without = replace(scene, analysis=replace(scene.analysis, reading=changed))
    assert named not in {thing.type for thing in match(matcher, without, Request(k=1)).objects}


def kinds_of(group: str) -> list[str]:
    """Return the types of thing that products of a group may be."""
    return [kind for kind, groups in GROUPS_OF.items() if group in groups]


def test_the_box_is_that_of_the_thing_that_is_read(matcher: SceneMatcher) -> None:
    scene = matcher.analyze(ROOM)
    assert scene.analysis.reading is not None
    boxes = {item.box for item in scene.analysis.reading.objects}
    read = {name for item in scene.analysis.reading.objects for name in groups_of(item)}
    found = [thing for thing in match(matcher, scene, Request(k=1)).objects if thing.type in read]
    assert found
    assert {thing.box for thing in found} <= boxes


def test_the_same_question_has_the_same_answer_and_constraints_hold(matcher: SceneMatcher) -> None:
    ids = [[thing.object_id for thing in matcher.match(ROOM, k=2).objects] for _ in range(2)]
    assert ids[0] == ids[1]
    cheap = matcher.match(ROOM, Request(k=2, constraints=Constraints(max_price=60.0)))
    price = dict(zip(*matcher.bundle.products(["product_id", "price"]).to_pydict().values(), strict=True))
    assert all(price[product.product_id] <= 60 for thing in cheap.objects for product in thing.products)


def test_where_nothing_stands_out_it_says_so(matcher: SceneMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scene_pipeline.matching.things.STANDS_OUT", np.inf)
    found = matcher.match(Image.new("RGB", (320, 240), (128, 128, 128)))
    assert found.objects == ()
    assert found.note.startswith("unknown: ")
