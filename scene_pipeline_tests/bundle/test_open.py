"""Opening: what a reader gets, what it refuses, and that a promotion does not disturb it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from scene_pipeline.bundle import (
    BundleWriter,
    ManifestFields,
    Promotion,
    bundles_root,
    current_version,
    open_bundle,
    prune,
    read_manifest,
    rollback,
)
from scene_pipeline.bundle.manifest import write_manifest
from scene_pipeline.errors import BundleError

Build = Callable[..., Promotion]
WriteFiles = Callable[..., ManifestFields]


def test_open_bundle_has_all_that_serving_needs(artifacts: Path) -> None:
    bundle = open_bundle(artifacts)
    assert bundle.version == current_version(artifacts) == bundle.manifest.bundle_version
    assert bundle.products_count() == len(bundle.index) == 80
    assert bundle.products(["sku_id", "category"]).column_names == ["sku_id", "category"]
    assert bundle.products().num_rows == 80
    assert bundle.vocabulary.rooms
    assert bundle.fusion.dimension == bundle.index.dimension == 40
    assert (bundle.calibration.calibrated, bundle.calibration.n) == (False, 1)
    assert bundle.prompts_path.is_file()
    assert bundle.encoder_path.is_file()
    assert isinstance(bundle.index.vectors, np.memmap)
    rows, _ = bundle.index.search(np.asarray(bundle.index.vectors[3], np.float32), 5)
    assert rows[0] == 3


@pytest.mark.parametrize("way", ["artifacts", "bundles", "bundle"])
def test_any_of_three_folders_opens(artifacts: Path, way: str) -> None:
    version = current_version(artifacts)
    assert version is not None
    folder = {"artifacts": artifacts, "bundles": artifacts / "bundles", "bundle": artifacts / "bundles" / version}[way]
    assert open_bundle(folder).version == version
    assert bundles_root(folder) == artifacts / "bundles"


def test_bundle_copied_elsewhere_opens(artifacts: Path, tmp_path: Path) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(artifacts / "bundles" / str(current_version(artifacts)), copy)
    bundle = open_bundle(copy)
    assert bundle.products_count() == 80
    assert bundle.is_current()


def test_named_version_opens(artifacts: Path) -> None:
    oldest = min(path.name for path in (artifacts / "bundles").glob("2*"))
    bundle = open_bundle(artifacts, oldest)
    assert bundle.products_count() == 60
    assert not bundle.is_current()


def test_reader_keeps_its_bundle_while_another_is_promoted(artifacts: Path, build_bundle: Build) -> None:
    """Even when its files are pruned under it, and it has read none of the vectors yet."""
    reader = open_bundle(artifacts)
    query = np.ones(40, np.float32)
    promoted = build_bundle(artifacts / "bundles", 30, 2)
    assert prune(artifacts, 1)
    assert not reader.path.exists()
    rows, _ = reader.index.search(query, 80)
    assert sorted(rows) == list(range(80))
    assert np.asarray(reader.index.vectors).shape == (80, 40)
    assert reader.products(["product_id"]).column(0)[0].as_py() == "p1-0"
    assert not reader.is_current()
    fresh = reader.reload()
    assert (fresh.version, fresh.products_count()) == (promoted.version, 30)
    assert fresh.reload() is fresh


def test_read_only_column_that_is_not_there_is_named(artifacts: Path) -> None:
    with pytest.raises(BundleError, match=r"products\.parquet: has no column color"):
        open_bundle(artifacts).products(["product_id", "color"])


@pytest.mark.parametrize("case", ["absent", "empty", "unpromoted", "garbled", "gone"])
def test_no_current_bundle_is_one_line_with_the_mend(tmp_path: Path, build_bundle: Build, case: str) -> None:
    root = tmp_path / "bundles"
    version = ""
    if case == "empty":
        root.mkdir()
    elif case != "absent":
        version = build_bundle(root).version
        if case == "unpromoted":
            (root / "CURRENT").unlink()
        else:
            (root / "CURRENT").write_bytes(b"\xff\x00" if case == "garbled" else b"20200101T000000Z-00000000")
    fix = {
        "absent": "holds no bundle yet; run `scene-pipeline build",
        "empty": "holds no bundle yet; run `scene-pipeline build",
        "unpromoted": "none is promoted; run `scene-pipeline rollback`",
        "garbled": "run `scene-pipeline rollback VERSION`",
        "gone": "run `scene-pipeline rollback VERSION`",
    }[case]
    with pytest.raises(BundleError) as caught:
        open_bundle(tmp_path)
    assert fix in str(caught.value)
    assert "\n" not in str(caught.value)
    if case in ("unpromoted", "garbled", "gone"):
        assert rollback(tmp_path) == version
        assert open_bundle(tmp_path).products_count() == 60


@pytest.mark.parametrize("version", ["20200101T000000Z-00000000", "../bundles", "x"])
def test_unknown_version_lists_those_there(artifacts: Path, version: str) -> None:
    with pytest.raises(BundleError, match="choose one of: 2"):
        open_bundle(artifacts, version)


@pytest.mark.parametrize(("schema", "fix"), [(4, "install a newer scene_pipeline"), (0, "build the bundle again")])
def test_other_schema_is_refused(artifacts: Path, schema: int, fix: str) -> None:
    folder = artifacts / "bundles" / str(current_version(artifacts))
    write_manifest(folder, msgspec.structs.replace(read_manifest(folder), schema_version=schema))
    with pytest.raises(BundleError, match=f"has schema {schema}, this scene_pipeline reads 3; {fix}, or roll back"):
        open_bundle(artifacts)


def test_field_added_by_a_newer_release_is_ignored(artifacts: Path) -> None:
    """The upgrade rule: an added field keeps the schema number, and older readers do not mind it."""
    path = artifacts / "bundles" / str(current_version(artifacts)) / "manifest.json"
    document = {"season": "spring", **json.loads(path.read_text()), "seal": ""}
    blank = json.dumps(document, indent=1)
    path.write_text(blank.replace('"seal": ""\n}', f'"seal": "{hashlib.sha256(blank.encode()).hexdigest()}"\n}}'))
    assert open_bundle(artifacts).products_count() == 80


@pytest.mark.parametrize("name", ["../outside.txt", "/outside.txt"])
def test_manifest_never_names_files_outside(artifacts: Path, name: str) -> None:
    folder = artifacts / "bundles" / str(current_version(artifacts))
    manifest = read_manifest(folder)
    files = {**manifest.files, name: next(iter(manifest.files.values()))}
    write_manifest(folder, msgspec.structs.replace(manifest, files=files))
    with pytest.raises(BundleError, match="a file outside the bundle"):
        open_bundle(artifacts)


def test_encoder_of_another_dimension_is_refused(tmp_path: Path, write_bundle_files: WriteFiles) -> None:
    with BundleWriter(tmp_path / "bundles") as writer:
        fields = write_bundle_files(writer.folder)
        writer.seal(msgspec.structs.replace(fields, image_encoder={"id": "ViT-L-14", "dimension": 768}))
        writer.promote()
    with pytest.raises(
        BundleError, match=r"ViT-L-14 gives 768 dimensions, the fusion has 24 \+ 16 and the index has 40"
    ):
        open_bundle(tmp_path)


def test_without_verification_sizes_are_still_compared(artifacts: Path) -> None:
    path = artifacts / "bundles" / str(current_version(artifacts)) / "image_encoder.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError, match="has 19999 bytes instead of 20000"):
        open_bundle(artifacts, verify=False)


def test_opening_and_reading_products_loads_nothing_heavy(artifacts: Path) -> None:
    code = (
        "import sys, scene_pipeline.index\n"
        "from scene_pipeline.bundle.open import open_bundle\n"
        "open_bundle(sys.argv[1]).products(['sku_id'])\n"
        "heavy = ('torch', 'pandas', 'pyarrow.dataset', 'dagster', 'filelock', 'aiohttp', 'scipy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(artifacts)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert run.stdout.strip() == "[]"
