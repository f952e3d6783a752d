"""Scores: colors that go together, wishes that hold, negatives, weights, and lists within their bounds."""

from dataclasses import replace

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_pipeline.color.accents import accents
from scene_pipeline.color.density import log_density
from scene_pipeline.color.harmony import color_match, strongest_relation, typical_harmony
from scene_pipeline.color.names import BASIC_COLORS, color_name, color_of
from scene_pipeline.errors import ScenePipelineError, VocabularyError
from scene_pipeline.matching.diversity import NO_COLOR, UNLIMITED, Listed, Pool, choose, with_strength
from scene_pipeline.matching.factors import FACTORS, Candidates, override_weights, room_fit, score, style_alignment
from scene_pipeline.matching.filtering import allowed_products, kept_back, passes
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.request import Constraints
from scene_pipeline.publishing.features import PromptSimilarity, TypeRooms, build_product_features
from scene_pipeline.scenes.analysis import Classification, SceneAnalysis
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline.vocabulary.model import check_references

VOCABULARY = load_vocabulary()
ROOMS = [room.id for room in VOCABULARY.rooms]
CATEGORIES = [category.id for category in VOCABULARY.categories]
RULES = VOCABULARY.scoring.diversity
WHITE, BLUE, ORANGE, NAVY = (95.0, 0.0, 1.0), (50.0, 0.0, -40.0), (65.0, 35.0, 55.0), (22.0, 6.0, -28.0)


def scene(room: str = "living_room", colors: tuple[tuple[float, float, float], ...] = (WHITE, BLUE)) -> Scene:
    def trait(value: str) -> Classification:
        return Classification(value, 1.0, 0.0, {value: 1.0})

    density = log_density(np.array(colors, np.float32))
    return Scene(
        analysis=SceneAnalysis(trait(room), trait("scandinavian"), trait("neutral_warm"), ()),
        vector=np.ones(4, np.float32) / 2,
        rooms=(np.array(ROOMS) == room).astype(np.float32),
        styles=np.full(len(VOCABULARY.styles), 1 / len(VOCABULARY.styles), np.float32),
        palettes=np.full(len(VOCABULARY.palettes), 1 / len(VOCABULARY.palettes), np.float32),
        lab=np.array(colors, np.float32),
        share=np.full(len(colors), 1 / len(colors), np.float32),
        density=density,
        accents=accents(density),
        windows=np.ones((1, 4), np.float32) / 2,
        boxes=np.array([[0, 0, 1, 1]], np.float32),
    )


def features(*products: dict, similarity: PromptSimilarity | None = None) -> ProductFeatures:
    silent = {
        "category": "functional_beauty", "materials": [], "rooms": [], "styles": [], "outdoor": False, "color_lab": [],
        "largest_cm": 20.0, "availability": "in_stock", "price": 10.0, "has_image": True, "image_lab": None,
        "image_share": None, "product_type": None,
    }  # fmt: skip
    columns = {name: [{**silent, **product}[name] for product in products] for name in silent}
    colors, shares = pa.list_(pa.list_(pa.float32())), pa.list_(pa.float32())
    types = {"materials": pa.list_(pa.string()), "rooms": pa.list_(pa.string()), "styles": pa.list_(pa.string()),
             "color_lab": colors, "image_lab": colors, "image_share": shares, "product_type": pa.string()}  # fmt: skip
    table = pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})
    return build_product_features(table, VOCABULARY, similarity)


def candidates(known: ProductFeatures) -> Candidates:
    return Candidates(np.arange(len(known)), np.zeros(len(known), np.float32), known, VOCABULARY)


# ---------------------------------------------------------------- colors


@pytest.mark.parametrize(
    ("product", "room", "rule"),
    [
        (BLUE, (WHITE, BLUE), "tonal"),
        ((35.0, 2.0, -30.0), (WHITE, (75.0, 0.0, -45.0)), "analogous"),
        (ORANGE, ((80.0, -18.0, -32.0),), "complementary"),
        ((60.0, 0.0, 0.0), ((40.0, 50.0, 30.0),), "neutral"),
    ],
)
def test_relations_are_those_a_colorist_names(product, room, rule: str) -> None:
    found = strongest_relation(
        np.array([product], np.float32),
        np.ones(1, np.float32),
        np.array(room, np.float32),
        np.ones(len(room)) / len(room),
    )
    assert found is not None
    assert found.rule == rule


