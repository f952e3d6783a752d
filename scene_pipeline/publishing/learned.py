"""Learned weights as a bundle of their own: sealed, checked, tried as an arm of an experiment, then promoted by it.

Nothing is changed in place. The map from score to confidence is fitted again on labeled scenes, since other weights
change the meaning of scores. Without labels the bundle's confidence is not calibrated, and says so. The map is never
fitted on clicks.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.bundle.checks import Check, standard_checks
from scene_pipeline.bundle.layout import CALIBRATION, MANIFEST, SCORING
from scene_pipeline.bundle.manifest import ManifestFields
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.bundle.versions import rollback
from scene_pipeline.bundle.write import BundleWriter
from scene_pipeline.errors import ExperimentError, LearningError
from scene_pipeline.evaluation.calibration import fit_calibration
from scene_pipeline.evaluation.truth import read_match_truth
from scene_pipeline.files import sha256_bytes, write_bytes
from scene_pipeline.learning.nightly import CandidateWeights
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.paths import BUNDLES_FOLDER, LEARNED_WEIGHTS
from scene_pipeline.publishing.gates import calibration, evaluation, sanity
from scene_pipeline.publishing.publish import smoke_query
from scene_pipeline.sample import sample_photographs
from scene_pipeline.vocabulary import Vocabulary

NEGATIVES = 10
"""Number of unlabeled products of the same category, drawn for each labeled one."""


class LearnedWeights(msgspec.Struct, frozen=True):
    """Weights that an experiment promoted, for one encoder, with their map; later builds keep them."""

    encoder_id: str
    weights: dict[str, float]
    calibration: CalibrationMap
    bundle: str
    experiment: str


def seal_candidate(artifacts: Path, candidate: CandidateWeights, labels: tuple[str, str] = ("", "")) -> str:
    """Seal a bundle with the weights learned last, after all quality gates; return its version.

    labels: as for `seal_learned`. Raises LearningError where nothing was learned, and ExperimentError where only one of
    the two labels is given.
    """
    if not candidate.weights:
        raise LearningError(f"there are no learned weights: {candidate.refused}")
    if bool(labels[0]) != bool(labels[1]):
        raise ExperimentError("only one of the labeled scenes' CSV and folder is given; give --truth and --scenes")
    checks = (sanity(), calibration(), evaluation(*labels, 0.0))
    return seal_learned(artifacts, candidate.weights, smoke_picture(), labels, checks)


def smoke_picture() -> Image.Image:
    """Return the picture of the sample that a sealed bundle is tried on."""
    return Image.open(sample_photographs()[0])


def seal_learned(
    artifacts: Path,
    weights: Mapping[str, float],
    picture: Image.Image,
    labels: tuple[str, str] = ("", ""),
    checks: Sequence[Check] = (),
) -> str:
    """Seal a bundle like the promoted one but with these weights and a map of their own; return its version.

    It is not promoted. `picture` is the photograph of the smoke query; labels: (truth CSV, folder of scenes), both
    empty where there are none. Raises BundleRefusedError when a blocking check fails.
    """
    current = open_bundle(artifacts)
    encoder = current.manifest.image_encoder["id"]
    scoring = current.vocabulary.scoring
    by_encoder = {**scoring.weights_by_encoder, encoder: dict(weights)}
    vocabulary = msgspec.structs.replace(
        current.vocabulary, scoring=msgspec.structs.replace(scoring, weights_by_encoder=by_encoder)
    )
    truth, scenes = labels
    calibration = fit_map(SceneMatcher.open(artifacts), weights, truth, scenes) if truth else uncalibrated(encoder)
    version = sha256_bytes(current.manifest.data_version.encode(), vocabulary.to_json(), calibration.to_json())
    smoke = smoke_query(picture)
    with BundleWriter(artifacts / BUNDLES_FOLDER) as writer:
        for name in current.manifest.files:
            if name not in (SCORING, CALIBRATION, MANIFEST):
                target = writer.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(current.path / name, target)
        (writer.folder / SCORING).write_bytes(vocabulary.parts()[1])
        (writer.folder / CALIBRATION).write_bytes(calibration.to_json())
        fields = {name: getattr(current.manifest, name) for name in ManifestFields.__struct_fields__}
        fields |= {"data_version": version, "calibration": msgspec.to_builtins(calibration)}
        writer.seal(ManifestFields(**fields))
        standard = standard_checks(current.manifest.counts["products"], smoke)
        return writer.admit([*standard, *checks]).version


def fit_map(matcher: SceneMatcher, weights: Mapping[str, float], truth: str, scenes: str) -> CalibrationMap:
    """Fit the map from score by `weights` to the probability that a product fits, on labeled scenes.

    Labeled products are compared with NEGATIVES products each of the same category. Raises TruthError for too few.
    """
    from scene_pipeline.matching.factors import FACTORS

    vector = np.array([weights[name] for name in FACTORS])
    table = matcher.bundle.products(["sku_id", "category"])
    sku, category = (np.array(table[name].to_pylist()) for name in ("sku_id", "category"))
    generator = np.random.default_rng(0)
    scores, labels, groups = [], [], []
    for number, (scene, skus) in enumerate(sorted(read_match_truth(Path(truth)).products.items())):
        scored = matcher.score_all(matcher.analyze(Path(scenes) / scene))
        values, fits = scored.factors @ vector, np.isin(sku[scored.rows], sorted(skus))
        drawn = [np.flatnonzero(fits)]
        for name, count in zip(*np.unique(category[scored.rows[fits]], return_counts=True), strict=True):
            others = np.flatnonzero((category[scored.rows] == name) & ~fits)
            drawn.append(generator.choice(others, size=min(NEGATIVES * int(count), len(others)), replace=False))
        rows = np.concatenate(drawn)
        scores.append(values[rows])
        labels.append(fits[rows])
        groups.append(np.full(len(rows), number))
    fitted = fit_calibration(
        np.concatenate(scores),
        np.concatenate(labels).astype(float),
        groups=np.concatenate(groups),
        set_name=f"{len(groups)} labeled scenes of {Path(truth).name}",
        encoder_id=matcher.encoder_id,
    )
    blend = msgspec.UNSET if matcher.ensemble is None else dict(matcher.ensemble.weights)
    return msgspec.structs.replace(fitted, weights=dict(weights), blend=blend)


def promote_learned(artifacts: Path, version: str, experiment: str) -> LearnedWeights:
    """Make a sealed bundle the current one, and have later builds keep its weights and map."""
    bundle = open_bundle(artifacts, version)
    encoder = bundle.manifest.image_encoder["id"]
    learned = LearnedWeights(
        encoder_id=encoder,
        weights=bundle.vocabulary.scoring.weights_for(encoder),
        calibration=msgspec.convert(bundle.calibration, CalibrationMap),
        bundle=version,
        experiment=experiment,
    )
    rollback(artifacts, version)
    write_bytes(artifacts / LEARNED_WEIGHTS, msgspec.json.format(msgspec.json.encode(learned), indent=1))
    return learned


def with_learned(
    artifacts: Path, encoder_id: str, vocabulary: Vocabulary, calibration: CalibrationMap
) -> tuple[Vocabulary, CalibrationMap]:
    """Return the weights and map for a build: those promoted for this encoder, else the given ones."""
    path = artifacts / LEARNED_WEIGHTS
    if not path.exists():
        return vocabulary, calibration
    learned = msgspec.json.decode(path.read_bytes(), type=LearnedWeights)
    if learned.encoder_id != encoder_id:
        return vocabulary, calibration
    by_encoder = {**vocabulary.scoring.weights_by_encoder, encoder_id: learned.weights}
    scoring = msgspec.structs.replace(vocabulary.scoring, weights_by_encoder=by_encoder)
    return msgspec.structs.replace(vocabulary, scoring=scoring), learned.calibration
