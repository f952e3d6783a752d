"""The heads of the room: labels of photographs, and thresholds that say what scores mean."""

import numpy as np
import pytest

from benchmarks._scene_surfaces import covering, macro_f1
from scene_pipeline.scenes.room_heads import MATERIALS, PATTERNS, TYPES, RoomHeads
from scene_pipeline.scenes.room_reading import MIN_SURFACE
from training.room.augment import WHOLE
from training.room.fit import agreed, balance, best_least
from training.room.labels import photograph_truth, read_labels


def test_labels_of_photographs_name_what_the_heads_know_and_some_are_held_out() -> None:
    labels = read_labels()
    held_out = [label for label in labels.values() if label.get("held_out")]
    assert 100 <= len(held_out) <= 0.3 * len(labels)
    for name, label in labels.items():
        truth = photograph_truth(label, WHOLE)
        assert len(truth["objects"]) == len(label["objects"]), name
        assert sum(truth["covered_materials"]) == len(label["materials"]), name
        assert sum(truth["covered_patterns"]) == len(label["patterns"]), name
        for item in truth["objects"]:
            assert item["type"] in TYPES, name
            left, top, width, height = item["box"]
            assert min(left, top) >= 0, name
            assert min(width, height) > 0, name
            assert max(left + width, top + height) <= 1.0001, name


def test_a_crop_keeps_the_things_it_shows() -> None:
    label = {
        "objects": [["sofa", 0.0, 0.5, 0.4, 0.9], ["lamp", 0.8, 0.1, 0.9, 0.3]],
        "materials": ["fabric"],
        "patterns": [],
        "source": "lamps",
        "from": "left",
        "warmth": "warm",
        "architecture": [],
    }
    truth = photograph_truth(label, (0.0, 0.0, 0.5, 1.0))
    assert [item["type"] for item in truth["objects"]] == ["sofa"]
    np.testing.assert_allclose(truth["objects"][0]["box"], [0, 0.5, 0.8, 0.4])
    assert truth["present"][TYPES.index("sofa")] == 1
    assert truth["present"][TYPES.index("lamp")] == 0


def test_a_threshold_keeps_right_boxes_and_drops_wrong_ones() -> None:
    true = [("chair", (0.0, 0.0, 0.2, 0.2)), ("chair", (0.5, 0.5, 0.7, 0.7))]
    found = [
        ("chair", (0.0, 0.0, 0.2, 0.2), 0.8),
        ("chair", (0.01, 0.0, 0.2, 0.2), 0.7),
        ("chair", (0.5, 0.5, 0.7, 0.7), 0.6),
        ("chair", (0.3, 0.0, 0.4, 0.2), 0.4),
    ]
    right = agreed(found, true, 0.5)
    assert [item[2] for item in right] == [True, False, True, False]
    assert 0.4 < best_least(right, len(true)) <= 0.6


def test_a_material_that_is_read_too_rarely_is_read_more_often() -> None:
    rng = np.random.default_rng(3)
    true = np.zeros((40, 3), bool)
    true[:20, 1] = True
    logits = rng.normal(0, 0.1, (40, 3, 8, 8))
    logits[:, 0] += 2
    logits[:20, 1] += 1.4
    bias = balance(logits, true)
    assert bias[0] == bias[2] == 0
    covers = ((logits + bias[:, None, None]).argmax(axis=1) == 1).mean(axis=(1, 2)) >= MIN_SURFACE
    np.testing.assert_array_equal(covers, true[:, 1])


def test_what_covers_a_picture_and_the_f1_of_it() -> None:
    layer = np.zeros((10, 10), np.uint8)
    layer[:5] = MATERIALS.index("brick")
    layer[9, :2] = MATERIALS.index("glass")
    assert covering(layer, MATERIALS) == {"brick"}
    pairs = [({"stripe"}, {"stripe"})] * 4 + [({"stripe", "check"}, set()), (set(), {"stripe"})]
    assert macro_f1(pairs, PATTERNS[1:]) == {"stripe": (pytest.approx(8 / 10), 5)}


def test_training_that_begins_with_weights_and_takes_no_step_gives_them_back() -> None:
    pytest.importorskip("torch")
    from training.room.__main__ import begin_with, weights_of
    from training.room.learn import Heads

    start = RoomHeads.shipped().weights
    rng = np.random.default_rng(3)
    means, scales = ([rng.uniform(0.5, 2, size=size).astype(np.float32) for size in (40, 112, 320)] for _ in range(2))
    net = Heads()
    begin_with(net, start, means, scales)
    found = weights_of(net, means, scales)
    own = {name.removeprefix("renders."): value for name, value in start.items()}
    for name, value in found.items():
        np.testing.assert_allclose(value, own[name], atol=1e-4, rtol=1e-3, err_msg=name)
