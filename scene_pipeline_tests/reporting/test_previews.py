from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image
from rich.console import Console

from scene_pipeline.matching.types import SceneResult
from scene_pipeline.reporting.console import library_view
from scene_pipeline.reporting.names import display_name
from scene_pipeline.reporting.previews import EVENT_BYTES, markdown_counts, markdown_table, markdown_thumbnails


def test_a_markdown_table_cuts_rounds_escapes_and_counts() -> None:
    table = pa.table({"a": ["x|y", "<b>", "long " * 40], "b": [0.123456, None, 1.0]})
    lines = markdown_table(table, rows=2).splitlines()
    assert lines[:4] == ["| a | b |", "| --- | --- |", "| x\\|y | 0.123 |", "| &lt;b> |  |"]
    assert lines[-1] == "2 of 3 rows"
    whole = markdown_table(table, columns=["a"])
    assert whole.splitlines()[0] == "| a |"
    assert max(map(len, whole.splitlines())) < 90
    assert "rows" not in whole


def test_counts_are_ordered_and_have_shares() -> None:
    lines = markdown_counts({"lamp": 1, "vase": 3000}, "category").splitlines()
    assert lines[0] == "| category | n | share |"
    assert lines[2] == "| vase | 3,000 | 100.0% |"
    assert markdown_counts({}, "category").count("\n") == 1


def test_thumbnails_stay_within_an_event(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    path = tmp_path / "noise.png"
    Image.fromarray(noise).save(path)
    text = markdown_thumbnails([("a [caption]", path)] * 60)
    assert len(text.encode()) <= EVENT_BYTES
    shown = text.count("data:image/webp")
    assert 1 < shown < 60
    assert f"{60 - shown} more pictures are not shown" in text
    assert text.startswith("![a \\[caption\\]](data:")


def test_the_terminal_shows_scenes_traits_products_and_failures(make_result: Callable[..., SceneResult]) -> None:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    results = {f"{number:02}[b].jpg": make_result(calibrated=False) for number in range(25)}
    console.print(library_view(results, "spring", {"bad.jpg": "bad.jpg: is damaged"}))
    text = console.export_text()
    for shown in (
        "spring: 25 scenes", "00[b].jpg", "living room 80%", "warm neutrals", "0.69 Oak stool", "score, uncalibrated",
        "and 5 more scenes", "not scored: bad.jpg: bad.jpg: is damaged",
    ):  # fmt: skip
        assert shown in text, shown


def test_ids_read_as_the_vocabulary_names_them_and_others_as_words() -> None:
    assert display_name("mid_century_modern") == "mid-century modern"
    assert display_name("art_deco") == "art deco"
