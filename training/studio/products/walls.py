"""Framed prints, mirrors, clocks, shelves and hangings; all on the wall plane y=0, facing -y."""

import numpy as np

from training.studio.colors import mix
from training.studio.geometry import Thing, combine
from training.studio.materials import MIRROR, RATTAN, Material, matte, metal, pattern, woven
from training.studio.products.base import Look, Made, ProductType
from training.studio.shapes import (
    arch_outline,
    box,
    cylinder,
    ellipsoid,
    panel,
    quad,
    revolve,
    rod,
    smooth_curve,
    torus,
    tube,
    unit_uv,
)

ART_WORDS = {
    "circles": "abstract circles",
    "brush": "brush strokes",
    "grid_blocks": "geometric",
    "botanical": "botanical",
    "landscape": "hills",
    "arches": "arches",
    "animals": "animal portrait",
}


def picture(width: float, height: float, art: Material, frame: Material, mount: float = 0.06) -> Thing:
    """Return a framed picture with a mount of `mount` metres, its lower edge on z=0."""
    bar, depth = 0.022, 0.024
    parts = [
        (box(width, depth, bar, 0.002).moved(0, -depth / 2, 0), frame),
        (box(width, depth, bar, 0.002).moved(0, -depth / 2, height - bar), frame),
        (box(bar, depth, height, 0.002).moved(-(width - bar) / 2, -depth / 2), frame),
        (box(bar, depth, height, 0.002).moved((width - bar) / 2, -depth / 2), frame),
        (quad(width - bar, height - bar).moved(0, -0.008, bar / 2), matte((0.94, 0.93, 0.9))),
    ]
    w, h = width - 2 * (bar + mount), height - 2 * (bar + mount)
    parts.append((unit_uv(quad(w, h)).moved(0, -0.0095, bar + mount), art))
    return Thing.of(*parts)


def _frame(look: Look) -> Material:
    draw = look.rng.random()
    if draw < 0.55:
        return look.take_wood()
    if draw < 0.85:
        return look.take_metal()
    look.note("wood", "black")
    return matte((0.05, 0.05, 0.05))


def framed_print(look: Look) -> Made:
    """Return one to three framed prints in a row."""
    count = 1 if look.chance(0.55) else int(look.rng.integers(2, 4))
    kind = look.one(*look.style.art)
    frame = _frame(look)
    look.note("paper", None)
    colors = look.accents(4)
    paper = (0.95, 0.93, 0.88)
    w = look.between(0.3, 0.62) if count == 1 else look.between(0.26, 0.36)
    h = w * 1.3
    things = []
    for k in range(count):
        art = pattern(kind, (paper, *colors), look.seed(), (1.0, 1.0))
        things.append(picture(w, h, art, frame, 0.045 if w < 0.4 else 0.07).moved((w + 0.06) * (k - (count - 1) / 2)))
    return look.made(combine(things), "framed prints" if count > 1 else "framed print", ART_WORDS[kind], count=count)


def animal_print(look: Look) -> Made:
    """Return one to three animal portraits for a child's wall."""
    count = int(look.rng.integers(1, 4))
    frame = _frame(look)
    look.note("paper", None)
    w = look.between(0.26, 0.34)
    things = []
    for k in range(count):
        colors = look.accents(3)
        art = pattern(
            "animals", (mix(colors[2], (0.96, 0.95, 0.92), 0.7), colors[0], (0.94, 0.9, 0.84)), look.seed(), (1.0, 1.0)
        )
        things.append(picture(w, w * 1.3, art, frame, 0.03).moved((w + 0.06) * (k - (count - 1) / 2)))
    return look.made(
        combine(things), "framed prints" if count > 1 else "framed print", ART_WORDS["animals"], count=count
    )


def canvas(look: Look) -> Made:
    """Return a large unframed canvas, landscape format."""
    kind = look.one("brush", "circles", "grid_blocks")
    colors = look.accents(4)
    look.note("cotton", None)
    w = look.between(0.8, 1.2)
    h = w * 0.72
    base = mix(colors[0], (0.95, 0.93, 0.88), 0.75) if look.chance(0.7) else colors[0]
    art = pattern(kind, (base, *colors[1:], colors[0]), look.seed(), (1.0, 1.0))
    parts = [(box(w, 0.035, h, 0.002).moved(0, -0.0175), matte(base)), (unit_uv(quad(w, h)).moved(0, -0.0365), art)]
    return look.made(Thing.of(*parts), "canvas art", ART_WORDS[kind])


