"""What rooms in general look like: the baseline against which one photograph is read.

Every photograph of a room lies near every other, and some prompts lie nearer to all of them than others do. The
information in a scene is its difference from the mean room. That difference is compared with prompts and products.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.spec import EncoderSpec, shipped_file, slug
from scene_pipeline.encoders.windows import SceneEmbedding, decoded_side, embed_scene, unit_or_zero
from scene_pipeline.errors import BundleError
from scene_pipeline.files import write_bytes
from scene_pipeline.images.decode import decode_image
from scene_pipeline.sample import sample_photographs
from scene_pipeline.scenes.analysis import PHOTOGRAPHS
from scene_pipeline.scenes.signs import Sign, signs_of
from scene_pipeline.vocabulary import Room

REFERENCE = "reference.json"
"""The file's name in a bundle."""

REFERENCES = Path(__file__).parent / "references"

REFERENCE_COLORS = REFERENCES / "colors.json"
"""The colors of typical rooms."""

USUAL_DENSITY = REFERENCES / "density.npz"
"""How much of each color typical rooms have: mean and deviation of `presence.log_density`."""

MIN_SCENES = 8
"""A library of fewer scenes is read against the reference alone."""

PRIOR_SCENES = 16
"""A library's own mean weighs n / (n + PRIOR_SCENES): half at sixteen scenes."""


class ImageDomain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pictures other than photographs (renders): their `mean` [d] and the softmax temperatures to read them with."""

    name: str
    mean: tuple[float, ...]
    temperature: float
    style_temperature: float
    scenes: int


class SceneReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The mean scene of an encoder. `mean` [d] is the mean of unit vectors, each kind of room counting alike.

    `temperature` divides the centered cosines with room prompts before the softmax. `style_temperature` does so for
    style prompts. Both are fitted on labeled pictures. `source` names the pictures, `scenes` counts them. `others` are
    further image domains that the encoder sees differently, such as renders. A picture is read as one of the domain
    whose mean it is nearest to. `signs` are the things that give rooms away in photographs; `rooms` are those that the
    encoder was trained on; their log probabilities come last in its output of named classes.
    """

    encoder_id: str
    revision: str
    mean: tuple[float, ...]
    temperature: float
    style_temperature: float
    scenes: int
    source: str
    others: tuple[ImageDomain, ...] = ()
    signs: tuple[Sign, ...] = ()
    rooms: tuple[str, ...] = ()

    @property
    def vector(self) -> np.ndarray:
        """The mean as float32 [d]."""
        return np.array(self.mean, dtype=np.float32)

    @cached_property
    def means(self) -> np.ndarray:
        """The means of all image domains as float32 [k, d], photographs first."""
        return np.array([self.mean, *(kind.mean for kind in self.others)], dtype=np.float32)

    @cached_property
    def temperatures(self) -> np.ndarray:
        """Temperatures of rooms and of styles by image domain, float32 [k, 2]."""
        return np.array([(kind.temperature, kind.style_temperature) for kind in (self, *self.others)], dtype=np.float32)

    def domain_name(self, vector: np.ndarray) -> str:
        """Return the name of the domain that a unit vector [d] is read as: PHOTOGRAPHS or that of one of `others`."""
        names = (PHOTOGRAPHS, *(other.name for other in self.others))
        return names[int(self.domain_of(vector))]

    def domain_of(self, vectors: np.ndarray) -> np.ndarray:
        """Return the position of the image domain whose mean is nearest to each of the unit vectors [..., d]."""
        means = self.means
        return (vectors @ (means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)).T).argmax(axis=-1)

    def centered(self, vectors: np.ndarray) -> np.ndarray:
        """Return the unit vectors [..., d] minus the mean of the image domain that each is read as."""
        return vectors - self.means[self.domain_of(vectors)]

    def save(self, path: Path) -> None:
        """Write the reference as JSON, atomically."""
        write_bytes(path, msgspec.json.format(msgspec.json.encode(self), indent=0))

    @classmethod
    def load(cls, path: Path) -> "SceneReference":
        """Read what `save` wrote. Raises BundleError when the file is something else."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise BundleError(f"{path}: holds no scene reference ({error}); build the bundle again") from error


def shipped_reference(spec: EncoderSpec) -> SceneReference | None:
    """Return the reference that ships for exactly these weights, or None."""
    path = shipped_file(slug(spec), "reference.json")
    return SceneReference.load(path) if path.is_file() else None


def shipped_windows(spec: EncoderSpec) -> np.ndarray | None:
    """Return the windows [s, w, look] of reference scenes that ship for exactly these weights, or None."""
    path = shipped_file(slug(spec), "windows.npy")
    return np.load(path, allow_pickle=False) if path.is_file() else None


def measured_reference(spec: EncoderSpec, vectors: np.ndarray, temperature: float, source: str) -> SceneReference:
    """Return the reference from unit scene vectors [n, d], for an encoder without a shipped one."""
    return SceneReference(
        encoder_id=spec.id,
        revision=spec.revision,
        mean=tuple(vectors.mean(axis=0).astype(float).tolist()),
        temperature=temperature,
        style_temperature=temperature,
        scenes=len(vectors),
        source=source,
    )


def reference_colors() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return the dominant colors of typical rooms that ship: for each its CIELAB colors [m, 3] and shares [m]."""
    rooms = msgspec.json.decode(REFERENCE_COLORS.read_bytes(), type=list[list[tuple[float, float, float, float]]])
    tables = [np.array(room, dtype=np.float32) for room in rooms]
    return tuple((table[:, :3], table[:, 3]) for table in tables)


