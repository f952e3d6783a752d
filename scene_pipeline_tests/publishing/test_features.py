"""Product facts become arrays that scoring can trust."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scene_pipeline.color.harmony import palette_distribution
from scene_pipeline.errors import BundleError
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.publishing.features import PromptSimilarity, build_product_features
from scene_pipeline.publishing.product_style import style_shares
from scene_pipeline.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()
ROOMS = [room.id for room in VOCABULARY.rooms]
STYLES = [style.id for style in VOCABULARY.styles]
PALETTES = [palette.id for palette in VOCABULARY.palettes]


def product(**facts: Any) -> dict[str, Any]:
    """A categorized product that says nothing, but for `facts`."""
    silent: dict[str, Any] = {
        "category": "statement_vases",
        "product_type": None,
        "materials": [],
        "rooms": [],
        "styles": [],
        "outdoor": False,
        "color_lab": [],
        "largest_cm": None,
        "availability": None,
        "price": None,
        "has_image": False,
        "image_lab": None,
        "image_share": None,
    }
    return silent | facts


SCHEMA = pa.schema(
    [
        ("category", pa.string()),
        ("product_type", pa.string()),
        ("materials", pa.list_(pa.string())),
        ("rooms", pa.list_(pa.string())),
        ("styles", pa.list_(pa.string())),
        ("outdoor", pa.bool_()),
        ("color_lab", pa.list_(pa.list_(pa.float32()))),
        ("largest_cm", pa.float32()),
        ("availability", pa.string()),
        ("price", pa.float64()),
        ("has_image", pa.bool_()),
        ("image_lab", pa.list_(pa.list_(pa.float32()))),
        ("image_share", pa.list_(pa.float32())),
    ]
)


def features_of(*products: dict[str, Any]) -> ProductFeatures:
    return build_product_features(pa.Table.from_pylist(list(products), schema=SCHEMA), VOCABULARY)


def test_a_silent_product_is_neutral() -> None:
    features = features_of(product(category="uncategorized"))
    assert features.category.tolist() == [-1]
    assert features.room_fit[0].tolist() == [0.5] * len(ROOMS)
    assert features.palette.tolist() == [-1]
    assert features.material_quality.tolist() == [0.5]
    assert np.isnan(features.largest_cm[0])
    assert np.isnan(features.price[0])
    assert features.availability.tolist() == [0.75]
    assert not features.has_image[0]


@pytest.mark.parametrize(
    ("facts", "room", "least", "most"),
    [
        ({"rooms": ["bathroom"], "category": "functional_beauty"}, "bathroom", 1.0, 1.0),
        ({"rooms": ["bathroom"], "category": "functional_beauty"}, "living_room", 0.0, 0.35),  # a toilet brush
        ({"category": "functional_beauty"}, "living_room", 0.8, 0.9),
        ({"rooms": ["kitchen", "bathroom"], "category": "functional_beauty"}, "home_office", 0.0, 0.35),
        ({"rooms": ["kitchen", "bathroom", "bedroom"], "category": "functional_beauty"}, "home_office", 0.8, 0.9),
        ({"rooms": ["bedroom", "home_office"], "product_type": "loft bed"}, "bedroom", 1.0, 1.0),
        ({"rooms": ["bedroom", "home_office"], "product_type": "loft bed"}, "home_office", 0.4, 0.4),  # desk below
        ({"outdoor": True, "category": "accent_furniture"}, "bedroom", 0.0, 0.1),  # garden chairs stay outside
    ],
)
def test_room_fit(facts: dict[str, Any], room: str, least: float, most: float) -> None:
    fit = features_of(product(**facts)).room_fit[0, ROOMS.index(room)]
    assert least <= fit <= most + 1e-6


def test_a_style_that_the_text_names_outweighs_the_rest_and_leaves_the_others_some_share() -> None:
    named = [product(styles=["industrial"], materials=materials) for materials in ([], ["rattan"], ["steel"])]
    shares = features_of(*named, product(materials=["oak"])).style_share[:3]
    assert min(shares[:, STYLES.index("industrial")]) > 0.85
    plain, rattan, _ = shares[:, STYLES.index("bohemian")]
    assert 0 < plain < rattan < 0.1


def test_a_product_of_which_nothing_is_known_is_of_any_style() -> None:
    silent = features_of(product(), product(materials=["rattan"]), product(materials=["steel"])).style_share[0]
    assert silent == pytest.approx([1 / len(STYLES)] * len(STYLES))


def test_the_picture_tells_a_style_where_there_is_one() -> None:
    nothing = np.zeros((3, len(STYLES)), np.float32)
    pictures = nothing.copy()
    pictures[0, STYLES.index("industrial")] = pictures[1, STYLES.index("bohemian")] = 0.02
    pictures[2] = np.nan
    table = pa.Table.from_pylist([product(), product(), product()], schema=SCHEMA)
    similarity = PromptSimilarity(nothing, np.zeros((3, len(ROOMS)), np.float32), pictures)
    affinity = build_product_features(table, VOCABULARY, similarity).style_share
    assert affinity[:2].argmax(axis=1).tolist() == [STYLES.index("industrial"), STYLES.index("bohemian")]
    assert affinity[2] == pytest.approx([1 / len(STYLES)] * len(STYLES))
    np.testing.assert_allclose(affinity.sum(axis=1), 1, rtol=1e-6)


def test_a_source_of_another_scale_says_the_same() -> None:
    similarity = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32)
    one = style_shares({"picture": similarity}, [[]] * 40)
    np.testing.assert_allclose(style_shares({"picture": 0.01 * similarity + 0.3}, [[]] * 40), one, atol=2e-3)


def test_several_styles_that_the_text_names_share_the_product() -> None:
    affinity = features_of(product(styles=["bohemian", "scandinavian"])).style_share[0]
    assert sorted(affinity.tolist())[-2:] == pytest.approx([0.5, 0.5], abs=0.03)


def test_a_material_counts_as_its_family_where_a_style_does_not_name_it() -> None:
    oak, wood, rattan = features_of(
        product(materials=["oak"]), product(materials=["wood"]), product(materials=["rattan"])
    ).material_style
    scandinavian, bohemian = STYLES.index("scandinavian"), STYLES.index("bohemian")
    assert oak[scandinavian] == wood[scandinavian] == 1.0
    assert rattan[bohemian] == 1.0
    assert rattan[STYLES.index("industrial")] == pytest.approx(0.4)


def test_colors_of_the_picture_come_before_those_of_the_text() -> None:
    features = features_of(
        product(color_lab=[[30, 20, -40]], image_lab=[[52, 58, 42], [90, 0, 0]], image_share=[0.6, 0.2]),
        product(color_lab=[[50, -24, -8]]),
    )
    assert features.color_lab[0, 0].tolist() == [52, 58, 42]
    assert features.color_share[0].tolist() == pytest.approx([0.75, 0.25, 0, 0])
    assert [PALETTES[index] for index in features.palette] == ["warm_tones", "cool_tones"]


@pytest.mark.parametrize(
    ("palette", "colors"),
    [
        ("neutral_warm", [(85, 2, 11), (70, 4, 15)]),
        ("neutral_cool", [(86, -1, -3), (60, -1, -5)]),
        ("monochrome", [(97, 0, 0), (12, 0, 0)]),
        ("earth_tones", [(48, 20, 32), (36, 14, 22)]),
        ("warm_tones", [(53, 60, 44), (92, 1, 6)]),
        ("cool_tones", [(60, -10, -27), (93, 0, 2)]),
        ("jewel_tones", [(29, 20, -45), (32, -27, 8)]),
    ],
)
def test_palettes_are_reported_apart(palette: str, colors: list[tuple[float, float, float]]) -> None:
    lab = np.array([colors], dtype=np.float32)
    distribution = palette_distribution(lab, np.full((1, len(colors)), 1 / len(colors), np.float32), VOCABULARY)
    assert distribution.sum() == pytest.approx(1)
    assert PALETTES[int(distribution.argmax())] == palette


def test_traits_round_trip_and_refuse_something_else(tmp_path: Path) -> None:
    features = features_of(product(price=3.5), product(largest_cm=20.0))
    features.save(tmp_path / "product_features.npz")
    loaded = ProductFeatures.load(tmp_path / "product_features.npz")
    assert len(loaded) == 2
    np.testing.assert_array_equal(loaded.price, features.price)
    (tmp_path / "product_features.npz").write_bytes(b"not an archive")
    with pytest.raises(BundleError, match="rebuild the bundle"):
        ProductFeatures.load(tmp_path / "product_features.npz")
