"""Learn the weights of the factors and what a score means: `python -m training.calibrate`.

A bundle of the sample's catalog is built in a folder that is forgotten afterwards. Every product is scored for every
rendered room of a set in shapes that the encoder never saw (`python -m training.studio dataset --held-out-shapes
--seed 4242`), and the studio's written rules (training/studio/truth.py) say whether it fits: the negatives are all
other products, those of the same category among them.

Weights: a logistic regression of the truth on the six factors, without negative weights, drawn towards PRIOR, since
rendered rooms know less than the eye. They go into `weights_by_encoder` of scoring.yaml. Map: isotonic or Platt's,
whichever has the smaller Brier score on rooms held out of the fit, five folds of whole rooms, with weights learned
without them too. It is fitted on the pairs that pass the filter, since a list holds others only when nothing else is
left. It goes into encoders/shipped/compact, with a reliability plot in docs. The sample's own scenes take
no part in either: they are the test.

To be run after `python -m training.scene_mean`, whenever the encoder, the vocabulary or the sample has changed.
"""

import argparse
import csv
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from scene_pipeline.bundle.calibration_map import Method
from scene_pipeline.encoders.spec import COMPACT_WEIGHTS, compact_spec, slug
from scene_pipeline.evaluation.calibration import ReliabilityBin, ece, fit_calibration, reliability_table
from scene_pipeline.files import write_bytes, write_text
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.sample import sample_libraries, sample_path
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.model import PACKAGED
from training.compact import paths
from training.compact.studio import read_studio

if TYPE_CHECKING:
    from training.studio.plan import Item
    from training.studio.rooms import Brief

SHOWN = 10
FOLDS = 5
METHODS: tuple[Method, ...] = ("isotonic", "platt")
STRENGTH = 2.0
"""Log-loss that a weight vector at unit distance from PRIOR must gain to be taken."""

PRIOR = {  # by hand, on real photographs as well as the sample
    "base_similarity": 0.45,
    "style_alignment": 0.15,
    "color_harmony": 0.20,
    "material_quality": 0.01,
    "size_appropriateness": 0.01,
    "category_fit": 0.18,
}
SEED = 7
"""Seed of the sample's plan."""

DOCS = Path(__file__).parents[1] / "docs" / "images"


@dataclass(frozen=True)
class Example:
    """A rendered room: its name, its picture, and what it was built as."""

    name: str
    picture: Path
    brief: "Brief"


@dataclass(frozen=True)
class Labeled:
    """Scenes with every product that the truth knows: rows of the catalog and what is true."""

    scenes: tuple[Scene, ...]
    factors: np.ndarray  # [scenes, products, 6]
    labels: np.ndarray  # [scenes, products], 1 where the product fits
    passed: np.ndarray  # [scenes, products], whether the pair passes the filter
    rows: np.ndarray  # [products] of the product table


def sample_scenes() -> list[Example]:
    """Return the scenes that ship with the package."""
    from training.studio.rooms import Brief  # the renderer comes with it

    with (sample_path() / "truth" / "scenes.csv").open(encoding="utf-8", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["scene"])
    return [
        Example(r["scene"], sample_libraries() / r["scene"], Brief(r["room"], r["style"], r["palette"], 0))
        for r in rows
    ]


def sample_items() -> "dict[str, Item]":
    """Return the products of the sample as the studio made them, by sku_id."""
    from training.studio import plan

    return {item.sku: item for item in plan.products(SEED)}


def rendered_rooms(folder: Path, vocabulary: Vocabulary) -> list[Example]:
    """Return the rooms among the renders of a folder."""
    from training.studio.rooms import Brief

    renders = read_studio(folder)
    rooms, styles = [room.id for room in vocabulary.rooms], [style.id for style in vocabulary.styles]
    return [
        Example(
            renders.files[row].name,
            renders.files[row],
            Brief(rooms[renders.room[row]], styles[renders.style[row]], renders.palettes[row], 0),
        )
        for row in np.flatnonzero(renders.room >= 0).tolist()
    ]


