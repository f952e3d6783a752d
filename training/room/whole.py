"""Fit the linear heads of the whole picture again, on the frozen trunk, for photographs and for renders apart.

Trained with the trunk they overfit: there are some hundred rooms. Light is not judged in renders as people judge it in
photographs, so each domain has heads of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from scene_pipeline.scenes.analysis import PHOTOGRAPHS, RENDERS
from scene_pipeline.scenes.room_heads import DIRECTIONS, WHOLE_PARTS, RoomHeads

FREEDOM = {RENDERS: 1e-2, PHOTOGRAPHS: 1e-3}
"""Inverse strength of the ridge on the heads of the light; best on held-out pictures."""

RIDGE = 100.0
"""Strength of the ridge on the size of the room and the height of the camera."""


def pooled_of(heads: RoomHeads, maps: list[np.ndarray], at: int, mirror: bool) -> np.ndarray:
    """Return the features [f] of one whole picture, as it is or as a mirror shows it."""
    own = [part[at].astype(np.float32) for part in maps[-2:]]
    return heads.features(*(np.ascontiguousarray(part[:, :, ::-1]) if mirror else part for part in own))[1]


def mirrored(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what is true of a whole picture in a mirror."""
    return facts | {"light_from": len(DIRECTIONS) - 1 - facts["light_from"]}


def fit_whole(
    heads: RoomHeads, maps: list[np.ndarray], truth: list[dict[str, Any]], domain: str, others: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Return weights [g, f] and bias [g] of the heads of the whole picture in pictures of a domain.

    The light is fitted on all pictures and their mirror images, size and camera on whole rendered rooms; photographs
    take these from `others` [g, f + 1], the weights of renders with their bias. The other parts are those of the
    training.
    """
    pooled = np.stack([pooled_of(heads, maps, at, mirror) for mirror in (False, True) for at in range(len(truth))])
    truth = truth + [mirrored(facts) for facts in truth]
    middle, spread = pooled.mean(axis=0), pooled.std(axis=0) + 1e-3
    inputs = (pooled - middle) / spread
    table = np.concatenate([heads.weights["glob.weight"], heads.weights["glob.bias"][:, None]], axis=1)
    ends = np.cumsum(list(WHOLE_PARTS.values()))
    rows = {name: slice(end - size, end) for (name, size), end in zip(WHOLE_PARTS.items(), ends, strict=True)}

    def put(name: str, weights: np.ndarray, bias: np.ndarray) -> None:
        table[rows[name], :-1] = weights / spread
        table[rows[name], -1] = bias - (weights / spread) @ middle

    for name in ("source", "warmth", "light_from"):
        model = LogisticRegression(C=FREEDOM[domain], max_iter=500).fit(inputs, [facts[name] for facts in truth])
        weights, bias = model.coef_, model.intercept_
        if len(weights) == 1:  # two classes share one row
            weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
        put(name, weights, bias)
    whole = np.array([bool(facts.get("uncropped")) for facts in truth])
    for name in ("size", "camera"):
        if others is not None:
            table[rows[name]] = others[rows[name]]
        else:
            line = Ridge(alpha=RIDGE).fit(inputs[whole], np.array([facts[name] for facts in truth])[whole])
            put(name, line.coef_[None], np.array([line.intercept_]))
    return {"glob.weight": table[:, :-1], "glob.bias": table[:, -1]}
