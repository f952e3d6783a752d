"""The package's front: its public names, loaded when they are used."""

import subprocess
import sys
import tomllib
from pathlib import Path

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


def test_every_file_beside_the_code_is_shipped() -> None:
    """What the package reads at run time must lie in the wheel too; setuptools leaves out what no pattern names."""
    package = Path(scene_pipeline.__file__).parent
    settings = tomllib.loads((package.parent / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["scene_pipeline"]
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    files = {path for path in package.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert sorted(path.relative_to(package).as_posix() for path in files - shipped) == []