def test_a_small_strong_color_is_an_accent_worth_taking_up() -> None:
    room = np.array([WHITE, BLUE], np.float32)
    worth = color_match(np.array([BLUE], np.float32), room, np.array([0.95, 0.05], np.float32))
    assert worth[0] > 0.85


@pytest.mark.parametrize(
    ("lab", "name"),
    [
        ((97, 0, 0), "white"), ((10, 0, 0), "black"), ((55, 1, -2), "grey"), ((80, 4, 18), "beige"),
        ((90, 0, 14), "cream"), ((38, 14, 24), "brown"), (BLUE, "blue"), (ORANGE, "orange"), ((52, -32, 28), "green"),
        ((45, 60, 38), "red"), ((82, 4, 66), "yellow"), ((38, 36, -36), "purple"), ((50, -26, -8), "teal"),
    ],
)  # fmt: skip
def test_colors_are_named_as_people_do(lab: tuple[float, float, float], name: str) -> None:
    assert color_name(np.array(lab, np.float32)) == name


def test_white_goes_with_every_room_so_its_harmony_says_nothing_of_this_one() -> None:
    known = features({"color_lab": [WHITE]}, {"color_lab": [BLUE]}, {"color_lab": []})
    assert known.harmony_mean[0] > known.harmony_mean[1]
    _, blue_room = score(scene(colors=(WHITE, BLUE)), candidates(known), VOCABULARY.scoring.weights)
    harmony = blue_room[:, list(FACTORS).index("color_harmony")]
    assert harmony[1] > harmony[0]
    assert harmony[2] == pytest.approx(0.5)


def test_typical_harmony_is_the_mean_over_rooms() -> None:
    lab, share = np.zeros((1, 4, 3), np.float32), np.array([[1, 0, 0, 0]], np.float32)
    lab[0, 0] = BLUE
    rooms = [
        (np.array([BLUE], np.float32), np.ones(1, np.float32)),
        (np.array([WHITE], np.float32), np.ones(1, np.float32)),
    ]
    palette = np.array([-1], np.int8)
    one = [typical_harmony((lab, share, palette), [room], VOCABULARY)[0][0] for room in rooms]
    mean, deviation = typical_harmony((lab, share, palette), rooms, VOCABULARY)
    assert mean[0] == pytest.approx(np.mean(one), abs=1e-5)
    assert deviation[0] == pytest.approx(np.std(one) + 0.03, abs=1e-4)


# ---------------------------------------------------------------- rooms and negatives


@pytest.mark.parametrize(
    ("product", "room", "passing"),
    [
        ({"rooms": ["bathroom"], "product_type": "toilet brush"}, "living_room", False),
        ({"rooms": ["bathroom"], "product_type": "toilet brush"}, "bathroom", True),
        ({"product_type": "toilet brush"}, "living_room", False),  # its type alone says so
        ({"product_type": "toilet brush"}, "bathroom", True),
        ({"outdoor": True, "category": "accent_furniture", "product_type": "chair"}, "bedroom", False),
        ({"category": "accent_furniture", "product_type": "armchair"}, "living_room", True),
    ],
)
def test_a_negative_is_a_negative(product: dict, room: str, passing: bool) -> None:
    assert passes(scene(room), candidates(features(product)))[0] == passing


def unsure(*likely: str) -> Scene:
    """A scene of which nothing is known but that it is one of the `likely` rooms, the first somewhat more so.

    The weights of the rooms are sharper than their probabilities, as `analyze` makes them.
    """
    shares = {name: (0.4 if name == likely[0] else 0.3) if name in likely else 0.01 for name in ROOMS}
    weights = np.array([shares[name] for name in ROOMS], np.float32) ** VOCABULARY.scoring.room_sharpness
    known = scene(likely[0])
    room = replace(known.analysis.room, confidence=0.4, distribution=shares)
    return replace(
        known, rooms=weights / weights.sum(), analysis=replace(known.analysis, room=room, room_certain=False)
    )


