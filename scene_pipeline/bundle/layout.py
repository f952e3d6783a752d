"""Names and places: what a bundle consists of, where bundles lie, and which one is current."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scene_pipeline.errors import BundleError
from scene_pipeline.files import write_text
from scene_pipeline.index.vector_index import INDEX_FILE, RECORD_FILE, VECTORS_FILE
from scene_pipeline.paths import BUNDLES_FOLDER

MANIFEST = "manifest.json"
PRODUCTS_FILE = "products.parquet"
PRODUCT_FEATURES = "product_features.npz"
TERMS = "terms.npz"
PROMPTS = "prompts.npz"
IMAGE_ENCODER = "image_encoder.onnx"
WORDS = "vocabulary.json"
"""Rooms, styles, palettes, categories, materials and types; how they are scored stands apart."""
SCORING = "scoring.json"
CALIBRATION = "calibration.json"
FUSION = "fusion.npz"
BACKGROUND = "background.npy"
"""Fused vectors of the products against which a similarity is standardized."""
LOOKS = "looks.npy"
HUBNESS = "hubness.npy"
ROOM_VOTES = "room_votes.npy"
CENTER = "center.npy"
"""The mean scene of a further encoder, in that encoder's folder."""
PROJECTION = "projection.npy"
"""What a further encoder's vectors are multiplied by before they are compared, in that encoder's folder."""

REQUIRED_FILES = (
    *(PRODUCTS_FILE, VECTORS_FILE, INDEX_FILE, RECORD_FILE),
    *(PROMPTS, IMAGE_ENCODER, WORDS, SCORING, CALIBRATION, FUSION),
)
"""Files every bundle has beside its manifest. Others may lie beside them; all are hashed."""

CURRENT = "CURRENT"
LOCK = ".lock"
BUILDING = ".building-"
REFUSED = ".refused-"
PRUNED = ".pruned-"

VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
"""A version's name: UTC time, then the start of the data version. Names sort by time."""


def bundles_root(artifacts: Path) -> Path:
    """Return the folder that holds the versions, from the artifacts folder, that folder itself, or one bundle."""
    if (artifacts / MANIFEST).is_file():
        return artifacts.parent
    below = artifacts / BUNDLES_FOLDER
    if not below.is_dir() and (artifacts.name == BUNDLES_FOLDER or (artifacts / CURRENT).is_file()):
        return artifacts
    return below


def versions(root: Path) -> list[str]:
    """Return the names of all versions under `root`, oldest first."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if VERSION.fullmatch(path.name) and path.is_dir())


def current_version(artifacts: Path) -> str | None:
    """Return the promoted version, or None when nothing was promoted yet.

    Raises BundleError when CURRENT names no version that is there.
    """
    root = bundles_root(artifacts)
    try:
        name = (root / CURRENT).read_bytes().decode("utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BundleError(f"{root / CURRENT}: cannot be read ({error.strerror}); give this user the right") from error
    if not VERSION.fullmatch(name) or not (root / name).is_dir():
        there = ", ".join(versions(root)[-3:]) or "none"
        raise BundleError(
            f"{root / CURRENT}: names '{name[:60]}', which is not there (newest: {there}); "
            "run `scene-pipeline rollback VERSION` with one of them"
        )
    return name


def point_to(root: Path, version: str) -> None:
    """Make `version` the current one, atomically."""
    write_text(root / CURRENT, f"{version}\n")


def bundle_folder(artifacts: Path, version: str | None) -> Path:
    """Return the folder of `version`, or of the current one, or `artifacts` where that is a bundle itself.

    Raises BundleError when there is no bundle yet, or none of that name.
    """
    if version is None and (artifacts / MANIFEST).is_file():
        return artifacts
    root = bundles_root(artifacts)
    if version is None:
        version = current_version(artifacts)
        if version is None and versions(root):
            raise BundleError(
                f"{root}: holds bundles but none is promoted; run `scene-pipeline rollback` to take the newest"
            )
    if version is None:
        raise BundleError(f"{root}: holds no bundle yet; run `scene-pipeline build --catalog FILE.csv`")
    if not VERSION.fullmatch(version) or not (root / version).is_dir():
        there = ", ".join(versions(root)) or "none"
        raise BundleError(f"{root}: has no version '{version[:60]}'; choose one of: {there}")
    return root / version


@contextmanager
def writer_lock(root: Path, wait_s: float) -> Iterator[None]:
    """Hold the lock of everything that changes `root`; a dead holder's lock is free. Readers need none.

    Raises BundleError when another process still holds it after `wait_s` seconds, or `root` cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / LOCK, timeout=wait_s)
        lock.acquire()
    except Timeout as error:
        raise BundleError(
            f"{root}: another process is writing a bundle, and still was after {wait_s:g} s; "
            "wait until it has finished and try again"
        ) from error
    except OSError as error:
        raise BundleError(
            f"{root}: cannot be written ({error.strerror or error}); give this user the right, free disk space, or "
            "name another folder with --artifacts"
        ) from error
    try:
        yield
    finally:
        lock.release()
