"""Match a photograph: for each thing in it, the products that look most like it, with the box where it stands.

What stands there is read from the windows of the photograph: a type of product is seen where the picture of one of its
products stands out from what that product reaches in photographs anyway (see `looks`), unless the heads of the room say
that no such thing is there. Its products are ordered by picture, colors and room together (`Scorer.resemblance`). Its
box is that of a thing of such a type that the heads of the room find, in the window of the first if there is one, else
the window itself.
"""

import time
from typing import TYPE_CHECKING

import numpy as np

from scene_pipeline.files import sha256_bytes
from scene_pipeline.matching.filtering import allowed_products, kept_back
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.result import Match, MatchResult
from scene_pipeline.scenes.analysis import Box
from scene_pipeline.scenes.decor import groups_of, surely_absent
from scene_pipeline.scenes.scene import Scene

if TYPE_CHECKING:
    from scene_pipeline.matching.matcher import SceneMatcher

STANDS_OUT = 2.0
"""Deviations above its usual from which the picture of a product says that such a thing is in the photograph."""

MAX_OBJECTS = 8
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
    reading = scene.analysis.reading
    if reading is not None:
        names = [group.id for group in matcher.vocabulary.types.groups]
        absent = [at for at, name in enumerate(names) if surely_absent(name, reading.present)]
        rows = rows[~np.isin(features.type_group[rows], absent)]
    groups = features.type_group[rows]
    above, window = matcher.stand_out(scene, rows)
    seen = _seen(groups, above)
    chosen = []
    for group in seen:
        own = np.flatnonzero(groups == group)
        resemblance = matcher.resemblance(scene, rows[own], above[own])
        chosen.append(own[np.argsort(-resemblance, kind="stable")[: request.k]])
    scored = matcher.score_rows(scene, np.unique(np.concatenate([rows[:0], *[rows[at] for at in chosen]])), request)
    place = {int(row): index for index, row in enumerate(scored.rows)}
    found = []
    for (group, best), at in zip(seen.items(), chosen, strict=True):
        name = matcher.vocabulary.types.groups[group].id
        box = _outline(scene, name, _box(scene.boxes[window[at[0]]]))
        products = matcher.explain(scene, scored, [place[int(row)] for row in rows[at]], request)
        found.append(Match(_object_id(name, box), name, box, best, products))
    return MatchResult(
        scene=scene.analysis,
        objects=tuple(found),
        note="" if found else "unknown: no product's picture stands out in this photograph",
        bundle_version=matcher.bundle.version,
        encoder_id=matcher.encoder_id,
        request_id=request.id,
        elapsed_ms=1000 * (time.perf_counter() - started),
    )


def _seen(groups: np.ndarray, above: np.ndarray) -> dict[int, float]:
    """Return the type groups with a product that stands out enough, and how far it does, the surest first."""
    best = {int(group): float(above[groups == group].max()) for group in np.unique(groups)}
    order = sorted(best, key=lambda group: -best[group])
    return {group: best[group] for group in order[:MAX_OBJECTS] if best[group] >= STANDS_OUT}


def _outline(scene: Scene, group: str, window: Box) -> Box:
    """Return the box of the surest thing of the group, one whose middle lies in the window first, else the window."""
    reading = scene.analysis.reading
    fitting = [item.box for item in (reading.objects if reading else ()) if group in groups_of(item)]
    for box in fitting:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        if window[0] <= x <= window[2] and window[1] <= y <= window[3]:
            return box
    return fitting[0] if fitting else window


def _box(corners: np.ndarray) -> Box:
    left, top, right, bottom = (round(float(value), 4) for value in corners)
    return left, top, right, bottom


def _object_id(name: str, box: Box) -> str:
    """Return an id that stays while the thing is seen in the same place."""
    return f"{name}-{sha256_bytes(repr(box).encode())[:6]}"
