"""An experiment as people write it."""

from pathlib import Path

import pytest

YAML = """\
name: warmer-weights
description: Style counts for more.
arms:
  control: {}
  warmer: {weights: {style_alignment: 0.5}}
allocation: {control: 0.5, warmer: 0.5}
metric: rewards_per_list
guardrails:
  - {metric: latency_ms, margin: 20}
  - {metric: empty_lists, margin: 0.02}
planned_units: 2000
"""


@pytest.fixture
def design_file(tmp_path: Path) -> Path:
    """Return the path of the experiment's YAML file."""
    path = tmp_path / "warmer.yaml"
    path.write_text(YAML)
    return path
