"""Train the heads: `python -m training.room --renders DIR --held-out DIR --photographs DIR --teacher ONNX --out X`."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from scene_pipeline.encoders.compact import load_backbone
from scene_pipeline.scenes.room_heads import (
    ARCHITECTURE,
    BANDS,
    DIRECTIONS,
    HEIGHT_MIDDLE,
    SIZE_MIDDLE,
    SOURCES,
    SPAN_MIDDLE,
    TYPES,
    WARMTHS,
    RoomHeads,
)  # fmt: skip
from training.room.augment import WHOLE, crop, cropped_objects, draw_window, in_other_light, sampled
from training.room.features import backbone_maps, photographs, renders, teacher_boxes
from training.room.fit import fitted, large
from training.room.learn import (
    DROPPED,
    KNOWN_TO_TEACHER,
    NOISE,
    Heads,
    cell_parts,
    dense_targets,
    object_loss,
    object_targets,
    room_loss,
    whole_parts,
)  # fmt: skip

GRID = 2 * 24
"""Cells a side at which the layers of renders are learned."""

BATCH, RATE = 16, 1.5e-3
PHOTOGRAPHS_SHARE = 0.3
"""Share of the batches that are of photographs."""

PANELLED = ("panelled", "slats", "boards")

Maps = list[np.ndarray]


def room_truth(labels: dict[str, Any], window: tuple[float, float, float, float]) -> dict[str, Any]:
    """Return what is true of a window of a rendered room."""
    objects = cropped_objects(labels["objects"], window)
    light = labels["light"]
    walls = {"beams": labels["beams"], "panelling": labels["wall"] in PANELLED, "brick wall": labels["wall"] == "brick"}
    seen = {item["type"] for item in objects if large(item)}
    return {
        "objects": objects,
        "layers": sampled(labels["layers"], window, GRID),
        "span": sampled(labels["span"], window, GRID) + np.log(window[2]) - SPAN_MIDDLE,
        "source": SOURCES.index(light["source"]),
        "warmth": WARMTHS.index(light["warmth"]),
        "light_from": DIRECTIONS.index(light["from"]),
        "size": float(np.log(labels["size_m2"]) - SIZE_MIDDLE),
        "camera": labels["camera"]["origin"][2] - HEIGHT_MIDDLE,
        "present": [float(name in seen) for name in TYPES],
        "architecture": [float(walls[name]) for name in ARCHITECTURE],
        "uncropped": window == WHOLE,
    }


def room_views(folder: Path, views: int, rng: random.Random) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield each rendered room as it is, then in other views, with what is true of it."""
    for picture, labels in renders(folder):
        yield picture, room_truth(labels, WHOLE)
        for _ in range(views - 1):
            window = draw_window(rng)
            yield in_other_light(crop(picture, window), rng), room_truth(labels, window)


