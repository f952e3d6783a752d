"""Candidates with their scores, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from scene_pipeline.context.context import Context
from scene_pipeline.matching.opinion import nudged

_ARRAYS = (
    "rows",
    "scores",
    "factors",
    "similarity",
    "passed",
    "base",
    "ranking",
    "lifts",
    "lifted",
    "nudges",
)


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates with their scores: `rows` [m] into the product table, best first; `factors` [m, 6]; `passed` [m].

    `weights` are the factor weights used. `ranking` [m] are the scores that candidates are ordered by. They are
    `scores`, moved down where a library has shown the product already (the result is `base` [m]), by the weighted lifts
    of the context (`lifts` [m, 3]; the result is `lifted` [m]) and by the nudges of an opinion (`nudges` [m], in
    logits).
    """

    rows: np.ndarray
    scores: np.ndarray
    factors: np.ndarray
    similarity: np.ndarray
    passed: np.ndarray
    weights: Mapping[str, float]
    base: np.ndarray
    ranking: np.ndarray
    lifts: np.ndarray
    lifted: np.ndarray
    nudges: np.ndarray
    context: Context

    def without(self, rows: np.ndarray) -> "Scored":
        """Return the candidates without those of some rows of the product table."""
        kept = ~np.isin(self.rows, rows)
        return replace(self, **{name: getattr(self, name)[kept] for name in _ARRAYS})

    def joined(self, other: "Scored") -> "Scored":
        """Return these candidates and then the others."""
        return replace(self, **{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _ARRAYS})

    def nudged(self, nudges: np.ndarray) -> "Scored":
        """Return the candidates in the order that nudges [m], in logits, bring them to."""
        ranking = nudged(self.ranking, nudges)
        order = np.lexsort((self.rows, -ranking, ~self.passed))
        other = replace(self, ranking=ranking, nudges=nudges)
        return replace(other, **{name: getattr(other, name)[order] for name in _ARRAYS})
