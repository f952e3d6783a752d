"""The asset index_sync: checks and figures in its events, and the bundle's rollback followed."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from scene_pipeline.bundle.layout import current_version
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.defs.product_index import CHECKS, ProductIndexAddress, index_sync
from scene_pipeline.defs.resources import ArtifactStore, EncoderChoice


@pytest.fixture
def store(demo: Path, tmp_path: Path) -> ArtifactStore:
    """The demo's artifacts, in a folder of their own."""
    shutil.copytree(demo, tmp_path / "artifacts", ignore=shutil.ignore_patterns("store", "scenes"))
    return ArtifactStore(root=str(tmp_path / "artifacts"))


def run(store: ArtifactStore, url: str) -> dg.ExecuteInProcessResult:
    resources = {"store": store, "encoder": EncoderChoice(), "product_index": ProductIndexAddress(url=url)}
    return dg.materialize([index_sync], resources=resources, raise_on_error=False)


def test_the_asset_syncs_once_and_says_what_it_wrote(store: ArtifactStore, tmp_path: Path) -> None:
    url = f"faiss:{tmp_path / 'index'}"
    count = open_bundle(store.path(), verify=False).products_count()
    for written in (count, 0):
        result = run(store, url)
        assert result.success
        (event,) = result.asset_materializations_for_node("index_sync")
        shown = {name: value.value for name, value in event.metadata.items()}
        assert shown["rows_written"] == written
        assert shown["version"] == current_version(store.path())
        assert shown["dagster/row_count"] == count
        assert "lag_seconds" in shown
        checks = result.get_asset_check_evaluations()
        assert {check.check_name for check in checks if check.passed} == set(CHECKS)


def test_an_index_that_cannot_be_reached_fails_with_its_reason(store: ArtifactStore) -> None:
    result = run(store, "postgresql://127.0.0.1:1/nothing")
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "cannot be set up" in str(failure.event_specific_data)
