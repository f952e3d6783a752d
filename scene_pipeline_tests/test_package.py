"""The package's front: its public names, loaded when they are used."""

import subprocess
import sys

import pytest

import scene_pipeline


def test_the_public_names_are_the_classes_themselves() -> None:
    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.matching.request import Constraints, Request

    assert scene_pipeline.SceneMatcher is SceneMatcher
    assert scene_pipeline.Request is Request
    assert scene_pipeline.Constraints is Constraints


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'SceneMatchr'"):
        _ = scene_pipeline.SceneMatchr  # pyright: ignore[reportAttributeAccessIssue]


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import sys, scene_pipeline; print([m for m in ('numpy', 'onnxruntime', 'typer') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