def mirror(look: Look) -> Made:
    """Return a round, arched, rectangular or sunburst mirror."""
    shape = look.one("round", "round", "arch", "rectangular", "sunburst")
    frame = look.take_metal() if look.chance(0.5) or shape == "sunburst" else look.take_wood()
    look.note("glass", None)
    if shape in ("round", "sunburst"):
        r = look.between(0.25, 0.42) if shape == "round" else look.between(0.16, 0.2)
        parts = [
            (cylinder(r, 0.012, 0.002).turned("x", 90).moved(0, 0, r), MIRROR),
            (torus(r, 0.016, 64).turned("x", 90).moved(0, -0.012, r), frame),
        ]
        if shape == "sunburst":
            for k in range(32):
                a = 2 * np.pi * k / 32
                d = np.array([np.cos(a), 0, np.sin(a)])
                length = r * (1.95 if k % 2 == 0 else 1.6)
                parts.append(
                    (rod(tuple(d * r + [0, -0.01, r]), tuple(d * length + [0, -0.01, r]), 0.006, 0.003), frame)
                )
        thing = Thing.of(*parts)
        return look.made(thing.moved(0, 0, -float(thing.bounds()[0][2])), "mirror", shape)
    w, h = look.between(0.45, 0.6), look.between(0.75, 1.05)
    if shape == "arch":
        outer, inner = arch_outline(w, h), arch_outline(w - 0.045, h - 0.045) + np.array([0, 0.0225])
        return look.made(Thing.of((panel(outer, 0.02), frame), (panel(inner, 0.024), MIRROR)), "mirror", "arched")
    parts = [
        (box(w, 0.022, h, 0.004).moved(0, -0.011), frame),
        (quad(w - 0.06, h - 0.06).moved(0, -0.0235, 0.03), MIRROR),
    ]
    return look.made(Thing.of(*parts), "mirror", "rectangular")


def wall_clock(look: Look) -> Made:
    """Return a wall clock."""
    r = look.between(0.15, 0.24)
    rim = look.take_wood() if look.chance(0.5) else look.take_metal()
    light = look.chance(0.65)
    if light:
        look.note(None, "white")
        face, ink = matte((0.95, 0.94, 0.91)), metal("iron")
    else:
        name, value = look.accent()
        look.note(None, name)
        face, ink = matte(value), matte((0.95, 0.93, 0.88) if sum(value) < 1.6 else (0.08, 0.08, 0.08))
    parts = [
        (torus(r, 0.016, 64).turned("x", 90).moved(0, -0.018, r), rim),
        (cylinder(r, 0.02, 0.002).turned("x", 90).moved(0, 0, r), face),
    ]
    for k in range(12):
        size = (0.008, 0.002, 0.09 * r * 2) if k % 3 == 0 else (0.005, 0.002, 0.06 * r * 2)
        parts.append((box(*size, 0.0008).moved(0, 0, r * 0.74).turned("y", 30 * k).moved(0, -0.022, r), ink))
    for angle, length in ((-58, 0.5), (60, 0.74)):
        parts.append(
            (
                box(0.011 if length < 0.6 else 0.008, 0.002, r * length, 0.0008).turned("y", angle).moved(0, -0.026, r),
                ink,
            )
        )
    parts.append((cylinder(0.012, 0.006).turned("x", 90).moved(0, -0.024, r), ink))
    return look.made(Thing.of(*parts), "wall clock", "round")


