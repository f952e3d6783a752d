"""Runs of the daemon and of the command line that write one folder exclude each other; a dead one excludes nobody."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from scene_pipeline.defs import claims
from scene_pipeline.defs.catalog import raw_catalog
from scene_pipeline.defs.failures import failure_line, user_errors_as_failures
from scene_pipeline.defs.resources import (
    ArtifactStore,
    CatalogSource,
    EncoderChoice,
    QualityMonitor,
    VocabularyFolder,
)
from scene_pipeline.errors import ScenePipelineError

OTHER = """
import sys, time
from pathlib import Path
from scene_pipeline.defs import claims
claims.take(Path(sys.argv[1]), "other-run")
print("taken", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(claims, "WAIT_S", 0.3)
    yield
    claims.release()


def another_run(folder: Path) -> subprocess.Popen[str]:
    """Return a process that claims a folder, once it has done so."""
    process = subprocess.Popen([sys.executable, "-c", OTHER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    return process


def build(root: Path) -> dg.ExecuteInProcessResult:
    """Run the first step of a build as Dagster does."""
    resources = {
        "store": ArtifactStore(root=str(root)),
        "catalog": CatalogSource(path="sample"),
        "encoder": EncoderChoice(),
        "vocabulary": VocabularyFolder(),
        "monitor": QualityMonitor(),
    }
    return dg.materialize([raw_catalog], resources=resources, raise_on_error=False)


def test_a_build_waits_for_another_and_goes_on_when_that_was_killed(tmp_path: Path) -> None:
    other = another_run(tmp_path / "catalog")
    try:
        result = build(tmp_path)
        (failure,) = [event for event in result.all_events if event.is_step_failure]
        line, for_people = failure_line(failure)
        assert for_people
        assert f"catalog: run other-ru (process {other.pid} on " in line
        assert not (tmp_path / "catalog" / "raw.parquet").exists()
    finally:
        other.kill()
        other.wait()
    assert build(tmp_path).success


def test_ops_and_calls_by_hand_claim_nothing(tmp_path: Path) -> None:
    @user_errors_as_failures
    def look(store: ArtifactStore) -> str:
        return store.root

    @dg.op
    def looking(store: ArtifactStore) -> None:
        look(store=store)

    @dg.job(resource_defs={"store": ArtifactStore(root=str(tmp_path))})
    def job() -> None:
        looking()

    assert job.execute_in_process(raise_on_error=False).success
    assert look(store=ArtifactStore(root=str(tmp_path))) == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_libraries_are_scored_at_once_and_one_is_not_twice(tmp_path: Path) -> None:
    other = another_run(tmp_path / "scenes" / "one")
    try:
        claims.take(tmp_path / "scenes" / "two", "run")
        with pytest.raises(ScenePipelineError, match="is writing it, and still was after"):
            claims.take(tmp_path / "scenes" / "one", "run")
    finally:
        other.kill()
        other.wait()


def test_runs_of_one_process_follow_each_other(tmp_path: Path) -> None:
    claims.take(tmp_path, "first")
    claims.take(tmp_path, "second")
    claims.release()
    another_run(tmp_path).kill()


def test_a_claim_that_was_torn_is_free(tmp_path: Path) -> None:
    (tmp_path / claims.FILE).write_bytes(b'{"run_id": "x", "ho')
    claims.take(tmp_path, "run")


def test_a_run_of_another_machine_is_believed_for_an_hour(tmp_path: Path) -> None:
    claim = claims.Claim("run", "elsewhere.example", 1, since=0.0)
    assert not claim.is_alive()
    assert claims.Claim("run", "elsewhere.example", 1, since=claims.time.time()).is_alive()
