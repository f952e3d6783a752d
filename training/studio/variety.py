"""Variety for training that the sample has no need of: patterned cloth, evenings, other cameras."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from training.studio.colors import ACCENTS, WALLS, color, rgb
from training.studio.geometry import Part, Thing
from training.studio.materials import Material
from training.studio.render import Stage
from training.studio.rooms import Built
from training.studio.textures import Texture

PATTERNED = {"rug": 0.45, "curtain": 0.5, "wall": 0.16}
"""How often cloth or paper of each kind is given a pattern."""

RECIPES = ("stripes", "checks", "checks", "floral", "floral", "zigzag", "diamonds", "animal", "animal", "stripes")
REPEAT = {"rug": 0.7, "curtain": 0.5, "wall": 0.8}
WARMTH = {"warm": (1.16, 1.0, 0.72), "neutral": (1.0, 1.0, 1.0), "cold": (0.82, 0.98, 1.22)}
EVENING = 0.22
TURNED = 0.4


def patterned(built: Built, rng: np.random.Generator, times: float = 1) -> Built:
    """Return the room with some of its rugs, curtains and walls in another pattern, `times` as often as usual."""
    chosen = {
        kind: _cloth(kind, built.look.palette, rng) for kind, share in PATTERNED.items() if rng.random() < times * share
    }
    if built.look.wall not in ("plain", "wallpaper", "limewash"):
        chosen.pop("wall", None)
    if not chosen:
        return built
    rugs = {index for index, sku in enumerate(built.skus) if sku == "rug"}

    def change(thing: Thing, rug: bool) -> Thing:
        return Thing(tuple(_changed(part, chosen, rug) for part in thing.parts))

    pieces = tuple(change(piece, False) for piece in built.pieces)
    placed = [change(thing, index in rugs) for index, thing in enumerate(built.stage.things[1:])]
    surroundings = Thing(tuple(part for piece in pieces for part in piece.parts))
    return replace(built, pieces=pieces, stage=replace(built.stage, things=[surroundings, *placed]))


def _changed(part: Part, chosen: dict[str, Material], rug: bool) -> Part:
    kind = "rug" if rug else part.kind
    material = part.material
    if kind not in chosen or (kind == "rug" and material.texture is None) or material.kind in ("metal", "gloss"):
        return part
    if kind == "wall" and material.texture is not None and material.texture.kind in ("brick", "tiles", "subway"):
        return part
    new = chosen[kind]
    unit = material.texture is not None and material.texture.size == (1.0, 1.0)
    if kind == "rug" and unit and new.texture is not None:
        new = replace(new, texture=replace(new.texture, size=(0.3, 0.45)))
    return replace(part, material=new)


def _cloth(kind: str, palette: str, rng: np.random.Generator) -> Material:
    recipe = RECIPES[int(rng.integers(len(RECIPES)))]
    names = [str(name) for name in rng.permutation(ACCENTS[palette])]
    base = color(("cream", "white", "ivory", "beige")[int(rng.integers(4))])
    if kind == "wall":
        base = rgb(WALLS[palette][int(rng.integers(len(WALLS[palette])))])
    elif rng.random() < 0.3:
        base = color(names.pop()) if len(names) > 1 else base
    second = color(names[0])
    if recipe == "animal":
        base, second = (rgb("d9b27c"), rgb("3a2c20")) if rng.random() < 0.5 else (rgb("efebe3"), rgb("222222"))
    if float(np.abs(np.subtract(base, second)).max()) < 0.15:
        second = rgb("39424e") if float(np.mean(base)) > 0.5 else rgb("efe6d2")
    colors = (base, second, *(color(name) for name in names[1:3]))
    repeat = REPEAT[kind] * float(rng.uniform(0.7, 1.3))
    return Material("matte", base, 0.9, Texture(recipe, colors, int(rng.integers(6)), (repeat, repeat)))


def lit(built: Built, rng: np.random.Generator) -> tuple[Built, dict[str, Any]]:
    """Return the room in daylight of some warmth, or in the evening by its lamps, and what the light is."""
    stage = built.stage
    warmth = ("warm", "neutral", "neutral", "cold")[int(rng.integers(4))]
    evening = bool(rng.random() < EVENING)
    if evening:
        warmth = ("warm", "warm", "neutral")[int(rng.integers(3))]
    tint = np.array(WARMTH[warmth])

    def scaled(radiance: tuple[float, ...], factor: float) -> tuple[float, float, float]:
        r, g, b = np.array(radiance) * tint * factor
        return (float(r), float(g), float(b))

    window, fill = stage.lights
    lights = [
        replace(window, radiance=scaled(window.radiance, 0.015 if evening else 1.0)),
        replace(fill, radiance=scaled(fill.radiance, 0.35 if evening else 1.0)),
    ]
    suns = [] if evening else [replace(sun, irradiance=scaled(sun.irradiance, 1.0)) for sun in stage.suns]
    ambient = scaled(stage.ambient, 0.55 if evening else 1.0)
    stage = replace(stage, lights=lights, suns=suns, ambient=ambient, lamps=2.5 if evening else 1.0)
    said = {"source": "lamps" if evening else "daylight", "from": built.room.window}
    said |= {"warmth": warmth, "sun": bool(suns)}
    if not evening:
        return replace(built, stage=stage), said
    pieces = tuple(Thing(tuple(_night(part) for part in piece.parts)) for piece in built.pieces)
    return replace(built, stage=stage, pieces=pieces), said


def _night(part: Part) -> Part:
    if part.kind != "view":
        return part
    return replace(part, material=Material("matte", (0.02, 0.025, 0.05)))


def reframed(stage: Stage, rng: np.random.Generator) -> Stage:
    """Return the stage seen from a little higher or lower, through a longer or shorter lens."""
    camera = stage.camera
    eye = float(np.clip(camera.origin[2] + rng.uniform(-0.25, 0.35), 0.95, 1.75))
    x, y, _ = camera.origin
    tx, ty, _ = camera.target
    if rng.random() < TURNED:  # a level camera at the open side sees its side windows only when it turns to them
        tx += float(rng.uniform(0.8, 2.2)) * (1 if rng.random() < 0.5 else -1)
    fov = camera.fov + float(rng.uniform(-8, 9))
    return replace(stage, camera=replace(camera, origin=(x, y, eye), target=(tx, ty, eye), fov=fov))
