"""What is known of a person is read, corrected and deleted on the command line."""

import datetime as dt
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scene_pipeline.cli import app
from scene_pipeline.context.person import Population, Profile
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.events.subjects import SubjectIds
from scene_pipeline.settings import SUBJECT_KEY_FILE

KEY = b"a key of at least sixteen bytes"


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "key").write_bytes(KEY)
    monkeypatch.setenv(SUBJECT_KEY_FILE, str(tmp_path / "key"))
    store = ProfileStore(tmp_path / "artifacts" / "context" / "profiles")
    store.replace_all(
        [Profile(SubjectIds(KEY).subject("anna"), dt.date(2026, 3, 30), 3, {"oak": 2})], Population(0, {})
    )
    return tmp_path / "artifacts"


def run(artifacts: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["person", *words, "--artifacts", str(artifacts)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_profile_is_shown_corrected_and_deleted(artifacts: Path) -> None:
    assert json.loads(run(artifacts, "show", "anna", "--shop-id"))["terms"] == {"oak": 2}
    run(artifacts, "correct", "anna", "oak", "-1", "--shop-id")
    assert json.loads(run(artifacts, "show", SubjectIds(KEY).subject("anna")))["corrections"] == {"oak": -1}
    run(artifacts, "correct", "anna", "oak", "none", "--shop-id")
    assert "deleted" in run(artifacts, "delete", "anna", "--shop-id")
    with pytest.raises(ScenePipelineError, match="nothing is known"):
        run(artifacts, "show", "anna", "--shop-id")


def test_the_shops_own_ids_need_the_key(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SUBJECT_KEY_FILE)
    with pytest.raises(ScenePipelineError, match=SUBJECT_KEY_FILE):
        run(artifacts, "show", "anna", "--shop-id")
    with pytest.raises(ScenePipelineError, match="HMAC id"):
        run(artifacts, "show", "anna")
