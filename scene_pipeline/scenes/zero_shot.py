"""Classify a scene by comparing its vector with the vectors of prompts."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scene_pipeline.encoders.prompts import PromptVectors
from scene_pipeline.encoders.windows import SceneEmbedding
from scene_pipeline.scenes.analysis import PHOTOGRAPHS
from scene_pipeline.scenes.reference import SceneReference
from scene_pipeline.scenes.signs import evidence, with_evidence, with_things
from scene_pipeline.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class ZeroShotClassifier:
    """Classifies scene vectors with the vocabulary, the vectors of its prompts, and the mean scene."""

    vocabulary: Vocabulary
    prompts: PromptVectors
    reference: SceneReference

    def rooms(self, vectors: np.ndarray, named: np.ndarray | None = None) -> np.ndarray:
        """Return the probabilities [..., R + 1] of the rooms and, last, of the null class for unit vectors [..., d].

        Some prompts lie nearer to every photograph of a room than others; what counts is how much nearer this one is
        than rooms of its kind are on average. The null class is shifted by the rooms' mean, so that it neither gains
        nor loses. In photographs, `named` [..., c] (log probabilities of the classes that the encoder names) counts
        too, for the rooms that it was trained on and for those that have signs.
        """
        kind = self.reference.domain_of(vectors)
        offset = self.reference.means @ self.prompts.room.T
        offset[:, -1] = offset[:, :-1].mean(axis=1)
        shares = softmax((vectors @ self.prompts.room.T - offset[kind]) / self.reference.temperatures[kind, :1])
        if named is None:
            return shares
        rows, flat = named.reshape(-1, named.shape[-1]), shares.reshape(-1, shares.shape[-1])
        rooms = self.prompts.room_ids[:-1]
        signed = [
            with_evidence(self._with_trained(share, row), rooms, evidence(self.reference.signs, row))
            if photograph
            else share
            for share, row, photograph in zip(flat, rows, np.ravel(kind) == 0, strict=True)
        ]
        return np.stack(signed).reshape(shares.shape)

    def rooms_of(self, scene: SceneEmbedding, present: Mapping[str, float] | None) -> np.ndarray:
        """Return the probabilities [R + 1] of the rooms of one scene.

        In a photograph, `present` counts too: how surely (0-1) each type of thing is there; None where nothing is read.
        """
        shares = self.rooms(scene.vector, scene.named)
        if present is None or self.reference.domain_name(scene.vector) != PHOTOGRAPHS:
            return shares
        return with_things(shares, self.vocabulary.rooms, present)

    def _with_trained(self, share: np.ndarray, named: np.ndarray) -> np.ndarray:
        """Return probabilities [R + 1] in which prompts and the encoder's own head of rooms count alike.

        This is their geometric mean, over the rooms that both know; the sum over these rooms stays the same.
        """
        own = [self.prompts.room_ids.index(room) for room in self.reference.rooms if room in self.prompts.room_ids]
        if not own:
            return share
        said = named[-len(self.reference.rooms) :]
        said = said[[room in self.prompts.room_ids for room in self.reference.rooms]]
        result, total = share.copy(), share[own].sum()
        result[own] = total * softmax((np.log(share[own] / max(total, 1e-9) + 1e-9) + said) / 2)
        return result

    def styles(self, vectors: np.ndarray) -> np.ndarray:
        """Return the probabilities [..., S] of the styles for unit vectors [..., d], computed as for rooms."""
        similarity = self.reference.centered(vectors) @ self.prompts.style.T
        return softmax(similarity / self.reference.temperatures[self.reference.domain_of(vectors), 1:])

    def present(self, views: np.ndarray) -> dict[str, float]:
        """Return how surely each category is seen in the views [v, d] of a scene, the surest first.

        The best view counts for a category. 0.5 is the value of an average room. It is zero-shot, so it is a hint and
        not a count.
        """
        logits = (views - self.reference.vector) @ self.prompts.category.T / self.reference.temperature
        sure = 1 / (1 + np.exp(-logits.max(axis=0)))
        order = np.argsort(-sure, kind="stable")
        return {self.prompts.category_ids[index]: float(sure[index]) for index in order.tolist()}


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax over the last axis, computed without overflow."""
    exponent = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponent / exponent.sum(axis=-1, keepdims=True)