def hanging(look: Look) -> Made:
    """Return a woven hanging: a rod, cords and a fringe cut to a point."""
    w = look.between(0.4, 0.65)
    drop = w * look.between(1.0, 1.35)
    stick = look.take_wood()
    look.note("cotton", None)
    name, value = ("natural", (0.9, 0.85, 0.74)) if look.chance(0.5) else look.accent()
    look.note(None, name)
    second = look.accents(1)[0] if look.chance(0.5) else value
    parts = [(rod((-w / 2 - 0.05, -0.03, drop + 0.02), (w / 2 + 0.05, -0.03, drop + 0.02), 0.011), stick)]
    yarn, yarn2 = matte(value), matte(second)
    xs = np.linspace(-w / 2, w / 2, int(w / 0.011))
    for k, x in enumerate(xs):
        t = 1 - abs(x) / (w / 2)
        end = drop * (0.45 - 0.45 * t) + look.between(0, 0.015)
        band = yarn2 if (k // 6) % 4 == 1 else yarn
        path = np.stack(
            [
                np.full(14, x) + 0.0035 * np.sin(np.linspace(0, 16, 14) + k * np.pi),
                np.full(14, -0.03) - 0.004 * np.cos(np.linspace(0, 16, 14) + k * np.pi),
                np.linspace(drop + 0.02, end, 14),
            ],
            -1,
        )
        parts.append((tube(path, 0.0048, 6), band))
    for row in range(3):
        z = drop * (0.82 - 0.13 * row)
        half = w / 2 * (1 - 0.16 * row)
        points = np.array(
            [
                [x, -0.038 - 0.004 * (i % 2), z - 0.07 * (1 - abs(x) / half)]
                for i, x in enumerate(np.linspace(-half, half, 24))
            ]
        )
        parts.append((tube(points, 0.0075, 8), yarn2))
    parts.append(
        (
            tube(
                np.array([[-w / 2, -0.03, drop + 0.025], [0, -0.012, drop + 0.16], [w / 2, -0.03, drop + 0.025]]),
                0.003,
                6,
            ),
            yarn,
        )
    )
    return look.made(Thing.of(*parts), "wall hanging", "macrame")


def wall_shelf(look: Look) -> Made:
    """Return one or two floating shelves on brackets."""
    wood, bracket = look.take_wood(), look.take_metal()
    count = int(look.rng.integers(1, 3))
    w, d = look.between(0.55, 0.8), 0.2
    parts = []
    for k in range(count):
        z = 0.14 + 0.32 * k
        parts.append((box(w, d, 0.026, 0.004).moved(0, -d / 2, z), wood))
        for x in (-w * 0.36, w * 0.36):
            parts.append((box(0.022, 0.008, 0.14, 0.002).moved(x, -0.004, z - 0.14), bracket))
            parts.append((rod((x, -0.01, z - 0.12), (x, -d * 0.8, z - 0.004), 0.006), bracket))
    return look.made(Thing.of(*parts), "wall shelves" if count > 1 else "wall shelf", count=count)


def wall_baskets(look: Look) -> Made:
    """Return a group of plaited plates."""
    look.note("rattan", "natural")
    second = look.accents(1)[0]
    things = []
    for k, (x, z, r) in enumerate(((0, 0.28, 0.2), (0.33, 0.42, 0.15), (0.3, 0.13, 0.12))):
        profile = smooth_curve([(0.001, 0.0), (r * 0.5, 0.006), (r * 0.9, 0.03), (r, 0.05)])
        dish = revolve(profile, 48, crease=80).turned("x", 90)
        tint = RATTAN if k != 1 else mix(RATTAN, second, 0.65)
        things.append(
            Thing.of(
                (dish.moved(0, -0.004, 0), woven(tint, k)),
                (torus(r, 0.007).turned("x", 90).moved(0, -0.05, 0), woven(RATTAN, k + 1)),
            ).moved(x, 0, z)
        )
    return look.made(combine(things).moved(-0.14), "wall baskets", count=3)


def relief(look: Look) -> Made:
    """Return a wall sculpture of overlapping discs or leaves."""
    material, second = look.take_metal(), look.take_metal()
    parts = []
    leaves = look.chance(0.5)
    for k in range(11):
        x = (k - 5) * 0.075
        z = 0.22 + 0.07 * np.sin(k * 1.9)
        r = 0.05 + 0.028 * abs(np.sin(k * 2.3))
        mesh = (
            ellipsoid(r * 0.55, 0.006, r * 1.5, 24).turned("y", 20 * np.sin(k))
            if leaves
            else cylinder(r, 0.008, 0.002).turned("x", 90)
        )
        parts.append((mesh.moved(x, -0.02 - 0.012 * (k % 3), z), material if k % 2 else second))
    parts.append((rod((-0.42, -0.012, 0.22), (0.42, -0.012, 0.22), 0.005), material))
    return look.made(Thing.of(*parts), "wall sculpture", "leaf" if leaves else "disc")


TYPES = tuple(
    ProductType(name, "wall_decor", "wall", maker, rooms, weight)
    for name, maker, rooms, weight in (
        ("framed_print", framed_print, (), 2.2),
        ("animal_print", animal_print, ("childrens_room",), 0.4),
        ("canvas", canvas, (), 1.0),
        ("mirror", mirror, (), 1.8),
        ("wall_clock", wall_clock, (), 1.0),
        ("hanging", hanging, (), 0.8),
        ("wall_shelf", wall_shelf, (), 0.8),
        ("wall_baskets", wall_baskets, (), 0.5),
        ("relief", relief, (), 0.6),
    )
)
