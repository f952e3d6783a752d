"""Measure how long an image tower takes on a picture: `python -m benchmarks.encoder_speed [--json] [--write]`.

Towers have the true shape and random weights, which are as fast as trained ones. Seconds are of one processor core, so
that other work on the machine hardly shows. `--write` keeps them for `scene-pipeline encoders`.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.claims import Claim, at_most, report
from scene_pipeline.encoders import spec as registry
from scene_pipeline.encoders.spec import SPECS, EncoderSpec
from scene_pipeline.files import write_bytes

REPEATS = 3
SPEED = Path(registry.__file__).with_name("speed.json")
SLOWEST_S = 30.0
"""Seconds on a picture beyond which an encoder is of no use without a GPU."""


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
    model, picture = tower(spec), torch.rand(1, 3, spec.input_size, spec.input_size)
    took = []
    with torch.inference_mode():
        for _ in range(REPEATS + 1):
            started = time.process_time()
            model(picture)
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
    return report(claims, arguments)


if __name__ == "__main__":
    sys.exit(main())
