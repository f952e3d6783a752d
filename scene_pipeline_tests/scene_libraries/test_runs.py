"""Runs of a library are kept when they differ, and only the last ones."""

from pathlib import Path

import pytest

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.request import Request
from scene_pipeline.scene_libraries.runs import keep_run, list_runs, load_run
from scene_pipeline.scene_libraries.score import LibraryResult
from scene_pipeline_tests.reporting.conftest import result


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


def test_other_files_among_the_runs_are_passed_over(tmp_path: Path) -> None:
    assert keep_run(tmp_path, LibraryResult(Request(3)))
    (name,) = list_runs(tmp_path)
    for other in (f"{name} copy.json", f"._{name}.json", "notes.json"):
        (tmp_path / "runs" / other).write_text("x")
    assert list_runs(tmp_path) == [name]
    assert keep_run(tmp_path, LibraryResult(Request(4)))
