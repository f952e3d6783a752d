"""Figures of what is served, over time, and the thresholds they are held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scene_pipeline.bundle.manifest import Manifest
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.errors import BundleError, ScenePipelineError
from scene_pipeline.monitoring.history import ScoringRecord, read_history
from scene_pipeline.vocabulary.strict_yaml import load_strict

REMEDIATIONS = {
    "mean_confidence": "look at the scenes of the latest scorings: are they rooms, and does the catalog suit them",
    "confidence_drop": "compare the bundles with `scene-pipeline diff`, and roll back if the new one is worse",
    "error_rate": "read the failures of the libraries scored last; broken picture files are the usual cause",
    "latency_p95_ms": "see whether the machine is busy, or serve the encoder in int8",
    "category_diversity": "see whether the catalog lost categories, or a filter leaves only few",
    "reject_rate": "read the reasons of the asset `rejects`, and fix the feed",
}


class Bound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The least or the most that a figure may be, and whether breaking it may roll a bundle back."""

    least: float | None = None
    most: float | None = None
    rolls_back: bool = False

    def holds(self, figure: float) -> bool:
        """Tell whether a figure is within the bound."""
        return (self.least is None or figure >= self.least) and (self.most is None or figure <= self.most)

    def words(self) -> str:
        """Return the bound as it is read: "at least 0.05"."""
        parts = [(self.least, "at least"), (self.most, "at most")]
        return " and ".join(f"{name} {value:g}" for value, name in parts if value is not None)


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bound for every figure."""

    mean_confidence: Bound
    confidence_drop: Bound
    error_rate: Bound
    latency_p95_ms: Bound
    category_diversity: Bound
    reject_rate: Bound


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """thresholds.yaml. window: scorings that figures are taken over; the comments of the file say the rest."""

    window: int
    scenes_before_rollback: int
    bounds: Bounds

    def bound(self, figure: str) -> Bound:
        """Return the bound of a figure."""
        return getattr(self.bounds, figure)


def load_thresholds(path: Path | None = None) -> Thresholds:
    """Return the thresholds of `path`, of those that ship for None.

    Raises ScenePipelineError naming file, line and field when one is unknown, missing or makes no sense.
    """
    path = path or Path(__file__).parent / "thresholds.yaml"
    thresholds = load_strict(path, Thresholds)
    for name in Bounds.__struct_fields__:
        bound = thresholds.bound(name)
        if bound.least is None and bound.most is None:
            raise ScenePipelineError(f"{path}: bounds.{name} has neither least nor most; give one of them")
    if thresholds.window < 1 or thresholds.scenes_before_rollback < 1:
        raise ScenePipelineError(f"{path}: window and scenes_before_rollback are at least 1; fix them")
    return thresholds


@dataclass(frozen=True, slots=True)
class ThresholdVerdict:
    """A figure held against its bound; a figure that is not known yet (None) breaks nothing."""

    name: str
    figure: float | None
    bound: Bound

    @property
    def holds(self) -> bool:
        """Whether the bound holds."""
        return self.figure is None or self.bound.holds(self.figure)

    @property
    def message(self) -> str:
        """One sentence with the figure, the bound and, where it is broken, the fix."""
        if self.figure is None:
            return f"{self.name} is not known yet; the bound is {self.bound.words()}"
        return self.said if self.holds else f"{self.said}; {REMEDIATIONS[self.name]}"

    @property
    def said(self) -> str:
        """The figure, where it is known, and its bound."""
        return f"{self.name} is {self.figure:.4g}, the bound is {self.bound.words()}"


@dataclass(frozen=True, slots=True)
class QualityReport:
    """How a pipeline does. figures: name -> figure, None where nothing is known; verdicts: one a figure.

    history: the scorings they were taken from, oldest first.
    """

    at: datetime
    bundle: Manifest | None
    figures: Mapping[str, float | None]
    verdicts: tuple[ThresholdVerdict, ...]
    history: Sequence[ScoringRecord]

    @property
    def latest(self) -> Mapping[str, ScoringRecord]:
        """Library -> its last scoring."""
        return {scoring.library: scoring for scoring in self.history}

    @property
    def sound(self) -> bool:
        """Whether every bound holds."""
        return all(verdict.holds for verdict in self.verdicts)


def measure_quality(artifacts: Path, thresholds: Thresholds) -> QualityReport:
    """Return the figures of what lies under `artifacts`, held against `thresholds`."""
    history = read_history(artifacts)
    manifest = _promoted(artifacts)
    figures = window_metrics(history, thresholds.window)
    figures["reject_rate"] = _reject_rate(manifest)
    return QualityReport(
        at=datetime.now(UTC),
        bundle=manifest,
        figures=figures,
        verdicts=tuple(
            ThresholdVerdict(name, figures[name], thresholds.bound(name)) for name in Bounds.__struct_fields__
        ),
        history=history,
    )


def window_metrics(history: Sequence[ScoringRecord], window: int) -> dict[str, float | None]:
    """Return the figures of the latest `window` scorings (oldest first), each weighted by its scenes."""
    recent = history[-window:]
    scenes = sum(item.scored + item.taken_over + item.failed for item in recent)
    return {
        "mean_confidence": mean_confidence(recent),
        "confidence_drop": confidence_drop(history),
        "error_rate": sum(item.failed for item in recent) / scenes if scenes else None,
        "latency_p95_ms": _mean([(item.latency_p95_ms, item.scored) for item in recent]),
        "category_diversity": _mean([(item.diversity, item.scored + item.taken_over) for item in recent]),
    }


def mean_confidence(scorings: Sequence[ScoringRecord]) -> float | None:
    """Return the mean confidence of all recommendations of some scorings, None without any."""
    return _mean([(item.mean_confidence, item.recommendations) for item in scorings])


def confidence_drop(history: Sequence[ScoringRecord], version: str | None = None) -> float | None:
    """Return by what share confidence fell, on the libraries that two bundles scored, from the one before to `version`.

    `version` is by default that of the last scoring. Below 0: it rose. None where no library was scored with both, or
    the encoder or its calibration differ, so that the two are not on one scale.
    """
    version = version or (history[-1].bundle_version if history else None)
    pairs: list[tuple[float, float]] = []
    for library in sorted({item.library for item in history}):
        of_library = [item for item in history if item.library == library]
        now = next((item for item in reversed(of_library) if item.bundle_version == version), None)
        if now is None:
            continue
        earlier = of_library[: of_library.index(now)]
        before = next((item for item in reversed(earlier) if item.bundle_version != version), None)
        comparable = before is not None and (before.encoder_id, before.calibrated) == (now.encoder_id, now.calibrated)
        if before is not None and comparable and before.mean_confidence and now.mean_confidence is not None:
            pairs.append((before.mean_confidence, now.mean_confidence))
    if not pairs:
        return None
    before_all, now_all = (sum(side) for side in zip(*pairs, strict=True))
    return 1 - now_all / before_all


def _mean(pairs: Sequence[tuple[float | None, int]]) -> float | None:
    known = [(value, weight) for value, weight in pairs if value is not None and weight > 0]
    weights = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / weights if weights else None


def _reject_rate(manifest: Manifest | None) -> float | None:
    if manifest is None:
        return None
    rejects, products = manifest.counts.get("rejects", 0), manifest.counts.get("products", 0)
    return rejects / (rejects + products) if rejects + products else None


def _promoted(artifacts: Path) -> Manifest | None:
    """Return the manifest of the promoted bundle, None where there is none yet or it cannot be opened."""
    try:
        return open_bundle(artifacts, verify=False).manifest
    except BundleError:
        return None
