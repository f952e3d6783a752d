"""A set for a photographed room: it keeps to the plan, or says in a line what to relax."""

from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.furnish import Plan, furnish
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.sample import sample_libraries
from scene_pipeline.scenes.scene import Scene

ROOM = min(sample_libraries().rglob("living-room*.webp"))


@pytest.fixture(scope="module")
def matcher(demo: Path) -> SceneMatcher:
    return SceneMatcher.open(demo, verify=False)


@pytest.fixture(scope="module")
def room(matcher: SceneMatcher) -> Scene:
    return matcher.analyze(ROOM)


@pytest.mark.parametrize("budget", [150.0, 800.0, 20_000.0])
def test_a_set_keeps_the_budget_and_the_counts(matcher: SceneMatcher, room: Scene, budget: float) -> None:
    plan = Plan(budget, must={"vase": 2}, want={"rugs": 1, "cushion": 3, "lighting_accents": 1})
    found = furnish(matcher, room, plan, Request())
    assert found.cost == pytest.approx(sum(piece.count * piece.price for piece in found.pieces))
    assert found.cost <= budget
    assert found.left == pytest.approx(budget - found.cost)
    counts = {piece.type: piece.count for piece in found.pieces}
    assert counts["vase"] == 2
    assert counts.items() <= {"vase": 2, "rugs": 1, "cushion": 3, "lighting_accents": 1}.items()
    assert found.gap < 0.05
    if budget > 10_000:
        assert len(found.pieces) == 4
        assert found.note == ""
    if found.swap is not None:
        assert found.swap.saves > 0
        assert found.swap.product_id in {piece.product.product_id for piece in found.pieces}


def test_without_a_wish_a_room_gets_what_is_usual_in_it_but_for_what_stays(matcher: SceneMatcher, room: Scene) -> None:
    usual = {piece.type for piece in furnish(matcher, room, Plan(20_000.0), Request()).pieces}
    assert {"rugs", "pictures", "plants"} <= usual
    kept = furnish(matcher, room, Plan(20_000.0, keep=("rug",)), Request())
    assert "rugs" not in {piece.type for piece in kept.pieces}
    owned = matcher.bundle.products(["sku_id"])["sku_id"][0].as_py()
    beside = furnish(matcher, room, Plan(20_000.0, keep=(owned,)), Request())
    assert owned not in {piece.product.sku_id for piece in beside.pieces}
    assert beside.kept == (owned,)


def test_constraints_hold_for_every_piece(matcher: SceneMatcher, room: Scene) -> None:
    request = Request(constraints=Constraints(max_price=60.0))
    found = furnish(matcher, room, Plan(500.0), request)
    assert found.pieces
    assert all(piece.price <= 60 for piece in found.pieces)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (Plan(0.5), "no set: the catalog has no product with a price within 0.50 EUR that fits as "),
        (Plan(5.0, must={"rug": 1}), "no set: the catalog has no rug with a price within 5.00"),
        (Plan(60.0, must={"vase": 2, "rug": 1, "mirror": 1}), "no set: "),
    ],
)
def test_a_plan_that_nothing_meets_says_what_to_relax(
    matcher: SceneMatcher, room: Scene, plan: Plan, says: str
) -> None:
    found = furnish(matcher, room, plan, Request())
    assert not found.pieces
    assert found.note.startswith(says)
    assert "raise the budget" in found.note
    assert "\n" not in found.note


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (lambda: Plan(0.0), "the budget is 0"),
        (lambda: Plan(100.0, must={"rug": 0}), "'rug=0'"),
        (lambda: Plan(100.0, want={"unicorn": 1}), "'unicorn' is no type group"),
        (lambda: Plan(100.0, keep=("unicorn",)), "keep 'unicorn'"),
    ],
)
def test_a_wrong_plan_is_refused_by_name(matcher: SceneMatcher, room: Scene, plan, says: str) -> None:
    with pytest.raises(ScenePipelineError, match=says):
        furnish(matcher, room, plan(), Request())


def test_a_catalog_without_prices_furnishes_nothing_and_says_why(demo: Path, room: Scene) -> None:
    matcher = SceneMatcher.open(demo, verify=False)
    matcher.features.price[:] = np.nan
    found = furnish(matcher, room, Plan(800.0), Request())
    assert not found.pieces
    assert found.note == "no set: no product of the catalog has a price; add prices, or ask for a list without a budget"
