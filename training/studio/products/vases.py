"""Vases, urns, jugs and bottles."""

import numpy as np

from training.studio.geometry import Thing, combine
from training.studio.materials import Material
from training.studio.products.base import Look, Made, ProductType
from training.studio.shapes import rounded_profile, smooth_curve, torus, tube, vessel

PROFILES: dict[str, list[tuple[float, float]]] = {
    # (radius, height) for a height of 1
    "sphere": [(0.16, 0), (0.40, 0.16), (0.50, 0.45), (0.40, 0.76), (0.17, 0.92), (0.16, 1)],
    "oval": [(0.13, 0), (0.25, 0.18), (0.31, 0.48), (0.23, 0.8), (0.12, 1)],
    "waisted": [(0.26, 0), (0.25, 0.08), (0.13, 0.42), (0.17, 0.72), (0.27, 1)],
    "urn": [
        (0.19, 0),
        (0.19, 0.04),
        (0.08, 0.12),
        (0.10, 0.18),
        (0.31, 0.46),
        (0.33, 0.66),
        (0.19, 0.82),
        (0.20, 0.92),
        (0.27, 1),
    ],
    "amphora": [(0.12, 0), (0.21, 0.2), (0.33, 0.52), (0.28, 0.72), (0.10, 0.83), (0.09, 0.92), (0.14, 1)],
    "ginger": [(0.20, 0), (0.23, 0.08), (0.36, 0.48), (0.37, 0.68), (0.22, 0.86), (0.17, 0.9), (0.17, 1)],
    "jug": [(0.21, 0), (0.31, 0.2), (0.33, 0.4), (0.22, 0.68), (0.15, 0.84), (0.20, 1)],
    "bottle": [(0.20, 0), (0.22, 0.08), (0.22, 0.42), (0.15, 0.62), (0.065, 0.72), (0.06, 0.94), (0.075, 1)],
    "flask": [(0.26, 0), (0.31, 0.12), (0.30, 0.35), (0.12, 0.58), (0.08, 0.68), (0.08, 0.95), (0.11, 1)],
    "pear": [(0.20, 0), (0.33, 0.18), (0.34, 0.36), (0.18, 0.68), (0.11, 0.86), (0.13, 1)],
    "gourd": [(0.20, 0), (0.34, 0.18), (0.30, 0.38), (0.15, 0.52), (0.22, 0.68), (0.19, 0.82), (0.08, 0.93), (0.10, 1)],
}


def body(shape: str, height: float, material: Material, ribs: tuple[int, float] = (0, 0.0)) -> Thing:
    """Return a hollow vessel of a named profile."""
    if shape == "cylinder":
        profile = rounded_profile([(0.19, 0), (0.2, 0.01), (0.2, 1)], 0.03)
    elif shape == "cone":
        profile = rounded_profile([(0.13, 0), (0.14, 0.01), (0.24, 1)], 0.03)
    else:
        profile = smooth_curve(PROFILES[shape])
        profile[:, 1] = np.maximum.accumulate(profile[:, 1])
    wall = max(0.004, 0.016 * height)
    return Thing.of((vessel(profile * height, wall, 0.03 * height, ribs), material))


def donut(height: float, material: Material) -> Thing:
    """Return a ring on a foot with a short neck."""
    ring = torus(0.36 * height, 0.13 * height).turned("x", 90).moved(0, 0, 0.50 * height)
    neck = vessel(rounded_profile([(0.10, 0), (0.085, 0.5), (0.10, 1)], 0.02) * [height, 0.16 * height], 0.008, 0.01)
    foot = vessel(rounded_profile([(0.16, 0), (0.14, 0.5), (0.12, 1)], 0.02) * [height, 0.06 * height], 0.008, 0.01)
    return Thing.of((ring, material), (neck.moved(0, 0, 0.92 * height), material), (foot, material))


def handles(height: float, reach: float, material: Material, count: int) -> Thing:
    """Return curved handles on the shoulder of a vessel."""
    out = []
    for k in range(count):
        path = smooth_curve(
            [
                (reach * 0.42, 0, 0.9 * height),
                (reach * 1.12, 0, 0.86 * height),
                (reach * 1.2, 0, 0.7 * height),
                (reach * 0.9, 0, 0.52 * height),
            ],
            6,
        )
        out.append(Thing.of((tube(path, 0.022 * height), material)).turned(180 * k))
    return combine(out)


def _material(look: Look) -> Material:
    style = look.style.id
    if style == "industrial" and look.chance(0.35):
        return look.take_metal()
    if style in ("contemporary", "scandinavian", "mid_century_modern", "minimalist") and look.chance(0.28):
        return look.take_glass()
    if style in ("contemporary", "minimalist") and look.chance(0.2):
        return look.take_stone()
    if style in ("traditional", "bohemian") and look.chance(0.12):
        return look.take_metal()
    return look.take_ceramic()


def _vase(look: Look, height: float, material: Material, shape: str) -> Thing:
    if shape == "ring":
        return donut(height, material)
    ribs = (int(look.rng.integers(14, 30)), 0.03) if look.chance(0.28) and material.kind != "metal" else (0, 0.0)
    thing = body(shape, height, material, ribs)
    if shape in ("jug", "amphora", "urn") and look.chance(0.75):
        thing = thing + handles(height, 0.3 * height, material, 1 if shape == "jug" else 2)
    return thing


WORDS = {
    "sphere": "round",
    "oval": "oval",
    "waisted": "waisted",
    "urn": "urn",
    "amphora": "amphora",
    "ginger": "ginger jar",
    "jug": "jug",
    "bottle": "bottle",
    "flask": "flask",
    "pear": "teardrop",
    "gourd": "gourd",
    "cylinder": "cylinder",
    "cone": "tapered",
    "ring": "ring",
}


def vase(look: Look) -> Made:
    """Return a single vase."""
    shape = look.one(*look.style.vases)
    material = _material(look)
    if material.kind == "glass" and shape in ("ring", "urn", "amphora", "jug", "ginger"):
        shape = "bottle"
    tall = look.chance(0.25)
    height = look.between(0.42, 0.62) if tall else look.between(0.18, 0.36)
    noun = {"urn": "urn", "jug": "jug", "amphora": "vase", "ginger": "ginger jar"}.get(shape, "vase")
    words = ("tall" if tall else "", "" if noun != "vase" else WORDS[shape])
    return look.made(_vase(look, height, material, shape), noun, *words)


def vase_set(look: Look) -> Made:
    """Return two or three vases that belong together."""
    count = int(look.rng.integers(2, 4))
    material = _material(look)
    shapes = [
        s
        for s in look.style.vases
        if s != "ring" and (material.kind != "glass" or s in ("bottle", "cylinder", "pear", "oval", "sphere"))
    ]
    shapes = shapes or ["bottle"]
    things, x = [], 0.0
    for k in range(count):
        height = look.between(0.3, 0.36) * (1 - 0.27 * k)
        thing = _vase(look, height, material, shapes[k % len(shapes)])
        width = thing.size()[0]
        x += width / 2 + 0.02
        things.append(thing.moved(x, look.between(-0.04, 0.04)))
        x += width / 2
    return look.made(combine(things).moved(-x / 2), "vases", count=count)


TYPES = (
    ProductType("vase", "statement_vases", "table", vase, weight=2.2),
    ProductType("vase_set", "statement_vases", "table", vase_set, weight=0.9),
)
