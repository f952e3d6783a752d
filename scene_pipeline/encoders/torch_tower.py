"""Run an image tower in torch: what embeds on CUDA. Pictures travel as bytes in pinned memory, products in float16."""

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scene_pipeline.encoders.embed import ImageEncoder
from scene_pipeline.encoders.export import export_onnx
from scene_pipeline.encoders.loading import load_image_tower
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder, unit
from scene_pipeline.encoders.preprocess import resize
from scene_pipeline.encoders.spec import EncoderSpec

if TYPE_CHECKING:
    import torch


class TorchImageEncoder:
    """An image tower on a torch device. Thread-safe: every thread copies and computes on a stream of its own."""

    def __init__(self, spec: EncoderSpec, tower: "torch.nn.Module", device: "torch.device") -> None:
        import torch

        self.spec = spec
        self.device = device
        self.concurrency = 2 if device.type == "cuda" else 1  # one batch is copied while the other is computed
        self._tower = tower.to(device)
        std = torch.tensor(spec.std, device=device).view(1, 3, 1, 1)
        self._scale = 1 / (255 * std)
        self._shift = torch.tensor(spec.mean, device=device).view(1, 3, 1, 1) / std
        self._local = threading.local()

    @classmethod
    def open(cls, spec: EncoderSpec, device: str = "cuda", folder: Path | None = None) -> "TorchImageEncoder":
        """Load the tower of `spec` (compact weights from `folder`) onto `device`. Raises EncoderError as the loader."""
        import torch

        return cls(spec, load_image_tower(spec, folder), torch.device(device))

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return `image` resized, uint8 [h, w, 3]; it is normalized on the device, so a quarter of the bytes travel."""
        return np.asarray(resize(image, self.spec))

    def embed(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the unit vectors of `images`, float32 [n, d]."""
        if not images:
            return np.empty((0, self.spec.dimension), np.float32)
        return self.embed_arrays(np.stack([self.prepare(image) for image in images]))

    def embed_arrays(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the unit vectors [n, d] of a stack of `prepare`d pictures. Raises MemoryError when it does not fit."""
        import torch

        try:
            with torch.inference_mode(), self._stream(), self._precision():
                pixels = torch.from_numpy(batch)
                if self.device.type == "cuda":
                    pixels = pixels.pin_memory().to(self.device, non_blocking=True)
                pixels = pixels.permute(0, 3, 1, 2).float() * self._scale - self._shift
                vectors = self._tower(pixels).float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise MemoryError(f"a batch of {len(batch)} does not fit on {self.device}") from error
        return unit(vectors, self.spec.id)

    def _stream(self) -> "torch.cuda.StreamContext | nullcontext[None]":
        import torch

        if self.device.type != "cuda":
            return nullcontext()
        if not hasattr(self._local, "stream"):
            self._local.stream = torch.cuda.Stream(self.device)
            # The weights were copied on the default stream.
            self._local.stream.wait_stream(torch.cuda.default_stream(self.device))
        return torch.cuda.stream(self._local.stream)

    def _precision(self) -> "torch.autocast | nullcontext[None]":
        import torch

        # bfloat16 autocast is several times slower on CPUs without AMX, so only CUDA gets one.
        return torch.autocast("cuda", dtype=torch.float16) if self.device.type == "cuda" else nullcontext()


def open_encoder(
    spec: EncoderSpec, onnx: Path, samples: Sequence[Image.Image], folder: Path | None = None
) -> ImageEncoder:
    """Return the encoder that embeds fastest here: torch on CUDA where there is one, else ONNX Runtime on the CPU.

    On the CPU the fp32 tower at `onnx` is used when it holds this very encoder, and exported there, checked on
    `samples`, when it does not. Raises EncoderError when weights are missing or the export is off.
    """
    import torch

    if torch.cuda.is_available():
        return TorchImageEncoder.open(spec, folder=folder)
    if not (onnx.is_file() and OnnxImageEncoder.holds(onnx, spec)):
        export_onnx(spec, onnx, samples, folder=folder)
    return OnnxImageEncoder.open(onnx, spec)