def test_where_the_room_is_unsure_a_product_must_fit_all_that_it_may_be() -> None:
    known = candidates(features({"rooms": ["living_room"]}, {"rooms": ["living_room", "bedroom"]}))
    assert passes(scene("living_room"), known).tolist() == [True, True]
    assert passes(unsure("living_room", "bedroom"), known).tolist() == [False, True]


PART, GLUE, TOY, CHAIR, VASE = (
    {"product_type": "handle"}, {"product_type": "paper"}, {"product_type": "soft toy"},
    {"product_type": "sun lounger"}, {"product_type": "vase"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("room", "include", "back"),
    [
        ("living_room", (), [True, True, True, True, False]),
        ("childrens_room", (), [True, True, False, True, False]),
        ("outdoor", (), [True, True, True, False, False]),
        ("living_room", ("components",), [False, True, True, True, False]),
        ("living_room", ("supplies", "children", "outdoor"), [True, False, False, False, False]),
    ],
)
def test_parts_and_things_for_others_are_kept_back_unless_included(
    room: str, include: tuple[str, ...], back: list[bool]
) -> None:
    known = features(PART, GLUE, TOY, CHAIR, VASE)
    assert kept_back(scene(room), known, np.arange(5), include).tolist() == back


def test_an_unsure_childrens_room_is_no_place_for_toys() -> None:
    assert kept_back(unsure("childrens_room", "bedroom"), features(TOY, VASE), np.arange(2)).tolist() == [True, False]


def test_a_shop_that_sells_nothing_else_shows_its_parts() -> None:
    assert kept_back(scene(), features(PART, TOY), np.arange(2)).tolist() == [False, False]


def test_a_type_is_made_for_rooms_and_fits_others_less() -> None:
    bed, lamp = features(
        {"category": "accent_furniture", "product_type": "bed frame"},
        {"category": "accent_furniture", "product_type": "thing"},
    ).room_fit
    assert bed[ROOMS.index("bedroom")] >= 0.9
    assert bed[ROOMS.index("dining_room")] < lamp[ROOMS.index("dining_room")]


def test_what_suits_every_room_says_nothing_of_this_one() -> None:
    for_all, for_here, elsewhere = {"rooms": ROOMS}, {"rooms": ["kitchen"]}, {"rooms": ["bathroom"]}
    known = candidates(features(for_all, for_here, elsewhere))
    everywhere, here, other = FACTORS["category_fit"].compute(scene("kitchen"), known)
    assert everywhere == pytest.approx(0.5)
    assert here > 0.7
    assert other <= everywhere
    assert passes(scene("kitchen"), known).tolist() == [True, True, False]
    assert room_fit(scene("kitchen"), known)[0] == pytest.approx(known.features.room_fit[0, ROOMS.index("kitchen")])


def test_in_an_unknown_room_no_product_gains_by_its_rooms() -> None:
    anywhere = replace(scene(), rooms=np.full(len(ROOMS), 1 / len(ROOMS), np.float32))
    known = candidates(features({"rooms": ["kitchen"]}, {"rooms": []}))
    assert FACTORS["category_fit"].compute(anywhere, known) == pytest.approx(0.5)


def test_the_entry_with_most_words_wins() -> None:
    types = TypeRooms(VOCABULARY)
    assert types.find("tea towel") == [ROOMS.index("kitchen")]
    assert types.find("Bath towels") == [ROOMS.index("bathroom")]
    assert types.find("gizmo") == types.find(None) == []


def test_text_tells_products_apart_where_category_and_type_do_not() -> None:
    rooms = np.zeros((4, len(ROOMS)), np.float32)
    rooms[0, ROOMS.index("kitchen")] = rooms[1, ROOMS.index("bathroom")] = 0.5
    silent = np.zeros((4, len(VOCABULARY.styles)), np.float32)
    known = features(*[{"category": "uncategorized"}] * 4, similarity=PromptSimilarity(silent, rooms, silent))
    assert known.room_fit[0].argmax() == ROOMS.index("kitchen")
    assert known.room_fit[1].argmax() == ROOMS.index("bathroom")


def test_a_type_of_an_unknown_room_is_refused() -> None:
    with pytest.raises(VocabularyError, match="type_rooms, boat: 'harbour' is not one of"):
        check_references(msgspec.structs.replace(VOCABULARY, type_rooms={"boat": ("harbour",)}))


# ---------------------------------------------------------------- style


def alignment(affinity: list[float], styles: list[float]) -> float:
    known = features({})
    styled = replace(known, style_share=np.array([affinity], np.float32))
    seen = replace(scene(), styles=np.array(styles, np.float32))
    return float(style_alignment(seen, candidates(styled))[0])


def test_style_alignment_is_the_probability_of_one_style_at_even_odds() -> None:
    surely, never, even = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.25] * 4
    assert alignment(surely, surely) == pytest.approx(4 / 5)
    assert alignment(never, surely) == 0
    assert alignment(even, surely) == alignment(surely, even) == pytest.approx(0.5)
    assert alignment([0.5, 0.5, 0, 0], surely) == pytest.approx(2 / 3)


