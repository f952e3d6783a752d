"""Find how many candidates must be scored to give the lists of the whole catalog, when a bundle is built.

Candidates are found by a rough score. So the lists of the sample's scenes are chosen twice, among the candidates and
among all products, and the number of candidates is raised until both agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.bundle.checks import CheckResult
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.scoring import SCORED_WHOLE
from scene_pipeline.sample import sample_photographs
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Vocabulary

SCENES = 20
"""How many of the sample's 25 scenes are answered twice."""

GOAL = 0.99
"""Share of the first ten products that both lists must have in common."""

FLOOR = 0.97
"""Below this share the check `agreement` warns."""

DEEPEST = 16_000
"""Maximum number of candidates: each thousand costs a few milliseconds per scene."""


@dataclass(frozen=True, slots=True)
class Depth:
    """The number of `candidates` that are scored, and the `agreement` (0-1) of the first ten with the whole catalog.

    `scenes` is the number of scenes measured; 0 where the catalog is so small that all of it is scored.
    """

    candidates: int
    agreement: float
    scenes: int


def has_candidates(products: int) -> bool:
    """Return whether a catalog is so large that only candidates are scored."""
    return products > SCORED_WHOLE


def settle(matcher: SceneMatcher) -> Depth:
    """Return the search depth at which the lists of a bundle agree with those of its whole catalog."""
    candidates = matcher.vocabulary.scoring.candidates
    if not has_candidates(len(matcher.features)):
        return Depth(candidates, 1.0, 0)
    pictures = sample_photographs()[:SCENES]
    scenes = [matcher.analyze(path) for path in pictures]
    every = _lists(matcher.with_candidates(len(matcher.features)), scenes)
    while True:
        few = _lists(matcher.with_candidates(candidates), scenes)
        shares = [len(np.intersect1d(some, whole)) / len(whole) for some, whole in zip(few, every, strict=True)]
        agreement = float(np.mean(shares))
        if agreement >= GOAL or candidates >= min(DEEPEST, len(matcher.features)):
            return Depth(candidates, agreement, len(scenes))
        candidates *= 2


def _lists(matcher: SceneMatcher, scenes: Sequence[Scene]) -> list[np.ndarray]:
    return [matcher.shown(scene, k=10) for scene in scenes]


def with_depth(vocabulary: Vocabulary, depth: Depth) -> Vocabulary:
    """Return the vocabulary with this search depth."""
    scoring = msgspec.structs.replace(vocabulary.scoring, candidates=depth.candidates)
    return msgspec.structs.replace(vocabulary, scoring=scoring)


def agreement(folder: Path) -> CheckResult:
    """Check that the lists agree with those of the whole catalog."""
    index = open_bundle(folder, verify=False).manifest.index
    passed = index.agreement >= FLOOR
    message = (
        f"{index.agreement:.1%} of the first ten are those of the whole catalog, from {index.candidates:,} candidates"
    )
    if not passed:
        message += f"; {FLOOR:.0%} are usual: raise `candidates` in scoring.yaml"
    return CheckResult("agreement", passed, False, message, index.agreement, FLOOR)
