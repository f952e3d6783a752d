"""What the whole analysis costs beside a recommendation without things and layout, measured in pairs."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.claims import Claim, at_most
from scene_pipeline.encoders.windows import decoded_side, embed_scene
from scene_pipeline.images.decode import decode_image
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.scenes.scene import analyze

PAIRS = 40


def cost_claim(matcher: SceneMatcher, pictures: list[Path]) -> Claim:
    """Return the claim on the time of `recommend` with the whole analysis over that without things and layout."""

    def recommend(path: Path, whole: bool) -> None:
        image = decode_image(path, short_side=decoded_side(matcher.spec))
        embedding = embed_scene(matcher.encoder, image)
        embedding = embedding if whole else replace(embedding, maps=None)
        matcher.recommend_for(analyze(image, embedding, matcher.classifier), k=10)

    def seconds(work: Callable[[], None]) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    recommend(pictures[0], True)
    ratios = []
    for number in range(PAIRS):
        path = pictures[number % len(pictures)]
        order = (True, False) if number % 2 else (False, True)
        took = {whole: seconds(lambda path=path, whole=whole: recommend(path, whole)) for whole in order}
        ratios.append(took[True] / took[False])
    ratio = float(np.median(ratios))
    against = "without things and layout"
    return at_most("recommend with the whole analysis, median", ratio, 1.3, unit="times", against=against, n=PAIRS)
