"""Measure whether scores separate the true product from others of its type.

This is harder than hit@k, for which knowing the room already helps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.bootstrap import Estimate, bootstrap_mean


@dataclass(frozen=True)
class BlankQuestions:
    """Fill-in-the-blank questions: for each true product, others of its type that stood in other scenes.

    scene: row of the scene, shape (q,). options: columns of the products, shape (q, choices), the true one first.
    skipped: true products whose type had too few others for a question.
    """

    scene: np.ndarray
    options: np.ndarray
    skipped: int

    def examples(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (scores, labels, scene rows), each of shape (q * choices,), to fit or test a calibration on."""
        labels = np.zeros(self.options.shape)
        labels[:, 0] = 1
        return (
            scores[self.scene[:, None], self.options].ravel(),
            labels.ravel(),
            np.repeat(self.scene, self.options.shape[1]),
        )


def draw_questions(relevant: np.ndarray, types: Sequence[str], choices: int = 4, seed: int = 0) -> BlankQuestions:
    """Return one question for each true (scene, product) pair of `relevant`, a bool array (scenes, products).

    types: product type of each column; there are no questions on an empty type. The wrong options are drawn without
    replacement from products of the same type that are true in another scene and not in this one. Raises TruthError
    when no question can be asked.
    """
    generator = np.random.default_rng(seed)
    columns: dict[str, list[int]] = {}
    for column in np.flatnonzero(relevant.any(axis=0)).tolist():
        columns.setdefault(types[column], []).append(column)
    scenes, options, skipped = [], [], 0
    for scene, column in np.argwhere(relevant).tolist():
        others = [other for other in columns[types[column]] if not relevant[scene, other]]
        if not types[column] or len(others) < choices - 1:
            skipped += 1
            continue
        scenes.append(scene)
        options.append([column, *generator.choice(others, choices - 1, replace=False)])
    if not scenes:
        raise TruthError(
            f"no product type has {choices} products in different scenes; the truth is too small to ask about"
        )
    return BlankQuestions(np.asarray(scenes), np.asarray(options), skipped)


def fill_in_the_blank(scores: np.ndarray, questions: BlankQuestions, seed: int = 0) -> Estimate:
    """Return the share of questions in which the true product scores highest; a tie counts as a random draw.

    scores: shape (scenes, products). By chance: 1 / choices. The interval resamples scenes.
    """
    offered = scores[questions.scene[:, None], questions.options]
    best = offered == offered.max(axis=1, keepdims=True)
    return bootstrap_mean(best[:, 0] / best.sum(axis=1), questions.scene, seed)


def auc_same_type(scores: np.ndarray, relevant: np.ndarray, types: Sequence[str], seed: int = 0) -> Estimate:
    """Return the probability that a true product outscores another of its type that is not true here; ties count half.

    scores, relevant: shape (scenes, products); types: one per product, "" is left out. Mean over true pairs, the
    interval resamples scenes. By chance: 0.5. Raises TruthError when there is no such pair.
    """
    names, codes = np.unique(np.asarray(types), return_inverse=True)
    columns = [np.flatnonzero(codes == code) for code in range(len(names))]
    values, scenes = [], []
    for scene, column in np.argwhere(relevant).tolist():
        same = columns[codes[column]]
        others = same[~relevant[scene, same]]
        if not types[column] or len(others) == 0:
            continue
        rivals = scores[scene, others]
        values.append(np.mean(rivals < scores[scene, column]) + 0.5 * np.mean(rivals == scores[scene, column]))
        scenes.append(scene)
    if not values:
        raise TruthError("no true product has a rival of its own type; the truth is too small to compare")
    return bootstrap_mean(np.asarray(values), np.asarray(scenes), seed)
