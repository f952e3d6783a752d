"""The failures of a real server, a spent budget and planted instructions, measured as the benchmark measures them."""

from pathlib import Path

import pytest

from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline_tests.reasoning.conftest import SCENES

pytest.importorskip("starlette", reason="the extra `serve` is not installed")


def test_no_failure_of_a_real_server_changes_a_row(tiny: str, demo: Path, tmp_path: Path) -> None:
    from benchmarks.reasoning import Room, cache_and_budget, failures, planted

    matcher = SceneMatcher.open(demo, verify=False)
    rooms = [Room(path, matcher.analyze(path)) for path in SCENES[:7]]
    claims = [*cache_and_budget(matcher, rooms, tiny, tmp_path), failures(matcher, rooms[0], tiny, tmp_path / "f")]
    claims += planted(matcher, rooms, tiny, tmp_path / "planted")
    assert [claim.claim for claim in claims if not claim.holds] == []
    assert claims[4].n == 9
