"""Measure how well styles of the sample products are recognized: `python -m training.product_style [--artifacts DIR]`.

The true styles are those the products were made in (training/studio/plan.py). Their words mostly name the style, so
here they are hidden: what is measured is what materials, colors, text and picture say, each alone and all together,
with the picture at several strengths. `publishing/product_style.py` holds the strengths in use.

To be run after the encoder was trained, to choose that of the picture: the smallest log-loss.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.publishing.features import build_product_features
from scene_pipeline.publishing.product_style import STYLE_EVIDENCE_WEIGHTS
from scene_pipeline.publishing.publish import prompt_similarity
from scene_pipeline.vocabulary import Vocabulary
from training.calibrate import build, sample_items

STRENGTHS = (0.0, 0.15, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class StyleMetrics:
    """How well styles are recognized: share whose most probable style is right, mean area under the curve, log-loss."""

    products: int
    top1: float
    auc: float
    loss: float


def true_styles(skus: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
    """Return the position of each product's style [n], -1 for those that the plan does not have."""
    styles = [style.id for style in vocabulary.styles]
    made_in = {sku: styles.index(item.style) for sku, item in sample_items().items()}
    return np.array([made_in.get(sku, -1) for sku in skus])


def style_metrics(shares: np.ndarray, truth: np.ndarray) -> StyleMetrics:
    """Return how well `shares` [n, S] tell the `truth` [n]; rows of -1 are left out, a tie counts as a fair draw."""
    shares, truth = shares[truth >= 0], truth[truth >= 0]
    own = shares[np.arange(len(truth)), truth]
    best = shares == shares.max(axis=1, keepdims=True)
    areas = []
    for style in np.unique(truth):
        of_it, others = shares[truth == style, style][:, None], shares[truth != style, style]
        areas.append(((of_it > others) + 0.5 * (of_it == others)).mean())
    return StyleMetrics(
        products=len(truth),
        top1=float((best[np.arange(len(truth)), truth] / best.sum(axis=1)).mean()),
        auc=float(np.mean(areas)),
        loss=float(-np.log(np.maximum(own, 1e-6)).mean()),
    )


def measure(matcher: SceneMatcher) -> dict[str, StyleMetrics]:
    """Return what each source, and all with the picture at each strength, tell of products whose words are hidden."""
    from scene_pipeline.defs.bundle import embedded_catalog
    from scene_pipeline.defs.resources import ArtifactStore

    catalog = embedded_catalog(ArtifactStore(root=str(matcher.bundle.artifacts)), matcher.spec)
    at = catalog.products.schema.get_field_index("styles")
    field = catalog.products.schema.field(at)
    silent = catalog.products.set_column(at, field, pa.array([[]] * catalog.products.num_rows, field.type))
    similarity = prompt_similarity(catalog, matcher.spec, matcher.prompts)
    truth = true_styles(catalog.products["sku_id"].to_pylist(), matcher.vocabulary)

    def tell(evidence_weights: Mapping[str, float]) -> StyleMetrics:
        return style_metrics(
            build_product_features(silent, matcher.vocabulary, similarity, evidence_weights).style_share, truth
        )

    alone = {
        f"{name} alone": tell({**dict.fromkeys(STYLE_EVIDENCE_WEIGHTS, 0.0), name: evidence_weights})
        for name, evidence_weights in STYLE_EVIDENCE_WEIGHTS.items()
    }
    return alone | {
        f"all, picture {strength:g}": tell({**STYLE_EVIDENCE_WEIGHTS, "picture": strength}) for strength in STRENGTHS
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, help="artifacts with a bundle of the sample, in place of a new one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        matcher = SceneMatcher.open(options.artifacts) if options.artifacts else build(Path(folder))
        for name, figures in measure(matcher).items():
            print(
                f"{name:20} top-1 {figures.top1:.3f}  mean AUC {figures.auc:.3f}  log-loss {figures.loss:.3f}  "
                f"of {figures.products}"
            )
    in_use = ", ".join(f"{name} {weight:g}" for name, weight in STYLE_EVIDENCE_WEIGHTS.items())
    print(f"in use: {in_use}; chance: log-loss {np.log(7):.3f}")


if __name__ == "__main__":
    main()
