"""Writing: whole or not at all, checked before it is promoted, one writer at a time."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_pipeline.bundle import (
    BundleRefusedError,
    BundleWriter,
    CheckResult,
    ManifestFields,
    Promotion,
    current_version,
    list_bundles,
    open_bundle,
    read_manifest,
)
from scene_pipeline.bundle.layout import VERSION
from scene_pipeline.errors import BundleError

Build = Callable[..., Promotion]
WriteFiles = Callable[..., ManifestFields]


def _check(name: str, passed: bool, blocking: bool = True) -> Callable[[Path], CheckResult]:
    return lambda folder: CheckResult(name, passed, blocking, f"{name} is 0.4, the bound is 0.5; fix it", 0.4, 0.5)


def test_promoted_bundle_is_current(tmp_path: Path, build_bundle: Build) -> None:
    promotion = build_bundle(tmp_path / "bundles", checks=[_check("a", True), _check("b", False, blocking=False)])
    assert VERSION.fullmatch(promotion.version)
    assert promotion.path == tmp_path / "bundles" / promotion.version
    assert promotion.previous is None
    assert [(result.name, result.passed) for result in promotion.checks] == [("a", True), ("b", False)]
    assert current_version(tmp_path) == promotion.version
    assert (tmp_path / "bundles" / "CURRENT").read_text() == f"{promotion.version}\n"


def test_manifest_states_every_file(tmp_path: Path, build_bundle: Build) -> None:
    promotion = build_bundle(tmp_path / "bundles")
    manifest = read_manifest(promotion.path)
    there = {path.name for path in promotion.path.iterdir()} - {"manifest.json"}
    assert set(manifest.files) == there
    assert (manifest.schema_version, manifest.bundle_version) == (3, promotion.version)
    assert manifest.created_at.endswith("+00:00")
    assert manifest.counts["products"] == 60
    assert promotion.version.endswith(manifest.data_version[:8])


def test_versions_sort_by_promotion_within_one_second(tmp_path: Path, build_bundle: Build) -> None:
    made = [build_bundle(tmp_path / "bundles", 20, seed).version for seed in (5, 3, 4)]
    assert made == sorted(made)
    assert len(set(made)) == 3
    again = build_bundle(tmp_path / "bundles", 20, 4).version  # the same content is a version of its own
    assert again > made[-1]


@pytest.mark.parametrize("step", ["writing", "sealed"])
def test_error_while_building_leaves_nothing(artifacts: Path, write_bundle_files: WriteFiles, step: str) -> None:
    before = current_version(artifacts)

    def interrupted() -> None:
        with BundleWriter(artifacts / "bundles") as writer:
            fields = write_bundle_files(writer.folder, 20, 9)
            if step == "sealed":
                writer.seal(fields)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert current_version(artifacts) == before
    assert not list((artifacts / "bundles").glob(".building-*"))
    assert len(list_bundles(artifacts)) == 2


def test_failed_blocking_check_keeps_the_old_bundle(artifacts: Path, build_bundle: Build) -> None:
    before = current_version(artifacts)
    with pytest.raises(BundleRefusedError) as caught:
        build_bundle(artifacts / "bundles", 20, 9, checks=[_check("fine", True), _check("recall", False)])
    message = str(caught.value)
    assert "\n" not in message
    assert "check 'recall': recall is 0.4, the bound is 0.5; fix it" in message
    assert f"{before} still serves" in message
    assert [result.passed for result in caught.value.results] == [True, False]
    assert current_version(artifacts) == before
    assert len(open_bundle(artifacts).index) == 80
    kept = json.loads((caught.value.folder / "checks.json").read_text())
    assert [(result["name"], result["figure"], result["bound"]) for result in kept] == [
        ("fine", 0.4, 0.5),
        ("recall", 0.4, 0.5),
    ]
    assert len(list_bundles(artifacts)) == 2


def test_only_the_latest_refused_bundle_is_kept(artifacts: Path, build_bundle: Build) -> None:
    for seed in (7, 8):
        with pytest.raises(BundleRefusedError) as caught:
            build_bundle(artifacts / "bundles", 20, seed, checks=[_check("recall", False)])
    assert list((artifacts / "bundles").glob(".refused-*")) == [caught.value.folder]


def test_check_that_raises_is_a_failed_check(artifacts: Path, build_bundle: Build) -> None:
    def smoke(folder: Path) -> CheckResult:
        raise BundleError(f"{folder.name}: no product passes the filter; lower the threshold")

    with pytest.raises(BundleRefusedError, match=r"check 'smoke': .*no product passes the filter"):
        build_bundle(artifacts / "bundles", checks=[smoke])


@pytest.mark.parametrize("missing", ["fusion.npz", "index.json", "image_encoder.onnx"])
def test_incomplete_bundle_is_not_sealed(tmp_path: Path, write_bundle_files: WriteFiles, missing: str) -> None:
    with BundleWriter(tmp_path / "bundles") as writer:
        fields = write_bundle_files(writer.folder)
        (writer.folder / missing).unlink()
        with pytest.raises(BundleError, match=f"lacks {re.escape(missing)}; write them before sealing"):
            writer.seal(fields)


def test_link_is_not_sealed(tmp_path: Path, write_bundle_files: WriteFiles) -> None:
    """A link would tie an immutable bundle to a file that changes."""
    with BundleWriter(tmp_path / "bundles") as writer:
        fields = write_bundle_files(writer.folder)
        (writer.folder / "notes.txt").symlink_to(tmp_path / "elsewhere.txt")
        with pytest.raises(BundleError, match=r"notes\.txt: is not a regular file"):
            writer.seal(fields)


def test_files_changed_after_sealing_are_refused(tmp_path: Path, write_bundle_files: WriteFiles) -> None:
    with BundleWriter(tmp_path / "bundles") as writer:
        writer.seal(write_bundle_files(writer.folder))
        (writer.folder / "calibration.json").write_text("{}")
        with pytest.raises(BundleError, match=r"calibration\.json: has 2 bytes .* write nothing into the folder after"):
            writer.promote()
    assert current_version(tmp_path) is None


def test_promote_needs_a_seal(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "bundles") as writer, pytest.raises(BundleError, match="call seal before promote"):
        writer.promote()


def test_folder_needs_the_block(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="use BundleWriter in a with block"):
        _ = BundleWriter(tmp_path / "bundles").folder


def test_second_writer_is_refused_after_waiting(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "bundles"):
        second = BundleWriter(tmp_path / "bundles", wait_s=0.2)
        with pytest.raises(BundleError, match=r"another process is writing a bundle, and still was after 0\.2 s; wait"):
            second.__enter__()
    with BundleWriter(tmp_path / "bundles", wait_s=0.2) as third:
        assert third.folder.is_dir()


def test_second_writer_waits_for_the_first(tmp_path: Path, build_bundle: Build) -> None:
    root = tmp_path / "bundles"
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda seed=seed: made.append(build_bundle(root, 20, seed).version))
        for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == made
    assert [bundle.version for bundle in list_bundles(tmp_path)] == made[::-1]
    assert current_version(tmp_path) == made[-1]


def test_leftovers_of_dead_writers_are_cleared(artifacts: Path) -> None:
    root = artifacts / "bundles"
    for name in (".building-1", ".pruned-20200101T000000Z-00000000"):
        (root / name / "deep").mkdir(parents=True)
    (root / ".CURRENT.abc.tmp").write_text("half")
    (root / ".refused-20200101T000000Z-00000000").mkdir()
    with BundleWriter(root) as writer:
        assert {path.name for path in root.glob(".[bpC]*")} == {writer.folder.name}
        assert (root / ".refused-20200101T000000Z-00000000").is_dir()
