"""Fit what a score means on the sample's scenes: `python -m training.calibrate --artifacts DIR [--out FOLDER]`.

DIR holds a promoted bundle of the sample's catalogue. Every product of it is scored for every scene, and the ground
truth (`truth/fits.csv`) says whether it fits: the negatives are all other products, those of the same category among
them. The map is isotonic; its expected calibration error and Brier score come from scenes held out of the fit, five
folds of whole scenes.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from scene_pipeline.encoders.spec import slug
from scene_pipeline.evaluation.calibration import ece, fit_calibration, held_out_confidence, reliability_table
from scene_pipeline.files import write_bytes
from scene_pipeline.matching.calibrations import FITTED
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.sample import sample_path

SHOWN = 10


def read_fits() -> dict[str, dict[str, int]]:
    """Return scene -> sku_id -> 1 where the product fits, else 0."""
    fits: dict[str, dict[str, int]] = {}
    with (sample_path() / "truth" / "fits.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            fits.setdefault(row["scene"], {})[row["sku_id"]] = int(row["fits"])
    return fits


def labelled_scores(matcher: SceneMatcher) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return score, label, scene number and whether the product was among those shown, for every scene and product."""
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    scores, labels, groups, shown = [], [], [], []
    for number, (scene, fits) in enumerate(sorted(read_fits().items())):
        path = sample_path() / "scenes" / scene
        scored = matcher.score(matcher.analyse(path), len(skus))
        top = {item.sku_id for item in matcher.recommend(path, SHOWN).recommendations}
        for row, score in zip(scored.rows.tolist(), scored.scores.tolist(), strict=True):
            if skus[row] in fits:
                scores.append(score)
                labels.append(fits[skus[row]])
                groups.append(number)
                shown.append(skus[row] in top)
    return np.array(scores), np.array(labels), np.array(groups), np.array(shown)


def main() -> None:
    """Fit, report and write the map."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, required=True, help="artifacts with a bundle of the sample")
    parser.add_argument("--out", type=Path, default=FITTED, help="folder for the map")
    options = parser.parse_args()
    matcher = SceneMatcher.open(options.artifacts)
    scores, labels, groups, shown = labelled_scores(matcher)
    scenes = len(set(groups.tolist()))
    fitted = fit_calibration(
        scores,
        labels,
        groups=groups,
        set_name=f"the sample's {scenes} rendered scenes",
        encoder_id=matcher.spec.id,
    )
    held_out = held_out_confidence(scores, labels, groups)
    print(f"{len(scores):,} pairs of {scenes} scenes, prior {labels.mean():.3f}")
    print(f"all pairs: ECE {fitted.ece:.4f}, Brier {fitted.brier:.4f}")
    print(
        f"shown ({shown.sum()}): fit {labels[shown].mean():.3f}, mean confidence {held_out[shown].mean():.3f}, "
        f"ECE {ece(held_out[shown], labels[shown]):.4f}"
    )
    for row in reliability_table(held_out, labels):
        print(row)
    target = options.out / f"{slug(matcher.spec)}.json"
    write_bytes(target, fitted.to_json())
    print(f"wrote {target.name}")


if __name__ == "__main__":
    main()
