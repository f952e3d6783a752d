"""What changed between two runs, and why: one case a row."""

from dataclasses import replace

import pytest

from scene_pipeline.matching.request import Request
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.scene_libraries.changes import (
    CHANGES,
    CatalogChange,
    changes_table,
    compare_runs,
    summary,
)
from scene_pipeline.scene_libraries.score import LibraryResult
from scene_pipeline_tests.reporting.conftest import result


def run(scene: SceneResult | None = None, content: str = "1", k: int = 3, **failures: str) -> LibraryResult:
    results = {"a.jpg": scene} if scene is not None else {}
    return LibraryResult(
        Request(k), results, {f"{name}.jpg": text for name, text in failures.items()}, {"a.jpg": content}
    )


def other(scene: SceneResult, *ids: str, version: str = "v2") -> SceneResult:
    """Return the scene with these products instead, in this order."""
    items = {item.product_id: item for item in scene.recommendations}
    template = scene.recommendations[0]
    chosen = [
        replace(items.get(name, replace(template, product_id=name)), rank=rank) for rank, name in enumerate(ids, 1)
    ]
    return replace(scene, recommendations=tuple(chosen), bundle_version=version)


BASE = result(3)


@pytest.mark.parametrize(
    ("before", "now", "catalog", "expected"),
    [
        (run(BASE), run(BASE), None, []),
        (run(), run(BASE), None, [("scene_added", None, "its file is new")]),
        (run(BASE), run(), None, [("scene_removed", None, "its file is gone")]),
        (run(BASE), run(None, a="is damaged"), None, [("scene_failed", None, "is damaged")]),
        (run(None, a="is damaged"), run(None, a="is damaged"), None, []),
        (run(None, a="is damaged"), run(BASE), None, [("scene_recovered", None, "it can be read now")]),
        (
            run(BASE),
            run(other(BASE, "p1", "p2", "p9")),
            CatalogChange(added=frozenset({"p9"}), removed=frozenset({"p3"})),
            [
                ("product_entered", "p9", "it is new in the catalog"),
                ("product_left", "p3", "it is no longer in the catalog"),
            ],
        ),
        (
            run(BASE),
            run(other(BASE, "p1", "p2", "p9")),
            CatalogChange(removed=frozenset({"p3"})),
            [
                ("product_entered", "p9", "it takes the place of a product that left the catalog"),
                ("product_left", "p3", "it is no longer in the catalog"),
            ],
        ),
        (
            run(BASE),
            run(other(BASE, "p2", "p1", "p3")),
            CatalogChange(altered=frozenset({"p2"})),
            [
                ("product_moved", "p2", "its row in the catalog changed"),
                ("product_moved", "p1", "the products around it changed"),
            ],
        ),
        (
            run(BASE),
            run(other(BASE, "p1", "p2", "p9", version=BASE.bundle_version), content="2"),
            None,
            [
                ("scene_reclassified", None, "the photograph changed"),
                ("product_entered", "p9", "the photograph changed"),
                ("product_left", "p3", "the photograph changed"),
            ],
        ),
        (
            run(BASE),
            run(replace(BASE, scene=replace(BASE.scene, room=replace(BASE.scene.room, value="kitchen")))),
            None,
            [("scene_reclassified", None, "room living room is now kitchen")],
        ),
        (
            run(BASE),
            run(other(BASE, "p1", "p2", version=BASE.bundle_version), k=2),
            None,
            [("product_left", "p3", "fewer were requested")],
        ),
        (
            run(other(BASE, "p1", "p2", version=BASE.bundle_version), k=2),
            run(BASE),
            None,
            [("product_entered", "p3", "more were requested")],
        ),
    ],
)
def test_changes_and_their_reasons(
    before: LibraryResult, now: LibraryResult, catalog: CatalogChange | None, expected: list[tuple[str, str, str]]
) -> None:
    found = compare_runs(before, now, catalog)
    assert [(change.kind, change.product_id, change.why) for change in found.changes] == expected
    assert found.unchanged_scenes == (0 if expected else 1)


def test_a_product_that_moved_names_the_factor_that_moved_most() -> None:
    first = BASE.recommendations[0]
    moved = replace(first, rank=2, factors={**first.factors, "style_alignment": 0.9})
    now = replace(BASE, recommendations=(moved, *BASE.recommendations[1:]))
    (change,) = compare_runs(run(BASE), run(now)).changes
    assert change.why == "style went up from 0.10 to 0.90"
    assert change.ranks == (1, 2)


def test_the_table_and_the_summary_count_the_same() -> None:
    now = run(other(BASE, "p2", "p9", "p3"), k=4)
    changes = compare_runs(run(BASE), now)
    table = changes_table(changes, "spring")
    assert table.schema == CHANGES
    assert summary(changes) == {"scenes_unchanged": 0, "product_moved": 1, "product_entered": 1, "product_left": 1}
    assert table.num_rows == 3
    assert changes.settings == ("4 products a scene instead of 3", "bundle v2 instead of 2026-11-24-abc")
