"""Rooms of whose photographs the encoder learned: its own head has a say beside the prompts."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from scene_pipeline.encoders.prompts import PromptVectors
from scene_pipeline.scenes.reference import SceneReference
from scene_pipeline.scenes.zero_shot import ZeroShotClassifier
from scene_pipeline.vocabulary import load_vocabulary

IDS = ("kitchen", "bedroom", "attic", "unknown")
TRAINED = ("attic_of_another_vocabulary", "bedroom", "kitchen")


def classifier(rooms: tuple[str, ...]) -> ZeroShotClassifier:
    prompts = SimpleNamespace(room_ids=IDS, room=np.eye(4, dtype=np.float32))
    reference = SceneReference("toy", "", (0.0,) * 4, 0.5, 0.5, 1, "a test", rooms=rooms)
    return ZeroShotClassifier(load_vocabulary(), cast(PromptVectors, prompts), reference)


SCENE = np.array([0.6, 0.5, 0.4, 0.1], np.float32)


def named(bedroom: float) -> np.ndarray:
    return np.log(np.array([0.5, 0.5, 0.02, bedroom, 0.98 - bedroom], np.float32))  # two classes, then the rooms


def test_a_sure_head_decides_between_rooms_that_prompts_hardly_tell_apart() -> None:
    by_prompts = classifier(()).rooms(SCENE, named(0.9))
    both = classifier(TRAINED).rooms(SCENE, named(0.9))
    assert by_prompts.argmax() == IDS.index("kitchen")
    assert both.argmax() == IDS.index("bedroom")


def test_rooms_that_the_head_does_not_know_keep_their_probability() -> None:
    by_prompts = classifier(()).rooms(SCENE, named(0.9))
    both = classifier(TRAINED).rooms(SCENE, named(0.9))
    assert both.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(both[2:], by_prompts[2:], rtol=1e-5)


def test_a_picture_by_an_encoder_that_names_nothing_is_read_by_prompts_alone() -> None:
    np.testing.assert_array_equal(classifier(TRAINED).rooms(SCENE), classifier(()).rooms(SCENE))
