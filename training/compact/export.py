"""Write a trained tower as the package ships it (half-precision safetensors, a JSON of facts), and read it back."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file, save

from scene_pipeline.files import write_bytes, write_text
from training.compact.augment import MEAN, STD
from training.compact.texts import DIMENSION

NAME = "compact-v1"


@dataclass(frozen=True)
class Facts:
    """What a loader must know: timm architecture, side of the square input in pixels, divisor of cosines."""

    architecture: str
    input_size: int
    temperature: float


def export(weights: dict[str, torch.Tensor], facts: Facts, folder: Path) -> Path:
    """Write `compact-v1.safetensors` (float16) and `compact-v1.json` into `folder`; return the weights file.

    Counters of batch normalisation (integers) stay as they are.
    """
    half = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in weights.items()}
    data = save(half)
    write_bytes(folder / f"{NAME}.safetensors", data)
    record = {
        "id": "compact",
        "version": "v1",
        "architecture": facts.architecture,
        "dimension": DIMENSION,
        "input_size": facts.input_size,
        "mean": list(MEAN),
        "std": list(STD),
        "resize": "squash",
        "interpolation": "bicubic",
        "temperature": facts.temperature,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    write_text(folder / f"{NAME}.json", json.dumps(record, indent=1) + "\n")
    return folder / f"{NAME}.safetensors"


def load(folder: Path) -> tuple[torch.nn.Module, int]:
    """Return the exported tower of `folder` in float32, ready to embed, and its input size in pixels."""
    facts = json.loads((folder / f"{NAME}.json").read_text())
    tower = timm.create_model(facts["architecture"], num_classes=facts["dimension"])
    weights = load_file(folder / f"{NAME}.safetensors")
    tower.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
    return tower.eval().to(memory_format=torch.channels_last), facts["input_size"]
