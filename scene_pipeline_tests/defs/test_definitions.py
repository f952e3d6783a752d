"""The graph as a person sees it, held by a snapshot: whoever changes it on purpose writes the snapshot anew.

`.venv/bin/python scene_pipeline_tests/defs/test_definitions.py` does that.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from scene_pipeline.cli.ui import QUIET
from scene_pipeline.definitions import defs

ROOT = Path(__file__).parents[2]
SNAPSHOT = Path(__file__).parent / "snapshot.json"


def test_nothing_is_used_that_dagster_has_superseded() -> None:
    code = """
import warnings, dagster as dg
warnings.simplefilter("error", dg.SupersessionWarning)
from scene_pipeline.definitions import defs
dg.Definitions.validate_loadable(defs)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("quiet", [True, False])
def test_the_ui_starts_without_the_warning_of_its_superseded_command(quiet: bool, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": QUIET if quiet else ""}
    command = [sys.executable, "-m", "dagster", "dev"]
    found = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode != 0  # it ends at once, for want of a workspace
    assert ("superseded" in found.stderr) is not quiet


def specs() -> list[dg.AssetSpec]:
    return sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)


def asset(spec: dg.AssetSpec) -> dict[str, Any]:
    condition = spec.automation_condition
    return {
        "group": spec.group_name,
        "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
        "kinds": sorted(spec.kinds),
        "owners": list(spec.owners),
        "tags": {name: value for name, value in sorted(spec.tags.items()) if not name.startswith("dagster/")},
        "code_version": spec.code_version,
        "description": spec.description,
        "partitions": getattr(spec.partitions_def, "name", None),
        "automation": condition.get_label() or condition.name or "custom" if condition else None,
        "fresh_within": str(spec.freshness_policy) if spec.freshness_policy else None,
    }


def snapshot() -> dict[str, Any]:
    """Return everything that the UI lists, as plain data."""
    repository = defs.get_repository_def()
    graph = repository.asset_graph
    jobs: Iterable[Any] = (job for job in repository.get_all_jobs() if not job.name.startswith("__"))
    return {
        "assets": {spec.key.to_user_string(): asset(spec) for spec in specs()},
        "checks": {
            f"{key.asset_key.to_user_string()}:{key.name}": {
                "blocking": graph.get_check_spec(key).blocking,
                "description": graph.get_check_spec(key).description,
            }
            for key in sorted(graph.asset_check_keys, key=lambda key: (key.asset_key.to_user_string(), key.name))
        },
        "jobs": {
            job.name: {
                "description": job.description,
                "tags": {name: value for name, value in sorted(job.tags.items()) if not name.startswith(".")},
                "steps": sorted(node.name for node in job.graph.nodes),
            }
            for job in sorted(jobs, key=lambda job: job.name)
        },
        "schedules": {
            item.name: {
                "cron": item.cron_schedule,
                "timezone": item.execution_timezone,
                "job": item.job_name,
                "status": item.default_status.value,
            }
            for item in sorted(repository.schedule_defs, key=lambda item: item.name)
        },
        "sensors": {
            item.name: {
                "every_s": item.minimum_interval_seconds,
                "status": item.default_status.value,
                "description": item.description,
            }
            for item in sorted(repository.sensor_defs, key=lambda item: item.name)
        },
        "resources": sorted(defs.resources or {}),
    }


def test_dagster_can_load_the_project_by_each_of_its_names() -> None:
    """What `dagster definitions validate` would check: every asset, job, schedule and sensor resolves."""
    dg.Definitions.validate_loadable(defs)
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert workspace == {"load_from": [{"python_module": "scene_pipeline.definitions"}]}
    assert project["tool"]["dagster"] == {"module_name": "scene_pipeline.definitions"}


def test_dg_finds_what_the_package_loads() -> None:
    found = dg.load_from_defs_folder(path_within_project=ROOT)
    assert {spec.key for spec in found.resolve_all_asset_specs()} == {spec.key for spec in specs()}
    assert sorted(found.resources or {}) == sorted(defs.resources or {})
    jobs = {job.name for job in found.get_repository_def().get_all_jobs()}
    assert jobs == {job.name for job in defs.get_repository_def().get_all_jobs()}


def test_the_graph_is_as_the_snapshot_says() -> None:
    assert snapshot() == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_every_asset_is_described_owned_and_versioned() -> None:
    for spec in specs():
        name = spec.key.to_user_string()
        assert spec.description, name
        assert list(spec.owners), name
        assert spec.code_version, name
        assert spec.kinds, name
        assert spec.tags["stage"] == spec.group_name, name


def test_every_knob_of_the_launchpad_is_described() -> None:
    """A field without a description is one that a person has to guess at."""
    seen = 0
    for job in defs.get_repository_def().get_all_jobs():
        for node in job.graph.nodes:
            fields = getattr(getattr(node.definition.config_schema, "config_type", None), "fields", None) or {}
            for name, field in fields.items():
                assert field.description, f"{node.name}.{name}"
                seen += 1
    for name, resource in (defs.resources or {}).items():
        for field, info in type(resource).model_fields.items():
            assert info.description, f"{name}.{field}"
            seen += 1
    assert seen > 30


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(snapshot(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
