"""Room votes: what is similar to the things in a photograph says which room they stand in."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.bundle.layout import ROOM_VOTES
from scene_pipeline.errors import BundleError
from scene_pipeline.matching import room_votes as module
from scene_pipeline.matching.looks import Looks
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.room_votes import RoomVotes

RNG = np.random.default_rng(3)
KITCHEN, NURSERY = 0, 1


def units(*shape: int) -> np.ndarray:
    vectors = RNG.standard_normal(shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


LOOKS = units(60, 16)
REFERENCE = units(30, 5, 16)


def features(pictured: np.ndarray | None = None) -> ProductFeatures:
    """Return sixty products: the first ten for nurseries, the rest for kitchens."""
    nothing = {field.name: np.zeros(60, np.float32) for field in fields(ProductFeatures)}
    fit = np.tile(np.array([0.9, 0.1], np.float32), (60, 1))
    fit[:10] = [0.1, 0.9]
    table = ProductFeatures(**nothing)
    return replace(table, room_fit=fit, has_image=np.ones(60, bool) if pictured is None else pictured)


def votes(pictured: np.ndarray | None = None) -> RoomVotes:
    return RoomVotes.measure(Looks.measure(LOOKS, REFERENCE), features(pictured), REFERENCE)


def test_products_of_a_room_in_the_windows_make_that_room_likelier() -> None:
    even = np.array([0.45, 0.45, 0.1], np.float32)
    nursery = votes().applied(even, LOOKS[:5])
    assert nursery[NURSERY] > 0.6 > nursery[KITCHEN]
    kitchen = votes().applied(even, LOOKS[30:35])
    assert kitchen[KITCHEN] > 0.45 > kitchen[NURSERY]


def test_probabilities_still_add_up_and_the_null_class_keeps_its_own() -> None:
    voted = votes().applied(np.array([0.5, 0.2, 0.3], np.float32), LOOKS[:5])
    assert voted.sum() == pytest.approx(1)
    assert voted[-1] == pytest.approx(0.3)


def test_reference_scenes_change_nothing_on_average() -> None:
    even = np.array([0.5, 0.5, 0.0], np.float32)
    logits = [np.log(votes().applied(even, windows)[:2]) for windows in REFERENCE]
    difference = np.diff(np.stack(logits), axis=1)
    assert abs(difference.mean()) < 0.05


def test_a_catalog_without_pictures_does_not_vote() -> None:
    rooms = np.array([0.5, 0.2, 0.3], np.float32)
    none = RoomVotes.measure(Looks.measure(LOOKS, REFERENCE), features(np.zeros(60, bool)), REFERENCE)
    assert none.applied(rooms, LOOKS[:5]).tolist() == rooms.tolist()


def test_a_large_catalog_sends_some_of_its_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VOTERS", 12)
    some = votes()
    assert len(some.looks) == len(some.fit) == 12
    assert some.fit[:2, NURSERY].min() > 0.8  # drawn evenly, so the nursery's are among them


def test_what_was_saved_is_read_again_and_a_damaged_file_is_refused(tmp_path: Path) -> None:
    own = votes()
    own.save(tmp_path)
    looks = Looks.measure(LOOKS, REFERENCE)
    np.testing.assert_array_equal(RoomVotes.load(tmp_path, looks, features()).usual, own.usual)
    (tmp_path / ROOM_VOTES).write_bytes(b"\x93NUMPY")
    with pytest.raises(BundleError, match=r"room_votes\.npy cannot be read .*; build the bundle again"):
        RoomVotes.load(tmp_path, looks, features())
