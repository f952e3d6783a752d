from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.result import FurnishedSet, Match, Piece, Recommendation, SceneResult
from scene_pipeline.reporting.tables import (
    LISTED_INTENTS,
    SCENES,
    recommendations_schema,
    recommendations_table,
    scenes_table,
    write_parquet,
    write_people_csv,
)
from scene_pipeline.scenes.analysis import Decor, FreeStretch, RoomObject, RoomReading, Trait


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


def test_the_whole_analysis_is_in_nested_columns(tmp_path: Path, make_result: Callable[..., SceneResult]) -> None:
    trait = Trait("lamps", 0.8)
    reading = RoomReading(
        objects=(RoomObject("sofa", (0.1, 0.4, 0.5, 0.8), 0.7, "fabric"),),
        layout={"wall": 0.6, "floor": 0.4},
        materials={"fabric": 0.2},
        patterns={"plain": 1.0},
        source=trait,
        warmth=Trait("unknown", 0.4, "warm is the likeliest, with 40%"),
        light_from=trait,
        size_m2=14.0,
        size_interval_m2=(10.0, 20.0),
        camera_height_m=1.3,
        free=(FreeStretch("wall", (0.0, 0.0, 0.4, 0.3), 180, None),),
    )
    made = make_result()
    scene = replace(made.scene, reading=reading, decor=Decor({"sofa": 1}, {"sofa": 0.7}, ("sofas",), ("rugs",)))
    path = tmp_path / "scenes.parquet"
    write_parquet(scenes_table({"a.jpg": replace(made, scene=scene), "b.jpg": made}, "spring"), path)
    full, plain = pq.read_table(path).to_pylist()
    assert pq.read_schema(path).equals(SCENES)
    assert full["objects"][0]["type"] == "sofa"
    assert full["objects"][0]["box"] == pytest.approx([0.1, 0.4, 0.5, 0.8])
    assert (full["free"][0]["width_cm"], full["free"][0]["height_cm"]) == (180, None)
    assert full["light"]["warmth"]["why"].startswith("warm")
    assert full["size"]["class"] == "medium"
    assert full["decor"]["missing"] == ["rugs"]
    assert full["decor"]["there"][0]["count"] == 1
    assert plain["objects"] is plain["decor"] is plain["size"] is None
    assert plain["room_distribution"][0]["id"] == "living_room"


def test_rows_say_which_question_they_answer(
    make_result: Callable[..., SceneResult], make_recommendation: Callable[..., Recommendation]
) -> None:
    made = make_result(1)
    item, box = make_recommendation(1), (0.1, 0.2, 0.3, 0.4)
    piece = Piece("chairs", 4, 20.0, replace(item, box=box))
    chosen = FurnishedSet(made.scene, (piece,), (), 80.0, 20.0, 100.0, "EUR", 0.5, 0.0, None, "", "v", "set-1", 1.0)
    result = replace(made, objects=(Match("sofas-1", "sofas", box, 3.0, (item, item)),), set=chosen)
    rows = recommendations_table({"a.jpg": result}, "spring", LISTED_INTENTS).to_pylist()
    assert [row["intent"] for row in rows] == ["complete", "match", "match", "furnish"]
    assert [row["object_id"] for row in rows] == [None, "sofas-1", "sofas-1", None]
    assert (rows[3]["set_id"], rows[3]["pieces"]) == ("set-1", 4)
    assert rows[0]["box"] is None
    assert rows[1]["box"] == rows[3]["box"] == pytest.approx(list(box))
    assert [row["intent"] for row in recommendations_table({"a.jpg": result}, "spring").to_pylist()] == ["complete"]
