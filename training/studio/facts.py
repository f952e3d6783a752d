"""What is true of a rendered room: every visible thing with its box, what it is made of, the shell, the light."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.studio.colors import COLORS, rgb
from training.studio.geometry import Thing
from training.studio.materials import Material
from training.studio.render import Owner, Seen, Stage
from training.studio.rooms import Built

OBJECTS = (
    "chair",
    "armchair",
    "sofa",
    "bed",
    "table",
    "desk",
    "cabinet",
    "lamp",
    "rug",
    "plant",
    "curtain",
    "mirror",
    "picture",
    "vase",
    "sink",
    "bath",
    "toilet",
)
"""The types of thing that are marked; `cabinet` also stands for shelves, chests of drawers and wardrobes."""

SHELL = ("wall", "floor", "ceiling", "window", "view", "door", "beam", "fireplace")

PRODUCT_KINDS: dict[str, str] = {
    "table_lamp": "lamp",
    "floor_lamp": "lamp",
    "pendant": "lamp",
    "wall_lamp": "lamp",
    "rug": "rug",
    "bath_mat": "rug",
    "floor_plant": "plant",
    "table_plant": "plant",
    "planters": "plant",
    "flowers": "plant",
    "curtains": "curtain",
    "mirror": "mirror",
    "vanity_mirror": "mirror",
    "framed_print": "picture",
    "animal_print": "picture",
    "canvas": "picture",
    "wall_shelf": "cabinet",
    "vase": "vase",
    "vase_set": "vase",
}
"""The type of thing each type of product is, where its builder does not say it."""

PATTERNS: dict[str, str] = {
    "stripes": "stripe",
    "ticking": "stripe",
    "checks": "check",
    "zigzag": "geometric",
    "diamonds": "geometric",
    "kilim": "geometric",
    "blocks": "geometric",
    "spots": "geometric",
    "oriental": "floral",
    "floral": "floral",
    "animal": "animal",
}
"""The pattern each recipe of a texture shows; the others are plain."""

FAMILIES: dict[str, str] = {
    **dict.fromkeys(("wood", "planks", "herringbone"), "wood"),
    **dict.fromkeys(("tiles", "subway"), "tile"),
    "brick": "brick",
    **dict.fromkeys(("weave", "knit", "pile", *PATTERNS), "fabric"),
    **dict.fromkeys(("basket", "cane"), "wicker"),
    **dict.fromkeys(("marble", "terrazzo"), "stone"),
    "plaster": "plaster",
    **dict.fromkeys(("speckle", "reactive"), "ceramic"),
}
KIND_FAMILIES = {"metal": "metal", "glass": "glass", "mirror": "glass", "velvet": "fabric", "sheer": "fabric"}
LIGHT_WOOD = 0.5
MINIMUM_SHARE = 0.0006
"""A thing that fills less of the picture is left out."""


def family(material: Material, kind: str) -> str:
    """Return what a surface is made of, for a part of a kind of thing."""
    named = material.family or KIND_FAMILIES.get(material.kind)
    if named is None and material.texture is not None:
        named = FAMILIES.get(material.texture.kind)
        if named == "fabric" and kind == "wall":
            named = "plaster"  # wallpaper
    if named is None:
        named = "plaster" if kind in ("wall", "ceiling") else "fabric" if kind == "curtain" else "painted"
    if named == "wood":
        return "light wood" if float(np.dot(material.color, (0.3, 0.59, 0.11))) >= LIGHT_WOOD else "dark wood"
    return named


def pattern_of(material: Material) -> str:
    """Return the pattern of a surface, or "plain"."""
    if material.texture is None:
        return "plain"
    if material.texture.kind == "tiles" and len(material.texture.colors) > 2:
        return "check"
    return PATTERNS.get(material.texture.kind, "plain")


def color_name(color: tuple[float, ...]) -> str:
    """Return the name of the nearest color of the studio (by distance in sRGB)."""
    return min(COLORS, key=lambda name: float(np.sum((np.array(rgb(COLORS[name][0])) - np.array(color)) ** 2)))


@dataclass(frozen=True)
class Facts:
    """What is true of a picture: a record for the labels, and per pixel (object, material, pattern) indices, depth.

    Object 0 is none; object `n` is item `n - 1` of the record's `objects`.
    """

    record: dict[str, Any]
    layers: np.ndarray
    depth: np.ndarray


FAMILY_NAMES = (
    "none",
    "light wood",
    "dark wood",
    "stone",
    "tile",
    "brick",
    "fabric",
    "leather",
    "metal",
    "glass",
    "plaster",
    "plant",
    "painted",
    "wicker",
    "ceramic",
)
PATTERN_NAMES = ("plain", "stripe", "check", "floral", "geometric", "animal")


def detailed(built: Built, stage: Stage) -> tuple[Stage, tuple[str, ...]]:
    """Return the stage with every piece of furniture as a thing of its own, and the product each thing is."""
    things: list[Thing] = list(built.pieces)
    products = [""] * len(things)
    for sku, thing in zip(built.skus, stage.things[1:], strict=True):
        things.append(thing.called(PRODUCT_KINDS.get(sku, "")))
        products.append(sku)
    return replace(stage, things=things), tuple(products)


def _mean_color(material: Material) -> tuple[float, ...]:
    if material.texture is None:
        return material.color
    return tuple(float(x) for x in np.mean(material.texture.colors, axis=0))


def _object(kind: str, product: str, mask: np.ndarray, seen: Seen) -> dict[str, Any]:
    """Return the record of one thing seen under `mask` (height, width)."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    x0, x1, y0, y1 = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    counts = Counter(seen.index[mask].tolist())
    colors: Counter[str] = Counter()
    made: Counter[str] = Counter()
    patterns: Counter[str] = Counter()
    for index, count in counts.items():
        material = seen.owners[index].material
        if material is not None:
            colors[color_name(_mean_color(material))] += count
            made[family(material, kind)] += count
            patterns[pattern_of(material)] += count
    total = sum(counts.values())
    main = patterns.most_common()
    return {
        "type": kind,
        "product": product,
        "box": [round(v, 4) for v in (x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height)],
        "share": round(total / mask.size, 5),
        "cut": bool(x0 == 0 or y0 == 0 or x1 == width or y1 == height),
        "colors": {name: round(n / total, 3) for name, n in colors.most_common(4)},
        "materials": {name: round(n / total, 3) for name, n in made.most_common(4)},
        "pattern": next((name for name, n in main if name != "plain" and n >= 0.25 * total), "plain"),
        "depth_m": round(float(np.median(seen.depth[mask])), 2),
    }


