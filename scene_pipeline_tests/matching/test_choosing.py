"""Diversity, placement and reasons: the list is spread, placed and explained."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scene_pipeline.color.accents import accents
from scene_pipeline.color.density import log_density
from scene_pipeline.color.names import BASIC_COLORS, color_name
from scene_pipeline.matching.diversity import (
    NO_COLOR,
    UNLIMITED,
    Listed,
    Pool,
    best_of_each_group,
    choose,
    group_limits,
    main_colors,
    places_shared,
)
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.phrases import Look, product_look
from scene_pipeline.matching.placement import PlacementPlanner
from scene_pipeline.matching.reasons import Narrator
from scene_pipeline.scenes.analysis import (
    Classification,
    MeasuredValue,
    RoomReading,
    SceneAnalysis,
    SceneLight,
    Trait,
)
from scene_pipeline.scenes.light import REGIONS
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()
RULES = VOCABULARY.scoring.diversity


def random_units(count: int, dimension: int = 32) -> np.ndarray:
    vectors = np.random.default_rng(1).normal(size=(count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def pool(scores: np.ndarray, category: np.ndarray, **given: np.ndarray) -> Pool:
    """Candidates of which nothing bounds the number, but for what is `given`."""
    count = len(scores)
    usual = {
        "vectors": random_units(count),
        "group": np.full(count, -1),
        "limit": np.full(count, UNLIMITED),
        "color": np.full(count, NO_COLOR),
        "accent": np.zeros(count, bool),
    }
    return Pool(scores, category=category, **{**usual, **given})


def test_the_best_comes_first_and_no_category_takes_more_than_its_share() -> None:
    scores = np.linspace(1, 0.5, 60)
    category = np.array([0] * 20 + [1] * 20 + [2] * 10 + [3] * 10)
    chosen = choose(pool(scores, category), 10, RULES)
    assert chosen[0] == 0
    assert len(set(chosen)) == 10
    counts = np.bincount(category[chosen])
    assert counts.max() <= RULES.max_per_category
    assert np.count_nonzero(counts) >= RULES.min_categories


def test_what_comes_after_a_list_leaves_it_alone_and_keeps_its_bounds() -> None:
    """A runner-up may take a place in the list, which must then still have one sofa and no near-duplicate."""
    scores = np.linspace(1, 0.5, 60)
    given = pool(scores, np.arange(60) % 6, group=np.arange(60) % 14, limit=np.ones(60, int))
    listed = choose(given, 10, RULES)
    more = choose(given, 13, RULES, places=10)
    assert more[:10] == listed
    assert len(more) == 13
    assert len(set(given.group[more])) == 13
    assert max(np.bincount(given.category[more])) <= RULES.max_per_category


def test_near_duplicates_are_left_out_of_this_list_and_of_what_it_held_before() -> None:
    vectors = random_units(6)
    vectors[1] = vectors[0]
    candidates = pool(np.linspace(1, 0.9, 6), np.arange(6), vectors=vectors)
    listed = Listed()
    assert sorted(choose(candidates, 6, RULES, listed)) == [0, 2, 3, 4, 5]
    assert choose(candidates, 6, RULES, listed) == []


def test_a_single_category_still_fills_the_list() -> None:
    assert len(choose(pool(np.linspace(1, 0.5, 30), np.zeros(30, int)), 10, RULES)) == 10


def test_fewer_candidates_than_requested() -> None:
    assert len(choose(pool(np.array([0.4, 0.6]), np.array([0, 1])), 10, RULES)) == 2
    assert choose(pool(np.empty(0), np.empty(0, int), vectors=np.empty((0, 4), np.float32)), 10, RULES) == []


@pytest.mark.parametrize(("k", "limit", "shown"), [(10, 1, 1), (10, 2, 2), (20, 1, 2), (10, UNLIMITED, 10)])
def test_a_list_of_ten_holds_as_many_of_a_type_as_its_group_allows(k: int, limit: int, shown: int) -> None:
    candidates = pool(np.linspace(1, 0.5, 30), np.arange(30), group=np.zeros(30, int), limit=np.full(30, limit))
    assert len(choose(candidates, k, RULES)) == shown


def test_a_color_takes_its_share_and_more_only_where_nothing_else_is_left() -> None:
    scores, category = np.linspace(1, 0.5, 30), np.arange(30) % 5
    white_first = choose(pool(scores, category, color=np.array([0] * 20 + [1] * 10)), 8, RULES)
    assert sum(at < 20 for at in white_first) == RULES.max_per_color
    assert len(choose(pool(scores, category, color=np.zeros(30, int)), 8, RULES)) == 8


def test_the_last_places_answer_an_accent_of_the_scene() -> None:
    scores, category = np.linspace(1, 0.5, 60), np.arange(60) % 5
    accent = np.arange(60) >= 50
    chosen = choose(pool(scores, category, accent=accent), 10, RULES)
    assert sum(accent[chosen]) == RULES.min_accents


def test_the_pool_holds_few_of_a_group_however_many_lead() -> None:
    group = np.array([3] * 50 + [-1] * 4 + [2] * 6)
    kept = best_of_each_group(group, most=12, each=5)
    assert kept.tolist() == [0, 1, 2, 3, 4, 50, 51, 52, 53, 54, 55, 56]


def test_limits_are_one_but_for_what_is_bought_in_numbers() -> None:
    limits = group_limits(VOCABULARY.types, 2)
    ids = [group.id for group in VOCABULARY.types.groups]
    assert limits[ids.index("mirrors")] == 1
    assert limits[ids.index("cushions")] == 2
    assert limits[-1] == UNLIMITED


def test_a_list_holds_one_chair_of_whatever_kind() -> None:
    shared = places_shared(VOCABULARY.types)
    ids = [group.id for group in VOCABULARY.types.groups]
    kinds = [ids.index(name) for name in ("chairs", "desk_chairs", "childrens_seats")]
    assert set(shared[kinds].tolist()) == {ids.index("chairs")}
    assert shared[ids.index("mirrors")] == ids.index("mirrors")
    assert shared[-1] == -1


def test_the_main_color_is_that_of_the_largest_share() -> None:
    lab = np.array([[WHITE, BLUE], [WHITE, BLUE], [WHITE, BLUE]], np.float32)
    share = np.array([[0.3, 0.7], [0.6, 0.4], [0.0, 0.0]], np.float32)
    names = list(BASIC_COLORS)
    assert main_colors(lab, share).tolist() == [names.index("blue"), names.index("white"), NO_COLOR]


def analysis(room: str, free: dict[str, float] | None = None, *, certain: bool = True) -> SceneAnalysis:
    def trait(value: str) -> Classification:
        return Classification(value, 0.9, 0.1, {value: 0.9})

    measure = MeasuredValue(0.5, 1.0)
    light = SceneLight(measure, measure, measure, measure, free or {})
    return SceneAnalysis(
        trait(room), trait("scandinavian"), trait("neutral_warm"), (), light=light, room_certain=certain
    )


@pytest.mark.parametrize(
    ("room", "category", "product_type", "place"),
    [
        ("living_room", "statement_vases", "vase", "on the coffee table"),
        ("bedroom", "soft_textiles", "rug", "beside the bed"),
        ("bedroom", "soft_textiles", "cushion cover", "on the bed against the headboard"),
        ("kitchen", "soft_textiles", "curtains", "at the window"),
        ("kitchen", "soft_textiles", "throw", "over the back of a chair"),
        ("dining_room", "lighting_accents", "pendant lamp", "over the dining table"),
        ("dining_room", "lighting_accents", "table lamp", "on a side table"),
        ("living_room", "lighting_accents", "floor lamp", "beside the sofa"),
        ("bathroom", "wall_decor", "mirror", "on the wall over the washbasin"),
        ("laundry", "functional_beauty", "laundry basket", "on the floor beside the washing machine"),
        ("outdoor", "accent_furniture", "chair", "on the terrace"),
        ("kitchen", "uncategorized", "tap", "where water is laid on"),
        ("unknown", "botanicals", None, "near the window"),
        ("living_room", "uncategorized", "smoke alarm", "where it is used"),
    ],
)
def test_placement(room: str, category: str, product_type: str | None, place: str) -> None:
    assert PlacementPlanner(VOCABULARY, analysis(room)).place(category, product_type) == place


@pytest.mark.parametrize(
    ("product_type", "place"),
    [
        ("cushion", "on a chair or bench"),
        ("rug", "on the floor at the center of the room"),
        ("vase", "on a shelf at eye level"),
    ],
)
def test_nothing_is_put_on_furniture_of_a_room_that_is_not_certain(product_type: str, place: str) -> None:
    planner = PlacementPlanner(VOCABULARY, analysis("living_room", certain=False))
    assert planner.place("soft_textiles", product_type) == place


@pytest.mark.parametrize(
    ("room", "product_type", "present", "place"),
    [
        ("living_room", "throw", {"sofa": 0.05}, "over the back of a chair"),
        ("living_room", "throw", {"sofa": 0.6}, "over the arm of the sofa"),
        ("living_room", "art print", {"sofa": 0.05}, "on the free wall"),
        ("living_room", "vase", {"sofa": 0.05}, "on the coffee table"),
        ("bedroom", "cushion", {"bed": 0.05}, "on a chair or bench"),
    ],
)
def test_nothing_is_put_on_a_sofa_or_a_bed_that_is_not_there(
    room: str, product_type: str, present: dict[str, float], place: str
) -> None:
    open_ = Trait("unknown", 0.3)
    reading = RoomReading((), {}, {}, {}, open_, open_, open_, 20.0, (15.0, 25.0), 1.5, present)
    planner = PlacementPlanner(VOCABULARY, replace(analysis(room), reading=reading))
    assert planner.place("soft_textiles", product_type) == place


def test_every_type_has_a_place_in_every_room_that_fits_its_posture() -> None:
    never = {"ceiling": "floor", "lies_on_floor": "wall", "bed": "wall", "rail": "ceiling"}
    for room in VOCABULARY.rooms:
        for product_type, group in VOCABULARY.types.by_type().items():
            place = PlacementPlanner(VOCABULARY, analysis(room.id)).place("uncategorized", product_type)
            forbidden = never.get(group.postures[0])
            assert forbidden is None or forbidden not in place, (room.id, product_type, place)


def test_the_second_vase_goes_elsewhere() -> None:
    planner = PlacementPlanner(VOCABULARY, analysis("living_room"))
    assert planner.place("statement_vases", "vase") == "on the coffee table"
    assert planner.place("statement_vases", "vase") == "on the sideboard"


CROWDED = dict.fromkeys(REGIONS, 0.3)


@pytest.mark.parametrize(
    ("free", "product_type", "place"),
    [
        ({"upper right": 0.84}, "art print", "on the wall, where the upper right is free"),
        ({REGIONS[4]: 0.9, "upper left": 0.7}, "wall sticker", "on the wall, where the center is free"),
        ({"lower left": 0.66}, "sideboard", "on the floor, where the lower left is free"),
        ({"lower left": 0.66}, "vase", "on the coffee table"),
        ({"lower left": 0.66}, "art print", "on the wall over the sofa"),  # the floor is free, no wall
        ({"upper right": 0.84, "upper left": 0.8}, "art print", "on the wall over the sofa"),  # not clearly
        ({"upper right": 0.48}, "art print", "on the wall over the sofa"),  # not free
        ({"lower left": 0.66}, "rug", "under the coffee table"),  # a rug lies, it does not stand
        ({"lower left": 0.66}, "armchair", "in the reading corner"),  # named for this room
        ({"upper right": 0.84}, "TV bench", "against the wall across from the sofa"),
    ],
)
def test_a_place_is_named_where_the_picture_clearly_shows_room(
    free: dict[str, float], product_type: str, place: str
) -> None:
    planner = PlacementPlanner(VOCABULARY, analysis("living_room", {**CROWDED, **free}))
    assert planner.place("wall_decor", product_type) == place


def test_the_free_region_is_handed_out_once_before_the_usual_places() -> None:
    planner = PlacementPlanner(VOCABULARY, analysis("living_room", {**CROWDED, "upper right": 0.84}))
    assert planner.place("wall_decor", "art print") == "on the wall, where the upper right is free"
    assert planner.place("wall_decor", "art print") == "on the wall over the sofa"


def test_a_place_that_the_vocabulary_names_for_the_type_in_this_room_comes_first() -> None:
    planner = PlacementPlanner(VOCABULARY, analysis("bathroom", {**CROWDED, "upper right": 0.84}))
    assert planner.place("wall_decor", "mirror") == "on the wall over the washbasin"
    assert planner.place("wall_decor", "mirror") == "on the wall, where the upper right is free"


BLUE, WHITE = (40.0, 2.0, -42.0), (95.0, 0.0, 1.0)


def scene(room: str = "bedroom", *, certain: bool = True) -> Scene:
    """A white room with a blue accent."""
    density = log_density(np.repeat(np.array([WHITE, BLUE], np.float32), [88, 12], axis=0))
    return Scene(
        analysis=analysis(room, certain=certain),
        vector=np.ones(4, np.float32) / 2,
        rooms=np.full(len(VOCABULARY.rooms), 1 / len(VOCABULARY.rooms), np.float32),
        styles=np.where(np.array(STYLES) == "scandinavian", 0.4, 0.1).astype(np.float32),
        palettes=np.full(7, 1 / 7, np.float32),
        lab=np.array([WHITE, BLUE], np.float32),
        share=np.array([0.88, 0.12], np.float32),
        density=density,
        accents=accents(density),
        windows=np.ones((1, 4), np.float32) / 2,
        boxes=np.array([[0, 0, 1, 1]], np.float32),
    )


STYLES = [style.id for style in VOCABULARY.styles]
MATERIALS = {material.id: material for material in VOCABULARY.materials}


def nameless(materials: Sequence[str] = (), finishes: Sequence[str] = ()) -> dict[str, Any]:
    """A product whose text names no color."""
    return {"colors": [], "color_lab": [], "materials": list(materials), "finishes": list(finishes)}


def look(*lab: tuple[float, float, float], style: str = "scandinavian", where: str = "") -> Look:
    shares = np.full(len(lab), 1 / max(len(lab), 1), np.float32)
    colors = np.array(lab, np.float32).reshape(-1, 3)
    names = [color_name(color) for color in colors]
    return Look(colors, shares, (np.array(STYLES) == style).astype(np.float32), names, where)


PRODUCT = {"product_type": "table lamp", "materials": ["oak"], "rooms": ["bedroom"], "largest_cm": 40.0}


@pytest.mark.parametrize(
    ("lifted", "sentence"),
    [
        (
            ["category_fit", "color_harmony"],
            "It is made for a bedroom, and its blue picks up an accent color of the room.",
        ),
        (["material_quality"], "Oak suits a Scandinavian room."),
        (["size_appropriateness"], "At 40 cm it is a usual size for a table lamp."),
        (["style_alignment"], "It suits the Scandinavian style."),
        (["base_similarity"], "It is among the products that come closest to this picture."),
        ([], "It fits this bedroom on the whole, without one thing that stands out."),
    ],
)
def test_a_reason_names_the_factors_that_moved_the_score(lifted: list[str], sentence: str) -> None:
    lift = np.array([0.1 - 0.01 * lifted.index(name) if name in lifted else -0.01 for name in FACTORS])
    assert Narrator(VOCABULARY, scene()).sentence(PRODUCT, lift, look(BLUE), 0.975) == sentence


def only(factor: str) -> np.ndarray:
    return np.array([0.1 if name == factor else 0.0 for name in FACTORS])


def test_a_reason_does_not_give_a_product_the_style_that_the_room_is_named_for() -> None:
    sentence = Narrator(VOCABULARY, scene()).sentence(
        PRODUCT, only("style_alignment"), look(BLUE, style="bohemian"), 0.5
    )
    assert sentence == "It has something bohemian, as this room does."


@pytest.mark.parametrize("factor", ["style_alignment", "material_quality"])
def test_a_reason_rests_on_the_style_only_where_it_is_certain_or_requested(factor: str) -> None:
    known = scene()
    unsure = replace(known, analysis=replace(known.analysis, style_certain=False))
    requested = replace(unsure, styles=(np.array(STYLES) == "scandinavian").astype(np.float32))
    sentences = [
        Narrator(VOCABULARY, each).sentence(PRODUCT, only(factor), look(BLUE), 0.5)
        for each in (known, unsure, requested)
    ]
    assert sentences[0] == sentences[2]
    assert "Scandinavian" in sentences[0]
    assert sentences[1] == "It fits this bedroom on the whole, without one thing that stands out."


def test_a_reason_points_to_the_part_of_the_picture_that_is_similar() -> None:
    narrator = Narrator(VOCABULARY, scene())
    sentence = narrator.sentence(PRODUCT, only("base_similarity"), look(BLUE, where="on the left"), 0.99)
    assert sentence == "It looks like what the picture shows on the left."


@pytest.mark.parametrize(
    ("room", "rooms", "product_type", "certain", "sentence"),
    [
        ("bedroom", [], "table lamp", True, "A table lamp belongs in a bedroom."),
        ("bedroom", [], "curtains", True, "Curtains belong in a bedroom."),
        ("home_office", [], "armchair", True, "An armchair belongs in a home office."),
        ("bedroom", ["bedroom"], "table lamp", False, "It suits several rooms."),
        ("bedroom", [], None, True, "It fits this bedroom on the whole, without one thing that stands out."),
        ("bedroom", [], None, False, "It suits several rooms."),
    ],
)
def test_a_reason_names_the_room_only_where_it_is_certain(
    room: str, rooms: list[str], product_type: str | None, certain: bool, sentence: str
) -> None:
    product = {**PRODUCT, "rooms": rooms, "product_type": product_type}
    narrator = Narrator(VOCABULARY, scene(room, certain=certain))
    assert narrator.sentence(product, only("category_fit"), look(), 0.5) == sentence


@pytest.mark.parametrize(
    ("names", "named", "sentence"),
    [
        (["light blue"], [(70.0, 0.0, -20.0)], "Its light blue goes with the blue of the room."),
        (["green"], [(52.0, -32.0, 28.0)], "It fits this bedroom on the whole, without one thing that stands out."),
        (["dark blue"], [(38.0, 3.0, -40.0)], "Its dark blue picks up an accent color of the room."),
        (["white"], [WHITE], "Its white is a color of the room."),
    ],
)
def test_colors_are_named_as_they_are_on_the_product(
    names: list[str], named: list[tuple[float, float, float]], sentence: str
) -> None:
    pictured = (np.array([WHITE] * 4, np.float32), np.full(4, 0.25, np.float32), np.zeros(len(STYLES), np.float32))
    seen = product_look({"colors": names, "color_lab": named}, pictured, MATERIALS)
    assert Narrator(VOCABULARY, scene()).sentence(PRODUCT, only("color_harmony"), seen, 0.5) == sentence


def test_the_picture_tells_the_color_where_the_text_does_not_and_small_colors_are_left_out() -> None:
    lab = np.array([BLUE, WHITE, (0, 0, 0), (0, 0, 0)], np.float32)
    share = np.array([0.9, 0.1, 0, 0], np.float32)
    seen = product_look(nameless(), (lab, share, np.zeros(7)), MATERIALS)
    assert seen.lab.tolist() == [list(BLUE)]
    assert seen.names == ["blue"]


@pytest.mark.parametrize(
    ("materials", "finishes"), [(["stainless_steel"], []), (["glass", "cork"], []), ([], ["chrome-plated"])]
)
def test_nothing_is_said_of_the_color_of_steel_clear_glass_and_chrome(
    materials: list[str], finishes: list[str]
) -> None:
    pictured = (np.array([WHITE], np.float32), np.ones(1, np.float32), np.zeros(len(STYLES), np.float32))
    assert not product_look(nameless(materials, finishes), pictured, MATERIALS).names


def test_the_color_of_wood_is_called_wood_and_that_of_a_cushion_on_it_by_its_name() -> None:
    lab = np.array([(66, 24, 42), BLUE], np.float32)
    pictured = (lab, np.full(2, 0.5, np.float32), np.zeros(len(STYLES), np.float32))
    assert product_look(nameless(["bamboo"]), pictured, MATERIALS).names == ["wood", "blue"]
    assert product_look(nameless(["plastic"]), pictured, MATERIALS).names == ["orange", "blue"]


def test_a_reason_never_says_what_the_row_does_not() -> None:
    silent = {"product_type": None, "materials": [], "rooms": [], "largest_cm": None}
    lift = np.array([0.01, 0.0, 0.5, 0.5, 0.5, 0.02])
    sentence = Narrator(VOCABULARY, scene("unknown", certain=False)).sentence(silent, lift, look(), 0.9999)
    assert sentence == "It is among the products that come closest to this picture."
