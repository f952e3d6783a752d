"""Learn the weights of the factors and what a score means, on the sample's scenes: `python -m training.calibrate`.

A bundle of the sample's catalogue is built in a folder that is forgotten afterwards. Every product is scored for every
scene, and the ground truth (`truth/fits.csv`) says whether it fits: the negatives are all other products, those of the
same category among them.

Weights: a logistic regression of the truth on the six factors, without negative weights, drawn towards PRIOR, since
twenty-five rendered rooms know less than the eye. They go into `weights_by_encoder` of scoring.yaml. Map: isotonic or
Platt's, whichever has the smaller Brier score on scenes held out of the fit, five folds of whole scenes, with weights
learned without them too. It goes into matching/calibrations, with a reliability plot in docs.

To be run after `python -m training.scene_mean`, whenever the encoder, the vocabulary or the sample has changed.
"""

import argparse
import csv
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.bundle.calibration_map import Method
from scene_pipeline.encoders.spec import compact_spec, slug
from scene_pipeline.evaluation.calibration import ReliabilityBin, ece, fit_calibration, reliability_table
from scene_pipeline.files import write_bytes, write_text
from scene_pipeline.matching.calibrations import FITTED
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.scene import Scene
from scene_pipeline.sample import sample_path
from scene_pipeline.vocabulary.model import PACKAGED

SHOWN = 10
FOLDS = 5
METHODS: tuple[Method, ...] = ("isotonic", "platt")
STRENGTH = 0.15
"""Log-loss that a weight vector at unit distance from PRIOR must gain to be taken."""

PRIOR = {  # by hand, on real photographs as well as the sample
    "base_similarity": 0.22,
    "style_alignment": 0.14,
    "color_harmony": 0.34,
    "material_quality": 0.02,
    "size_appropriateness": 0.01,
    "category_fit": 0.27,
}
DOCS = Path(__file__).parents[1] / "docs" / "images"


@dataclass(frozen=True)
class Labelled:
    """Every scene of the sample with every product that the truth knows: rows of the catalogue and what is true."""

    names: tuple[str, ...]
    scenes: tuple[Scene, ...]
    factors: np.ndarray  # [scenes, products, 6]
    labels: np.ndarray  # [scenes, products], 1 where the product fits
    rows: np.ndarray  # [products] of the product table


def read_fits() -> dict[str, dict[str, int]]:
    """Return scene -> sku_id -> 1 where the product fits, else 0."""
    fits: dict[str, dict[str, int]] = {}
    with (sample_path() / "truth" / "fits.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            fits.setdefault(row["scene"], {})[row["sku_id"]] = int(row["fits"])
    return fits


def label(matcher: SceneMatcher) -> Labelled:
    """Return the factors of every labelled pair, each scene read by itself."""
    fits = read_fits()
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    known = next(iter(fits.values()))
    rows = np.array([row for row, sku in enumerate(skus) if sku in known])
    scenes, factors, labels = [], [], []
    for name in sorted(fits):
        scene = matcher.analyse(sample_path() / "scenes" / name)
        scored = matcher.score_all(scene)
        place = np.argsort(scored.rows)
        scenes.append(scene)
        factors.append(scored.factors[place][rows])
        labels.append([fits[name][skus[row]] for row in rows])
    return Labelled(tuple(sorted(fits)), tuple(scenes), np.stack(factors), np.array(labels), rows)


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


def held_out_confidence(known: Labelled, method: Method) -> np.ndarray:
    """Return the confidence [scenes, products] by weights and map learned without the scene's fold."""
    fold = np.random.default_rng(0).permutation(len(known.names)) % FOLDS
    confidence = np.empty(known.labels.shape)
    for index in range(FOLDS):
        kept, out = fold != index, fold == index
        weights = learn_weights(known.factors[kept], known.labels[kept])
        scores = weighed(known.factors[kept], weights)
        fitted = fit_calibration(scores.ravel(), known.labels[kept].ravel(), method)
        confidence[out] = fitted.apply(weighed(known.factors[out], weights))
    return confidence


def shown_mask(matcher: SceneMatcher, known: Labelled, weights: dict[str, float]) -> np.ndarray:
    """Return which pairs [scenes, products] are among the ten that people are shown."""
    shown = [matcher.shown(scene, SHOWN, weights=weights) for scene in known.scenes]
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
    """Return a matcher of a new bundle of the sample's catalogue under `artifacts`.

    `overlay` names a folder whose vocabulary is laid over the packaged one.
    """
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.run import build_bundle, instance

    resources = {
        "store": {"root": str(artifacts)},
        "catalog": {"path": "sample"},
        "encoder": {"id": "compact"},
        "vocabulary": {"overlay": overlay},
    }
    with instance() as dagster:
        build_bundle(defs, dagster, resources)
    return SceneMatcher.open(artifacts)


def calibrate(matcher: SceneMatcher, out: Path) -> None:
    """Learn, report and write weights, map and plot."""
    known = label(matcher)
    weights = learn_weights(known.factors, known.labels)
    scores = weighed(known.factors, weights)
    groups = np.repeat(np.arange(len(known.names)), known.labels.shape[1])
    tried = {method: held_out_confidence(known, method) for method in METHODS}
    brier = {method: float(((confidence - known.labels) ** 2).mean()) for method, confidence in tried.items()}
    method = min(METHODS, key=lambda name: brier[name])
    held_out = tried[method]
    shown = shown_mask(matcher, known, weights)
    error = ece(held_out.ravel(), known.labels.ravel())
    fitted = msgspec.structs.replace(
        fit_calibration(
            scores.ravel(),
            known.labels.ravel(),
            method,
            groups=groups,
            set_name=f"the sample's {len(known.names)} rendered scenes",
            encoder_id=matcher.spec.id,
        ),
        ece=error,
        brier=brier[method],
        weights=weights,
        shown=tuple(np.quantile(scores[shown], np.linspace(0, 1, 11)).tolist()),
    )
    print(f"weights {weights}")
    print(f"{known.labels.size:,} pairs of {len(known.names)} scenes, prior {known.labels.mean():.3f}")
    print(f"{method}, of {', '.join(f'{name} Brier {value:.5f}' for name, value in brier.items())}")
    print(f"all pairs: ECE {fitted.ece:.4f}, Brier {fitted.brier:.4f}")
    print(
        f"shown ({shown.sum()}): fit {known.labels[shown].mean():.3f}, mean confidence {held_out[shown].mean():.3f}, "
        f"ECE {ece(held_out[shown], known.labels[shown]):.4f}"
    )
    write_weights(weights, matcher.spec.id)
    for old in out.glob("compact@*.json"):
        old.unlink()
    write_bytes(out / f"{slug(compact_spec())}.json", fitted.to_json())
    tables = {
        "all pairs": reliability_table(held_out.ravel(), known.labels.ravel()),
        "shown": reliability_table(held_out[shown], known.labels[shown]),
    }
    plot(tables, DOCS / "reliability.png")
    print(f"wrote {slug(compact_spec())}.json, scoring.yaml and docs/images/reliability.png")


def main() -> None:
    """Build the sample's bundle, or take one, and calibrate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, help="artifacts with a bundle of the sample, in place of a new one")
    parser.add_argument("--out", type=Path, default=FITTED, help="folder for the map")
    options = parser.parse_args()
    if options.artifacts:
        calibrate(SceneMatcher.open(options.artifacts), options.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        calibrate(build(Path(folder)), options.out)


if __name__ == "__main__":
    main()
