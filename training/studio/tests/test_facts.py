"""What the studio says is true of a room it renders: kinds of parts, boxes, materials, patterns."""

import numpy as np
import pytest

from training.studio.geometry import EMPTY, Mesh, Thing, makes
from training.studio.materials import Material, cloth, leather, matte, pattern, stone, wood
from training.studio.textures import Texture

TRIANGLE = Mesh(np.eye(3), np.eye(3), np.zeros((3, 2)), np.array([[0, 1, 2]]))
GREY = matte((0.5, 0.5, 0.5))


def test_a_builder_names_its_parts_but_keeps_the_names_within() -> None:
    @makes("sink")
    def basin() -> Thing:
        return Thing.of((TRIANGLE, GREY))

    @makes("cabinet")
    def run() -> Thing:
        return Thing.of((TRIANGLE, GREY)) + basin().moved(1, 0, 0)

    assert [part.kind for part in run().turned(90).tapered(0.2, 0.1).parts] == ["cabinet", "sink"]
    assert EMPTY.called("rug").parts == ()


@pytest.mark.parametrize(
    ("material", "kind", "expected"),
    [
        (wood("birch"), "table", "light wood"),
        (wood("walnut"), "table", "dark wood"),
        (leather((0.4, 0.2, 0.1)), "sofa", "leather"),
        (stone("travertine"), "table", "stone"),
        (cloth((0.5, 0.5, 0.5), 0, "velvet"), "sofa", "fabric"),
        (GREY, "wall", "plaster"),
        (GREY, "lamp", "painted"),
        (Material("matte", (0.9, 0.9, 0.9), 0.9, Texture("diamonds", ((0.9, 0.9, 0.9), (0.2, 0.2, 0.2)))), "wall",
         "plaster"),
    ],
)  # fmt: skip
def test_a_surface_is_of_the_material_that_it_was_given(material: Material, kind: str, expected: str) -> None:
    pytest.importorskip("mitsuba")
    from training.studio.facts import family

    assert family(material, kind) == expected


def test_every_pattern_has_a_recipe() -> None:
    pytest.importorskip("mitsuba")
    from training.studio.facts import PATTERN_NAMES, PATTERNS, pattern_of
    from training.studio.textures import KINDS

    assert set(PATTERNS) <= set(KINDS)
    assert set(PATTERNS.values()) | {"plain"} == set(PATTERN_NAMES)
    assert pattern_of(pattern("checks", ((0.9, 0.9, 0.9), (0.1, 0.1, 0.4)), 0)) == "check"
    assert pattern_of(GREY) == "plain"


def test_boxes_lie_where_the_camera_sees_the_things() -> None:
    pytest.importorskip("mitsuba")
    from training.studio import rooms
    from training.studio.dataset import endless_supply
    from training.studio.facts import detailed, facts
    from training.studio.render import visible_parts

    supply, _ = endless_supply("scandinavian", "neutral_cool", np.random.default_rng(5))
    built = rooms.build(rooms.Brief("home_office", "scandinavian", "neutral_cool", 5), supply)
    stage, products = detailed(built, built.stage)
    assert len(stage.things) == len(products) == len(built.pieces) + len(built.skus)
    found = facts(built, stage, products, visible_parts(stage, (160, 128)))
    assert "desk" in {item["type"] for item in found.record["objects"]}
    for number, item in enumerate(found.record["objects"], start=1):
        rows, columns = np.nonzero(found.layers[..., 0] == number)
        x, y, w, h = item["box"]
        assert len(rows) == pytest.approx(item["share"] * found.layers[..., 0].size, abs=1)
        assert columns.min() >= round(x * 160)
        assert columns.max() < round((x + w) * 160)
        assert rows.max() < round((y + h) * 128)
    shares = found.record["shares"]
    assert 0.3 < shares["wall"] + shares["floor"] + shares["ceiling"] < 1
    assert found.record["size_m2"] == pytest.approx(built.room.width * built.room.depth, abs=0.01)
