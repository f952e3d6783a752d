"""Manage the promoted bundles: list, verify, roll back, prune."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from scene_pipeline.bundle.layout import (
    MANIFEST,
    PRUNED,
    VERSION,
    bundle_folder,
    bundles_root,
    current_version,
    point_to,
    versions,
    writer_lock,
)
from scene_pipeline.bundle.manifest import REMEDIATION, find_damage, read_manifest
from scene_pipeline.errors import BundleError
from scene_pipeline.files import folder_bytes, fsync

_WAIT_S = 10.0


@dataclass(frozen=True)
class BundleSummary:
    """One version. What cannot be read from a damaged manifest is None, and `problem` says why."""

    version: str
    current: bool
    created_at: str | None
    products: int | None
    encoder: str | None
    recall: float | None
    bytes: int
    problem: str = ""


@dataclass(frozen=True)
class VerifyReport:
    """What verifying a version found: `damage` has one line a file, and is empty when the bundle is sound."""

    version: str
    path: Path
    files: int
    bytes: int
    damage: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether every file is as it was sealed."""
        return not self.damage


def list_bundles(artifacts: Path) -> list[BundleSummary]:
    """Return all versions, newest first; an empty list when there is none yet. A damaged one is listed as such."""
    root = bundles_root(artifacts)
    try:
        current = current_version(artifacts)
    except BundleError:
        current = None  # the list is what helps to fix CURRENT: no version is marked
    return [_summary(root / name, name == current) for name in reversed(versions(root))]


def _summary(folder: Path, current: bool) -> BundleSummary:
    size = folder_bytes(folder)
    try:
        manifest = read_manifest(folder)
    except BundleError as error:
        return BundleSummary(folder.name, current, None, None, None, None, size, str(error))
    return BundleSummary(
        version=folder.name,
        current=current,
        created_at=manifest.created_at,
        products=manifest.counts.get("products"),
        encoder=manifest.image_encoder.get("id"),
        recall=manifest.index.recall,
        bytes=size,
    )


def verify_bundle(artifacts: Path, version: str | None = None) -> VerifyReport:
    """Hash every file of `version` (or the current one) against its manifest.

    Raises BundleError when there is no such version; all other damage is in the report.
    """
    folder = bundle_folder(artifacts, version)
    try:
        manifest = read_manifest(folder)
    except BundleError as error:
        return VerifyReport(folder.name, folder, 0, 0, (str(error),))
    damage = tuple(find_damage(folder, manifest))
    if VERSION.fullmatch(folder.name) and manifest.bundle_version != folder.name:
        damage = (f"{folder / MANIFEST}: belongs to version {manifest.bundle_version}", *damage)
    size = sum(record.bytes for record in manifest.files.values())
    return VerifyReport(folder.name, folder, len(manifest.files), size, damage)


def rollback(artifacts: Path, version: str | None = None) -> str:
    """Make `version` current, or the newest sound version before the current one, and return its name.

    Where CURRENT is missing or damaged, the newest sound version is taken. The version is verified first. Raises
    BundleError when it is damaged or there is none to go back to.
    """
    root = bundles_root(artifacts)
    if not versions(root):
        raise BundleError(f"{root}: holds no bundle yet; run `scene-pipeline build --catalog FILE.csv`")
    with writer_lock(root, _WAIT_S):
        target = version or _previous_sound(root)
        folder = bundle_folder(root, target)
        damage = verify_bundle(folder).damage
        if damage:
            raise BundleError(f"version {target} is damaged and was not promoted ({damage[0]}); choose another version")
        point_to(root, target)
    return target


def _previous_sound(root: Path) -> str:
    try:
        current = current_version(root)
    except BundleError:
        current = None
    earlier = [name for name in versions(root) if current is None or name < current]
    for name in reversed(earlier):
        if verify_bundle(root, name).sound:
            return name
    before = f" before {current}" if current else ""
    raise BundleError(f"{root}: has no sound version{before} to go back to; {REMEDIATION.split(', or ')[-1]}")


def prune(artifacts: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` versions, never the current one; return the names removed, oldest first.

    A reader that has one of them open keeps it until it closes. Raises BundleError when `keep` is below 1.
    """
    if keep < 1:
        raise BundleError(f"keep is {keep}; keep at least 1 version")
    root = bundles_root(artifacts)
    with writer_lock(root, _WAIT_S):
        current = current_version(root)
        removed = [name for name in versions(root)[:-keep] if name != current]
        for name in removed:
            # Renamed first: a version half removed is never listed or opened.
            doomed = (root / name).rename(root / f"{PRUNED}{name}")
            fsync(root)
            shutil.rmtree(doomed)
    return removed
