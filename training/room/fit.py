"""Fit on held-out pictures what the heads' numbers mean: from which score a thing is named, and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np

from scene_pipeline.scenes.analysis import Box
from scene_pipeline.scenes.room_heads import MATERIALS, PATTERNS, TYPES, RoomHeads
from scene_pipeline.scenes.room_reading import MIN_SURFACE, find_objects, overlap, type_scores

MIN_SEEN = 0.0015
"""Share of the picture from which a thing counts as present."""

HIT, LABELED_HIT = 0.5, 0.3
"""Intersection over union from which a box is right, in renders, and in photographs, which are labeled by eye."""

RARE = 12
"""Things below which a type is named from the score that is best for all types together."""

FLOOR = 0.2
"""Score below which no box is looked at."""

LEAST = np.arange(0.3, 0.71, 0.02)
"""Scores from which a type may be named."""

SHIFTS = np.arange(-3, 3.01, 0.25)
"""What may be added to the logits of a material or a pattern."""

SHIFT_COSTS = 0.1
"""F1 that a shift by one must gain: few pictures show a pattern. Chosen by folds of 80 held-out rooms."""

Found = list[tuple[str, float, bool]]
"""Type, score and whether it is right of each box found in a picture."""


def fitted(
    heads: RoomHeads, maps: list[np.ndarray], truth: list[dict[str, Any]], hit: float, domain: str
) -> dict[str, np.ndarray]:
    """Return what `room_reading` reads of a domain besides the trained weights; boxes are right from overlap `hit`."""
    outputs = [heads.outputs([part[at].astype(np.float32) for part in maps], domain) for at in range(len(truth))]
    plain = {"objects.least": np.full(len(TYPES), FLOOR, np.float32), "objects.certainty": np.array([1.0, 0.0])}
    found, counts = [], dict.fromkeys(TYPES, 0)
    for (cells, _), facts in zip(outputs, truth, strict=True):
        true = [(item["type"], corners(item["box"])) for item in facts["objects"] if large(item)]
        for name, _ in true:
            counts[name] += 1
        nothing = np.zeros((2, *cells["shell"].shape[1:]))
        found.append(agreed([(x.type, x.box, x.certainty) for x in find_objects(cells, nothing, plain)], true, hit))
    boxes = [box for own in found for box in own]
    usual = best_least(boxes, sum(counts.values()))
    least = np.array(
        [
            best_least([box for box in boxes if box[0] == name], counts[name]) if counts[name] >= RARE else usual
            for name in TYPES
        ]
    )
    named = [(score, right) for name, score, right in boxes if score >= least[TYPES.index(name)]]
    scores, rights = (np.array(part, float) for part in zip(*named, strict=True))
    certainty = logistic(logit(scores)[:, None], rights)
    best = np.stack([logit(type_scores(cells).max(axis=(1, 2))) for cells, _ in outputs])
    whole = np.stack([whole["present"] for _, whole in outputs])
    there = np.array([facts["present"] for facts in truth])
    present = logistic(np.stack([best.ravel(), whole.ravel()], axis=1), there.ravel())
    known = {
        "objects.least": least,
        "objects.certainty": certainty,
        "present.certainty": present,
        **{
            f"{name}.slope": sharpness(np.stack([w[name] for _, w in outputs]), [facts[name] for facts in truth])
            for name in ("source", "warmth", "light_from")
        },
    }
    for name, names in (("materials", MATERIALS), ("patterns", PATTERNS)):
        logits = np.stack([cells[name] for cells, _ in outputs])
        known[f"{name}.bias"] = balance(logits, covered(name, names, truth))
    if "size" in truth[0]:
        sizes = np.array([whole["size"][0] for _, whole in outputs]) - np.array([facts["size"] for facts in truth])
        known["size_spread"] = np.array(np.quantile(abs(sizes), 0.8))
    return known


def large(item: dict[str, Any]) -> bool:
    """Tell whether a thing is large enough to be looked for."""
    return item["box"][2] * item["box"][3] >= MIN_SEEN


def corners(box: list[float]) -> Box:
    """Return left, top, right and bottom of a box of left, top, width and height."""
    return box[0], box[1], box[0] + box[2], box[1] + box[3]


def agreed(found: list[tuple[str, Box, float]], true: list[tuple[str, Box]], hit: float) -> Found:
    """Return each box found, the surest first, with whether it is right; each true box counts once."""
    open_ = set(range(len(true)))
    out: Found = []
    for name, box, score in found:
        near = [(overlap(box, true[at][1]), at) for at in open_ if true[at][0] == name]
        best = max(near, default=(0.0, -1))
        if best[0] >= hit:
            open_.discard(best[1])
        out.append((name, score, best[0] >= hit))
    return out


def best_least(boxes: Found, count: int) -> float:
    """Return the score from which naming a type has the best F1, among `count` true things of it."""

    def f1(least: float) -> float:
        kept = [right for _, score, right in boxes if score >= least]
        return 2 * sum(kept) / max(len(kept) + count, 1)

    return float(max(LEAST, key=f1))


def covered(name: str, names: tuple[str, ...], truth: list[dict[str, Any]]) -> np.ndarray:
    """Return which materials or patterns cover some of each picture [n, c], by labels or by what is rendered."""
    if f"covered_{name}" in truth[0]:
        return np.array([facts[f"covered_{name}"] for facts in truth]) > 0
    layer = {"materials": 1, "patterns": 2}[name]
    return np.stack([covers(facts["layers"][..., layer], len(names)) for facts in truth])


def covers(layer: np.ndarray, count: int) -> np.ndarray:
    """Return which of `count` values cover as much of a layer [h, w] as is reported."""
    return np.bincount(layer.ravel(), minlength=count) >= MIN_SURFACE * layer.size


def balance(logits: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return what to add to the logits [n, c, h, w] of each class so that the classes that cover pictures are right.

    Each class but the first is moved, one after the other and twice, to where the F1 of covering pictures (`true`
    [n, c]) is best, less SHIFT_COSTS; rare ones stay.
    """
    bias = np.zeros(logits.shape[1], np.float32)

    def f1(name: int, added: float) -> float:
        tried = logits + np.where(np.arange(len(bias)) == name, added, bias)[:, None, None]
        covers = (tried.argmax(axis=1) == name).mean(axis=(1, 2)) >= MIN_SURFACE
        return 2 * float((covers & true[:, name]).sum()) / max(float(covers.sum() + true[:, name].sum()), 1.0)

    for _ in range(2):
        for name in range(1, len(bias)):
            if true[:, name].sum() >= RARE / 2:
                bias[name] = max(SHIFTS, key=lambda added, name=name: f1(name, added) - SHIFT_COSTS * abs(added))
    return bias


def sharpness(logits: np.ndarray, true: list[int]) -> np.ndarray:
    """Return the factor on logits [n, k] with which the true classes [n] are likeliest."""

    def loss(slope: float) -> float:
        scaled = slope * logits
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return -float((scaled[np.arange(len(true)), true] - np.log(np.exp(scaled).sum(axis=1))).mean())

    return np.array(min(np.geomspace(0.1, 3, 60), key=loss))


def logistic(inputs: np.ndarray, true: np.ndarray, steps: int = 60) -> np.ndarray:
    """Return slopes and bias [k + 1] of a logistic regression of truth [n] on inputs [n, k], by Newton's method."""
    x = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(len(w))
        w = w + np.linalg.solve(hessian, x.T @ (true - p) - 1e-3 * w)
    return w


def logit(p: np.ndarray) -> np.ndarray:
    """Return log odds."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))