# ---------------------------------------------------------------- wishes


KNOWN = features(
    {"price": 10.0, "largest_cm": 20.0, "color_lab": [BLUE]},
    {"price": 50.0, "largest_cm": 120.0, "category": "lighting_accents", "color_lab": [ORANGE]},
    {"price": None, "largest_cm": None, "availability": "out_of_stock"},
)
BRANDS = pa.chunked_array([["Acme", "Bolt", None]])


@pytest.mark.parametrize(
    ("wish", "rows"),
    [
        ({"min_price": 20}, [1]),
        ({"max_price": 20}, [0]),
        ({"min_size_cm": 50}, [1]),
        ({"max_size_cm": 50}, [0]),
        ({"in_stock": True}, [0, 1]),
        ({"categories": ("lighting_accents",)}, [1]),
        ({"without_categories": ("lighting_accents",)}, [0, 2]),
        ({"brands": ("acme",)}, [0]),
        ({"colors": ("blue",)}, [0]),
        ({"colors": ("#E07020",)}, [1]),
        ({"colors": ("blue", "orange")}, [0, 1]),
    ],
)
def test_a_constraint_keeps_what_meets_it(wish: dict, rows: list[int]) -> None:
    mask = allowed_products(Constraints(**wish), KNOWN, CATEGORIES, lambda: BRANDS)
    assert mask is not None
    assert np.flatnonzero(mask).tolist() == rows


def test_the_constraint_that_leaves_nothing_is_named_with_what_it_had_to_choose_from() -> None:
    with pytest.raises(
        ScenePipelineError, match=r"once a price of at most 20 is applied: none of the 1 with a price of"
    ):
        allowed_products(Constraints(min_price=20, max_price=20), KNOWN, CATEGORIES, lambda: BRANDS)
    with pytest.raises(ScenePipelineError, match=r"once brand Cog is applied: none of 3 has it"):
        allowed_products(Constraints(brands=("Cog",)), KNOWN, CATEGORIES, lambda: BRANDS)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"min_price": 5, "max_price": 1}, "the lowest price, 5, is above the highest, 1"),
        ({"min_size_cm": 5, "max_size_cm": 1}, "the lowest size, 5, is above"),
        ({"include": ("toys",)}, "include 'toys' is not one of components, supplies, children, outdoor"),
    ],
)
def test_constraints_that_nothing_can_meet_are_refused(wish: dict, message: str) -> None:
    with pytest.raises(ScenePipelineError, match=message):
        Constraints(**wish)


def test_a_color_is_a_name_or_a_hex_code() -> None:
    assert color_of(" Blue ") == BASIC_COLORS["blue"]
    assert color_of("#000000") == pytest.approx((0, 0, 0), abs=1e-3)
    with pytest.raises(ScenePipelineError, match="color 'blurple' is neither #rrggbb nor one of white"):
        color_of("blurple")


# ---------------------------------------------------------------- weights


def test_weights_given_replace_those_named_and_all_add_up_to_one() -> None:
    weights = dict.fromkeys(FACTORS, 1 / 6)
    found = override_weights(weights, {"color_harmony": 1.0})
    assert sum(found.values()) == pytest.approx(1)
    assert found["color_harmony"] == pytest.approx(1 / (1 + 5 / 6))
    assert override_weights(weights, None) is weights


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"beauty": 1.0}, "weight 'beauty' is not one of base_similarity"),
        ({"color_harmony": -1.0}, "it must be a number of at least 0"),
        ({"color_harmony": float("nan")}, "it must be a number of at least 0"),
        (dict.fromkeys(FACTORS, 0.0), "all weights are 0"),
    ],
)
def test_weights_that_are_none_are_refused(given: dict, message: str) -> None:
    with pytest.raises(ScenePipelineError, match=message):
        override_weights(dict.fromkeys(FACTORS, 1 / 6), given)