def usual_density() -> np.ndarray:
    """Return mean and deviation over typical rooms of the log density of every cell of color, float32 [cells, 2]."""
    with np.load(USUAL_DENSITY, allow_pickle=False) as arrays:
        return np.stack([arrays["mean"], arrays["deviation"]], axis=-1).astype(np.float32)


def library_center(vectors: np.ndarray, reference: np.ndarray, prompts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the center [d] that scenes of one library are read against, from their unit vectors [n, d].

    Photographs of one house style, one camera or one renderer have features in common that say nothing about products.
    The library's own mean is shrunk towards the `reference` mean, the more the fewer scenes there are. The shift from
    one to the other leaves out the directions in which `prompts` (each [m, d]: rooms, styles) differ, so that a library
    of bathrooms is still recognized as bathrooms.
    """
    if len(vectors) < MIN_SCENES:
        return reference
    shift = vectors.mean(axis=0) - reference
    reported = np.concatenate([group - group.mean(axis=0) for group in prompts])
    _, strength, directions = np.linalg.svd(reported, full_matrices=False)
    directions = directions[strength > 1e-4 * strength[0]]
    shift = shift - directions.T @ (directions @ shift)
    return (reference + shift * len(vectors) / (len(vectors) + PRIOR_SCENES)).astype(np.float32)


def reference_for(
    spec: EncoderSpec, encoder: OnnxImageEncoder, temperature: float, rooms: Sequence[Room]
) -> tuple[SceneReference, np.ndarray]:
    """Return the reference of an encoder with the signs of `rooms`, and the windows [s, w, look] of reference scenes.

    Both are those that ship for it; otherwise they are computed from the sample's scenes with its tower. Raises
    VocabularyError for a sign that is not a class of the encoder.
    """
    reference, windows = _shipped_or_measured(spec, encoder, temperature)
    return msgspec.structs.replace(reference, signs=signs_of(spec, rooms), rooms=spec.rooms), windows


def _shipped_or_measured(
    spec: EncoderSpec, encoder: OnnxImageEncoder, temperature: float
) -> tuple[SceneReference, np.ndarray]:
    reference, windows = shipped_reference(spec), shipped_windows(spec)
    if reference is not None and windows is not None:
        return reference, windows
    scenes = sample_scenes(encoder)
    if reference is None:
        vectors = np.stack([scene.vector for scene in scenes])
        reference = measured_reference(spec, vectors, temperature, "the sample's rendered scenes")
    if windows is None:
        windows = np.stack([centered_windows(spec, scene.windows, reference.vector) for scene in scenes])
    return reference, windows


def centered_windows(spec: EncoderSpec, windows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return windows [w, look] as they are compared with products: unit vectors after the mean scene is subtracted.

    An encoder with look vectors of its own has centered them already.
    """
    if spec.look:
        return windows
    return unit_or_zero(windows - mean)


def sample_scenes(encoder: OnnxImageEncoder) -> list[SceneEmbedding]:
    """Return the embeddings of the shipped scenes by an encoder, in the order of their paths."""
    paths = sample_photographs()
    side = decoded_side(encoder.spec)
    return [embed_scene(encoder, decode_image(path, short_side=side)) for path in paths]
