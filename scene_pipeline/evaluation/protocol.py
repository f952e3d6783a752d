"""Measure a matcher on scenes whose products are known: as lists that people see, and as a ranking of the catalog."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.bootstrap import Estimate
from scene_pipeline.evaluation.discrimination import draw_questions
from scene_pipeline.evaluation.gallery import Gallery, gallery_of
from scene_pipeline.evaluation.matches import MatchReport, evaluate_matches
from scene_pipeline.evaluation.metrics import (
    ShownLists,
    calibration_metrics,
    compare,
    discrimination_metrics,
    shown_list_metrics,
)
from scene_pipeline.evaluation.truth import MatchTruth
from scene_pipeline.evaluation.variants import ablations, hits_within, popularity_scores, random_scores
from scene_pipeline.images.readable import read_each
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.progress import Progress
from scene_pipeline.scenes.scene import Scene

LONGER = (20, 50)
"""Lengths of lists that are requested besides ten; hit@1 and hit@5 use the beginning of the list of ten."""

MAX_PRODUCTS = 50_000
"""Up to this size the whole catalog is ranked for every scene; above it only the lists are measured."""

WORST = 10

CLASS_CUTOFFS = (1, 5, 10, 20)

CLASSES: Mapping[str, tuple[str, ...]] = {
    "chairs": ("chair", "armchair"),
    "sofas": ("sofa", "sofa-bed", "loveseat"),
    "tables": ("table",),
}
"""The classes of Tautkute et al. 2017, by the last word of a product's type."""

PUBLISHED: Mapping[str, Mapping[str, tuple[int, tuple[float, float, float, float]]]] = {
    "chairs": {
        "VGG19, whole picture": (106, (0.063, 0.203, 0.315, 0.455)),
        "VGG19, detected crops": (106, (0.239, 0.545, 0.664, 0.799)),
    },
    "sofas": {"VGG19, detected crops": (40, (0.111, 0.278, 0.417, 0.750))},
    "tables": {"VGG19, detected crops": (117, (0.081, 0.189, 0.432, 0.595))},
}
"""Their results: items in the gallery and hit@1, 5, 10, 20 over scenes in which their detector found something."""


