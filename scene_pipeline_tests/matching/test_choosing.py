"""Diversity, placement and reasons: the list is spread, placed and explained."""

import numpy as np
import pytest

from scene_pipeline.color.density import log_density
from scene_pipeline.matching.diversity import choose
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.phrases import Look
from scene_pipeline.matching.placement import Place, PlacementPlanner
from scene_pipeline.matching.reasons import Narrator
from scene_pipeline.scenes.analysis import Classification, SceneAnalysis
from scene_pipeline.scenes.light import REGIONS
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()
RULES = VOCABULARY.scoring.diversity


def random_units(count: int, dimension: int = 32) -> np.ndarray:
    vectors = np.random.default_rng(1).normal(size=(count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_best_comes_first_and_no_category_takes_more_than_its_share() -> None:
    scores = np.linspace(1, 0.5, 60)
    category = np.array([0] * 20 + [1] * 20 + [2] * 10 + [3] * 10)
    chosen = choose(scores, random_units(60), category, 10, RULES)
    assert chosen[0] == 0
    assert len(set(chosen)) == 10
    counts = np.bincount(category[chosen])
    assert counts.max() <= RULES.max_per_category
    assert np.count_nonzero(counts) >= RULES.min_categories


def test_near_duplicates_are_left_out() -> None:
    vectors = random_units(6)
    vectors[1] = vectors[0]
    chosen = choose(np.linspace(1, 0.9, 6), vectors, np.arange(6), 6, RULES)
    assert chosen[0] == 0
    assert sorted(chosen) == [0, 2, 3, 4, 5]


def test_a_single_category_still_fills_the_list() -> None:
    chosen = choose(np.linspace(1, 0.5, 30), random_units(30), np.zeros(30, int), 10, RULES)
    assert len(chosen) == 10


def test_fewer_candidates_than_asked() -> None:
    assert len(choose(np.array([0.4, 0.6]), random_units(2), np.array([0, 1]), 10, RULES)) == 2
    assert choose(np.empty(0), np.empty((0, 4), np.float32), np.empty(0, int), 10, RULES) == []


@pytest.mark.parametrize(
    ("room", "category", "product_type", "place"),
    [
        ("living_room", "statement_vases", "vase", "on the coffee table"),
        ("bedroom", "soft_textiles", "rug", "beside the bed"),
        ("bedroom", "soft_textiles", "cushion cover", "against the headboard"),
        ("kitchen", "soft_textiles", "curtains", "at the window"),
        ("dining_room", "lighting_accents", "pendant lamp", "over the dining table"),
        ("bathroom", "wall_decor", "mirror", "on the wall over the washbasin"),
        ("unknown", "botanicals", None, "near the window"),
        ("living_room", "uncategorized", "smoke alarm", "where it is used"),
    ],
)
def test_placement(room: str, category: str, product_type: str | None, place: str) -> None:
    assert PlacementPlanner(VOCABULARY, room, {}).place(category, product_type) == Place(place)


def test_the_second_vase_goes_elsewhere() -> None:
    planner = PlacementPlanner(VOCABULARY, "living_room", {})
    assert planner.place("statement_vases", "vase").phrase == "on the coffee table"
    assert planner.place("statement_vases", "vase").phrase == "on the sideboard"


CROWDED = dict.fromkeys(REGIONS, 0.3)


@pytest.mark.parametrize(
    ("free", "category", "product_type", "phrase", "seen"),
    [
        (
            {"upper right": 0.84},
            "wall_decor",
            "framed print",
            "on the wall, where the upper right is free",
            "The upper right of the picture is free: 84% of it is even.",
        ),
        (
            {"middle center": 0.9, "upper left": 0.7},
            "wall_decor",
            None,
            "on the wall, where the center is free",
            "The center of the picture is free: 90% of it is even.",
        ),
        (
            {"lower left": 0.66},
            "accent_furniture",
            "armchair",
            "on the floor, where the lower left is free",
            "The lower left of the picture is free: 66% of it is even.",
        ),
        (
            {"lower left": 0.66},
            "statement_vases",
            "vase",
            "on the coffee table",
            "The picture is calmest at the lower left: 66% of it is even.",
        ),
        ({"lower left": 0.66}, "wall_decor", None, "on the wall over the sofa", ""),  # the floor is free, no wall
        ({"upper right": 0.84, "upper left": 0.8}, "wall_decor", None, "on the wall over the sofa", ""),  # not clearly
        ({"upper right": 0.48}, "wall_decor", None, "on the wall over the sofa", ""),  # not free
        ({"lower left": 0.66}, "soft_textiles", "rug", "under the coffee table", ""),  # rugs have their place here
        ({"upper right": 0.84}, "accent_furniture", "tv bench", "on the wall across from the sofa", ""),
    ],
)
def test_a_place_is_named_where_the_picture_clearly_shows_room(
    free: dict[str, float], category: str, product_type: str | None, phrase: str, seen: str
) -> None:
    planner = PlacementPlanner(VOCABULARY, "living_room", {**CROWDED, **free})
    assert planner.place(category, product_type) == Place(phrase, seen)


def test_the_free_region_is_handed_out_once_before_the_usual_places() -> None:
    planner = PlacementPlanner(VOCABULARY, "living_room", {**CROWDED, "upper right": 0.84})
    assert planner.place("wall_decor", "framed print").phrase == "on the wall, where the upper right is free"
    assert planner.place("wall_decor", "framed print").phrase == "on the wall over the sofa"


def test_a_place_that_the_vocabulary_names_for_the_type_in_this_room_comes_first() -> None:
    planner = PlacementPlanner(VOCABULARY, "bathroom", {**CROWDED, "upper right": 0.84})
    assert planner.place("wall_decor", "mirror").phrase == "on the wall over the washbasin"
    assert planner.place("wall_decor", "mirror").phrase == "on the wall, where the upper right is free"


BLUE, WHITE = (40.0, 2.0, -42.0), (95.0, 0.0, 1.0)


def scene(room: str = "bedroom") -> Scene:
    """A white room with a blue accent."""

    def trait(value: str) -> Classification:
        return Classification(value, 0.9, 0.1, {value: 0.9})

    return Scene(
        analysis=SceneAnalysis(trait(room), trait("scandinavian"), trait("neutral_warm"), ()),
        vector=np.ones(4, np.float32) / 2,
        rooms=np.full(8, 1 / 8, np.float32),
        styles=np.where(np.array(STYLES) == "scandinavian", 0.4, 0.1).astype(np.float32),
        palettes=np.full(7, 1 / 7, np.float32),
        lab=np.array([WHITE, BLUE], np.float32),
        share=np.array([0.88, 0.12], np.float32),
        density=log_density(np.repeat(np.array([WHITE, BLUE], np.float32), [88, 12], axis=0)),
    )


STYLES = [style.id for style in VOCABULARY.styles]


def look(*lab: tuple[float, float, float], style: str = "scandinavian") -> Look:
    shares = (
        np.array([1 / len(lab)] * len(lab) + [0.0] * (4 - len(lab)), np.float32) if lab else np.zeros(4, np.float32)
    )
    padded = np.array([*lab, *[(0.0, 0.0, 0.0)] * (4 - len(lab))], np.float32)
    return Look(padded, shares, (np.array(STYLES) == style).astype(np.float32))


PRODUCT = {"materials": ["oak"], "rooms": ["bedroom"], "largest_cm": 40.0, "category": "lighting_accents"}


@pytest.mark.parametrize(
    ("lifted", "sentence"),
    [
        (
            ["category_fit", "color_harmony"],
            "It is meant for a bedroom, and its blue takes up the blue that covers 12% of the picture.",
        ),
        (["material_quality"], "Oak is at home in a Scandinavian room."),
        (["size_appropriateness"], "At 40 cm it has the usual size of lighting accents."),
        (["style_alignment"], "It suits the Scandinavian style."),
        (["base_similarity"], "Its picture and text are closer to this scene than 97% of the catalog."),
        ([], "Average in every factor; ranked by its whole score for this bedroom."),
    ],
)
def test_a_reason_names_the_factors_that_moved_the_score(lifted: list[str], sentence: str) -> None:
    lift = np.array([0.1 - 0.01 * lifted.index(name) if name in lifted else -0.01 for name in FACTORS])
    assert Narrator(VOCABULARY, scene()).sentence(PRODUCT, lift, look(BLUE), 0.975) == sentence


def test_a_reason_does_not_give_a_product_the_style_that_the_room_is_named_for() -> None:
    lift = np.array([0.1 if name == "style_alignment" else 0.0 for name in FACTORS])
    sentence = Narrator(VOCABULARY, scene()).sentence(PRODUCT, lift, look(BLUE, style="bohemian"), 0.5)
    assert sentence == "It suits the bohemian style, of which this room has something."


def test_a_reason_never_says_what_the_row_does_not() -> None:
    silent = {"materials": [], "rooms": [], "largest_cm": None, "category": "uncategorized"}
    lift = np.array([0.01, 0.0, 0.5, 0.5, 0.5, 0.02])
    sentence = Narrator(VOCABULARY, scene("unknown")).sentence(silent, lift, look(), 0.9999)
    assert sentence == "Its picture and text are closer to this scene than 99% of the catalog."
