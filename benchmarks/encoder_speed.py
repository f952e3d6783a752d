"""Measure how long an image tower takes on a picture: `python -m benchmarks.encoder_speed [--json] [--write]`.

Towers have the true shape and random weights, which are as fast as trained ones. Seconds are of one processor core, so
that other work on the machine hardly shows. `--write` keeps them for `scene-pipeline encoders`. Of encoders that read
windows from patches it also says what a scene costs, beside ten crops of the same model.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.claims import Claim, at_most, report
from scene_pipeline.encoders import spec as registry
from scene_pipeline.encoders.patches import with_patches
from scene_pipeline.encoders.spec import SPECS, EncoderSpec
from scene_pipeline.encoders.windows import CROPS
from scene_pipeline.files import write_bytes

REPEATS = 3
SPEED = Path(registry.__file__).with_name("speed.json")
SLOWEST_S = 30.0
"""Seconds on a picture beyond which an encoder is of no use without a GPU."""
SCENE_SHARE = 0.3
"""What a scene may cost by its patches, in times of ten crops."""


def tower(spec: EncoderSpec) -> Any:
    """Return the image tower of a spec with random weights."""
    import open_clip
    import timm

    if spec.family == "open_clip":
        model: Any = open_clip.create_model(spec.model)
        return model.visual.eval()
    return timm.create_model(spec.model, pretrained=False, num_classes=0).eval()


def seconds(spec: EncoderSpec) -> float:
    """Return the processor seconds of one picture, the least of a few."""
    import torch

    torch.set_num_threads(1)
    return _least(tower(spec), spec, 1)


def scene_share(spec: EncoderSpec) -> float | None:
    """Return what a scene costs by its patches, in times of ten crops; None for a model without patches."""
    model = tower(spec)
    patches = with_patches(model) if spec.family == "open_clip" else None
    if patches is None:
        return None
    passes = 2 if spec.resize == "crop" else 1  # the crop for the vector, the squeezed scene for its patches
    return passes * _least(patches, spec, 1) / _least(model, spec, len(CROPS))


def _least(model: Any, spec: EncoderSpec, pictures: int) -> float:
    """Return the least processor seconds in which a model reads a batch of some pictures."""
    import torch

    batch = torch.rand(pictures, 3, spec.input_size, spec.input_size)
    took = []
    with torch.inference_mode():
        for _ in range(REPEATS + 1):
            started = time.process_time()
            model(batch)
            took.append(time.process_time() - started)
    return min(took[1:])


def main() -> int:
    """Measure every encoder of the registry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--write", action="store_true", help=f"write {SPEED.name}")
    arguments = parser.parse_args()
    found = {spec.id: seconds(spec) for spec in SPECS.values()}
    if arguments.write:
        rounded = {id: round(1000 * value, 1) for id, value in found.items()}
        write_bytes(SPEED, msgspec.json.format(msgspec.json.encode(rounded), indent=1) + b"\n")
    claims: list[Claim] = [
        at_most(f"a picture by {id}", value, SLOWEST_S, unit="s of one core", against="random weights", n=REPEATS)
        for id, value in found.items()
    ]
    claims += [
        at_most(
            f"a scene by {id}: patches over ten crops",
            share,
            SCENE_SHARE,
            unit="times",
            against="random weights",
            n=REPEATS,
        )
        for id, share in ((spec.id, scene_share(spec)) for spec in SPECS.values())
        if share is not None
    ]
    return report(claims, arguments)


if __name__ == "__main__":
    sys.exit(main())
