"""What a person rolled back stays back until a person says otherwise."""

from pathlib import Path

import msgspec
import pytest

from scene_pipeline.bundle.layout import CURRENT, MANIFEST, current_version
from scene_pipeline.bundle.manifest import read_manifest
from scene_pipeline.errors import BundleError, ScenePipelineError
from scene_pipeline.monitoring.rollback import Withdrawal, refuse_withdrawn, roll_back_by_hand, withdrawals
from scene_pipeline_tests.bundle.conftest import build


@pytest.fixture
def versions(tmp_path: Path) -> list[str]:
    """Two bundles under `tmp_path`, the second promoted."""
    return [build(tmp_path / "bundles", 60, seed).version for seed in (0, 1)]


def content(artifacts: Path, version: str) -> str:
    return read_manifest(artifacts / "bundles" / version).data_version


def test_the_next_build_does_not_promote_what_a_person_rolled_back(tmp_path: Path, versions: list[str]) -> None:
    old, new = versions
    refuse_withdrawn(tmp_path, content(tmp_path, new))
    assert roll_back_by_hand(tmp_path, None) == old
    assert current_version(tmp_path) == old
    with pytest.raises(BundleError, match=f"was rolled back as {new} .by hand, to {old}.* rollback {new}"):
        refuse_withdrawn(tmp_path, content(tmp_path, new))
    refuse_withdrawn(tmp_path, content(tmp_path, old))
    refuse_withdrawn(tmp_path, "other content")


def test_going_forward_again_takes_it_back(tmp_path: Path, versions: list[str]) -> None:
    old, new = versions
    roll_back_by_hand(tmp_path, old)
    assert roll_back_by_hand(tmp_path, new) == new
    assert withdrawals(tmp_path) == []
    refuse_withdrawn(tmp_path, content(tmp_path, new))


def test_a_damaged_current_withdraws_nothing(tmp_path: Path, versions: list[str]) -> None:
    (tmp_path / "bundles" / CURRENT).write_text("nonsense\n")
    assert roll_back_by_hand(tmp_path, None) == versions[1]
    assert withdrawals(tmp_path) == []


def test_what_cannot_be_rolled_back_withdraws_nothing(tmp_path: Path, versions: list[str]) -> None:
    with pytest.raises(BundleError, match="has no version"):
        roll_back_by_hand(tmp_path, "20200101T000000Z-00000000")
    assert (current_version(tmp_path), withdrawals(tmp_path)) == (versions[1], [])


def test_withdrawn_content_is_refused_by_name(tmp_path: Path) -> None:
    assert withdrawals(tmp_path) == []
    refuse_withdrawn(tmp_path, "abc")
    (tmp_path / "quality").mkdir()
    entry = Withdrawal("20261101T000000Z-00000001", "abc", "error_rate is 0.5", "2026-11-24T08:00:00+00:00")
    (tmp_path / "quality" / "withdrawn.json").write_bytes(msgspec.json.encode([entry]))
    refuse_withdrawn(tmp_path, "another")
    with pytest.raises(BundleError, match=r"was rolled back as 20261101T000000Z-00000001 \(error_rate is 0\.5\)"):
        refuse_withdrawn(tmp_path, "abc")


@pytest.mark.parametrize("damage", ["", "{", '{"schema_version": 1}'])
def test_a_bundle_that_serves_and_is_damaged_can_be_left(damage: str, tmp_path: Path, versions: list[str]) -> None:
    (tmp_path / "bundles" / versions[1] / MANIFEST).write_text(damage)
    assert roll_back_by_hand(tmp_path, versions[0]) == versions[0]
    assert (current_version(tmp_path), withdrawals(tmp_path)) == (versions[0], [])


def test_a_damaged_list_of_withdrawals_is_said_before_anything_changes(tmp_path: Path, versions: list[str]) -> None:
    (tmp_path / "quality").mkdir()
    (tmp_path / "quality" / "withdrawn.json").write_text("{")
    with pytest.raises(ScenePipelineError, match="is not a list of withdrawals"):
        roll_back_by_hand(tmp_path, None)
    assert current_version(tmp_path) == versions[1]
