from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

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