def test_learned_weights_are_checked_like_the_others() -> None:
    bad = msgspec.structs.replace(VOCABULARY.scoring, weights_by_encoder={"x": {"base_similarity": 0.9}})
    with pytest.raises(VocabularyError, match=r"weights_by_encoder 'x': add up to 0\.9"):
        check_references(msgspec.structs.replace(VOCABULARY, scoring=bad))


def test_every_factor_stays_within_0_and_1() -> None:
    known = features(
        *[{"color_lab": [color], "largest_cm": size} for color in (WHITE, NAVY) for size in (1.0, 900.0, None)]
    )
    scores, factors = score(scene(), candidates(known), VOCABULARY.scoring.weights)
    assert factors.shape == (6, 6)
    assert 0 <= factors.min() <= factors.max() <= 1
    np.testing.assert_allclose(scores, factors @ [VOCABULARY.scoring.weights[name] for name in FACTORS], rtol=1e-5)


# ---------------------------------------------------------------- lists


def unbounded(scores: np.ndarray, vectors: np.ndarray, category: np.ndarray) -> Pool:
    """Candidates of no type group and no color."""
    whole = np.ones(len(scores), int)
    return Pool(scores, vectors, category, -whole, UNLIMITED * whole, NO_COLOR * whole, np.zeros(len(scores), bool))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(-1, 7)), min_size=1, max_size=80),
    st.integers(1, 20),
)
def test_a_list_is_as_long_as_requested_and_repeats_nothing(products: list[tuple[float, int]], k: int) -> None:
    scores = np.array([value for value, _ in products], np.float32)
    category = np.array([kind for _, kind in products])
    vectors = np.eye(len(products), dtype=np.float32)
    chosen = choose(unbounded(scores, vectors, category), k, RULES)
    assert len(chosen) == len(set(chosen)) == min(k, len(products))


def test_a_list_of_ten_has_four_or_five_categories() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        category = rng.integers(0, 8, size=200)
        scores = rng.random(200).astype(np.float32)
        chosen = choose(unbounded(scores, np.eye(200, dtype=np.float32), category), 10, RULES)
        assert len(set(category[chosen].tolist())) in (4, 5)


def test_what_is_taken_counts_towards_the_bounds() -> None:
    category = np.array([0] * 5 + [1] * 5)
    full = Listed(vectors=[np.zeros(10, np.float32)] * RULES.max_per_category)
    full.categories[0] = RULES.max_per_category
    chosen = choose(unbounded(np.linspace(1, 0.5, 10), np.eye(10, dtype=np.float32), category), 3, RULES, full)
    assert category[chosen].tolist() == [1, 1, 1]


def test_strength_goes_from_the_scores_to_the_most_spread() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores, category = rng.random(60).astype(np.float32), np.arange(60) % 5

    def similarity(strength: float) -> float:
        chosen = choose(unbounded(scores, vectors, category), 10, with_strength(RULES, strength))
        return float((vectors[chosen] @ vectors[chosen].T)[np.triu_indices(10, 1)].mean())

    assert with_strength(RULES, 0).mmr_lambda == 1
    assert similarity(1) < similarity(0)


def test_a_full_room_leaves_less_place_for_the_largest() -> None:
    from scene_pipeline.scenes.analysis import MeasuredValue, SceneLight

    known = features({"category": "accent_furniture", "largest_cm": 255.0})
    sure = MeasuredValue(0.5, 1.0)

    def fit(clutter: float) -> float:
        light = SceneLight(sure, sure, sure, MeasuredValue(clutter, 1.0), {})
        base = scene()
        _, factors = score(
            replace(base, analysis=replace(base.analysis, light=light)), candidates(known), VOCABULARY.scoring.weights
        )
        return float(factors[0, list(FACTORS).index("size_appropriateness")])

    assert fit(0.1) == 1.0
    assert fit(0.8) < 0.6
