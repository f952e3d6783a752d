"""Vectors of the vocabulary's prompts: what a photograph is compared with to name its room and style."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scene_pipeline.encoders.loading import load_open_clip, load_tokenizer
from scene_pipeline.encoders.onnx_tower import unit
from scene_pipeline.encoders.spec import COMPACT_TEMPERATURE, EncoderSpec
from scene_pipeline.encoders.text import MINILM, TextEncoder
from scene_pipeline.errors import EncoderError
from scene_pipeline.files import atomic_path
from scene_pipeline.vocabulary import Vocabulary

_UNKNOWN = "unknown"
_SAVED_IDS = ("room_ids", "style_ids", "category_ids")


@dataclass(frozen=True, slots=True)
class PromptVectors:
    """Unit vectors of prompts: each row is the normalized mean of its prompts' unit vectors.

    `room`, `style` and `category` lie in the image encoder's space (d), the `_text` ones in the text encoder's (t).
    Dividing cosines with an image vector by `temperature` gives the logits of a softmax.
    """

    encoder_id: str
    text_encoder_id: str
    room_ids: tuple[str, ...]  # R vocabulary ids, then "unknown"
    style_ids: tuple[str, ...]  # S
    category_ids: tuple[str, ...]  # C
    room: NDArray[np.float32]  # [R + 1, d], the last row is the null class
    style: NDArray[np.float32]  # [S, d]
    category: NDArray[np.float32]  # [C, d]
    room_text: NDArray[np.float32]  # [R, t]
    style_text: NDArray[np.float32]  # [S, t]
    category_text: NDArray[np.float32]  # [C, t]
    room_style_text: NDArray[np.float32]  # [R, S, t]: "a {style} {room}"
    temperature: float

    def save(self, path: Path) -> None:
        """Write all of it as one .npz, atomically; equal vectors give equal bytes."""
        arrays: dict[str, Any] = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays)

    @classmethod
    def load(cls, path: Path) -> "PromptVectors":
        """Read what `save` wrote. Raises EncoderError when the file is missing or something else."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                values: dict[str, Any] = {field.name: arrays[field.name] for field in fields(cls)}
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise EncoderError(f"{path}: holds no prompt vectors ({error}); build the bundle again") from error
        for name in _SAVED_IDS:
            values[name] = tuple(str(id) for id in values[name])
        for name in ("encoder_id", "text_encoder_id"):
            values[name] = str(values[name])
        values["temperature"] = float(values["temperature"])
        return cls(**values)


def build_prompts(spec: EncoderSpec, text_encoder: TextEncoder, vocabulary: Vocabulary) -> PromptVectors:
    """Return the prompt vectors of `vocabulary` for image encoder `spec` and `text_encoder`.

    The compact encoder's space is MiniLM's own, so its prompts need `text_encoder` to be MiniLM (EncoderError
    otherwise); open_clip models use their own text tower, whose weights must be on this machine.
    """
    if spec.family == "compact":
        if text_encoder.id != MINILM:
            raise EncoderError(
                f"encoder 'compact' was trained on {MINILM}, not on '{text_encoder.id}'; choose {MINILM} for texts"
            )
        embed, temperature = text_encoder.embed, spec.temperature or COMPACT_TEMPERATURE
    else:
        embed, temperature = open_clip_text(spec)
    rooms = [room.prompts for room in vocabulary.rooms]
    styles = [style.prompts for style in vocabulary.styles]
    categories = [(f"a photo of {category.description}", category.description) for category in vocabulary.categories]
    pairs = [(f"a {style.name} {room.name}",) for room in vocabulary.rooms for style in vocabulary.styles]
    return PromptVectors(
        encoder_id=spec.id,
        text_encoder_id=text_encoder.id,
        room_ids=(*(room.id for room in vocabulary.rooms), _UNKNOWN),
        style_ids=tuple(style.id for style in vocabulary.styles),
        category_ids=tuple(category.id for category in vocabulary.categories),
        room=mean_prompts(embed, [*rooms, vocabulary.unknown.prompts]),
        style=mean_prompts(embed, styles),
        category=mean_prompts(embed, categories),
        room_text=mean_prompts(text_encoder.embed, rooms),
        style_text=mean_prompts(text_encoder.embed, styles),
        category_text=mean_prompts(text_encoder.embed, categories),
        room_style_text=mean_prompts(text_encoder.embed, pairs).reshape(len(rooms), len(styles), -1),
        temperature=temperature,
    )


def mean_prompts(
    embed: Callable[[Sequence[str]], NDArray[np.float32]], groups: Sequence[Sequence[str]]
) -> NDArray[np.float32]:
    """Return one unit vector per group, [len(groups), d]: the mean of its prompts' unit vectors, normalized again."""
    vectors = embed([prompt for group in groups for prompt in group])
    ends = np.cumsum([len(group) for group in groups])
    means = [part.mean(axis=0) for part in np.split(vectors, ends[:-1])]
    return unit(np.stack(means).astype(np.float32), "prompts")


def open_clip_text(spec: EncoderSpec) -> tuple[Callable[[Sequence[str]], NDArray[np.float32]], float]:
    """Return a function from texts to unit vectors in the image space of `spec`, and the model's own temperature."""
    import torch

    tokenizer = load_tokenizer(spec)
    model = load_open_clip(spec)

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        with torch.inference_mode():
            parts = [
                model.encode_text(tokenizer(list(texts[at : at + 32])), normalize=True).float().numpy()
                for at in range(0, len(texts), 32)
            ]
        return unit(np.concatenate(parts), spec.id)

    return embed, spec.temperature or float(1 / model.logit_scale.exp())
