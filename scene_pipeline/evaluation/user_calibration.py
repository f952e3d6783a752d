"""Fit a confidence map on a person's own labels, and measure its calibration on held-out scenes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from scene_pipeline.bundle.calibration_map import CalibrationMap, Method
from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.blend import all_members, blend_table, learn_blend, out_of_fold
from scene_pipeline.evaluation.calibration import (
    ReliabilityBin,
    brier,
    ece,
    fit_calibration,
    held_out_confidence,
    reliability_table,
)
from scene_pipeline.evaluation.protocol import EvaluationRun, read_scenes
from scene_pipeline.evaluation.truth import FitLabels
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.progress import Progress

MIN_PAIRS, MIN_SCENES, MIN_EACH = 100, 10, 20
"""Minimum labels, scenes and labels of either answer for fitting a map: five folds of scenes need as many."""

MISREAD = 0.35
"""Share of scenes that may be read as another domain than most; a folder with more of them is refused."""

METHODS: tuple[Method, ...] = ("isotonic", "platt")
SHOWN = 10


@dataclass(frozen=True, slots=True)
class UserCalibration:
    """A fitted map and its test by five folds of whole scenes.

    brier_by_method: mean squared error on scenes held out; the map uses the method with the smaller one.
    brier_of_prior: the error of always answering with the prior. unknown_skus and missing_scenes were left out.
    """

    calibration: CalibrationMap
    n_scenes: int
    brier_by_method: Mapping[str, float]
    brier_of_prior: float
    table: tuple[ReliabilityBin, ...]
    unknown_skus: tuple[str, ...] = ()
    missing_scenes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the document that `calibrate --json` prints."""
        known = self.calibration
        return {
            "n": known.n,
            "n_scenes": self.n_scenes,
            "prior": known.prior,
            "method": known.method,
            "ece": known.ece,
            "brier": known.brier,
            "brier_of_prior": self.brier_of_prior,
            "brier_by_method": dict(self.brier_by_method),
            "domain": known.domain,
            "set_name": known.set_name,
            **({"blend": known.blend} if known.blend else {}),
            "reliability": [asdict(row) for row in self.table],
            "unknown_skus": list(self.unknown_skus),
            "missing_scenes": list(self.missing_scenes),
        }


def calibrate_on(
    matcher: SceneMatcher, folder: Path, labels: FitLabels, progress: Progress | None = None
) -> UserCalibration:
    """Return the map fitted on `labels` of the scenes in `folder`, as the matcher scores them as one library.

    For a bundle of several encoders the blend is learned from the labels; the map is fitted on out-of-fold scores of
    that blend.

    Raises TruthError for a missing folder, too few usable labels, and scenes of several domains (see
    SceneAnalysis.domain).
    """
    if not folder.is_dir():
        raise TruthError(f"{folder}: is not a directory; name the folder with the scenes in --scenes")
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    row_of = {sku: row for row, sku in reversed(list(enumerate(skus)))}  # the first row of each sku_id
    there = {scene: fits for scene, fits in labels.fits.items() if (folder / scene).is_file()}
    usable = {scene: {row_of[sku]: fit for sku, fit in fits.items() if sku in row_of} for scene, fits in there.items()}
    _check(usable, labels.name)
    if matcher.ensemble is not None:
        matcher = all_members(matcher)
    run = read_scenes(matcher, [folder / scene for scene in sorted(usable) if usable[scene]], progress)
    run, domain = _of_one_domain(run, folder)
    if matcher.ensemble is None:
        *pairs, shown = _pairs(run, usable)
        return _fitted(matcher, pairs, shown, domain, labels, there, row_of)
    held_out, blended, blend = _blended(run, usable)
    *_, shown = _pairs(blended, usable)
    found = _fitted(matcher, held_out, shown, domain, labels, there, row_of)
    return replace(found, calibration=msgspec.structs.replace(found.calibration, blend=blend))


def _of_one_domain(run: EvaluationRun, folder: Path) -> tuple[EvaluationRun, str]:
    """Return the scenes of the most frequent domain, and that domain: a few of another domain count as read wrongly.

    Raises TruthError when more than MISREAD of the scenes are of another.
    """
    counts = Counter(scene.analysis.domain for scene in run.scenes)
    domain, count = counts.most_common(1)[0]
    if count < (1 - MISREAD) * len(run.scenes):
        raise TruthError(f"{folder}: holds {' and '.join(sorted(counts))}; calibrate on one kind of pictures at a time")
    kept = [(name, scene) for name, scene in zip(run.names, run.scenes, strict=True) if scene.analysis.domain == domain]
    return replace(run, names=tuple(name for name, _ in kept), scenes=tuple(scene for _, scene in kept)), domain


