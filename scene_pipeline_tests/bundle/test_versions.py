"""Looking after bundles: list, verify, roll back, prune."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scene_pipeline.bundle import (
    BundleWriter,
    Promotion,
    current_version,
    list_bundles,
    open_bundle,
    prune,
    rollback,
    verify_bundle,
)
from scene_pipeline.errors import BundleError

Build = Callable[..., Promotion]


def _versions(artifacts: Path) -> list[str]:
    return [bundle.version for bundle in list_bundles(artifacts)]


def _damage(artifacts: Path, version: str) -> None:
    path = artifacts / "bundles" / version / "calibration.json"
    path.write_bytes(path.read_bytes().replace(b"false", b"true "))


def test_list_is_newest_first_and_marks_the_current(artifacts: Path) -> None:
    newest, oldest = list_bundles(artifacts)
    assert (newest.current, newest.products, oldest.current, oldest.products) == (True, 80, False, 60)
    assert newest.version > oldest.version
    assert (newest.encoder, newest.problem) == ("made-up", "")
    assert newest.recall is not None
    assert newest.recall >= 0.9
    assert newest.bytes > 20_000


def test_list_before_any_build_is_empty(tmp_path: Path) -> None:
    assert list_bundles(tmp_path) == []


def test_list_shows_a_damaged_manifest(artifacts: Path) -> None:
    oldest = _versions(artifacts)[1]
    (artifacts / "bundles" / oldest / "manifest.json").write_text("{")
    summary = list_bundles(artifacts)[1]
    assert summary.version == oldest
    assert summary.products is None
    assert "is not a bundle manifest" in summary.problem


def test_rollback_goes_one_back_and_forward_by_name(artifacts: Path) -> None:
    newest, oldest = _versions(artifacts)
    assert rollback(artifacts) == oldest
    assert open_bundle(artifacts).products_count() == 60
    assert rollback(artifacts, newest) == newest
    assert current_version(artifacts) == newest


def test_rollback_without_an_earlier_version(tmp_path: Path, build_bundle: Build) -> None:
    version = build_bundle(tmp_path / "bundles").version
    with pytest.raises(
        BundleError, match=f"has no sound version before {version} to go back to; build the bundle again"
    ):
        rollback(tmp_path)
    assert current_version(tmp_path) == version


def test_rollback_before_any_build(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no bundle yet; run `scene-pipeline build"):
        rollback(tmp_path)


def test_rollback_skips_a_damaged_version(artifacts: Path, build_bundle: Build) -> None:
    middle, oldest = _versions(artifacts)
    build_bundle(artifacts / "bundles", 30, 2)
    _damage(artifacts, middle)
    assert rollback(artifacts) == oldest


def test_rollback_to_a_damaged_version_is_refused(artifacts: Path) -> None:
    newest, oldest = _versions(artifacts)
    _damage(artifacts, oldest)
    with pytest.raises(BundleError, match=r"is damaged and was not promoted .*calibration\.json: was altered"):
        rollback(artifacts, oldest)
    assert current_version(artifacts) == newest


def test_verify_counts_files_and_names_every_damage(artifacts: Path) -> None:
    newest, oldest = _versions(artifacts)
    report = verify_bundle(artifacts)
    assert (report.version, report.sound, report.files) == (newest, True, 10)
    _damage(artifacts, oldest)
    (artifacts / "bundles" / oldest / "prompts.npz").unlink()
    damaged = verify_bundle(artifacts, oldest)
    assert not damaged.sound
    assert len(damaged.damage) == 2
    assert {line.split(": ")[1] for line in damaged.damage} == {"is missing", "was altered after the bundle was sealed"}


def test_verify_names_a_manifest_of_another_version(artifacts: Path) -> None:
    newest, oldest = _versions(artifacts)
    root = artifacts / "bundles"
    (root / newest / "manifest.json").write_bytes((root / oldest / "manifest.json").read_bytes())
    assert f"belongs to version {oldest}" in verify_bundle(artifacts).damage[0]


def test_prune_keeps_the_newest_and_the_current(artifacts: Path, build_bundle: Build) -> None:
    for seed in (2, 3, 4):
        build_bundle(artifacts / "bundles", 20, seed)
    made = sorted(_versions(artifacts))
    rollback(artifacts, made[0])
    assert prune(artifacts, 2) == made[1:3]
    assert sorted(_versions(artifacts)) == [made[0], *made[3:]]
    assert prune(artifacts, 2) == []
    assert not list((artifacts / "bundles").glob(".pruned-*"))


def test_prune_keeps_at_least_one(artifacts: Path) -> None:
    with pytest.raises(BundleError, match="keep at least 1 version"):
        prune(artifacts, 0)


def test_changes_wait_for_the_writer(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scene_pipeline.bundle.versions._WAIT_S", 0.1)
    with BundleWriter(artifacts / "bundles"):
        for change in (lambda: rollback(artifacts), lambda: prune(artifacts, 1)):
            with pytest.raises(BundleError, match="another process is writing a bundle"):
                change()
    assert len(_versions(artifacts)) == 2
