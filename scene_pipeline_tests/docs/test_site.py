"""The documentation: links lead somewhere, the reference is complete, the site builds without a warning."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
MADE = {"reference/cli.md", "reference/environment.md"}
"""Pages that are written from the code while the site is built."""


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "site" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            found = (page.parent / target).resolve()
            assert found.exists() or found.relative_to(DOCS).as_posix() in MADE, f"{page.name} links to {target}"


def test_the_command_line_page_has_every_command_and_its_options(reference: ModuleType) -> None:
    page = reference.command_line_page()
    for command in ("build", "recommend", "evaluate matches", "encoders fetch", "person show"):
        assert f"\n## scene-pipeline {command}\n" in page
    section = page.split("\n## scene-pipeline recommend\n")[1].split("\n## ")[0]
    assert "--intent" in section
    assert "--k" in section


def test_the_page_of_variables_has_every_variable_once(reference: ModuleType) -> None:
    page = reference.environment_page()
    assert len(reference.variables()) > 25
    for name in (*reference.variables(), "SCENE_PIPELINE_SERVE_PORT", "SCENE_PIPELINE_LLM_MODEL"):
        assert f"`{name}`" in page


def test_every_decision_has_a_status_a_date_and_what_was_not_chosen() -> None:
    for path in sorted((DOCS / "decisions").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert re.search(r"^Status: .+ Date: \d{4}-\d{2}-\d{2}", text, re.MULTILINE), path.name
        assert re.search(r"alternative", text, re.IGNORECASE), path.name


def test_every_page_has_a_place_in_the_site() -> None:
    def leaves(node: object) -> set[str]:
        if isinstance(node, str):
            return {node}
        parts = node if isinstance(node, list) else list(node.values()) if isinstance(node, dict) else []
        return {leaf for part in parts for leaf in leaves(part)}

    listed = leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert listed == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")} | MADE


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs the extra docs; `make docs` installs it")
    pytest.importorskip("mkdocstrings", reason="needs the extra docs; `make docs` installs it")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr + result.stdout
    assert "WARNING" not in result.stderr
    page = (tmp_path / "site" / "reference" / "python.html").read_text(encoding="utf-8")
    assert "SceneMatcher.recommend" in page