def _check(usable: Mapping[str, Mapping[int, bool]], name: str) -> None:
    given = [fit for fits in usable.values() for fit in fits.values()]
    scenes = sum(bool(fits) for fits in usable.values())
    fitting = sum(given)
    if len(given) < MIN_PAIRS or scenes < MIN_SCENES or min(fitting, len(given) - fitting) < MIN_EACH:
        raise TruthError(
            f"{name}: has {len(given)} usable labels in {scenes} scenes ({fitting} that fit, {len(given) - fitting} "
            f"that do not); a map needs {MIN_PAIRS} in {MIN_SCENES} scenes with {MIN_EACH} of each: label more"
        )


def _pairs(
    run: EvaluationRun, usable: Mapping[str, Mapping[int, bool]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return scores, labels and scene of every labeled pair, and the scores of the lists that people are shown."""
    scores: list[float] = []
    fits: list[bool] = []
    groups: list[str] = []
    shown: list[float] = []
    for name, scene, listed in zip(run.names, run.scenes, run.shown(SHOWN), strict=True):
        scored = run.matcher.score_all(scene)
        by_row = dict(zip(scored.rows.tolist(), scored.scores.tolist(), strict=True))
        for row, fit in usable[name].items():
            scores.append(by_row[row])
            fits.append(fit)
            groups.append(name)
        shown += [by_row[row] for row in listed.tolist()]
    return np.array(scores), np.array(fits, dtype=float), np.array(groups), np.array(shown)


def _blended(
    run: EvaluationRun, usable: Mapping[str, Mapping[int, bool]]
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], EvaluationRun, dict[str, float]]:
    """Return scores out of fold, labels and scene of every labeled pair, the run by the blend, and the blend."""
    rows = np.array(sorted({row for name in run.names for row in usable[name]}))
    known = np.array([[row in usable[name] for row in rows.tolist()] for name in run.names])
    fits = np.array([[usable[name].get(row, False) for row in rows.tolist()] for name in run.names])
    table = blend_table(run.matcher, run.scenes, rows, fits, known)
    scores, _ = out_of_fold(table)
    blend = dict(zip(table.encoders, learn_blend(table).tolist(), strict=True))
    ensemble = run.matcher.ensemble
    assert ensemble is not None
    blended = replace(run, matcher=run.matcher.with_ensemble(replace(ensemble, weights=blend)))
    groups = np.broadcast_to(np.array(run.names)[:, None], known.shape)
    return (scores[known], fits[known].astype(float), groups[known]), blended, blend


def _fitted(
    matcher: SceneMatcher,
    pairs: Sequence[np.ndarray],
    shown: np.ndarray,
    domain: str,
    labels: FitLabels,
    there: Mapping[str, Mapping[str, bool]],
    row_of: Mapping[str, int],
) -> UserCalibration:
    scores, fits, groups = pairs
    held_out = {method: held_out_confidence(scores, fits, groups, method) for method in METHODS}
    errors = {method: brier(confidence, fits) for method, confidence in held_out.items()}
    method = min(METHODS, key=errors.__getitem__)
    n_scenes = len(np.unique(groups))
    fitted = fit_calibration(
        scores,
        fits,
        method,
        groups=groups,
        set_name=f"{labels.name}, {n_scenes} {domain}",
        encoder_id=matcher.encoder_id,
    )
    return UserCalibration(
        calibration=msgspec.structs.replace(
            fitted,
            ece=ece(held_out[method], fits),
            brier=errors[method],
            domain=domain,
            weights=dict(matcher.weights),
            shown=tuple(np.quantile(shown, np.linspace(0, 1, 11)).tolist()),
        ),
        n_scenes=n_scenes,
        brier_by_method=errors,
        brier_of_prior=float(fits.mean() * (1 - fits.mean())),
        table=reliability_table(held_out[method], fits),
        unknown_skus=tuple(sorted({sku for given in there.values() for sku in given if sku not in row_of})),
        missing_scenes=tuple(sorted(set(labels.fits) - set(there))),
    )
