"""An experiment's file is read whole or refused with its line."""

from pathlib import Path

import pytest

from scene_pipeline.errors import ExperimentError
from scene_pipeline.experiments.design import read_experiment
from scene_pipeline_tests.experiments.conftest import YAML


def test_a_file_is_read(design_file: Path) -> None:
    design = read_experiment(design_file)
    assert design.control == "control"
    assert design.arms["warmer"].weights == {"style_alignment": 0.5}
    assert design.shuffle_salt == "warmer-weights"
    assert design.guardrails[0].margin == 20


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("metric: rewards_per_list", "metric: happiness", "line 7"),
        ("control: 0.5, warmer: 0.5", "control: 0.5, warmer: 0.4", "adds up to 0.9"),
        ("control: 0.5, warmer: 0.5", "control: 0.5, colder: 0.5", "colder"),
        ("  warmer: {weights: {style_alignment: 0.5}}\n", "", "arms has 1"),
        ("weights: {style", "wheights: {style", "wheights"),
        ("name: warmer-weights", "name: Warmer Weights", "line 1"),
        ("margin: 20", "margin: 0", "line 9"),
        ("metric: rewards_per_list", "metric: purchase_rate\nunit: scene", "unit: subject"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in YAML
    path = tmp_path / "wrong.yaml"
    path.write_text(YAML.replace(old, new))
    with pytest.raises(ExperimentError, match=said):
        read_experiment(path)
