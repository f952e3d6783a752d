"""Judge what the sample's scenes are shown, by the rules it was made by: `python -m training.judge [--artifacts DIR]`.

Prints the share of recommendations that belong in the room, that are of the scene's style or a neighboring one, and
that fit in all (room, size, style, palette); how many lists have four or five categories; the mean confidence; and how
well the style of the products is recognized, of all and of those whose words do not name it.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_pipeline.bundle.layout import PRODUCT_FEATURES
from scene_pipeline.evaluation.calibration import ece
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.result import SceneResult
from training.calibrate import build, sample_items, sample_scenes
from training.product_style import style_metrics, true_styles
from training.studio import truth
from training.studio.rooms import Brief


@dataclass(frozen=True)
class Judged:
    """A scene, what was said of it, and for each of its recommendations: right room, right style, fits in all."""

    name: str
    brief: Brief
    result: SceneResult
    room: np.ndarray
    style: np.ndarray
    fits: np.ndarray

    @property
    def categories(self) -> int:
        """Different categories in the list."""
        return len({item.category for item in self.result.recommendations})


def judge(matcher: SceneMatcher) -> list[Judged]:
    """Return every scene of the sample, read as a part of its library, with its list of ten judged."""
    items = sample_items()
    examples = sample_scenes()
    briefs = {example.name: example.brief for example in examples}
    scenes = {example.name: matcher.analyze(example.picture) for example in examples}
    judged = []
    for name, scene in scenes.items():
        library = [other for key, other in scenes.items() if key.split("/")[0] == name.split("/")[0]]
        own = matcher.centered_on(np.stack([other.vector for other in library]))
        result = own.recommend_for(scene)
        shown = [items.get(item.sku_id) for item in result.recommendations]
        brief = briefs[name]
        styles = {brief.style, *truth.NEIGHBORS[brief.style]}
        judged.append(
            Judged(
                name,
                brief,
                result,
                np.array([item is not None and truth.suits_room(item, brief.room) for item in shown]),
                np.array([item is not None and item.style in styles for item in shown]),
                np.array([item is not None and truth.fits(item, brief) for item in shown]),
            )
        )
    return judged


def figures(judged: list[Judged]) -> dict[str, float]:
    """Return the figures over all scenes."""
    right = {
        name: np.mean([getattr(scene.result.scene, name).value == getattr(scene.brief, name) for scene in judged])
        for name in ("room", "style", "palette")
    }
    said = np.array([item.confidence for scene in judged for item in scene.result.recommendations])
    return {
        "scenes": len(judged),
        **{f"{name} named right": float(value) for name, value in right.items()},
        "room-appropriate": float(np.concatenate([scene.room for scene in judged]).mean()),
        "style-consistent": float(np.concatenate([scene.style for scene in judged]).mean()),
        "fit in all": float(np.concatenate([scene.fits for scene in judged]).mean()),
        "lists of 4-5 categories": float(np.mean([scene.categories in (4, 5) for scene in judged])),
        "mean confidence": float(said.mean()),
        "ECE of what is shown": ece(said, np.concatenate([scene.fits for scene in judged])),
    }


def product_figures(matcher: SceneMatcher) -> dict[str, float]:
    """Return how well the bundle tells the style of the sample's products, all and those whose words name none."""
    products = matcher.bundle.products(["sku_id", "styles"])
    shares = ProductFeatures.load(matcher.bundle.path / PRODUCT_FEATURES).style_share
    truth = true_styles(products["sku_id"].to_pylist(), matcher.vocabulary)
    silent = np.array([not styles for styles in products["styles"].to_pylist()])
    found = {}
    for group, rows in (("", np.ones(len(truth), dtype=bool)), (", not named in words", silent)):
        figures = style_metrics(shares[rows], truth[rows])
        found[f"product style recognized: top-1 of {figures.products}{group}"] = figures.top1
        found[f"product style recognized: mean AUC of {figures.products}{group}"] = figures.auc
    return found


def main() -> None:
    """Judge the sample's scenes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, help="artifacts with a bundle of the sample, in place of a new one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        matcher = SceneMatcher.open(options.artifacts) if options.artifacts else build(Path(folder))
        judged = judge(matcher)
        measured = figures(judged) | product_figures(matcher)
    for name, value in measured.items():
        print(f"{name}: {value:.3g}")


if __name__ == "__main__":
    main()
