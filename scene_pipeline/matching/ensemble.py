"""Several encoders in one bundle: each reads a scene, and their similarities are blended by weight.

Every similarity is in standard deviations (see `Looks`), so that weights mean the same for any encoder. One that is
missing, or that fails on a picture, leaves the others: they keep their proportions, and confidence is not calibrated.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
from PIL import Image

from scene_pipeline.bundle.layout import CENTER, IMAGE_ENCODER, PROJECTION
from scene_pipeline.bundle.members import Member
from scene_pipeline.bundle.open import Bundle
from scene_pipeline.encoders.ensemble import CAPTIONS
from scene_pipeline.encoders.nearest_phrases import NearestPhrases
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.windows import SceneEmbedding, decoded_side, embed_scene, unit_or_zero
from scene_pipeline.errors import BundleError, EncoderError
from scene_pipeline.matching.looks import Looks
from scene_pipeline.scenes.reference import centered_windows
from scene_pipeline.scenes.scene import Scene

log = logging.getLogger(__name__)


class Describes(Protocol):
    """The captioner that the matcher needs; the matcher itself never loads one."""

    def describe(self, image: Image.Image) -> np.ndarray:
        """Return the unit vectors [c, t] of the captions of a scene, in the space of the product texts."""
        ...


@dataclass(frozen=True, slots=True)
class OpenMember:
    """An open member: `read_by` makes the windows of a scene, and `center` [d] is subtracted from them.

    `projection` [d, k] whitens the vectors: directions in which products differ little count as much as those in which
    they differ most. It is None where the encoder's vectors are whitened already, or are words.
    """

    spec: EncoderSpec
    looks: Looks
    center: np.ndarray
    read_by: OnnxImageEncoder | NearestPhrases | Describes
    projection: np.ndarray | None = None

    def read(self, image: Image.Image, embedding: SceneEmbedding) -> np.ndarray:
        """Return the windows [w, d] of a scene that products are compared with. Raises EncoderError, MemoryError."""
        match self.read_by:
            case OnnxImageEncoder() as encoder:
                windows = centered_windows(self.spec, embed_scene(encoder, image).windows, self.center)
                return windows if self.projection is None else unit_or_zero(windows @ self.projection)
            case NearestPhrases() as phrases:
                return unit_or_zero(phrases.describe(embedding.views) - self.center)
            case captioner:
                return unit_or_zero(captioner.describe(image) - self.center)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The encoders of a bundle: `weights` of all by id, `first` the one that reads rooms, `members` the others at hand.

    problems: by id, why a member with a weight could not be opened.
    """

    first: str
    weights: Mapping[str, float]
    members: Mapping[str, OpenMember]
    problems: Mapping[str, str]

    @classmethod
    def open(cls, bundle: Bundle, threads: int | None = None, *, weighed_only: bool = True) -> "Ensemble | None":
        """Open the members, by default those with a weight; None for a bundle of one encoder. Failures are logged."""
        listed = bundle.manifest.members
        if not listed:
            return None
        members: dict[str, OpenMember] = {}
        problems: dict[str, str] = {}
        for member in listed[1:]:
            if weighed_only and member.weight <= 0:
                continue
            try:
                members[member.id] = _open(bundle, member, threads)
            except (EncoderError, BundleError, OSError, ValueError) as error:
                problems[member.id] = " ".join(str(error).split())
                log.warning("encoder '%s' is left out, confidence is not calibrated: %s", member.id, error)
        return cls(listed[0].id, {member.id: member.weight for member in listed}, members, problems)

    @property
    def id(self) -> str:
        """The ids of all encoders, as `--encoder` takes them."""
        return ",".join(self.weights)

    def only(self, id: str) -> "Ensemble":
        """Return the ensemble in which one encoder decides alone."""
        return replace(self, weights={other: float(other == id) for other in self.weights})

    def with_captioner(self, bundle: Bundle, member: Member, captioner: Describes) -> "Ensemble":
        """Return the ensemble with a member opened on this captioner. Raises BundleError as opening does."""
        opened = _open(bundle, member, None, captioner)
        problems = {name: problem for name, problem in self.problems.items() if name != member.id}
        return replace(self, members={**self.members, member.id: opened}, problems=problems)

    def decoded_side(self) -> int:
        """Return the short side (pixels) that the largest of the other encoders reads scenes at; 0 without any."""
        sides = [decoded_side(member.spec) for member in self.members.values()]
        return max(sides, default=0)

    def read(self, image: Image.Image, embedding: SceneEmbedding, scene: Scene) -> Scene:
        """Return the scene with the windows of all open members."""
        found: dict[str, np.ndarray] = {}
        for id, member in self.members.items():
            try:
                found[id] = member.read(image, embedding)
            except (EncoderError, MemoryError) as error:
                log.warning("encoder '%s' is left out of a scene: %s", id, error)
        return replace(scene, others=found)

    def noted(self, scene: Scene) -> Scene:
        """Return the scene with a note where a member with a weight has not read it."""
        missing = self._missing(scene)
        if not missing:
            return scene
        note = f"read without {' and '.join(missing)}, so that confidence is not calibrated"
        notes = [text for text in (scene.analysis.note, note) if text]
        return replace(scene, analysis=replace(scene.analysis, note="; ".join(notes)))

    def is_complete(self, scene: Scene) -> bool:
        """Return whether every member with a weight has read the scene; otherwise its scores have another meaning."""
        return not self._missing(scene)

    def blend(self, above: np.ndarray, scene: Scene, rows: np.ndarray) -> np.ndarray:
        """Return the blended similarity [m] of products to a scene, from `above` [m], that of the first encoder."""
        counting = [id for id in self.weights if id == self.first or id in scene.others]
        kept = sum(self.weights[id] for id in counting)
        if kept <= 0:
            return above
        total = self.weights[self.first] * above
        for id in counting[1:]:
            if self.weights[id] > 0:
                total = total + self.weights[id] * self.members[id].looks.compare(scene.others[id], rows)[0]
        return (total * (sum(self.weights.values()) / kept)).astype(np.float32)

    def _missing(self, scene: Scene) -> list[str]:
        return [id for id, weight in self.weights.items() if weight > 0 and id not in (self.first, *scene.others)]


def _open(bundle: Bundle, member: Member, threads: int | None, captioner: Describes | None = None) -> OpenMember:
    """Raises EncoderError, BundleError, OSError or ValueError where something is missing or damaged."""
    if member.problem:
        raise EncoderError(member.problem)
    damage = next((line for line in bundle.lost if f"/{member.folder}/" in Path(line).as_posix()), None)
    if damage is not None:
        raise BundleError(damage)
    folder, spec = bundle.path / member.folder, msgspec.convert(member.spec, EncoderSpec)
    parts = (spec, Looks.load(folder, threads), np.load(folder / CENTER, allow_pickle=False))
    if spec.family != CAPTIONS:
        projection = None if spec.look else np.load(folder / PROJECTION, allow_pickle=False)
        tower = OnnxImageEncoder.open(folder / IMAGE_ENCODER, spec, threads=threads)
        return OpenMember(*parts, tower, projection)
    if spec.id == CAPTIONS:
        return OpenMember(*parts, NearestPhrases.load(folder))
    if captioner is None:
        raise EncoderError("its captioner runs in the scoring of libraries only, where torch is")
    return OpenMember(*parts, captioner)
