"""The heads of the room: the numpy side answers as the trained one, and damaged weights are named."""

from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.errors import EncoderError
from scene_pipeline.scenes.analysis import PHOTOGRAPHS
from scene_pipeline.scenes.room_heads import CELL_PARTS, HEADS, SURFACE_PARTS, WHOLE_PARTS, RoomHeads


@pytest.fixture(scope="module")
def heads() -> RoomHeads:
    return RoomHeads.load(HEADS)


def maps(seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=size).astype(np.float32) for size in ((40, 48, 48), (112, 24, 24), (320, 12, 12)))


def test_the_answer_is_that_of_the_trained_module(heads: RoomHeads) -> None:
    torch = pytest.importorskip("torch")
    from training.room.learn import Heads

    net = Heads()
    own = {name.removeprefix("photographs."): value for name, value in heads.weights.items()}
    net.load_state_dict({name: torch.from_numpy(own[name]) for name in net.state_dict()})
    with torch.inference_mode():
        expected = net.eval()(*(torch.from_numpy(part[None]) for part in maps(1)))
    for found, sizes, wanted in zip(
        heads.outputs(maps(1), PHOTOGRAPHS), (CELL_PARTS | SURFACE_PARTS, WHOLE_PARTS), expected, strict=True
    ):
        assert {name: len(part) for name, part in found.items()} == sizes
        for name, part in found.items():
            np.testing.assert_allclose(part, wanted[name][0].numpy(), atol=2e-3, rtol=1e-3)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"none\.npz: the heads of the room cannot be read"):
        RoomHeads.load(tmp_path / "none.npz")
