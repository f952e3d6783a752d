import io
from collections.abc import Callable
from dataclasses import replace

import msgspec
from rich.console import Console, RenderableType

from scene_pipeline.matching.result import FurnishedSet, Piece, Recommendation, SceneResult, Swap
from scene_pipeline.reporting.answer import answer
from scene_pipeline.reporting.terminal.library import library_view
from scene_pipeline.reporting.terminal.views import metrics_view, rows_view, scene_view, set_view
from scene_pipeline.vocabulary.display_names import display_name


def shown(view: RenderableType, width: int = 140) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(view)
    return console.export_text()


def test_a_library_shows_scenes_traits_products_and_failures(make_result: Callable[..., SceneResult]) -> None:
    results = {f"{number:02}[b].jpg": make_result(calibrated=False) for number in range(25)}
    text = shown(library_view(results, "spring", {"bad.jpg": "bad.jpg: is damaged"}))
    for part in (
        "spring: 25 scenes", "00[b].jpg", "living room 80%", "warm neutrals", "0.69 Oak stool",
        "not calibrated on photographs",
        "and 5 more scenes", "not scored: bad.jpg: bad.jpg: is damaged",
    ):  # fmt: skip
        assert part in text, part
    assert "20[b].jpg" not in text


def test_a_library_on_a_narrow_terminal_is_a_block_a_scene(make_result: Callable[..., SceneResult]) -> None:
    results = {"bedroom-mid-century-modern-earth-tones.webp": make_result(3)}
    wide, narrow = shown(library_view(results, "spring"), 160), shown(library_view(results, "spring"), 80)
    assert "│" in wide
    lines = narrow.splitlines()
    assert lines[0] == "spring: 1 scenes, first products (confidence)"
    assert lines[1] == "bedroom-mid-century-modern-earth-tones.webp"
    assert lines[2].startswith("  living room 80%, ")
    assert len(lines) == 6
    assert all(line.startswith("  60% ") for line in lines[3:])


def test_a_scene_shows_every_product_with_place_and_reason(make_result: Callable[..., SceneResult]) -> None:
    text = shown(scene_view(make_result(3, room="unknown", note="It shows a dog."), "a.jpg"))
    for part in ("a.jpg: unknown (80%), mid-century modern (50%)", "It shows a dog.", "confidence", "60%"):
        assert part in text, part
    assert text.count("It suits the room.") == text.count("beside the sofa") == 3
    assert "score, not calibrated on photographs" in shown(scene_view(make_result(1, calibrated=False), "a.jpg"))


def test_a_set_says_by_name_what_may_be_exchanged(
    make_result: Callable[..., SceneResult], make_recommendation: Callable[..., Recommendation]
) -> None:
    chair = replace(make_recommendation(1), product_id="1033", description="Oak chair")
    stool = replace(make_recommendation(2), description="Pine stool")
    swap = Swap("1033", stool, 30.0, 0.5)
    pieces = (Piece("chairs", 4, 20.0, chair),)
    scene = make_result(1).scene
    text = shown(
        set_view(FurnishedSet(scene, pieces, (), 80.0, 20.0, 100.0, "EUR", 0.5, 0.0, swap, "", "v", "s", 1.0), "a.jpg")
    )
    assert "Pine stool in place of Oak chair would save 30.00 EUR" in text
    assert "1033" not in text


def test_figures_show_numbers_with_intervals_tables_and_names() -> None:
    text = shown(
        metrics_view(
            {
                "n_scenes": 1410,
                "hit@10": 0.21,
                "intervals": {"hit@10": [0.15, 0.27]},
                "per_class": {"kitchen": {"n": 3, "accuracy": 2 / 3}},
                "confusion": {"kitchen": {"bedroom": 1}, "bedroom": {"bedroom": 2, "kitchen": 4}},
                "all_rooms": {"unknown": 0.125},
                "missing_scenes": [f"s{number}" for number in range(8)],
                "scenes_without_products": [],
            }
        )
    )
    for part in (
        "1,410",
        "0.210",
        "0.150 - 0.270",
        "per class",
        "0.667",
        "0.125",
        "8: s0, s1, s2 …",
    ):
        assert part in text, part
    assert "scenes_without_products" not in text


def test_rows_share_a_heading() -> None:
    text = shown(rows_view([{"good_for": "[b]rooms", "cached": True}, {"good_for": None, "cached": False}]))
    for part in ("good for", "[b]rooms", "yes", "no"):
        assert part in text, part


def test_rows_too_wide_for_the_terminal_are_a_block_each() -> None:
    rows = [
        {
            "version": f"2026112{day}T232745Z-336da4d8",
            "current": day == 8,
            "created_at": f"2026-11-2{day}T23:27:45+00:00",
            "encoder": "compact@8377b2233339",
            "bytes": 24_000_000,
            "problem": None if day == 8 else "bundles/20261127T232745Z-336da4d8/manifest.json: has schema 1",
        }
        for day in (8, 7)
    ]
    wide, narrow = shown(rows_view(rows), 240), shown(rows_view(rows), 80)
    assert "│" in wide
    assert "│" not in narrow
    lines = narrow.splitlines()
    assert lines[:5] == [
        "20261128T232745Z-336da4d8", "  current: yes", "  created at: 2026-11-28T23:27:45+00:00",
        "  encoder: compact@8377b2233339", "  bytes: 24,000,000",
    ]  # fmt: skip
    assert lines[5] == "20261127T232745Z-336da4d8"  # what is empty is left out
    assert any(line.startswith("  problem: ") for line in lines)
    assert max(map(len, lines)) <= 80


def test_ids_read_as_the_vocabulary_names_them_and_others_as_words() -> None:
    assert display_name("mid_century_modern") == "mid-century modern"
    assert display_name("art_deco") == "art deco"


def test_the_json_of_a_scene_has_the_contracted_keys(make_result: Callable[..., SceneResult]) -> None:
    document = msgspec.json.decode(msgspec.json.encode(answer(make_result(2))))
    assert {"scene", "recommendations", "bundle_version", "elapsed_ms"} <= set(document)
    assert (document["scene"]["room"], document["scene"]["style"]) == ("living_room", "mid_century_modern")
    assert [document["scene"][f"{name}_confidence"] for name in ("room", "style", "palette")] == [0.8, 0.5, 0.7]
    contracted = "rank product_id sku_id description category placement score confidence calibrated factors reason"
    contracted += " context opinion variant box"
    assert [list(item) for item in document["recommendations"]] == [contracted.split()] * 2
