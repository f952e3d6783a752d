"""Train the heads: `python -m training.room --renders DIR --held-out DIR --photographs DIR --out X`.

Renders come from `python -m training.studio dataset`, held-out ones with `--held-out-shapes`. The photographs are those
of rooms/train256 that are labeled (`labels`).
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from scene_pipeline.encoders.compact import load_backbone
from scene_pipeline.scenes.analysis import PHOTOGRAPHS, RENDERS
from scene_pipeline.scenes.room_heads import (
    ARCHITECTURE,
    BANDS,
    DIRECTIONS,
    HEIGHT_MIDDLE,
    SIZE_MIDDLE,
    SOURCES,
    SPAN_MIDDLE,
    SURFACE_PARTS,
    TYPES,
    WARMTHS,
    RoomHeads,
)  # fmt: skip
from training.room.augment import WHOLE, crop, cropped_objects, draw_window, in_other_light, sampled
from training.room.features import backbone_maps, renders
from training.room.fit import HIT, LABELED_HIT, fitted, large
from training.room.labels import photograph_truth, photographs
from training.room.learn import (
    DROPPED,
    NOISE,
    READS_SURFACES,
    Heads,
    dense_targets,
    object_loss,
    object_targets,
    room_loss,
)  # fmt: skip
from training.room.whole import fit_whole

GRID = 2 * 24
"""Cells a side at which the layers of renders are learned."""

BATCH, RATE = 16, 1.5e-3
SHARES = (0.5, 0.5)
"""Shares of the batches that are of renders and of photographs."""

ON_CELLS = ("objects", "layers", "span")
"""Parts of the truth that are not of the whole picture."""

PANELLED = ("panelled", "slats", "boards")

Maps = list[np.ndarray]
Views = Iterator[tuple[Image.Image, dict[str, Any]]]
"""Pictures, each with what is true of it."""
Collected = tuple[Maps, list[dict[str, Any]]]
"""Maps and truth of pictures."""

Learned = tuple[Maps, list[torch.Tensor], dict[str, torch.Tensor]]
"""Maps, the targets of things, and the rest of the truth by part."""


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


def room_views(folder: Path, views: int, rng: random.Random) -> Views:
    """Yield each rendered room as it is, then in other views, with what is true of it."""
    for picture, labels in renders(folder):
        yield picture, room_truth(labels, WHOLE)
        for _ in range(views - 1):
            window = draw_window(rng)
            yield in_other_light(crop(picture, window), rng), room_truth(labels, window)


def labeled_views(folder: Path, views: int, rng: random.Random, *, held_out: bool) -> Views:
    """Yield each labeled photograph as it is, then in other views, with what is true of it."""
    for label, picture in photographs(folder, held_out=held_out):
        yield picture, photograph_truth(label, WHOLE)
        for _ in range(views - 1):
            window = draw_window(rng)
            yield in_other_light(crop(picture, window), rng), photograph_truth(label, window)


def collect(backbone: Any, views: Views) -> Collected:
    """Return the maps of all views and their truth."""
    maps: list[list[np.ndarray]] = []
    truth = []
    for picture, facts in views:
        maps.append([part[0] for part in backbone_maps(backbone, [picture])])
        truth.append(facts)
    return [np.stack(part) for part in zip(*maps, strict=True)], truth


def tensors(truth: list[dict[str, Any]]) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    """Return the targets of things, and those of the rest by part."""
    things = zip(*(object_targets(facts["objects"]) for facts in truth), strict=True)
    objects = [torch.from_numpy(np.stack(part)).half() for part in things]
    rest = {name: torch.tensor([facts[name] for facts in truth]) for name in truth[0] if name not in ON_CELLS}
    if "layers" in truth[0]:
        dense = dense_targets(np.stack([facts["layers"] for facts in truth]))
        for name, part in zip(("shell", "materials", "patterns"), dense, strict=True):
            rest[name] = torch.from_numpy(part.astype(np.uint8))
        rest["span"] = torch.from_numpy(np.stack([facts["span"] for facts in truth]).astype(np.float32))
    return objects, rest


def mirrored(
    inputs: list[torch.Tensor], own: list[torch.Tensor], rest: dict[str, torch.Tensor]
) -> tuple[list[torch.Tensor], list[torch.Tensor], dict[str, torch.Tensor]]:
    """Return a batch as a mirror shows it."""
    kinds, edges, middle = own
    own = [kinds.flip(3), edges.flip(3)[:, [2, 1, 0, 3]], middle.flip(2)]
    flipped = {name: rest[name].flip(2) for name in ("shell", "materials", "patterns", "span") if name in rest}
    rest = {**rest, **flipped, "light_from": len(DIRECTIONS) - 1 - rest["light_from"]}
    return [part.flip(3) for part in inputs], own, rest


def train(
    sets: list[Learned], steps: int, start: dict[str, np.ndarray] | None, *, only_surfaces: bool
) -> tuple[Heads, list[np.ndarray], list[np.ndarray]]:
    """Return heads trained for some steps on both sets, and mean and deviation of the maps' channels."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    means = [part[::7].astype(np.float32).mean((0, 2, 3)) for part in sets[0][0]]
    scales = [part[::7].astype(np.float32).std((0, 2, 3)) + 1e-3 for part in sets[0][0]]
    net = Heads()
    if start is not None:
        begin_with(net, start, means, scales)
    if only_surfaces:
        net.requires_grad_(False)
        for name in READS_SURFACES:
            getattr(net, name).requires_grad_(True)
    learned = [value for value in net.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(learned, RATE, weight_decay=0.02)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * step / steps)) + 0.01)
        maps, objects, truth = sets[rng.choice(len(sets), p=SHARES)]
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
        cells, whole = net(*inputs)
        loss = object_loss(cells, tuple(own)) + room_loss(cells, whole, rest)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learned, 5.0)
        optimizer.step()
        if step % 500 == 0:
            print(f"step {step}: loss {loss.item():.3f}", file=sys.stderr, flush=True)
    return net.eval(), means, scales


