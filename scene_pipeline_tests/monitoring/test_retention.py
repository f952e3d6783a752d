"""Retention removes what its rules name, and nothing else."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from scene_pipeline.images.store import ImageStore
from scene_pipeline.monitoring.retention import Retention, clean, plan_cleaning

DAY = 86_400


def aged(path: Path, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(b"12345")
    stamp = time.time() - days * DAY
    os.utime(path, (stamp, stamp))
    return path


def test_retention_removes_what_the_rules_name_and_nothing_else(tmp_path: Path) -> None:
    refused = aged(tmp_path / "bundles" / ".refused-1" / "checks.json", 20).parent
    aged(refused, 20)
    fresh = aged(tmp_path / "bundles" / ".refused-2" / "checks.json", 1).parent
    gone = aged(tmp_path / "scenes" / "winter" / "lookbook.html", 100).parent
    kept = aged(tmp_path / "scenes" / "spring" / "lookbook.html", 100).parent
    runs = [aged(kept / "runs" / f"2026110{day}T000000Z.json", 1) for day in range(1, 5)]
    images = ImageStore(tmp_path / "images")
    named = images.path(images.add(Image.new("RGB", (8, 8), "red")))
    stray = images.path(images.add(Image.new("RGB", (8, 8), "blue")))
    aged(named, 50)
    aged(stray, 50)
    pq.write_table(pa.table({"sha256": [named.stem]}), tmp_path / "images" / "status.parquet")

    rules = Retention(refused_bundles_days=14, runs_kept=3, pictures_days=30, vanished_libraries_days=90)
    doomed = plan_cleaning(tmp_path, rules, frozenset({"spring"}), time.time())
    assert {item.path for item in doomed} == {refused, runs[0], gone, stray}
    assert clean(doomed) == sum(item.bytes for item in doomed)
    assert [path.exists() for path in (refused, gone, stray, runs[0])] == [False] * 4
    assert [path.exists() for path in (fresh, kept, named, *runs[1:])] == [True] * 6
    assert clean(doomed) == 0


def test_a_scenes_folder_that_cannot_be_read_dooms_no_library(tmp_path: Path) -> None:
    aged(tmp_path / "scenes" / "winter" / "lookbook.html", 1000)
    assert plan_cleaning(tmp_path, Retention(), None, time.time()) == []
