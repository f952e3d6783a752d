"""Write the further encoders of a bundle, each into a folder of its own, and measure their cost."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from scene_pipeline.bundle.layout import CENTER, IMAGE_ENCODER, PROJECTION
from scene_pipeline.bundle.members import MEMBERS, Member, MemberCost
from scene_pipeline.encoders.captioner import Captioner
from scene_pipeline.encoders.ensemble import CAPTIONS
from scene_pipeline.encoders.export import export_onnx
from scene_pipeline.encoders.nearest_phrases import NearestPhrases
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.prompts import open_clip_text
from scene_pipeline.encoders.spec import COMPACT_TEMPERATURE, EncoderSpec, slug
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.encoders.windows import decoded_side, embed_scene, look_of, unit_or_zero
from scene_pipeline.errors import EncoderError, one_line
from scene_pipeline.images.decode import decode_image
from scene_pipeline.matching.looks import Looks
from scene_pipeline.scenes.reference import reference_for, sample_scenes
from scene_pipeline.vocabulary import Vocabulary

WHITENED, DRAWN = 256, 20_000
"""Number of directions that products are compared in, and number of products they are computed from."""

MEASURED_SCENES = 5
"""Number of scenes for an encoder's median latency."""


@dataclass(frozen=True, slots=True)
class EmbeddedMember:
    """A further encoder with its unit vectors of products [n, d]; none for captions.

    problem: why it has no vectors, else empty.
    """

    spec: EncoderSpec
    image: np.ndarray | None = None
    has_image: np.ndarray | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FirstEncoder:
    """The bundle's first encoder, open; `center` [d] is its mean scene, `text` [n, t] the centered product texts."""

    spec: EncoderSpec
    tower: OnnxImageEncoder
    center: np.ndarray
    text: np.ndarray
    pictures: int


