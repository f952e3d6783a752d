"""The heads of the room: the numpy side answers as the trained one, and damaged weights are named."""

from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.errors import EncoderError
from scene_pipeline.scenes.analysis import PHOTOGRAPHS
from scene_pipeline.scenes.room_heads import CELL_PARTS, HEADS, WHOLE_PARTS, RoomHeads


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
    own = {name.removeprefix("photographs."): value for name, value in heads.weights.items()}
    net.load_state_dict({name: torch.from_numpy(own[name]) for name in net.state_dict()})
    with torch.inference_mode():
        expected = [part[0].numpy() for part in net.eval()(*(torch.from_numpy(part[None]) for part in maps(1)))]
    for found, parts, wanted in zip(
        heads.outputs(maps(1), PHOTOGRAPHS), (CELL_PARTS, WHOLE_PARTS), expected, strict=True
    ):
        assert {name: len(part) for name, part in found.items()} == parts
        np.testing.assert_allclose(np.concatenate(list(found.values())), wanted, atol=2e-3, rtol=1e-3)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"none\.npz: the heads of the room cannot be read"):
        RoomHeads.load(tmp_path / "none.npz")
