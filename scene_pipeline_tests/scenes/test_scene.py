"""What a picture says: its light, its colors without the cast, and how it differs from rooms in general."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from PIL import Image

from scene_pipeline.color.dominant import dominant_colors
from scene_pipeline.encoders.prompts import PromptVectors
from scene_pipeline.errors import BundleError
from scene_pipeline.scenes.analysis import Classification, SceneAnalysis
from scene_pipeline.scenes.light import (
    REGIONS,
    measure_light,
    reduced,
    remove_color_cast,
)
from scene_pipeline.scenes.reference import (
    MIN_SCENES,
    PRIOR_SCENES,
    ImageDomain,
    SceneReference,
    library_center,
    measured_reference,
    reference_colors,
)
from scene_pipeline.scenes.scene import Scene, with_rooms
from scene_pipeline.scenes.zero_shot import ZeroShotClassifier
from scene_pipeline.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()
ROOMS = [room.id for room in VOCABULARY.rooms]


def picture(*columns: tuple[int, int, int], noise: float = 0.0) -> Image.Image:
    """Vertical stripes of equal width, 192 x 144 pixels."""
    rows = np.repeat(np.array(columns, np.float32), 192 // len(columns), axis=0)[None].repeat(144, axis=0)
    rows = rows + np.random.default_rng(0).normal(scale=noise or 1e-9, size=rows.shape)
    return Image.fromarray(np.clip(rows, 0, 255).astype(np.uint8))


def test_brightness_contrast_and_warmth_have_known_values() -> None:
    grey = measure_light(picture((119, 119, 119)))
    assert grey.brightness.value == pytest.approx(0.50, abs=0.01)
    assert grey.contrast.value == pytest.approx(0, abs=0.01)
    assert grey.warmth.value == pytest.approx(0, abs=0.5)
    assert grey.brightness.confidence == 1.0
    candle = measure_light(picture((128, 119, 105), (140, 130, 117)))
    assert candle.warmth.value > 5
    blown = measure_light(picture((255, 255, 255), (120, 120, 120)))
    assert blown.brightness.confidence == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("room", "probability", "certain"),
    [("bedroom", 0.6, True), ("childrens_room", 0.6, False), ("childrens_room", 0.8, True), ("bedroom", 0.45, False)],
)
def test_a_room_that_states_its_own_certainty_is_unsure_below_it(room: str, probability: float, certain: bool) -> None:
    probabilities = np.full(len(ROOMS) + 1, (1 - probability) / len(ROOMS))
    probabilities[ROOMS.index(room)] = probability
    unread = Classification("kitchen", 1.0, 0.0, {"kitchen": 1.0})
    names = ("vector", "rooms", "styles", "palettes", "lab", "share", "density", "windows", "boxes")
    arrays = dict.fromkeys(names, np.zeros(0, np.float32))
    known = Scene(SceneAnalysis(unread, unread, unread, ()), accents=(), **arrays)
    read = with_rooms(known, probabilities, VOCABULARY).analysis
    assert (read.room.value, read.room_certain) == (room, certain)


def test_detail_is_clutter_and_even_parts_are_free() -> None:
    even, busy = picture((200, 200, 200)), picture((200, 200, 200), noise=60)
    assert measure_light(even).clutter.value < 0.05
    assert measure_light(busy).clutter.value > 0.6
    half = Image.new("RGB", (192, 144), (200, 200, 200))
    half.paste(busy.crop((0, 72, 192, 144)), (0, 72))
    free = measure_light(half).free_surfaces
    assert set(free) == set(REGIONS)
    assert free["upper center"] > 0.95
    assert free["lower center"] < 0.2


def test_a_cast_is_taken_out_and_a_plain_picture_is_left_alone() -> None:
    stripes = ((60, 60, 60), (120, 120, 120), (180, 180, 180), (220, 220, 220))
    cast = picture(*[(int(r * 1.08), g, int(b * 0.88)) for r, g, b in stripes])

    def chroma(image: Image.Image) -> float:
        return max(np.hypot(color[1], color[2]) for color, _ in dominant_colors(image))

    assert chroma(remove_color_cast(cast)) < 0.6 * chroma(cast)
    beige = picture((210, 190, 160))
    assert remove_color_cast(beige) is beige


def test_a_picture_is_measured_small_whatever_its_size() -> None:
    assert reduced(Image.new("RGB", (4000, 3000))).size == (98, 74)
    assert reduced(Image.new("RGB", (50, 40))).size == (50, 40)
    assert measure_light(reduced(Image.new("RGB", (1, 1)))).brightness.value == 0


def classifier(reference: np.ndarray) -> ZeroShotClassifier:
    """A classifier of axes: room i lies along axis i, style i along axis 9 + i, categories along the rest."""
    axes = np.eye(24, dtype=np.float32)
    room, style, category = axes[:9], axes[9:16], axes[16:24]
    prompts = PromptVectors(
        "toy", "toy", (*ROOMS, "unknown"), tuple(s.id for s in VOCABULARY.styles),
        tuple(c.id for c in VOCABULARY.categories), room, style, category, room[:8], style, category,
        np.zeros((8, 7, 24), np.float32), 0.1,
    )  # fmt: skip
    return ZeroShotClassifier(VOCABULARY, prompts, measured_reference_of(reference))


def measured_reference_of(mean: np.ndarray) -> SceneReference:
    return SceneReference("toy", "", tuple(mean.tolist()), 0.1, 0.1, 1, "a test")


def test_a_prompt_that_is_near_to_every_room_wins_nothing_by_it() -> None:
    mean = np.zeros(24, np.float32)
    mean[0], mean[9] = 0.6, 0.5  # every photograph looks like a living room, and like the first style
    vector = mean.copy()
    vector[2] += 0.2  # this one also looks like a bedroom
    vector[11] += 0.2
    reported = classifier(mean)
    assert reported.rooms(vector).argmax() == 2
    assert reported.styles(vector).argmax() == 2
    assert classifier(np.zeros(24, np.float32)).rooms(vector).argmax() == 0
    np.testing.assert_allclose(reported.rooms(np.stack([vector, mean])).sum(axis=1), 1, rtol=1e-5)


def test_a_picture_is_read_as_one_of_the_kind_it_is_nearest_to() -> None:
    photographs, renders = np.zeros(24, np.float32), np.zeros(24, np.float32)
    photographs[[0, 9]], renders[[1, 10]] = 0.6, 0.6
    kind = ImageDomain("renders", tuple(renders.tolist()), 0.01, 0.01, 1)
    reported = classifier(photographs)
    reported = replace(reported, reference=msgspec.structs.replace(reported.reference, others=(kind,)))
    pictures = np.stack([photographs, renders])
    pictures[:, [2, 11]] += 0.1
    assert reported.reference.domain_of(pictures).tolist() == [0, 1]
    rooms, styles = reported.rooms(pictures), reported.styles(pictures)
    assert rooms.argmax(axis=1).tolist() == styles.argmax(axis=1).tolist() == [2, 2]
    assert rooms[0, 2] < 0.5 < rooms[1, 2]  # it is surer of renders
    assert styles[0, 2] < 0.5 < styles[1, 2]
    np.testing.assert_allclose(reported.rooms(pictures[1]), rooms[1], rtol=1e-5)


def test_the_null_class_neither_gains_nor_loses_by_the_reference() -> None:
    mean = np.zeros(24, np.float32)
    mean[:8] = 0.3
    dog = np.zeros(24, np.float32)
    dog[8] = 0.9
    assert classifier(mean).rooms(dog).argmax() == 8
    assert classifier(mean).rooms(mean).argmax() != 8


def test_the_best_view_tells_what_is_there() -> None:
    mean = np.zeros(24, np.float32)
    views = np.zeros((2, 24), np.float32)
    views[1, 18] = 0.3
    seen = classifier(mean).present(views)
    assert next(iter(seen)) == VOCABULARY.categories[2].id
    assert seen[VOCABULARY.categories[2].id] > 0.9
    assert seen[VOCABULARY.categories[0].id] == pytest.approx(0.5)


def test_a_small_library_is_read_against_the_reference_and_a_large_one_near_its_mean() -> None:
    rng = np.random.default_rng(0)
    prompts = (np.eye(6, dtype=np.float32)[:2],)
    reference = np.zeros(6, np.float32)
    library = rng.normal(scale=0.01, size=(40, 6)).astype(np.float32) + np.array([1, 0, 0, 1, 0, 0], np.float32)
    assert library_center(library[: MIN_SCENES - 1], reference, prompts) is reference
    center = library_center(library, reference, prompts)
    weight = 40 / (40 + PRIOR_SCENES)
    assert center[3] == pytest.approx(weight, abs=0.02)
    # what lies between the prompts stays out: these are all of the first kind, and are to be recognized as that
    assert center[0] - center[1] == pytest.approx(0, abs=0.02)


def test_a_reference_round_trips_and_refuses_something_else(tmp_path) -> None:
    vectors = np.array([[1, 0], [0, 1]], np.float32)
    from scene_pipeline.encoders.spec import SPECS

    reference = measured_reference(SPECS["compact"], vectors, 0.05, "two")
    assert reference.mean == (0.5, 0.5)
    reference.save(tmp_path / "reference.json")
    assert SceneReference.load(tmp_path / "reference.json") == reference
    (tmp_path / "reference.json").write_text("{}")
    with pytest.raises(BundleError, match="build the bundle again"):
        SceneReference.load(tmp_path / "reference.json")


def test_the_colors_that_ship_are_those_of_rooms() -> None:
    rooms = reference_colors()
    assert len(rooms) >= 32
    for lab, share in rooms:
        assert lab.shape == (len(share), 3)
        assert share.sum() == pytest.approx(1, abs=0.01)
        assert 0 <= lab[:, 0].min() <= lab[:, 0].max() <= 100
