"""What the heads give, in words: known names, shares that add up, and unknown where nothing is clear."""

import numpy as np
import pytest

from scene_pipeline.scenes.analysis import PHOTOGRAPHS, RENDERS, UNKNOWN, Trait
from scene_pipeline.scenes.room_heads import (
    ARCHITECTURE,
    CELL_PARTS,
    DIRECTIONS,
    HEADS,
    MATERIALS,
    PATTERNS,
    SHELL,
    SOURCES,
    SURFACE_PARTS,
    TYPES,
    WARMTHS,
    WHOLE_PARTS,
    RoomHeads,
)
from scene_pipeline.scenes.room_reading import AGREES, overlap, read_room


@pytest.fixture(scope="module")
def heads() -> RoomHeads:
    return RoomHeads.load(HEADS)


def maps(seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=size).astype(np.float32) for size in ((40, 48, 48), (112, 24, 24), (320, 12, 12)))


LAB = np.full((80, 100, 3), 60.0)
"""A grey picture, a quarter wider than it is high."""


def constant(heads: RoomHeads, cells: dict[str, np.ndarray | float], whole: dict[str, np.ndarray | float]) -> RoomHeads:
    """Return heads that give the same numbers everywhere: 0 but for those named."""
    weights = {
        name: value if name.startswith((PHOTOGRAPHS, RENDERS)) and "glob" not in name else 0 * value
        for name, value in heads.weights.items()
    }
    weights["out.bias"] = np.concatenate(
        [np.broadcast_to(cells.get(name, 0.0), size) for name, size in CELL_PARTS.items()]
    ).astype(np.float32)
    weights["surface.bias"] = np.concatenate(
        [np.broadcast_to(cells.get(name, 0.0), size) for name, size in SURFACE_PARTS.items()]
    ).astype(np.float32)
    weights[f"{PHOTOGRAPHS}.glob.bias"] = np.concatenate(
        [np.broadcast_to(whole.get(name, 0.0), size) for name, size in WHOLE_PARTS.items()]
    ).astype(np.float32)
    return RoomHeads(weights)


def test_shares_add_up_and_every_name_is_known(heads: RoomHeads) -> None:
    reading = read_room(heads, maps(2), LAB)
    for shares, names in ((reading.layout, SHELL), (reading.materials, MATERIALS), (reading.patterns, PATTERNS)):
        assert sum(shares.values()) == pytest.approx(1, abs=0.01)
        assert set(shares) <= set(names)
    for trait, names in ((reading.source, SOURCES), (reading.warmth, WARMTHS), (reading.light_from, DIRECTIONS)):
        assert trait.value in (*names, UNKNOWN)
        assert (trait.value == UNKNOWN) == bool(trait.why)
    assert set(reading.present) == set(TYPES)
    assert all(0 <= value <= 1 for value in reading.present.values())
    low, high = reading.size_interval_m2
    assert low <= reading.size_m2 <= high
    assert {item.value for item in reading.architecture} <= {*ARCHITECTURE, "plain", UNKNOWN}


def test_nothing_is_named_where_nothing_is_clear(heads: RoomHeads) -> None:
    nothing = read_room(constant(heads, {"types": -9.0}, {"present": -9.0}), maps(3), LAB)
    assert nothing.objects == ()
    assert max(nothing.present.values()) < 0.1
    assert nothing.warmth.value == UNKNOWN
    assert "likeliest" in nothing.warmth.why


def test_a_thing_is_named_where_its_cells_say_so(heads: RoomHeads) -> None:
    types = np.where(np.array(TYPES) == "sofa", 9.0, -9.0)
    sofas = read_room(constant(heads, {"types": types, "edges": np.log(0.6), "quality": 9.0}, {}), maps(3), LAB)
    assert {item.type for item in sofas.objects} == {"sofa"}
    assert sofas.present["sofa"] > 0.9
    assert all(0 <= item.box[0] < item.box[2] <= 1 for item in sofas.objects)
    assert all(overlap(a.box, b.box) < AGREES for a in sofas.objects for b in sofas.objects if a is not b)


@pytest.mark.parametrize(
    ("logits", "named"),
    [((9.0, -9.0, -9.0), ("beams",)), ((-9.0, -9.0, -9.0), ("plain",)), ((-0.2, -9.0, -9.0), (UNKNOWN,))],
)
def test_architecture_is_named_plain_or_unknown_with_why(
    heads: RoomHeads, logits: tuple[float, ...], named: tuple[str, ...]
) -> None:
    found = read_room(constant(heads, {}, {"architecture": np.array(logits)}), maps(4), LAB).architecture
    assert tuple(item.value for item in found) == named
    assert isinstance(found[0], Trait)
    assert (found[0].value == UNKNOWN) == bool(found[0].why)


def test_free_walls_have_an_estimated_size_and_surfaces_a_box(heads: RoomHeads) -> None:
    shell = np.where(np.array(SHELL) == "wall", 9.0, 0.0)
    brick = np.where(np.array(MATERIALS) == "brick", 9.0, 0.0)
    reading = read_room(constant(heads, {"shell": shell, "materials": brick}, {}), maps(5), LAB)
    wall = next(item for item in reading.free if item.surface == "wall")
    assert wall.width_cm is not None
    assert wall.width_cm > 0
    assert [item.name for item in reading.surfaces] == ["brick"]
    assert reading.surfaces[0].box[2] > reading.surfaces[0].box[0]