def photograph_views(
    folder: Path, count: int, teacher: Path, rng: random.Random
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield photographs, each as it is and in another view, with the things that the teacher finds."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(teacher))
    for picture in photographs(folder, count):
        found = [{"type": name, "box": box} for name, box, _ in teacher_boxes(session, picture)]
        yield picture, {"objects": found}
        window = draw_window(rng)
        yield in_other_light(crop(picture, window), rng), {"objects": cropped_objects(found, window)}


def collect(backbone: Any, views: Iterator[tuple[Any, dict[str, Any]]]) -> tuple[Maps, list[dict[str, Any]]]:
    """Return the maps of all views and their truth."""
    maps: list[list[np.ndarray]] = []
    truth = []
    for picture, facts in views:
        maps.append([part[0] for part in backbone_maps(backbone, [picture])])
        truth.append(facts)
    return [np.stack(part) for part in zip(*maps, strict=True)], truth


def tensors(truth: list[dict[str, Any]]) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    """Return the targets of things and, for rooms, those of the rest by part."""
    things = zip(*(object_targets(facts["objects"]) for facts in truth), strict=True)
    objects = [torch.from_numpy(np.stack(part)).half() for part in things]
    if "layers" not in truth[0]:
        return objects, {}
    dense = dense_targets(np.stack([facts["layers"] for facts in truth]))
    rest = {
        name: torch.from_numpy(part.astype(np.uint8))
        for name, part in zip(("shell", "materials", "patterns"), dense, strict=True)
    }
    rest["span"] = torch.from_numpy(np.stack([facts["span"] for facts in truth]).astype(np.float32))
    for name in ("source", "warmth", "light_from", "size", "camera", "present", "architecture", "uncropped"):
        rest[name] = torch.tensor([facts[name] for facts in truth])
    return objects, rest


def mirrored(
    inputs: list[torch.Tensor], own: list[torch.Tensor], rest: dict[str, torch.Tensor]
) -> tuple[list[torch.Tensor], list[torch.Tensor], dict[str, torch.Tensor]]:
    """Return a batch as a mirror shows it."""
    kinds, edges, middle = own
    own = [kinds.flip(3), edges.flip(3)[:, [2, 1, 0, 3]], middle.flip(2)]
    if rest:
        flipped = {name: rest[name].flip(2) for name in ("shell", "materials", "patterns", "span")}
        rest = {**rest, **flipped, "light_from": len(DIRECTIONS) - 1 - rest["light_from"]}
    return [part.flip(3) for part in inputs], own, rest


def train(
    sets: list[tuple[Maps, list[torch.Tensor], dict[str, torch.Tensor]]], minutes: float
) -> tuple[Heads, list[np.ndarray], list[np.ndarray]]:
    """Return heads trained for some minutes on rooms and photographs, and mean and deviation of the maps' channels."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    means = [part[::7].astype(np.float32).mean((0, 2, 3)) for part in sets[0][0]]
    scales = [part[::7].astype(np.float32).std((0, 2, 3)) + 1e-3 for part in sets[0][0]]
    net = Heads()
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.02)
    started, step = time.monotonic(), 0
    while (passed := (time.monotonic() - started) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * passed)) + 0.01)
        maps, objects, truth = sets[int(rng.random() < PHOTOGRAPHS_SHARE)]
        batch = np.sort(rng.choice(len(maps[0]), BATCH, replace=False))
        inputs = [
            (torch.from_numpy(part[batch].astype(np.float32)) - torch.tensor(mean)[:, None, None])
            / torch.tensor(scale)[:, None, None]
            for part, mean, scale in zip(maps, means, scales, strict=True)
        ]
        own, rest = [part[batch].float() for part in objects], {name: part[batch] for name, part in truth.items()}
        if rng.random() < 0.5:
            inputs, own, rest = mirrored(inputs, own, rest)
        inputs = [functional.dropout2d(part, DROPPED) + NOISE * torch.randn_like(part) for part in inputs]
        out, whole = net(*inputs)
        known = torch.ones(len(TYPES)) if rest else KNOWN_TO_TEACHER
        loss = object_loss(cell_parts(out), tuple(own), known)
        if rest:
            loss = loss + room_loss(cell_parts(out), whole_parts(whole), rest)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        step += 1
    return net.eval(), means, scales


def weights_of(net: Heads, means: list[np.ndarray], scales: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights of heads that take the maps as they are."""
    with torch.no_grad():
        for conv, mean, scale in zip((net.mid, net.deep), means, scales, strict=True):
            weight = conv.weight / torch.tensor(scale)[None, :, None, None]
            conv.bias -= weight[:, :, 0, 0] @ torch.tensor(mean)  # type: ignore[operator]
            conv.weight.copy_(weight)
        mean, scale = (torch.tensor(part[1]).repeat_interleave(BANDS) for part in (means, scales))
        deep = net.glob.weight[:, -len(scale) :] / scale
        net.glob.bias.sub_(deep @ mean)
        net.glob.weight[:, -len(scale) :] = deep
    return {name: value.numpy().astype(np.float32) for name, value in net.state_dict().items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the heads that read a room.")
    parser.add_argument("--renders", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True, help="renders on which certainties are fitted")
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1800, help="photographs")
    parser.add_argument("--views", type=int, default=8, help="views of each rendered room")
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    backbone, rng = load_backbone(), random.Random(1)
    rooms, truth = collect(backbone, room_views(arguments.renders, arguments.views, rng))
    photos, taught = collect(backbone, photograph_views(arguments.photographs, arguments.count, arguments.teacher, rng))
    weights = weights_of(*train([(rooms, *tensors(truth)), (photos, *tensors(taught))], arguments.minutes))
    held_out, known = collect(backbone, room_views(arguments.held_out, 1, rng))
    weights |= fitted(RoomHeads(weights), held_out, known)
    halves: dict[str, Any] = {name: value.astype(np.float16) for name, value in weights.items()}
    np.savez(arguments.out, **halves)


if __name__ == "__main__":
    main()
