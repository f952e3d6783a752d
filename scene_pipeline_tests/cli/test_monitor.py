"""`scene-pipeline monitor`, `diff` and `alerts` as a person calls them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scene_pipeline.matching.request import Request
from scene_pipeline.monitoring.alerts import Alert, announce
from scene_pipeline.monitoring.history import ScoringRecord, record
from scene_pipeline.scene_libraries.runs import keep_run
from scene_pipeline.scene_libraries.score import LibraryResult
from scene_pipeline_tests.conftest import run_cli
from scene_pipeline_tests.reporting.conftest import result


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Artifacts with one scoring, two runs of a library that differ, and one open alert."""
    scoring = ("2026-11-24T08:00:00+00:00", "spring", "v1", "compact", 10, 0, 0, 100)
    record(tmp_path, ScoringRecord(*scoring, mean_confidence=0.5, calibrated=True, diversity=4.0, latency_p95_ms=20.0))
    first = result(3)
    second = replace(first, recommendations=first.recommendations[:2], bundle_version="v2")
    for scene in (first, second):
        keep_run(tmp_path / "scenes" / "spring", LibraryResult(Request(3), {"a.jpg": scene}, {}, {"a.jpg": "1"}))
    announce(tmp_path, [], [Alert("check:quality:error_rate:", "warning", "check error_rate of quality failed", "…")])
    return tmp_path


def test_monitor_shows_figures_and_ends_with_1_when_a_bound_breaks(artifacts: Path) -> None:
    sound = run_cli("monitor", "--artifacts", str(artifacts), "--json", "--metrics", str(artifacts / "m.prom"))
    assert sound.returncode == 0, sound.stderr
    figures = {row["figure"]: row for row in json.loads(sound.stdout)["figures"]}
    assert figures["mean_confidence"] == {
        "figure": "mean_confidence",
        "now": 0.5,
        "bound": "at least 0.05",
        "holds": True,
    }
    assert "scene_pipeline_mean_confidence 0.5" in (artifacts / "m.prom").read_text()

    scoring = ("2026-11-24T09:00:00+00:00", "spring", "v1", "compact", 1, 0, 9, 10)
    record(artifacts, ScoringRecord(*scoring, mean_confidence=0.5, calibrated=True, diversity=4.0, latency_p95_ms=20.0))
    broken = run_cli("monitor", "--artifacts", str(artifacts))
    assert broken.returncode == 1
    assert "error_rate" in broken.stdout
    assert broken.stderr.count("\n") == 1
    assert "error_rate is 0.45, the bound is at most 0.1; read the failures" in broken.stderr


def test_diff_says_what_changed_and_why(artifacts: Path) -> None:
    shown = run_cli("diff", "spring", "--artifacts", str(artifacts), "--json")
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert document["counts"] == {"scenes_unchanged": 0, "product_left": 1}
    assert document["settings"] == ["bundle v2 instead of 2026-11-24-abc"]
    assert document["changes"][0]["product_id"] == "p3"
    people = run_cli("diff", "spring", "--artifacts", str(artifacts))
    assert "0 scenes unchanged, 1 product left" in people.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["diff", "winter"], "holds 0 runs, two are needed; score the library again"),
        (["diff", "spring", "--before", "yesterday"], "has no run 'yesterday'; choose one of: 2"),
        (["monitor", "--thresholds", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)
def test_failures_are_one_line(artifacts: Path, arguments: list[str], line: str) -> None:
    failed = run_cli(*arguments, "--artifacts", str(artifacts))
    assert failed.returncode == 1
    assert line in failed.stderr
    assert failed.stderr.count("\n") == 1


def test_alerts_lists_what_is_open(artifacts: Path) -> None:
    listed = run_cli("alerts", "--artifacts", str(artifacts), "--json")
    assert [row["cause"] for row in json.loads(listed.stdout)] == ["check:quality:error_rate:"]
