"""When a promoted bundle is worse than the one before, and what is done so that its content does not come back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scene_pipeline.bundle.layout import bundle_folder, current_version
from scene_pipeline.bundle.manifest import read_manifest
from scene_pipeline.bundle.versions import list_bundles, rollback
from scene_pipeline.errors import BundleError, ScenePipelineError
from scene_pipeline.files import write_bytes
from scene_pipeline.monitoring.history import ScoringRecord
from scene_pipeline.monitoring.quality import Bounds, Thresholds, ThresholdVerdict, confidence_drop, window_metrics
from scene_pipeline.paths import WITHDRAWN_BUNDLES


@dataclass(frozen=True, slots=True)
class RollbackDecision:
    """Which version to go back to, from which, and why."""

    withdraw: str
    promote: str
    reason: str


class Withdrawal(msgspec.Struct, frozen=True):
    """A bundle whose content must not be promoted again. at: ISO 8601 in UTC."""

    version: str
    data_version: str
    reason: str
    at: str


def decide_rollback(
    current: str | None, kept: Sequence[str], history: Sequence[ScoringRecord], thresholds: Thresholds
) -> RollbackDecision | None:
    """Return what to roll back to, or None where the current bundle is sound, too little known, or the best there is.

    `kept` are the sound versions on disk, `history` is oldest first. A bundle is judged by the scorings made with it
    alone, and only by bounds marked `rolls_back`. The newest earlier version goes in its place that was scored and
    breaks none of them; without one, nothing is done.
    """
    if current is None:
        return None
    broken = _broken(current, history, thresholds)
    if not broken:
        return None
    for version in sorted((name for name in kept if name < current), reverse=True):
        scored = any(item.bundle_version == version for item in history)
        if scored and not _broken(version, history, thresholds):
            return RollbackDecision(current, version, "; ".join(broken))
    return None


def _broken(version: str, history: Sequence[ScoringRecord], thresholds: Thresholds) -> list[str]:
    own = [item for item in history if item.bundle_version == version]
    if sum(item.scored + item.failed for item in own) < thresholds.scenes_before_rollback:
        return []
    figures = {**window_metrics(own, len(own)), "confidence_drop": confidence_drop(history, version)}
    said = []
    for name in Bounds.__struct_fields__:
        verdict = ThresholdVerdict(name, figures.get(name), thresholds.bound(name))
        if verdict.bound.rolls_back and not verdict.holds:
            said.append(verdict.said)
    return said


def sound_versions(artifacts: Path) -> tuple[str | None, list[str]]:
    """Return the current version and all versions whose manifest can be read, oldest first."""
    bundles = list_bundles(artifacts)
    current = next((item.version for item in bundles if item.current), None)
    return current, sorted(item.version for item in bundles if not item.problem)


def withdraw(artifacts: Path, decision: RollbackDecision) -> str:
    """Promote the decision's version, remember the other's content as withdrawn, and return the version that serves.

    Raises BundleError when the version to go back to is damaged; nothing is changed then.
    """
    data_version = read_manifest(bundle_folder(artifacts, decision.withdraw)).data_version
    promoted = rollback(artifacts, decision.promote)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    entry = Withdrawal(decision.withdraw, data_version, decision.reason, at)
    known = [item for item in withdrawals(artifacts) if item.data_version != data_version]
    write_bytes(_path(artifacts), msgspec.json.format(msgspec.json.encode([*known, entry]), indent=1))
    return promoted


def roll_back_by_hand(artifacts: Path, version: str | None) -> str:
    """Promote `version`, or the newest sound one before the current, as a person decided, and return its name.

    The content that served is withdrawn: the next build does not promote it again. Going forward to a later version
    takes the withdrawal of its content back. Raises BundleError as `rollback` does.
    """
    known = withdrawals(artifacts)
    try:
        before = current_version(artifacts)
        served = None if before is None else read_manifest(bundle_folder(artifacts, before)).data_version
    except BundleError:
        before = served = None  # CURRENT or its bundle is damaged: there is nothing to withdraw
    promoted = rollback(artifacts, version)
    if before is not None and served is not None and promoted < before:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        known = [item for item in known if item.data_version != served]
        known.append(Withdrawal(before, served, f"by hand, to {promoted}", at))
    serves = read_manifest(bundle_folder(artifacts, promoted)).data_version
    known = [item for item in known if item.data_version != serves]
    if known or _path(artifacts).exists():
        write_bytes(_path(artifacts), msgspec.json.format(msgspec.json.encode(known), indent=1))
    return promoted


def withdrawals(artifacts: Path) -> list[Withdrawal]:
    """Return what was withdrawn. Raises ScenePipelineError when the file is something else."""
    path = _path(artifacts)
    if not path.exists():
        return []
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Withdrawal])
    except msgspec.DecodeError as error:
        raise ScenePipelineError(f"{path}: is not a list of withdrawals ({error}); remove the file") from error


def refuse_withdrawn(artifacts: Path, data_version: str) -> None:
    """Raise BundleError when a bundle of this content was withdrawn: building it again would only promote it again."""
    for item in withdrawals(artifacts):
        if item.data_version == data_version:
            raise BundleError(
                f"this content was rolled back as {item.version} ({item.reason}); change the catalog or the "
                f"encoder, or allow it again: `scene-pipeline rollback {item.version}`, or remove its entry from "
                f"{_path(artifacts)}"
            )


def _path(artifacts: Path) -> Path:
    return artifacts / WITHDRAWN_BUNDLES