def begin_with(net: Heads, start: dict[str, np.ndarray], means: list[np.ndarray], scales: list[np.ndarray]) -> None:
    """Give heads the weights of others, which take the maps as they are; the inverse of `weights_of`.

    What the others lack stays as it is.
    """
    own = {name.removeprefix(f"{RENDERS}."): value for name, value in start.items()}
    state = {name: torch.from_numpy(own[name].copy()) for name in net.state_dict() if name in own}
    for name, mean, scale in zip(("fine", "mid", "deep"), means, scales, strict=True):
        if f"{name}.bias" in own:
            state[f"{name}.bias"] += state[f"{name}.weight"].sum((2, 3)) @ torch.tensor(mean)
            state[f"{name}.weight"] *= torch.tensor(scale)[None, :, None, None]
    mean, scale = (torch.tensor(part[-1]).repeat_interleave(BANDS) for part in (means, scales))
    deep = state["glob.weight"][:, -len(scale) :]
    state["glob.bias"] += deep @ mean
    deep *= scale
    net.load_state_dict(state, strict=False)


def weights_of(net: Heads, means: list[np.ndarray], scales: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights of heads that take the maps as they are."""
    with torch.no_grad():
        for conv, mean, scale in zip((net.fine, net.mid, net.deep), means, scales, strict=True):
            weight = conv.weight / torch.tensor(scale)[None, :, None, None]
            conv.bias -= weight.sum((2, 3)) @ torch.tensor(mean)  # type: ignore[operator]
            conv.weight.copy_(weight)
        mean, scale = (torch.tensor(part[-1]).repeat_interleave(BANDS) for part in (means, scales))
        deep = net.glob.weight[:, -len(scale) :] / scale
        net.glob.bias.sub_(deep @ mean)
        net.glob.weight[:, -len(scale) :] = deep
    return {name: value.numpy().astype(np.float32) for name, value in net.state_dict().items()}


def with_domains(
    weights: dict[str, np.ndarray], learned: dict[str, Collected], held_out: dict[str, Collected]
) -> dict[str, np.ndarray]:
    """Return the weights with what each domain has of its own: heads of the whole picture, thresholds, certainties."""
    heads, others = RoomHeads(weights), None
    for domain, hit in ((RENDERS, HIT), (PHOTOGRAPHS, LABELED_HIT)):
        whole = fit_whole(heads, *learned[domain], domain, others)
        others = np.concatenate([whole["glob.weight"], whole["glob.bias"][:, None]], axis=1)
        weights = weights | {f"{domain}.{name}": value for name, value in whole.items()}
        found = fitted(RoomHeads(weights), *held_out[domain], hit, domain)
        weights |= {f"{domain}.{name}": value for name, value in found.items()}
    return {name: value for name, value in weights.items() if not name.startswith("glob.")}


def with_surfaces(
    start: dict[str, np.ndarray], weights: dict[str, np.ndarray], held_out: dict[str, Collected]
) -> dict[str, np.ndarray]:
    """Return weights that start with others and read materials and patterns anew."""
    weights = start | {name: value for name, value in weights.items() if name.split(".")[0] in READS_SURFACES}
    for domain, hit in ((RENDERS, HIT), (PHOTOGRAPHS, LABELED_HIT)):
        found = fitted(RoomHeads(weights), *held_out[domain], hit, domain)
        weights = weights | {f"{domain}.{name}.bias": found[f"{name}.bias"] for name in SURFACE_PARTS}
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the heads that read a room.")
    parser.add_argument("--renders", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True, help="renders on which certainties are fitted")
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--views", type=int, default=8, help="views of each rendered room and labeled photograph")
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--start", type=Path, help="weights to begin with; those that ship, for one more training")
    parser.add_argument(
        "--only-surfaces", action="store_true", help="train what reads materials and patterns; needs --start"
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.only_surfaces and not arguments.start:
        parser.error("--only-surfaces: needs --start, the weights that read everything else")
    backbone, rng = load_backbone(), random.Random(1)
    sets = [
        collect(backbone, room_views(arguments.renders, arguments.views, rng)),
        collect(backbone, labeled_views(arguments.photographs, arguments.views, rng, held_out=False)),
    ]
    learned = [(maps, *tensors(truth)) for maps, truth in sets]
    start = RoomHeads.load(arguments.start).weights if arguments.start else None
    weights = weights_of(*train(learned, arguments.steps, start, only_surfaces=arguments.only_surfaces))
    held_out = {
        RENDERS: collect(backbone, room_views(arguments.held_out, 1, rng)),
        PHOTOGRAPHS: collect(backbone, labeled_views(arguments.photographs, 1, rng, held_out=True)),
    }
    if start is not None and arguments.only_surfaces:
        weights = with_surfaces(start, weights, held_out)
    else:
        weights = with_domains(weights, {RENDERS: sets[0], PHOTOGRAPHS: sets[1]}, held_out)
    halves: dict[str, Any] = {name: value.astype(np.float16) for name, value in weights.items()}
    np.savez(arguments.out, **halves)


if __name__ == "__main__":
    main()