@dataclass(frozen=True)
class MatchMetrics:
    """A report with the further output of `evaluate matches --json`.

    variants: name -> metrics of baselines and, where requested, of each factor alone and left out. per_class: class ->
    method -> metrics. worst_scenes: the WORST scenes whose best true product ranks lowest, with its rank. left_out:
    metric -> why it could not be measured.
    """

    report: MatchReport
    calibrated: bool
    encoder_id: str
    variants: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    per_class: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    worst_scenes: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the document that `evaluate matches --json` prints."""
        return {
            **self.report.to_json(),
            "encoder": self.encoder_id,
            "calibrated": self.calibrated,
            "variants": {name: dict(figures) for name, figures in self.variants.items()},
            "per_class": {
                f"{name}: {method}": dict(figures)
                for name, methods in self.per_class.items()
                for method, figures in methods.items()
            },
            "worst_scenes": dict(self.worst_scenes),
            "left_out": dict(self.left_out),
        }


@dataclass(frozen=True)
class EvaluationRun:
    """File names and analyses of scenes, the matcher that read them, the request, and whether they are one library."""

    names: tuple[str, ...]
    scenes: tuple[Scene, ...]
    matcher: SceneMatcher
    request: Request
    as_library: bool = True

    def shown(self, k: int) -> list[np.ndarray]:
        """Return for each scene the rows of the products that a person who asks for `k` is shown, in order."""
        request = replace(self.request, k=k)
        if not self.as_library:
            return [self.matcher.shown(scene, request) for scene in self.scenes]
        lists, shown = np.zeros(len(self.matcher.features), np.int32), []
        for scene in self.scenes:
            shown.append(self.matcher.with_lists(lists).shown(scene, request))
            lists[shown[-1]] += 1
        return shown


def read_scenes(
    matcher: SceneMatcher,
    paths: Sequence[Path],
    progress: Progress | None = None,
    request: Request | None = None,
    *,
    as_library: bool = True,
) -> EvaluationRun:
    """Analyze the scenes that can be read; `as_library` reads them as one library.

    Raises TruthError when none can.
    """
    scenes, _ = read_each(paths, matcher.analyze, progress)  # the report lists the others among the missing scenes
    if not scenes:
        raise TruthError("no scene of the truth could be read; check --scenes")
    if as_library:
        matcher = matcher.centered_on(np.stack([scene.vector for scene in scenes.values()]))
    return EvaluationRun(
        tuple(path.name for path in scenes), tuple(scenes.values()), matcher, request or Request(), as_library
    )


def measure_matches(
    matcher: SceneMatcher,
    folder: Path,
    truth: MatchTruth,
    progress: Progress | None = None,
    request: Request | None = None,
    *,
    ablate: bool = False,
    as_library: bool = True,
) -> MatchMetrics:
    """Recommend for every scene of the truth that is in `folder`, and measure how many true products are found.

    hit@k, recall@10 and NDCG@10 are those of the lists that people are shown, diversity included; `ranked_hit@k`, mrr,
    fitb4 and auc_same_type those of the whole catalog ranked by score alone. The baselines random, popularity (in how
    many other scenes a product stands), color alone and text alone rank the same catalog.
    """
    if not folder.is_dir():
        raise TruthError(f"{folder}: is not a directory; name the folder with the scenes in --scenes")
    paths = [folder / name for name in sorted(truth.products) if (folder / name).is_file()]
    run = read_scenes(matcher, paths, progress, request, as_library=as_library)
    products = matcher.bundle.products(["sku_id", "product_type", "category"])
    skus = products["sku_id"].to_pylist()
    tens = run.shown(10)
    report = _shown_report(run, tens, truth, skus)
    report = report.with_estimates(_list_estimates(run, tens, products["category"].to_pylist()))
    if len(skus) > MAX_PRODUCTS:
        why = f"the catalog has more than {MAX_PRODUCTS:,} products, so it was not ranked whole"
        return MatchMetrics(report, matcher.calibration.calibrated, matcher.encoder_id, left_out={"ranking": why})
    rows = np.sort(np.unique(np.asarray(skus), return_index=True)[1])  # the first row of each sku_id
    types = [kind or "" for kind in products["product_type"].take(pa.array(rows)).to_pylist()]
    gallery = gallery_of(truth, run.names, [skus[row] for row in rows], types)
    table = _score_table(run, gallery, rows)
    estimates, left_out = _ranking_estimates(table, gallery, matcher)
    return MatchMetrics(
        report.with_estimates(estimates),
        matcher.calibration.calibrated,
        matcher.encoder_id,
        variants=_variants(table, gallery, whole=ablate, discriminate="fitb4" not in left_out),
        per_class=_per_class(table.scores, gallery),
        worst_scenes=_worst(table.scores, gallery),
        left_out=left_out,
    )


def _shown_report(
    run: EvaluationRun, tens: Sequence[np.ndarray], truth: MatchTruth, skus: Sequence[str]
) -> MatchReport:
    """Return hit@k of the list of the length requested, and recall and NDCG of the list of ten."""

    def report(shown: Sequence[np.ndarray]) -> MatchReport:
        lists = {
            name: list(dict.fromkeys(skus[int(row)] for row in rows))
            for name, rows in zip(run.names, shown, strict=True)
        }
        return evaluate_matches(lists, truth, skus)

    first = report(tens)
    longer = {f"hit@{k}": report(run.shown(k)).estimates[f"hit@{k}"] for k in LONGER}
    kept = {name: estimate for name, estimate in first.estimates.items() if name not in ("mrr", *longer)}
    hits = {name: estimate for name, estimate in kept.items() if name.startswith("hit@")} | longer
    return replace(first, estimates={**hits, **kept})


def _list_estimates(run: EvaluationRun, tens: Sequence[np.ndarray], categories: Sequence[str]) -> dict[str, Estimate]:
    """Return the metrics of the lists of ten: their variety, and the share of the catalog that they show."""
    vectors = []
    for rows in tens:
        decoded = run.matcher.bundle.index.decode(rows)
        vectors.append(decoded / np.maximum(np.linalg.norm(decoded, axis=1, keepdims=True), 1e-6))
    shown = ShownLists(tuple(tuple(rows.tolist()) for rows in tens), tuple(categories), tuple(vectors))
    return shown_list_metrics(shown, run.matcher.vocabulary.scoring.diversity.near_duplicate_similarity)


@dataclass(frozen=True)
class _ScoreTable:
    """Scores, confidences, similarity of texts [scenes, products]; factors [scenes, products, 6] and their weights."""

    scores: np.ndarray
    confidence: np.ndarray
    factors: np.ndarray
    text: np.ndarray
    weights: Mapping[str, float]


def _score_table(run: EvaluationRun, gallery: Gallery, rows: np.ndarray) -> _ScoreTable:
    """Return the matcher's scores of every product of the gallery (its `rows`) in every scene of the gallery."""
    scene_of = dict(zip(run.names, run.scenes, strict=True))
    fusion = run.matcher.bundle.fusion
    texts = run.matcher.bundle.index.decode(rows)[:, fusion.image_dim :]
    scores, factors, text = [], [], []
    weights: Mapping[str, float] = {}
    for name in gallery.scenes:
        scored = run.matcher.score_all(scene_of[name], run.request)
        weights = scored.weights
        place = np.empty(len(scored.rows), dtype=np.int64)
        place[scored.rows] = np.arange(len(scored.rows))
        scores.append(scored.scores[place[rows]])
        factors.append(scored.factors[place[rows]].astype(np.float32))
        text.append(texts @ run.matcher.query(scene_of[name])[fusion.image_dim :])
    table = np.stack(scores)
    return _ScoreTable(table, run.matcher.calibration.apply(table), np.stack(factors), np.stack(text), weights)