def _split(kind: str, mask: np.ndarray) -> list[np.ndarray]:
    """Return the masks of the pieces: curtains hang apart, everything else is one."""
    if kind != "curtain":
        return [mask]
    from scipy.ndimage import label

    marks = np.zeros(mask.shape, np.int32)
    count = label(mask, output=marks)
    return [marks == k for k in range(1, int(count) + 1)]  # pyright: ignore[reportArgumentType] - an int with output


def facts(built: Built, stage: Stage, products: tuple[str, ...], seen: Seen) -> Facts:
    """Return what is true of a picture of a detailed stage."""
    layers = np.zeros((*seen.index.shape, 3), np.uint8)
    groups: dict[tuple[int, str], list[int]] = {}
    for index, owner in enumerate(seen.owners):
        groups.setdefault((owner.thing, owner.kind), []).append(index)
        if owner.material is not None:
            at = seen.index == index
            layers[at, 1] = FAMILY_NAMES.index(family(owner.material, owner.kind))
            layers[at, 2] = PATTERN_NAMES.index(pattern_of(owner.material))
    objects: list[dict[str, Any]] = []
    shell: Counter[str] = Counter()
    for (thing, kind), indices in groups.items():
        mask = np.isin(seen.index, indices)
        if kind in SHELL:
            shell[kind] += int(mask.sum())
            layers[mask, 0] = 255 - SHELL.index(kind)
        if kind not in OBJECTS:
            continue
        for piece in _split(kind, mask):
            if piece.sum() >= MINIMUM_SHARE * mask.size and len(objects) < 200:
                objects.append(_object(kind, products[thing], piece, seen))
                layers[piece, 0] = len(objects)
    return Facts(_record(built, stage, seen, objects, shell), layers, seen.depth)


def _record(
    built: Built, stage: Stage, seen: Seen, objects: list[dict[str, Any]], shell: Counter[str]
) -> dict[str, Any]:
    room, camera = built.room, stage.camera
    surfaces = {kind: _surface(seen, kind) for kind in ("wall", "floor", "ceiling")}
    return {
        "objects": objects,
        "shares": {kind: round(shell[kind] / seen.index.size, 4) for kind in SHELL},
        "surfaces": surfaces,
        "size_m2": round(room.width * room.depth, 2),
        "room_m": [round(v, 3) for v in (room.width, room.depth, room.height)],
        "window": {"wall": room.window, "at": round(room.window_at, 3), "size": room.window_size, "sill": room.sill},
        "camera": {
            "origin": [round(float(v), 4) for v in camera.origin],
            "target": [round(float(v), 4) for v in camera.target],
            "fov": round(camera.fov, 2),
            "rise": camera.rise,
        },
        "wall": built.look.wall,
        "floor": built.look.floor,
        "beams": shell["beam"] > 0.002 * seen.index.size,
        "window_style": built.look.style.windows,
    }


def _surface(seen: Seen, kind: str) -> dict[str, Any]:
    """Return materials, colors and patterns of the visible part of a kind of shell, each with its share of it."""
    counts: dict[str, Counter[str]] = {"materials": Counter(), "colors": Counter(), "patterns": Counter()}
    sizes = np.bincount(seen.index.ravel(), minlength=len(seen.owners))
    for owner, count in zip(seen.owners, sizes, strict=True):
        if owner.kind == kind and owner.material is not None and count:
            _count(counts, owner, int(count))
    total = max(sum(counts["materials"].values()), 1)
    return {name: {key: round(n / total, 3) for key, n in c.most_common(4)} for name, c in counts.items()}


def _count(counts: dict[str, Counter[str]], owner: Owner, count: int) -> None:
    assert owner.material is not None
    counts["materials"][family(owner.material, owner.kind)] += count
    counts["colors"][color_name(_mean_color(owner.material))] += count
    counts["patterns"][pattern_of(owner.material)] += count