@dataclass(frozen=True, slots=True)
class MemberWriter:
    """Writes members into the folder of a bundle that is being built."""

    folder: Path
    first: FirstEncoder
    vocabulary: Vocabulary
    text_encoder: TextEncoder
    samples: Sequence[Image.Image]
    int8: bool

    def write(self, member: EmbeddedMember, weight: float) -> Member:
        """Write one member; where that fails it is listed with the problem, and the bundle does without it."""
        spec = member.spec
        place = f"{MEMBERS}/{slug(spec)}"
        facts = {"id": spec.id, "spec": msgspec.to_builtins(spec), "folder": place, "weight": weight}
        if member.problem:
            return Member(**facts, problem=member.problem)
        folder = self.folder / place
        folder.mkdir(parents=True)
        try:
            cost = self._captions(folder, spec) if spec.family == CAPTIONS else self._pictures(folder, member)
        except EncoderError as error:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            return Member(**facts, problem=one_line(error, 1000))
        return Member(**facts, cost=cost)

    def _pictures(self, folder: Path, member: EmbeddedMember) -> MemberCost:
        assert member.image is not None
        assert member.has_image is not None
        started, spec = time.perf_counter(), member.spec
        export_onnx(spec, folder / IMAGE_ENCODER, self.samples, int8=self.int8)
        before = resident_mb()
        tower = OnnxImageEncoder.open(folder / IMAGE_ENCODER, spec)
        scene_ms = scene_milliseconds(lambda image: embed_scene(tower, image), decoded_side(spec))
        grown = None if before is None else max((resident_mb() or before) - before, 0.0)
        reference, windows = reference_for(spec, tower, spec.temperature or COMPACT_TEMPERATURE, ())
        look = look_of(spec, member.image)
        mean = look[member.has_image].mean(axis=0) if member.has_image.any() else np.zeros(look.shape[1], np.float32)
        centered = np.where(member.has_image[:, None], unit_or_zero(look - mean), 0)
        if not spec.look:
            projection = whitening(centered[member.has_image])
            np.save(folder / PROJECTION, projection)
            centered, windows = unit_or_zero(centered @ projection), unit_or_zero(windows @ projection)
        Looks.measure(centered, windows).save(folder)
        np.save(folder / CENTER, reference.vector)
        return MemberCost(scene_ms, grown, time.perf_counter() - started + self._embedding_s(tower))

    def _captions(self, folder: Path, spec: EncoderSpec) -> MemberCost:
        started, before = time.perf_counter(), resident_mb()
        tower = self.first.tower
        if spec.id == CAPTIONS:
            phrases = NearestPhrases.build(self.vocabulary, self._look_up(), self.text_encoder.embed, self.first.center)
            phrases.save(folder)
            views = [scene.views for scene in sample_scenes(tower)]
            said = np.stack([phrases.describe(view) for view in views])
            scene_ms = scene_milliseconds(lambda _: phrases.describe(views[0]), decoded_side(self.first.spec))
        else:
            captioner = Captioner.open(spec, self.text_encoder)
            side = decoded_side(self.first.spec)
            said = np.stack([captioner.describe(image) for image in decoded_sample(side)])
            scene_ms = scene_milliseconds(captioner.describe, side)
        center = said.mean(axis=(0, 1))
        Looks.measure(self.first.text, unit_or_zero(said - center)).save(folder)
        np.save(folder / CENTER, center)
        grown = None if before is None else max((resident_mb() or before) - before, 0.0)
        return MemberCost(scene_ms, grown, time.perf_counter() - started)

    def _look_up(self) -> Callable[[Sequence[str]], np.ndarray]:
        """Return the function that embeds words in the first encoder's space."""
        return self.text_encoder.embed if self.first.spec.family == "compact" else open_clip_text(self.first.spec)[0]

    def _embedding_s(self, tower: OnnxImageEncoder) -> float:
        """Return the estimated seconds to embed every picture, from a few."""
        some = self.samples[:16]
        started = time.perf_counter()
        tower.embed(some)
        return (time.perf_counter() - started) / len(some) * self.first.pictures

    def cost_of_first(self) -> MemberCost:
        """Return the cost of the first encoder, whose tower is exported already; without its memory."""
        tower = self.first.tower
        scene_ms = scene_milliseconds(lambda image: embed_scene(tower, image), decoded_side(self.first.spec))
        return MemberCost(scene_ms, None, self._embedding_s(tower))


def whitening(vectors: np.ndarray) -> np.ndarray:
    """Return the projection [d, k] to the principal directions of centered vectors [n, d], partly whitened.

    Each direction is scaled halfway to deviation 1. Backbones trained on classes put most of a picture into a few
    directions that products share; fully whitened, the noise of the last directions would count as much as the first.
    At most WHITENED directions and DRAWN vectors are used.
    """
    some = vectors[:: max(1, len(vectors) // DRAWN)].astype(np.float64)
    values, directions = np.linalg.eigh(some.T @ some / max(len(some), 1))
    kept = np.argsort(-values)[: min(WHITENED, max(len(some) - 1, 1))]
    spread = np.sqrt(np.maximum(values[kept], 1e-9))
    return (directions[:, kept] / np.sqrt(spread)).astype(np.float32)


def decoded_sample(side: int) -> list[Image.Image]:
    """Return the sample's scenes, decoded at a short side."""
    from scene_pipeline.sample import sample_photographs

    return [decode_image(path, short_side=side) for path in sample_photographs()]


def scene_milliseconds(read: Callable[[Image.Image], object], side: int) -> float:
    """Return the median time of reading one of a few scenes of the sample, after one to warm up."""
    took = []
    for image in decoded_sample(side)[: MEASURED_SCENES + 1]:
        started = time.perf_counter()
        read(image)
        took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took[1:])


def resident_mb() -> float | None:
    """Return the memory of this process in MB; None where the system does not report it."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    import resource

    return pages * resource.getpagesize() / 1e6
