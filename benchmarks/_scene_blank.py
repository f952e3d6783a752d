"""Fill in the blank: a true product is painted out of the photograph; is it preferred to three others of its type?"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.claims import Claim, at_least
from scene_pipeline.evaluation.discrimination import BlankQuestions, draw_questions
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.sample import sample_libraries
from scene_pipeline.scenes.scene import Scene

RING = 9
"""Pixels around a mask whose mean color fills it."""

SEED = 7
"""Seed of the sample's plan."""


def paint_out(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """Return the picture with what the mask (L, 255 inside) covers in the mean color of what surrounds it."""
    covered = mask.resize(picture.size, Image.Resampling.NEAREST).filter(ImageFilter.MaxFilter(5))
    ring = np.asarray(covered.filter(ImageFilter.MaxFilter(RING))) > np.asarray(covered)
    pixels = np.asarray(picture.convert("RGB")).copy()
    inside = np.asarray(covered) > 0
    around = ring if ring.any() else ~inside if not inside.all() else inside
    pixels[inside] = pixels[around].mean(axis=0).round().astype(np.uint8)
    return Image.fromarray(pixels)


def on_photographs(matcher: SceneMatcher, folder: Path, true: Mapping[str, set[str]]) -> list[Claim]:
    """Return the claim on real photographs: the window that shows the product best is painted out.

    Windows that overlap it are not used either.
    """
    names = sorted(name for name in true if (folder / "scenes" / name).is_file())
    questions = _questions(matcher, [true[name] for name in names])
    scenes = [matcher.analyze(folder / "scenes" / name) for name in names]
    requested: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
    for at, options in zip(questions.scene, questions.options, strict=True):
        requested[int(at), _best_window(matcher, scenes[at], int(options[0]))].append(options)
    right: list[float] = []
    for (at, window), sets in requested.items():
        box = scenes[at].boxes[window]
        picture = Image.open(folder / "scenes" / names[at]).convert("RGB")
        blank = matcher.analyze(paint_out(picture, _box_mask(box)))
        clear = np.array([index == 0 or not _overlap(other, box) for index, other in enumerate(blank.boxes)])
        blank = replace(blank, windows=blank.windows[clear], boxes=blank.boxes[clear])
        right += [_preferred(matcher, blank, options) for options in sets]
    return [_claim("complete, four of its type, painted out of photographs", right, 0.40, folder.name)]


def on_sample(matcher: SceneMatcher) -> list[Claim]:
    """Return the claim on the rendered scenes that ship: the exact mask of the product is painted out."""
    pictures, masks = [], []
    for name, seen in _sample_masks():
        pictures.append(Image.open(sample_libraries() / name).convert("RGB"))
        masks.append(seen)
    questions = _questions(matcher, [set(seen) for seen in masks])
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    right = []
    for at, options in zip(questions.scene, questions.options, strict=True):
        mask = Image.fromarray(masks[at][skus[options[0]]])
        right.append(_preferred(matcher, matcher.analyze(paint_out(pictures[at], mask)), options))
    return [_claim("complete, four of its type, painted out of renders", right, 0.60, "scenes of the sample")]


def _sample_masks() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield the sample's scenes with the mask (uint8, 0 or 255) of each product that is seen in them."""
    from training.studio import plan  # the renderer comes with it
    from training.studio.render import visible_things
    from training.studio.sample import TRUTH_PIXELS, furnish
    from training.studio.truth import boxes

    items, scenes = plan.products(SEED), plan.scenes(SEED)
    for scene, built in zip(scenes, furnish(scenes, items), strict=True):
        seen = visible_things(built.stage, TRUTH_PIXELS)
        own = {box.sku for box in boxes(seen, built.skus)}
        yield (
            scene.key,
            {
                sku: ((seen == index) * np.uint8(255)).astype(np.uint8)
                for index, sku in enumerate(built.skus, start=1)
                if sku in own
            },
        )


def _questions(matcher: SceneMatcher, true: list[set[str]]) -> BlankQuestions:
    table = matcher.bundle.products(["sku_id", "product_type"])
    skus, types = (np.array([value or "" for value in table[name].to_pylist()]) for name in table.column_names)
    return draw_questions(np.stack([np.isin(skus, list(own)) for own in true]), types.tolist())


def _preferred(matcher: SceneMatcher, scene: Scene, options: np.ndarray) -> float:
    scored = matcher.score_rows(scene, options, Request())
    scores = scored.scores[np.argsort([int(np.flatnonzero(options == row)[0]) for row in scored.rows])]
    best = scores == scores.max()
    return float(best[0] / best.sum())


def _best_window(matcher: SceneMatcher, scene: Scene, row: int) -> int:
    """Return the window that shows a product best, but for the whole."""
    parts = replace(scene, windows=scene.windows[1:], boxes=scene.boxes[1:])
    _, window = matcher.stand_out(parts, np.array([row]))
    return int(window[0]) + 1


def _box_mask(box: np.ndarray) -> Image.Image:
    side = 240
    mask = np.zeros((side, side), np.uint8)
    left, top, right, bottom = (round(float(value) * side) for value in box)
    mask[top:bottom, left:right] = 255
    return Image.fromarray(mask)


def _overlap(first: np.ndarray, second: np.ndarray) -> bool:
    shared = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    return bool((shared > 0.01).all())


def _claim(name: str, right: list[float], bound: float, against: str) -> Claim:
    return at_least(name, float(np.mean(right)), bound, unit="share", against=against, n=len(right))
