"""Train the head of styles: `python -m training.style --renders DIR --held-out DIR --photographs DIR [--out FILE]`.

The first two folders come from `python -m training.studio dataset`, the second with other seeds and
`--held-out-shapes`; photographs (Parquet files with a column `image`) say what renders differ in from them. Prints how
many of the held-out rooms are read right, and how sure the head is.
"""

import argparse
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from scene_pipeline.encoders.compact import load_backbone
from scene_pipeline.scenes.style_head import HEAD, StyleHead, pooled
from training.compact import paths
from training.room.features import backbone_maps, renders

STRENGTH = 0.03
"""Inverse strength of the ridge, chosen among .001 to .1 by the held-out rooms."""

MIN_SPREAD = 1e-3
PHOTOGRAPHS = 600


def features(pictures: Iterator[Image.Image]) -> np.ndarray:
    """Return the pooled maps [n, 2c] of pictures."""
    backbone = load_backbone()
    return np.stack([pooled(backbone_maps(backbone, [picture])[1][0].astype(np.float32)) for picture in pictures])


def rendered(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the pooled maps [n, 2c] of a folder's rooms, and their styles [n]."""
    styles = np.array([labels["style"] for _, labels in renders(folder)])
    return features(picture for picture, _ in renders(folder)), styles


def photographs(folder: Path) -> Iterator[Image.Image]:
    """Yield some photographs of the folder, the same ones each time."""
    images = pq.read_table(folder, columns=["image"])["image"]
    for row in np.random.default_rng(0).choice(len(images), PHOTOGRAPHS, replace=False):
        yield Image.open(io.BytesIO(images[int(row)].as_py())).convert("RGB")


def train(x: np.ndarray, styles: np.ndarray) -> StyleHead:
    """Return the head that a ridge-regularized logistic regression of standardized features gives."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = x.mean(axis=0), x.std(axis=0) + MIN_SPREAD
    model = LogisticRegression(C=STRENGTH, max_iter=3000).fit((x - mean) / spread, styles)
    weight = model.coef_ / spread
    bias = model.intercept_ - weight @ mean
    return StyleHead(tuple(model.classes_.tolist()), weight, bias, np.zeros_like(bias))


def main() -> None:
    """Train, save and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renders", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--photographs", type=Path, default=paths.SHARED / "rooms" / "train256")
    parser.add_argument("--out", type=Path, default=HEAD)
    options = parser.parse_args()
    head = train(*rendered(options.renders))
    usual = (features(photographs(options.photographs)) @ head.weight.T + head.bias).mean(axis=0)
    replace(head, usual=usual).save(options.out)
    head = StyleHead.load(options.out)
    x, styles = rendered(options.held_out)
    logits = x @ head.weight.T + head.bias
    power = np.exp(logits - logits.max(axis=1, keepdims=True))
    right = np.array(head.styles)[logits.argmax(axis=1)] == styles
    sure = (power / power.sum(axis=1, keepdims=True)).max(axis=1)
    print(f"{len(x)} held-out rooms: style right {right.mean():.3f}, mean certainty {sure.mean():.3f}")


if __name__ == "__main__":
    main()
