"""Settings of the environment: each is documented, a bad one fails at once by name, and what is deployed loads."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from scene_pipeline import settings
from scene_pipeline.definitions import defs
from scene_pipeline.defs.executor import EXECUTORS, executor_named
from scene_pipeline.defs.gates import EvaluationGate
from scene_pipeline.errors import ScenePipelineError

ROOT = Path(__file__).parent.parent


def test_every_setting_is_in_the_operating_guide() -> None:
    names = {name for name in vars(settings).values() if isinstance(name, str) and name.startswith("SCENE_PIPELINE_")}
    names -= {settings.SERVE_PREFIX, settings.LLM_PREFIX}
    guide = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert len(names) > 25
    assert sorted(name for name in names if f"`{name}`" not in guide) == []
    example = (ROOT / "deploy" / "environment.example").read_text(encoding="utf-8")
    assert set(re.findall(r"SCENE_PIPELINE_[A-Z_]+[A-Z0-9]", example)) <= names


def test_the_instance_configuration_loads(tmp_path: Path) -> None:
    shutil.copy(ROOT / "deploy" / "dagster.yaml", tmp_path / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_max_resume_run_attempts == 0  # a dead run fails; the next goes on from its files
        assert instance.get_settings("run_monitoring")["free_slots_after_run_end_seconds"] == 60
        assert instance.get_settings("run_monitoring")["max_runtime_seconds"] == 24 * 3600
        concurrency = instance.get_concurrency_config()
        assert concurrency.pool_config.default_pool_limit == 1
        assert concurrency.run_queue_config is not None
        (limit,) = concurrency.run_queue_config.tag_concurrency_limits
        assert limit == {"key": "scene_pipeline/writes", "value": "bundle", "limit": 1}
    assert defs.resolve_job_def("build_bundle").tags["scene_pipeline/writes"] == "bundle"


def test_what_is_deployed_names_files_that_are_there() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    assert set(compose["services"]) == {"web", "daemon", "lookbooks", "postgres"}
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8"), re.M)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
    for unit in ("web", "daemon"):
        text = (ROOT / "deploy" / f"scene-pipeline-{unit}.service").read_text(encoding="utf-8")
        assert "-w workspace.yaml" in text


@pytest.mark.parametrize("name", ["in_process", "multiprocess"])
def test_executors_of_dagster_itself(name: str) -> None:
    assert executor_named(name).name == name


@pytest.mark.parametrize(
    ("name", "line"),
    [("kubernets", "choose one of: in_process, multiprocess, kubernetes"), ("missing", "pip install dagster-missing")],
)
def test_an_executor_that_is_not_there_says_what_to_do(monkeypatch: pytest.MonkeyPatch, name: str, line: str) -> None:
    monkeypatch.setitem(EXECUTORS, "missing", ("dagster_missing", "executor", "dagster-missing"))
    with pytest.raises(ScenePipelineError, match=line):
        executor_named(name)


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        ("SENSOR_SECONDS", "often", "SCENE_PIPELINE_SENSOR_SECONDS is 'often'; set it to a number"),
        ("HIT_FLOOR", "2", "hit_floor"),
        ("SMTP_SECURITY", "ssl", "smtp_security"),
        ("EXECUTOR", "x", "SCENE_PIPELINE_EXECUTOR is 'x'"),
    ],
)
def test_a_bad_setting_fails_when_the_project_loads_and_is_named(setting: str, value: str, line: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "import scene_pipeline.definitions"],
        env={**os.environ, f"SCENE_PIPELINE_{setting}": value},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert line in result.stderr


def test_half_an_evaluation_gate_is_refused() -> None:
    assert len(EvaluationGate().checks()) == 3
    with pytest.raises(ScenePipelineError, match="only one of truth and scenes"):
        EvaluationGate(truth="truth.csv").checks()