def _ranking_estimates(
    table: _ScoreTable, gallery: Gallery, matcher: SceneMatcher
) -> tuple[dict[str, Estimate], dict[str, str]]:
    """Return the metrics of the catalog ranked by score, and why some could not be measured."""
    truth = gallery.truth()
    ranked = evaluate_matches(gallery.rankings(table.scores), truth, gallery.skus).estimates
    figures = {f"ranked_{name}": ranked[name] for name in ranked if name.startswith("hit@")} | {"mrr": ranked["mrr"]}
    left_out: dict[str, str] = {}
    try:
        figures |= discrimination_metrics(table.scores, gallery)
        questions = draw_questions(gallery.relevant, gallery.types)
        figures |= calibration_metrics(table.confidence, questions, matcher.calibration.prior)
    except TruthError as error:
        left_out |= dict.fromkeys(("fitb4", "auc_same_type", "ece", "brier"), str(error))
        left_out = {name: reason for name, reason in left_out.items() if name not in figures}
    return figures, left_out


def _variants(
    table: _ScoreTable, gallery: Gallery, *, whole: bool, discriminate: bool
) -> dict[str, dict[str, float | None]]:
    """Return the metrics of the baselines and, where the `whole` table is requested, of factors alone and left out."""
    scored = ablations(table.factors, table.weights, list(FACTORS))
    color = scored["only color_harmony"]
    rankings = scored if whole else {"all": table.scores}
    rankings = {
        **rankings,
        "random": random_scores(table.scores.shape),
        "popularity": popularity_scores(gallery.relevant),
        "color alone": color,
        "text alone": table.text,
    }
    reports = compare(rankings, gallery, discriminate=discriminate)
    names = ("hit@1", "hit@10", "hit@50", "mrr", "fitb4", "auc_same_type")
    return {
        variant: {name: report.estimates[name].value for name in names if name in report.estimates}
        for variant, report in reports.items()
    }


def _worst(scores: np.ndarray, gallery: Gallery) -> dict[str, int]:
    """Return the scenes whose best true product ranks lowest, and its rank (from 1), the worst first."""
    order = np.argsort(-scores, axis=1, kind="stable")
    found = np.take_along_axis(gallery.relevant, order, axis=1)
    ranks = {scene: int(row.argmax()) + 1 for scene, row in zip(gallery.scenes, found, strict=True) if row.any()}
    return dict(sorted(ranks.items(), key=lambda entry: -entry[1])[:WORST])


def _per_class(scores: np.ndarray, gallery: Gallery) -> dict[str, dict[str, dict[str, float]]]:
    """Return hit@k within chairs, sofas and tables, with the published results of the same protocol."""
    last = [kind.split()[-1] if kind else "" for kind in gallery.types]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, words in CLASSES.items():
        columns = np.flatnonzero([word in words for word in last])
        n_scenes, hits = hits_within(scores, gallery.relevant, columns, CLASS_CUTOFFS)
        if n_scenes:
            ours = {"items": len(columns), "scenes": n_scenes} | {f"hit@{k}": hits[k] for k in CLASS_CUTOFFS}
            found[name] = {"measured": ours} | {
                method: {"items": items, **{f"hit@{k}": v for k, v in zip(CLASS_CUTOFFS, values, strict=True)}}
                for method, (items, values) in PUBLISHED[name].items()
            }
    return found
