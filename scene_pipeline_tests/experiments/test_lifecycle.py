"""Experiments start once, one at a time, and end with a decision."""

from pathlib import Path

import pytest

from scene_pipeline.errors import ExperimentError
from scene_pipeline.experiments.lifecycle import find, registered, running, start, stop
from scene_pipeline_tests.experiments.conftest import YAML


def test_an_experiment_runs_until_it_is_stopped(tmp_path: Path, design_file: Path) -> None:
    assert running(tmp_path) is None
    start(tmp_path, design_file, 1_780_000_000.0)
    found = running(tmp_path)
    assert found is not None
    assert found.design.name == "warmer-weights"
    assert found.started.isoformat() == "2026-05-28"
    stop(tmp_path, "warmer-weights", 1_780_100_000.0, "promoted warmer")
    assert running(tmp_path) is None
    assert find(tmp_path, "warmer-weights").state.decision == "promoted warmer"
    with pytest.raises(ExperimentError, match="ended already"):
        stop(tmp_path, "warmer-weights", 1_780_100_000.0)
    assert len(registered(tmp_path)) == 1


def test_a_second_start_is_refused_with_the_reason(tmp_path: Path, design_file: Path) -> None:
    start(tmp_path, design_file, 1.0)
    with pytest.raises(ExperimentError, match="another name"):
        start(tmp_path, design_file, 2.0)
    other = tmp_path / "other.yaml"
    other.write_text(YAML.replace("name: warmer-weights", "name: other"))
    with pytest.raises(ExperimentError, match="is running"):
        start(tmp_path, other, 2.0)
    stop(tmp_path, "warmer-weights", 3.0)
    other.write_text(YAML.replace("name: warmer-weights", "name: other\nsalt: warmer-weights"))
    with pytest.raises(ExperimentError, match="salt"):
        start(tmp_path, other, 4.0)
    with pytest.raises(ExperimentError, match="there are: warmer-weights"):
        find(tmp_path, "unknown")
