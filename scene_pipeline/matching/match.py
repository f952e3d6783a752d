"""Match a photograph: for each thing in it, the products that look most like it, with the box where it stands.

What stands there, and of which type it is, say `things`. Its products are ordered by picture, colors and room together
(`Scorer.shown_similarity`).
"""

import time
from typing import TYPE_CHECKING

import numpy as np

from scene_pipeline.files import sha256_bytes
from scene_pipeline.matching.filtering import allowed_products, kept_back
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.result import Match, MatchResult
from scene_pipeline.matching.things import Thing, things_in
from scene_pipeline.scenes.scene import Scene

if TYPE_CHECKING:
    from scene_pipeline.matching.matcher import SceneMatcher

MAX_OBJECTS = 10
"""Things named of one photograph, the surest first."""


def match(matcher: "SceneMatcher", scene: Scene, request: Request) -> MatchResult:
    """Return the things of an analyzed scene with up to `request.k` products each.

    The request's constraints hold. Raises ScenePipelineError for constraints that leave nothing.
    """
    started = time.perf_counter()
    features = matcher.features
    allowed = allowed_products(request.constraints, features, matcher.category_ids, matcher.brands)
    rows = np.flatnonzero(features.has_image if allowed is None else features.has_image & allowed)
    rows = rows[features.type_group[rows] >= 0]
    if len(rows):
        rows = rows[~kept_back(scene, features, rows, request.constraints.include)]
    groups = features.type_group[rows]
    above, window = matcher.stand_out(scene, rows)
    seen = things_in(matcher, scene, rows, above, window)[:MAX_OBJECTS]
    chosen = []
    for thing in seen:
        own = groups == matcher.vocabulary.types.positions[thing.type]
        order = np.argsort(-matcher.shown_similarity(scene, rows[own], above[own]), kind="stable")
        chosen.append(rows[own][order[: request.k]])
    scored = matcher.score_rows(scene, np.unique(np.concatenate([rows[:0], *chosen])), request)
    place = {int(row): index for index, row in enumerate(scored.rows)}
    found = []
    for thing, own in zip(seen, chosen, strict=True):
        products = matcher.explain(scene, scored, [place[int(row)] for row in own], request)
        found.append(Match(_object_id(thing), thing.type, thing.box, thing.above, products))
    return MatchResult(
        scene=scene.analysis,
        objects=tuple(found),
        note="" if found else "unknown: nothing is read, and no product's picture stands out in this photograph",
        bundle_version=matcher.bundle.version,
        encoder_id=matcher.encoder_id,
        request_id=request.id,
        elapsed_ms=1000 * (time.perf_counter() - started),
    )


def _object_id(thing: Thing) -> str:
    """Return an id that stays while the thing is seen in the same place."""
    return f"{thing.type}-{sha256_bytes(repr(thing.box).encode())[:6]}"
