from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.reporting.tables import (
    SCENES,
    recommendations_schema,
    recommendations_table,
    scenes_table,
    write_parquet,
    write_people_csv,
)


def test_there_is_one_row_per_scene_and_rank_in_order(make_result: Callable[..., SceneResult]) -> None:
    table = recommendations_table({"b.jpg": make_result(2), "a.jpg": make_result(3), "c.jpg": make_result(0)}, "spring")
    assert table.schema == recommendations_schema()
    rows = table.to_pylist()
    assert [(row["scene"], row["rank"]) for row in rows] == [
        ("a.jpg", 1), ("a.jpg", 2), ("a.jpg", 3), ("b.jpg", 1), ("b.jpg", 2),
    ]  # fmt: skip
    assert {row["library"] for row in rows} == {"spring"}
    assert rows[0]["bundle_version"] == "2026-11-24-abc"
    assert rows[0]["encoder_id"] == "compact"
    assert rows[0]["room"] == "living_room"
    assert rows[0]["sku_id"] == "sku-1"
    assert [rows[0][f"factor_{name}"] for name in FACTORS] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_failed_scenes_stand_beside_scored_ones(make_result: Callable[..., SceneResult]) -> None:
    table = scenes_table(
        {"b.jpg": make_result(note="dim")}, "spring", {"a.jpg": "a.jpg: is damaged"}, {"b.jpg": "f00d"}
    )
    assert table.schema == SCENES
    failed, scored = table.to_pylist()
    assert (failed["scene"], failed["outcome"], failed["reason"]) == ("a.jpg", "failed", "a.jpg: is damaged")
    assert failed["room"] is failed["colors"] is failed["content_hash"] is None
    assert (scored["outcome"], scored["reason"], scored["content_hash"], scored["note"]) == ("ok", "", "f00d", "dim")
    assert scored["colors"] == ["#e8e0d0", "#553c38"]
    assert scored["color_shares"] == pytest.approx([0.6, 0.2])
    assert scored["style_confidence"] == pytest.approx(0.5)


def test_an_empty_library_gives_empty_tables_of_the_same_schema(tmp_path: Path) -> None:
    assert recommendations_table({}, "spring").schema == recommendations_schema()
    path = tmp_path / "deep" / "scenes.parquet"
    write_parquet(scenes_table({}, "spring"), path)
    assert pq.read_schema(path).equals(SCENES)
    assert list(path.parent.iterdir()) == [path]


def test_csv_joins_lists_and_neutralizes_formulas(tmp_path: Path, make_result: Callable[..., SceneResult]) -> None:
    path = tmp_path / "scenes.csv"
    write_people_csv(scenes_table({"a.jpg": make_result(note="=1+1")}, "spring", {"b.jpg": "damaged"}), path)
    text = path.read_text(encoding="utf-8-sig")
    assert "#e8e0d0 #553c38" in text
    assert "0.6 0.2" in text
    assert "=1+1" in text
    assert ",=1+1" not in text
    assert ',"=1+1' not in text
