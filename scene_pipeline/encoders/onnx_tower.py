"""Run an exported image tower with ONNX Runtime: what serving uses, and what embeds on CPUs. Free of torch."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as onnxruntime_state
from numpy.typing import NDArray
from PIL import Image

from scene_pipeline.encoders.preprocess import preprocess
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.errors import EncoderError, one_line

INPUT = "pixels"
OUTPUT = "embedding"
WINDOWS = ("whole", "halves", "thirds")
"""The further outputs of a tower that reads a scene in windows in one pass: looks [n, rows, columns, look]."""
MAPS = ("fine", "middle", "deep")
"""Its last outputs: feature maps [n, c, h, w] that the heads of the room read."""
NAMED = "named"
"""A further output: log probabilities [n, c] of named classes, each in the window that shows it best."""
PATCHES = "patches"
"""The further output of a vision transformer: unit vectors [n, rows, columns, d] of the patches of a picture."""
CHECK_COSINE = {"fp32": 0.9999, "int8": 0.999}
"""Minimum cosine, at opening, between the check picture's embedding here and where the tower was exported."""

_BATCH = 16
_CHECK_PICTURE = "check_picture"  # base64 of a PNG, in the model's metadata
_CHECK_VECTOR = "check_vector"  # base64 of its embedding, float32 little-endian


