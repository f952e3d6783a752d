"""`python -m training.room --renders DIR --photographs DIR --teacher yolox_nano.onnx --out room-v1.npz`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scene_pipeline.encoders.compact import load_backbone
from scene_pipeline.scenes.room_heads import DIRECTIONS, SOURCES, WARMTHS
from training.room.features import backbone_maps, photographs, renders, teacher_boxes
from training.room.learn import (
    HEIGHT_MIDDLE,
    KNOWN_TO_TEACHER,
    SIZE_MIDDLE,
    Heads,
    dense_targets,
    object_loss,
    object_targets,
    room_loss,
)

GRID = 2 * 24
"""Cells a side at which the layers of renders are learned."""

BATCH = 16


def collect(arguments: argparse.Namespace) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Return the maps of all pictures, renders first, and their truth."""
    import onnxruntime

    backbone = load_backbone()
    maps: list[list[np.ndarray]] = []
    truth: dict[str, Any] = {"objects": [], "layers": [], "named": [], "numbers": []}
    for image, labels in renders(arguments.renders):
        maps.append([part[0] for part in backbone_maps(backbone, [image])])
        layers, light = labels["layers"], labels["light"]
        rows, columns = (((np.arange(GRID) + 0.5) * side / GRID).astype(int) for side in layers.shape[:2])
        truth["layers"].append(layers[rows][:, columns])
        named = SOURCES.index(light["source"]), WARMTHS.index(light["warmth"]), DIRECTIONS.index(light["from"])
        truth["named"].append(named)
        height = labels["camera"]["origin"][2] - HEIGHT_MIDDLE
        truth["numbers"].append((np.log(labels["size_m2"]) - SIZE_MIDDLE, height))
        truth["objects"].append(labels["objects"])
    teacher = onnxruntime.InferenceSession(str(arguments.teacher))
    for image in photographs(arguments.photographs, arguments.count):
        maps.append([part[0] for part in backbone_maps(backbone, [image])])
        found = teacher_boxes(teacher, image)
        truth["objects"].append([{"type": name, "box": box} for name, box, _ in found])
    return [np.stack(part) for part in zip(*maps, strict=True)], truth


def train(maps: list[np.ndarray], truth: dict[str, Any], minutes: float) -> Heads:
    """Return heads trained for some minutes, with the normalization of the maps folded into their weights."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    rooms = len(truth["layers"])
    objects = [torch.from_numpy(np.stack(part)) for part in zip(*map(object_targets, truth["objects"]), strict=True)]
    dense = tuple(torch.from_numpy(part) for part in dense_targets(np.stack(truth["layers"])))
    named, numbers = torch.tensor(truth["named"]), torch.tensor(truth["numbers"], dtype=torch.float32)
    means = [part[:rooms].astype(np.float32).mean((0, 2, 3)) for part in maps]
    scales = [part[:rooms].astype(np.float32).std((0, 2, 3)) + 1e-3 for part in maps]
    net = Heads()
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=2e-3)
    started, epoch = time.monotonic(), 0
    while (passed := (time.monotonic() - started) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (epoch + 1) / 2) * (0.5 * (1 + np.cos(np.pi * passed)) + 0.01)
        for batch in _batches(rng, rooms, len(maps[0])):
            rendered = bool(batch[0] < rooms)
            inputs = [
                (torch.from_numpy(part[batch].astype(np.float32)) - torch.tensor(mean)[:, None, None])
                / torch.tensor(scale)[:, None, None]
                for part, mean, scale in zip(maps, means, scales, strict=True)
            ]
            own = [part[batch] for part in objects]
            more = ([part[batch] for part in dense], named[batch], numbers[batch]) if rendered else None
            if rng.random() < 0.5:
                inputs, own, more = _mirrored(inputs, own, more)
            out, whole = net(*inputs)
            known = torch.ones(len(KNOWN_TO_TEACHER)) if rendered else KNOWN_TO_TEACHER
            loss = object_loss(out, tuple(own), known)
            if more is not None:
                loss = loss + room_loss(out, whole, tuple(more[0]), (more[1], more[2]))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
        epoch += 1
    _fold(net, means, scales)
    return net.eval()


def _batches(rng: np.random.Generator, rooms: int, count: int) -> list[np.ndarray]:
    """Return the batches of an epoch: renders and photographs apart, mixed in order."""
    parts = (rng.permutation(rooms), rooms + rng.permutation(count - rooms))
    batches = [np.sort(part[at : at + BATCH]) for part in parts for at in range(0, len(part), BATCH)]
    return [batches[at] for at in rng.permutation(len(batches))]


def _mirrored(inputs: list[torch.Tensor], own: list[torch.Tensor], more: Any) -> tuple[list, list, Any]:
    kinds, edges, middle = own
    own = [kinds.flip(3), edges.flip(3)[:, [2, 1, 0, 3]], middle.flip(2)]
    if more is not None:
        named = more[1].clone()
        named[:, 2] = len(DIRECTIONS) - 1 - named[:, 2]
        more = ([part.flip(2) for part in more[0]], named, more[2])
    return [part.flip(3) for part in inputs], own, more


def _fold(net: Heads, means: list[np.ndarray], scales: list[np.ndarray]) -> None:
    """Make the heads take the maps as they are."""
    with torch.no_grad():
        for conv, mean, scale in zip((net.mid, net.deep), means, scales, strict=True):
            weight = conv.weight / torch.tensor(scale)[None, :, None, None]
            conv.bias -= weight[:, :, 0, 0] @ torch.tensor(mean)  # type: ignore[operator]
            conv.weight.copy_(weight)
        deep = net.glob.weight[:, -len(scales[1]) :] / torch.tensor(scales[1])
        net.glob.bias.sub_(deep @ torch.tensor(means[1]))
        net.glob.weight[:, -len(scales[1]) :] = deep


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the heads that read a room.")
    parser.add_argument("--renders", type=Path, required=True)
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--count", type=int, default=480, help="photographs")
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--size-spread", type=float, default=0.4, help="log spread of the size on held-out rooms")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    net = train(*collect(arguments), arguments.minutes)
    weights = {name: value.numpy().astype(np.float16) for name, value in net.state_dict().items()}
    np.savez(arguments.out, **weights, size_spread=np.float32(arguments.size_spread))


if __name__ == "__main__":
    main()
