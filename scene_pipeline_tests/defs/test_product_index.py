"""The asset index_sync: checks and figures in its events, and the bundle's rollback followed."""

import shutil
from pathlib import Path

import dagster as dg
import msgspec
import pytest

from scene_pipeline.bundle.layout import bundles_root, current_version, point_to
from scene_pipeline.bundle.manifest import read_manifest, write_manifest
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.defs.product_index import CHECKS, ProductIndexAddress, index_sync_asset
from scene_pipeline.defs.resources import ArtifactStore, EncoderChoice
from scene_pipeline.index.open import open_index


@pytest.fixture
def store(demo: Path, tmp_path: Path) -> ArtifactStore:
    """The demo's artifacts, in a folder of their own."""
    shutil.copytree(demo, tmp_path / "artifacts", ignore=shutil.ignore_patterns("store", "scenes"))
    return ArtifactStore(root=str(tmp_path / "artifacts"))


def run(store: ArtifactStore, url: str) -> dg.ExecuteInProcessResult:
    resources = {"store": store, "encoder": EncoderChoice(), "product_index": ProductIndexAddress(url=url)}
    return dg.materialize([index_sync_asset()], resources=resources, raise_on_error=False)


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


def test_the_index_follows_a_bundle_that_was_rolled_back_and_writes_nothing(
    store: ArtifactStore, tmp_path: Path
) -> None:
    url, root = f"faiss:{tmp_path / 'index'}", bundles_root(store.path())
    first = str(current_version(store.path()))
    later = f"3000{first[4:]}"
    shutil.copytree(root / first, root / later)
    write_manifest(root / later, msgspec.structs.replace(read_manifest(root / later), bundle_version=later))
    for version in (first, later, first):
        point_to(root, version)
        result = run(store, url)
        assert result.success
        with open_index(url) as index, index.open() as snapshot:
            assert snapshot.version == version
    (event,) = result.asset_materializations_for_node("index_sync")
    assert event.metadata["rows_written"].value == 0


def test_a_rollback_starts_a_sync_and_a_bundle_that_was_only_made_again_does_not() -> None:
    """What the job of a rollback reports is the earlier bundle's data version: it differs, as a new one's does."""
    defs = dg.Definitions(
        [index_sync_asset(), dg.AssetSpec("serving_bundle")],
        resources={"store": ArtifactStore(), "encoder": EncoderChoice(), "product_index": ProductIndexAddress()},
    )
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = None

        def starts() -> bool:
            nonlocal cursor
            result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)
            cursor = result.cursor
            return result.get_num_requested(dg.AssetKey("index_sync")) > 0

        def promoted(version: str) -> bool:
            """Report a bundle with this data version, and the sync that it starts; return whether it starts one."""
            tags = {"dagster/data_version": version}
            instance.report_runless_asset_event(dg.AssetMaterialization("serving_bundle", tags=tags))
            if not starts():
                return False
            instance.report_runless_asset_event(dg.AssetMaterialization("index_sync"))
            assert not starts()
            return True

        promoted("1")
        assert [promoted(version) for version in ("1", "2", "2", "1", "1")] == [False, True, False, True, False]
