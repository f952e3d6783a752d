"""Drift, retention, verification, withdrawal and kept runs, each with something broken."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.errors import BundleError, ScenePipelineError
from scene_pipeline.images.store import ImageStore
from scene_pipeline.matching.request import Request
from scene_pipeline.monitoring.drift import BOUNDS, drift
from scene_pipeline.monitoring.integrity import verify_pictures, verify_vectors
from scene_pipeline.monitoring.retention import Retention, clean, plan_cleaning
from scene_pipeline.monitoring.rollback import Withdrawal, refuse_withdrawn, withdrawals
from scene_pipeline.scene_libraries.runs import keep_run, list_runs, load_run
from scene_pipeline.scene_libraries.score import LibraryResult
from scene_pipeline_tests.reporting.conftest import result

DAY = 86_400


def products(n: int = 100, category: str = "vase", color: str = "white", price: float = 10, kind: str | None = "vase"):
    return pa.table(
        {
            "category": pa.array([category] * n, pa.string()),
            "colors": pa.array([[color]] * n, pa.list_(pa.string())),
            "price": pa.array([price] * n, pa.float64()),
            "product_type": pa.array([kind] * n, pa.string()),
        }
    )


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        (None, products(), set()),
        (products(), products(), set()),
        (products(), products(5, category="bowl"), set()),  # too few to compare
        (products(), products(category="bowl"), {"drift_categories"}),
        (products(), pa.concat_tables([products(90), products(10, category="bowl")]), set()),
        (products(), pa.concat_tables([products(80), products(20, color="red")]), {"drift_colors"}),
        (products(), products(price=13), {"drift_prices"}),
        (products(), products(price=11), set()),
        (products(), products().set_column(2, "price", pa.nulls(100, pa.float64())), {"drift_prices"}),
        (products(), pa.concat_tables([products(90), products(10, kind=None)]), {"drift_words"}),
    ],
)
def test_drift(before: pa.Table | None, after: pa.Table, broken: set[str]) -> None:
    found = drift(before, after)
    assert [item.name for item in found] == list(BOUNDS)
    assert {item.name for item in found if not item.holds} == broken
    for item in found:
        assert item.message
        assert item.holds or ";" in item.message or ":" in item.message


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


def test_verification_finds_a_picture_that_changed(tmp_path: Path) -> None:
    images = ImageStore(tmp_path / "images")
    path = images.path(images.add(Image.new("RGB", (8, 8), "red")))
    assert verify_pictures(tmp_path).sound
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    report = verify_pictures(tmp_path)
    assert report.looked_at == 1
    assert [line for line in report.damage if path.name in line and "fetches it again" in line]


def test_verification_finds_a_vector_that_is_no_unit_and_a_shard_that_is_cut(tmp_path: Path) -> None:
    folder = tmp_path / "embeddings" / "compact"
    shard = VectorStore(folder).append(["a"], pa.array([[1.0, 0.0]]).flatten().to_numpy().reshape(1, 2))
    assert shard is not None
    assert verify_vectors(tmp_path).sound
    table = pq.read_table(shard)
    vector = pa.FixedSizeListArray.from_arrays(pa.array([3.0, 4.0], pa.float16()), 2)
    pq.write_table(table.set_column(1, "vector", vector), shard)
    assert "has length 5, not 1" in verify_vectors(tmp_path).damage[0]
    shard.write_bytes(shard.read_bytes()[:-40])
    assert "is damaged" in verify_vectors(tmp_path).damage[0]


def test_withdrawn_content_is_refused_by_name(tmp_path: Path) -> None:
    assert withdrawals(tmp_path) == []
    refuse_withdrawn(tmp_path, "abc")
    (tmp_path / "quality").mkdir()
    import msgspec

    entry = Withdrawal("20261101T000000Z-00000001", "abc", "error_rate is 0.5", "2026-11-24T08:00:00+00:00")
    (tmp_path / "quality" / "withdrawn.json").write_bytes(msgspec.json.encode([entry]))
    refuse_withdrawn(tmp_path, "another")
    with pytest.raises(BundleError, match=r"was rolled back as 20261101T000000Z-00000001 \(error_rate is 0\.5\)"):
        refuse_withdrawn(tmp_path, "abc")


def test_runs_are_kept_when_they_differ_and_only_the_last_ones(tmp_path: Path) -> None:
    first = LibraryResult(Request(3), {"a": result(3)}, {}, {"a": "1"})
    assert keep_run(tmp_path, first)
    assert keep_run(tmp_path, LibraryResult(Request(3), {"a": result(3)}, {}, {"a": "1"}, reused=1)) is None
    for number in range(2, 6):
        assert keep_run(tmp_path, LibraryResult(Request(3), {"a": result(3)}, {}, {"a": str(number)}), kept=3)
    names = list_runs(tmp_path)
    assert len(names) == 3
    assert load_run(tmp_path, names[-1]).content_hashes == {"a": "5"}
    with pytest.raises(ScenePipelineError, match=r"has no run 'x'; choose one of: 2"):
        load_run(tmp_path, "x")
