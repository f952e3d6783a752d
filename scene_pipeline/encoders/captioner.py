"""Caption photographs with a BLIP-like model that lies in a folder on this machine. Needs torch and transformers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scene_pipeline.encoders.loading import offline
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.encoders.windows import CROPS
from scene_pipeline.errors import EncoderError, one_line

MAX_TOKENS = 30
"""A caption's length; a sentence takes about fifteen."""

_CAPTIONED = CROPS[:1] + tuple(box for box in CROPS[1:] if set(box) <= {0.0, 0.5, 1.0})
"""The whole picture and its four quarters: a caption of the whole names few of the things in a room."""


@dataclass(frozen=True, slots=True)
class Captioner:
    """An open captioner and the encoder of its sentences."""

    spec: EncoderSpec
    text: TextEncoder
    model: Any
    processor: Any

    @classmethod
    def open(cls, spec: EncoderSpec, text: TextEncoder) -> "Captioner":
        """Open the captioner of a `captions//folder` spec. Never asks the network, and reads safetensors only.

        Raises EncoderError when the folder's files are missing or do not fit each other.
        """
        from safetensors import SafetensorError
        from transformers import AutoModelForImageTextToText, AutoProcessor

        folder = Path(spec.weights)
        try:
            with offline():
                processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
                model = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            line = one_line(error)
            raise EncoderError(f"{folder}: cannot be loaded as a captioner ({line}); fetch the model again") from error
        return cls(spec, text, model.eval(), processor)

    def captions(self, images: Sequence[Image.Image]) -> list[str]:
        """Return a sentence for each picture; the same picture gives the same one. Raises EncoderError."""
        import torch

        pixels = self.processor(images=list(images), return_tensors="pt")
        try:
            with torch.inference_mode():
                tokens = self.model.generate(**pixels, max_new_tokens=MAX_TOKENS, do_sample=False, num_beams=1)
        except RuntimeError as error:
            raise EncoderError(f"captioner '{self.spec.id}': failed ({one_line(error)})") from error
        return [text.strip() for text in self.processor.batch_decode(tokens, skip_special_tokens=True)]

    def describe(self, image: Image.Image) -> NDArray[np.float32]:
        """Return the unit vectors [5, t] of the captions of a scene and of its quarters."""
        width, height = image.size
        crops = [
            image.crop((int(x0 * width), int(y0 * height), round(x1 * width), round(y1 * height)))
            for x0, y0, x1, y1 in _CAPTIONED
        ]
        return self.text.embed(self.captions(crops))
