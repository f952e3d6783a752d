"""The heads of the room: the numpy side answers as the trained one, and says unknown where it does not know."""

from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.errors import EncoderError
from scene_pipeline.scenes.analysis import UNKNOWN
from scene_pipeline.scenes.room_heads import (
    DIRECTIONS,
    HEADS,
    MATERIALS,
    OVERLAP,
    PATTERNS,
    SHELL,
    SOURCES,
    TYPES,
    WARMTHS,
    RoomHeads,
    overlap,
)


@pytest.fixture(scope="module")
def heads() -> RoomHeads:
    return RoomHeads.load(HEADS)


def maps(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(112, 24, 24)).astype(np.float32), rng.normal(size=(320, 12, 12)).astype(np.float32)


def test_the_answer_is_that_of_the_trained_module(heads: RoomHeads) -> None:
    torch = pytest.importorskip("torch")
    from training.room.learn import Heads

    net = Heads()
    state = {name: torch.from_numpy(value) for name, value in heads.weights.items() if name != "size_spread"}
    net.load_state_dict(state)
    with torch.inference_mode():
        expected = [part[0].numpy() for part in net(*(torch.from_numpy(part[None]) for part in maps(1)))]
    for found, wanted in zip(heads.outputs(*maps(1)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-3, rtol=1e-3)


def test_shares_add_up_and_every_name_is_known(heads: RoomHeads) -> None:
    reading = heads.read(*maps(2))
    for shares, names in ((reading.layout, SHELL), (reading.materials, MATERIALS), (reading.patterns, PATTERNS)):
        assert sum(shares.values()) == pytest.approx(1, abs=0.01)
        assert set(shares) <= set(names)
    for trait, names in ((reading.source, SOURCES), (reading.warmth, WARMTHS), (reading.light_from, DIRECTIONS)):
        assert trait.value in (*names, UNKNOWN)
        assert (trait.value == UNKNOWN) == bool(trait.why)
    low, high = reading.size_interval_m2
    assert low <= reading.size_m2 <= high
    assert not reading.calibrated


def test_a_thing_is_named_where_its_cells_say_so_and_nowhere_else(heads: RoomHeads) -> None:
    weights = {name: np.zeros_like(value) for name, value in heads.weights.items()}
    bias = weights["out.bias"]
    bias[: len(TYPES)] = -9
    nothing = RoomHeads(weights).read(*maps(3))
    assert nothing.objects == ()
    assert nothing.warmth.value == UNKNOWN
    assert "likeliest" in nothing.warmth.why
    bias[TYPES.index("sofa")], bias[len(TYPES) : len(TYPES) + 4], bias[len(TYPES) + 4] = 9, np.log(0.6), 9
    found = RoomHeads(weights).read(*maps(3)).objects
    assert {item.type for item in found} == {"sofa"}
    assert all(0 <= item.box[0] < item.box[2] <= 1 for item in found)
    assert all(overlap(a.box, b.box) < OVERLAP for a in found for b in found if a is not b)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"none\.npz: the heads of the room cannot be read"):
        RoomHeads.load(tmp_path / "none.npz")