@dataclass(frozen=True, slots=True)
class OnnxImageEncoder:
    """An open ONNX session and the spec of what it holds. Safe to share between threads.

    A vector never depends on the pictures it was batched with, so that resumed and incremental work is identical.
    """

    spec: EncoderSpec
    session: onnxruntime.InferenceSession
    precision: str

    @classmethod
    def open(cls, path: Path, spec: EncoderSpec, threads: int | None = None) -> "OnnxImageEncoder":
        """Open the tower at `path` on the CPU, with `threads` (default: one a core), and check it on a stored picture.

        Raises EncoderError when the file is missing or damaged, is not the tower that `spec` describes, or gives other
        embeddings on this processor than where it was exported.
        """
        encoder = cls.unchecked(path, spec, threads)
        encoder._check(path)
        return encoder

    @classmethod
    def unchecked(cls, path: Path, spec: EncoderSpec, threads: int | None = None) -> "OnnxImageEncoder":
        """Open the tower at `path` without running it, for the export that has yet to write its check picture."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Threads that wait busily for the next operator keep a core from the rest of the answer.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads is not None:
            options.intra_op_num_threads = threads
        if not path.is_file():
            raise EncoderError(f"{path}: the image encoder is missing; build the bundle again")
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except _ORT_ERRORS as error:
            raise EncoderError(
                f"{path}: is not a readable ONNX model ({one_line(error)}); build the bundle again"
            ) from error
        taken = session.get_inputs()[0].shape[1:]
        # A tower that reads scenes in windows takes two sizes, so its graph leaves them open.
        found: list[Any] = [taken[:1] if spec.scene_size else taken, session.get_outputs()[0].shape[-1]]
        expected = [[3] if spec.scene_size else [3, spec.input_size, spec.input_size], spec.dimension]
        if found != expected:
            raise EncoderError(
                f"{path}: takes and gives {found}, but encoder '{spec.id}' has {expected}; build the bundle again"
            )
        if spec.scene_size and not {NAMED, *MAPS} <= {output.name for output in session.get_outputs()}:
            raise EncoderError(f"{path}: lacks outputs, it is from an older release; build the bundle again")
        stated = session.get_modelmeta().custom_metadata_map
        if (stated.get("encoder"), stated.get("revision")) != (spec.id, spec.revision):
            raise EncoderError(
                f"{path}: holds encoder '{stated.get('encoder')}' (revision '{stated.get('revision')}'), not "
                f"'{spec.id}' (revision '{spec.revision}'); build the bundle again"
            )
        return cls(spec, session, stated.get("precision", "fp32"))

    @staticmethod
    def holds(path: Path, spec: EncoderSpec) -> bool:
        """Say whether the file at `path` is the fp32 tower of this very encoder, with its check picture."""
        try:
            encoder = OnnxImageEncoder.open(path, spec, threads=1)
        except EncoderError:
            return False
        return encoder.precision == "fp32" and _CHECK_VECTOR in encoder.session.get_modelmeta().custom_metadata_map

    def _check(self, path: Path) -> None:
        stated = self.session.get_modelmeta().custom_metadata_map
        if _CHECK_VECTOR not in stated:
            if self.precision == "fp32":
                return  # exported before check pictures; fp32 does not depend on the processor
            raise EncoderError(f"{path}: int8 weights without a check picture, from an older release; {_REBUILD}")
        try:
            picture = Image.open(io.BytesIO(base64.b64decode(stated[_CHECK_PICTURE])))
            expected = np.frombuffer(base64.b64decode(stated[_CHECK_VECTOR]), "<f4")
            cosine = float(self.embed([picture])[0] @ expected)
        except (KeyError, ValueError, OSError) as error:
            raise EncoderError(f"{path}: the check picture cannot be read ({error}); {_REBUILD}") from error
        bound = CHECK_COSINE[self.precision]
        if not cosine >= bound:
            raise EncoderError(
                f"{path}: the {self.precision} encoder gives other embeddings on this processor than where it was "
                f"exported (cosine {cosine:.4f}, at least {bound} is needed); build the bundle again on this kind of "
                "processor, or without int8"
            )

    @property
    def concurrency(self) -> int:
        """One batch at a time: ONNX Runtime spreads it over the cores itself."""
        return 1

    def prepare(self, image: Image.Image) -> NDArray[np.float32]:
        """Return one picture as `embed_arrays` takes a stack of: float32 [3, h, w]."""
        return preprocess(image, self.spec)

    def embed(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the unit vectors of `images`, float32 [n, d]."""
        parts = [
            self.embed_arrays(np.stack([preprocess(image, self.spec) for image in images[start : start + _BATCH]]))
            for start in range(0, len(images), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.spec.dimension), np.float32)

    def embed_arrays(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the unit vectors of a preprocessed batch [n, 3, h, w], float32 [n, d].

        Raises MemoryError when the batch does not fit, EncoderError when the tower gives a vector that is not finite.
        """
        if not len(batch):
            return np.empty((0, self.spec.dimension), np.float32)
        # Dynamic int8 takes one scale for a whole batch, so each picture goes alone; fp32 rows are independent.
        step = 1 if self.precision == "int8" else len(batch)
        try:
            parts = [self._run([OUTPUT], batch[at : at + step])[0] for at in range(0, len(batch), step)]
        except MemoryError as error:
            raise MemoryError(f"a batch of {len(batch)} does not fit") from error
        return unit(np.concatenate(parts), self.spec.id)

    def embed_windows(self, image: Image.Image) -> tuple[NDArray[np.float32], ...]:
        """Return the unit vector [d] of a scene, looks [w, look] of its windows, what they name [c], and the MAPS.

        In one pass, only for a spec with a `scene_size`. Raises EncoderError for a vector that is not finite.
        """
        pixels = preprocess(image, self.spec, self.spec.scene_size)[None]
        vectors, whole, halves, thirds, *others = self._run([OUTPUT, *WINDOWS, NAMED, *MAPS], pixels)
        windows = np.concatenate([part[0].reshape(-1, self.spec.look) for part in (whole, halves, thirds)])
        return unit(vectors, self.spec.id)[0], unit(windows, self.spec.id), *(part[0] for part in others)

    @property
    def reads_patches(self) -> bool:
        """Whether the tower gives the patches of a picture, so that `embed_patches` works."""
        return any(output.name == PATCHES for output in self.session.get_outputs())

    def embed_patches(self, image: Image.Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the unit vector [d] of a scene and unit vectors [rows, columns, d] of the patches of the whole scene.

        An encoder that crops its pictures runs twice: on the crop for the vector, on the squeezed scene for patches.
        Raises EncoderError for a vector that is not finite.
        """
        side = self.spec.input_size
        pictures = [image.resize((side, side), Image.Resampling.BICUBIC)]
        if self.spec.resize == "crop":
            pictures.insert(0, image)
        # One by one: dynamic int8 takes one scale for a whole batch.
        found = [self._run([OUTPUT, PATCHES], preprocess(picture, self.spec)[None]) for picture in pictures]
        return unit(found[0][0], self.spec.id)[0], found[-1][1][0]

    def _run(self, outputs: list[str], batch: NDArray[np.generic]) -> list[NDArray[np.float32]]:
        try:
            return [np.asarray(found, dtype=np.float32) for found in self.session.run(outputs, {INPUT: batch})]
        except _ORT_ERRORS as error:
            if "allocate" in str(error) or "bad_alloc" in str(error):
                raise MemoryError("a picture does not fit") from error
            raise EncoderError(f"encoder '{self.spec.id}': ONNX Runtime failed ({one_line(error)})") from error


def check_metadata(encoder: OnnxImageEncoder, picture: Image.Image) -> Mapping[str, str]:
    """Return the metadata by which `OnnxImageEncoder.open` checks a tower: a small picture and its embedding here."""
    data = io.BytesIO()
    small = picture.convert("RGB")
    small.thumbnail((96, 96))
    small.save(data, "PNG")
    vector = encoder.embed([small])[0].astype("<f4")
    return {
        _CHECK_PICTURE: base64.b64encode(data.getvalue()).decode(),
        _CHECK_VECTOR: base64.b64encode(vector.tobytes()).decode(),
    }


def unit(vectors: NDArray[np.float32], encoder_id: str) -> NDArray[np.float32]:
    """Return `vectors` scaled to length 1. Raises EncoderError for a vector that is zero or not finite."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise EncoderError(f"encoder '{encoder_id}': gave a vector that is zero or not finite; its weights are damaged")
    return vectors / lengths


_REBUILD = "build the bundle again"


# ONNX Runtime's exceptions have no common base but Exception, so each is named.
_ORT_ERRORS = tuple(
    kind for kind in vars(onnxruntime_state).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