def label(matcher: SceneMatcher, examples: Sequence[Example]) -> Labeled:
    """Return the factors of every pair of an example and a product of the sample, each scene read by itself."""
    from training.studio import truth

    items = sample_items()
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    rows = np.array([row for row, sku in enumerate(skus) if sku in items])
    scenes, factors, labels, passed = [], [], [], []
    for example in examples:
        scene = matcher.analyze(example.picture)
        scored = matcher.score_all(scene)
        scenes.append(scene)
        order = np.argsort(scored.rows)
        factors.append(scored.factors[order][rows])
        passed.append(scored.passed[order][rows])
        labels.append([int(truth.fits(items[skus[row]], example.brief)) for row in rows])
    return Labeled(tuple(scenes), np.stack(factors), np.array(labels), np.stack(passed), rows)


def learn_weights(factors: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return weights that add up to 1, from factors [scenes, products, 6] and labels [scenes, products]."""
    from scipy.optimize import minimize

    x, y = factors.reshape(-1, len(FACTORS)).astype(np.float64), labels.ravel().astype(np.float64)
    prior = np.array([PRIOR[name] for name in FACTORS])

    def loss(parameters: np.ndarray) -> float:
        weights, slope, offset = parameters[:-2], parameters[-2], parameters[-1]
        logits = slope * (x @ weights) + offset
        fit = np.logaddexp(0, logits).mean() - (y * logits).mean()
        return float(fit + STRENGTH * ((weights - prior) ** 2).sum())

    found = minimize(
        loss,
        np.concatenate([prior, [5.0, -5.0]]),
        method="SLSQP",
        bounds=[(0, 1)] * len(FACTORS) + [(0, 50), (-50, 50)],
        constraints=[{"type": "eq", "fun": lambda parameters: parameters[:-2].sum() - 1}],
    )
    rounded = np.round(np.clip(found.x[:-2], 0, 1), 3)
    rounded[int(rounded.argmax())] += 1 - rounded.sum()
    return {name: round(float(value), 3) for name, value in zip(FACTORS, rounded, strict=True)}


def weighed(factors: np.ndarray, weights: dict[str, float]) -> np.ndarray:
    """Return the scores [scenes, products] of factors [scenes, products, 6]."""
    return factors @ np.array([weights[name] for name in FACTORS])


def held_out_confidence(known: Labeled, method: Method) -> np.ndarray:
    """Return the confidence [scenes, products] by weights and map learned without the scene's fold."""
    fold = np.random.default_rng(0).permutation(len(known.scenes)) % FOLDS
    confidence = np.empty(known.labels.shape)
    for index in range(FOLDS):
        kept, out = fold != index, fold == index
        weights = learn_weights(known.factors[kept], known.labels[kept])
        scores = weighed(known.factors[kept], weights)
        passed = known.passed[kept]
        fitted = fit_calibration(scores[passed], known.labels[kept][passed], method)
        confidence[out] = fitted.apply(weighed(known.factors[out], weights))
    return confidence


def shown_mask(matcher: SceneMatcher, known: Labeled, weights: dict[str, float]) -> np.ndarray:
    """Return which pairs [scenes, products] are among the ten that people are shown."""
    shown = [matcher.shown(scene, Request(SHOWN, weights=weights)) for scene in known.scenes]
    return np.stack([np.isin(known.rows, rows) for rows in shown])


def write_weights(weights: dict[str, float], encoder: str) -> None:
    """Put the weights into the line of `encoder` under weights_by_encoder of the packaged scoring.yaml."""
    path = PACKAGED / "scoring.yaml"
    line = f"  {encoder}: {{{', '.join(f'{name}: {value:g}' for name, value in weights.items())}}}"
    text, count = re.subn(rf"(?m)^  {re.escape(encoder)}: \{{.*\}}$", line, path.read_text(encoding="utf-8"))
    if count != 1:
        raise SystemExit(f"{path.name}: has no line '  {encoder}: {{…}}' under weights_by_encoder; add one")
    write_text(path, text)


def plot(tables: dict[str, tuple[ReliabilityBin, ...]], target: Path) -> None:
    """Draw confidence against the share that fits."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.5, 4.5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, table in tables.items():
        pairs = sum(row.n for row in table)
        axes.plot([row.confidence for row in table], [row.accuracy for row in table], "o-", label=f"{name} ({pairs:,})")
    axes.set(xlabel="confidence", ylabel="share that fits", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Software": None}, dpi=110)


def build(artifacts: Path, overlay: str = "") -> SceneMatcher:
    """Return a matcher of a new bundle of the sample's catalog under `artifacts`.

    `overlay` names a folder whose vocabulary is laid over the packaged one.
    """
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.launch import instance, run_bundle_build
    from scene_pipeline.defs.requests import BuildRequest

    with instance() as dagster:
        run_bundle_build(defs, dagster, BuildRequest(artifacts, "sample", encoder="compact", vocabulary=overlay))
    return SceneMatcher.open(artifacts)


def calibrate(matcher: SceneMatcher, rooms: Path, out: Path) -> None:
    """Learn on the renders in `rooms`, test on the sample, report, and write weights, map and plot."""
    known, test = label(matcher, rendered_rooms(rooms, matcher.vocabulary)), label(matcher, sample_scenes())
    weights = learn_weights(known.factors, known.labels)
    scores = weighed(known.factors, weights)
    tried = {method: held_out_confidence(known, method) for method in METHODS}
    passed, labels = known.passed, known.labels
    brier = {method: float(((confidence[passed] - labels[passed]) ** 2).mean()) for method, confidence in tried.items()}
    method = min(METHODS, key=lambda name: brier[name])
    held_out = tried[method]
    shown = shown_mask(matcher, known, weights)
    fitted = msgspec.structs.replace(
        fit_calibration(
            scores[passed],
            labels[passed],
            method,
            set_name=f"{len(known.scenes)} rendered rooms in shapes never trained on",
            encoder_id=matcher.spec.id,
        ),
        ece=ece(held_out[passed], labels[passed]),
        brier=brier[method],
        ece_shown=ece(held_out[shown], labels[shown]),
        weights=weights,
        domain="renders",
        shown=tuple(np.quantile(scores[shown], np.linspace(0, 1, 11)).tolist()),
    )
    print(f"weights {weights}")
    print(f"{method}, of {', '.join(f'{name} Brier {value:.5f}' for name, value in brier.items())}")
    said = fitted.apply(weighed(test.factors, weights))
    tables = {}
    for name, confidence, pairs, chosen in (
        (f"{len(known.scenes)} rooms, held out", held_out, known, shown),
        (f"the sample's {len(test.scenes)} scenes", said, test, shown_mask(matcher, test, weights)),
    ):
        for group, mask in (("pairs that pass the filter", pairs.passed), ("shown", chosen)):
            tables[f"{name}: {group}"] = reliability_table(confidence[mask], pairs.labels[mask])
            print(
                f"{name}, {group} ({mask.sum():,}): fit {pairs.labels[mask].mean():.3f}, mean confidence "
                f"{confidence[mask].mean():.3f}, ECE {ece(confidence[mask], pairs.labels[mask]):.4f}"
            )
    write_weights(weights, matcher.spec.id)
    for old in out.glob("compact@*.calibration.json"):
        old.unlink()
    write_bytes(out / f"{slug(compact_spec())}.calibration.json", fitted.to_json())
    plot(tables, DOCS / "reliability.png")
    print(f"wrote {slug(compact_spec())}.calibration.json, scoring.yaml and docs/images/reliability.png")


def main() -> None:
    """Build the sample's bundle, or take one, and calibrate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, help="artifacts with a bundle of the sample, in place of a new one")
    parser.add_argument("--rooms", type=Path, default=paths.HELD_OUT_RENDERS, help="folder of renders to learn from")
    parser.add_argument("--out", type=Path, default=COMPACT_WEIGHTS, help="folder for the map")
    options = parser.parse_args()
    if options.artifacts:
        calibrate(SceneMatcher.open(options.artifacts), options.rooms, options.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        calibrate(build(Path(folder)), options.rooms, options.out)


if __name__ == "__main__":
    main()
