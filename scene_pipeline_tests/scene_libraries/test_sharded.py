"""Analyzing a library over shards: the results of the run without, but for the time they took."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.compute.ray_cluster import RayCompute
from scene_pipeline.compute.shards import LocalCompute
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.sample import sample_photographs
from scene_pipeline.scene_libraries import sharded
from scene_pipeline.scene_libraries.analyses import Analyses
from scene_pipeline.scene_libraries.score import LibraryResult, score_library
from scene_pipeline.scene_libraries.sharded import analyze_in_shards


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "rooms"
    folder.mkdir()
    for path in sample_photographs()[:8]:
        shutil.copy(path, folder / path.name)
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def without_times(result: LibraryResult) -> LibraryResult:
    return replace(result, results={name: replace(one, elapsed_ms=0) for name, one in result.results.items()})


@pytest.mark.parametrize("actors", [0, 2])
def test_a_library_scored_over_shards_is_the_library_scored_alone(
    demo: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actors: int, request: Any
) -> None:
    monkeypatch.setattr(sharded, "SHARD", 2)
    matcher = SceneMatcher.open(demo, verify=False)
    alone = score_library(library, matcher)
    compute = RayCompute(request.getfixturevalue("ray_cluster"), actors) if actors else LocalCompute()
    analyses = Analyses()
    assert analyze_in_shards(library, matcher, analyses, tmp_path / "shards", compute) == 8
    assert len(list((tmp_path / "shards").iterdir())) > 1
    result = score_library(library, matcher, analyses=analyses)
    assert without_times(result) == without_times(alone)
    assert analyze_in_shards(library, matcher, Analyses(), tmp_path / "shards", compute) == 0  # resumed by hash
