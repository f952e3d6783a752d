"""Plants built leaf by leaf, flowers, wreaths and planters."""

from dataclasses import replace

import numpy as np

from training.studio.geometry import Mesh, Thing, combine, join
from training.studio.materials import RATTAN, Material, matte, painted, woven
from training.studio.products.base import Look, Made, ProductType
from training.studio.shapes import (
    box,
    cylinder,
    ellipsoid,
    leaf,
    place_along,
    rod,
    rounded_profile,
    smooth_curve,
    sphere,
    torus,
    tube,
    vessel,
)

GREENS = ((0.20, 0.36, 0.16), (0.26, 0.42, 0.18), (0.15, 0.31, 0.17), (0.33, 0.45, 0.24), (0.36, 0.44, 0.33))
SOIL = matte((0.13, 0.09, 0.06))
BARK = matte((0.36, 0.27, 0.19))


def green(look: Look) -> Material:
    """Return the skin of a leaf."""
    base = GREENS[int(look.rng.integers(len(GREENS)))]
    color = tuple(float(c * look.between(0.85, 1.15)) for c in base)
    return replace(painted(color, 0.45), family="plant")  # type: ignore[arg-type]


def pot(look: Look, r: float, h: float) -> Thing:
    """Return a planter with soil, of height h and upper radius r."""
    draw = look.rng.random()
    style = look.style.id
    if draw < 0.2 and style in ("bohemian", "scandinavian"):
        look.note("rattan", "natural")
        material = woven(RATTAN, look.seed())
    elif draw < 0.3:
        material = look.take_stone()
    else:
        material = look.take_ceramic()
    taper = look.between(0.7, 0.95)
    profile = rounded_profile([(r * taper * 0.96, 0), (r * taper, 0.008), (r, h)], 0.01)
    parts = [
        (vessel(profile, r * 0.06, h * 0.78, (0, 0.0)), material),
        (cylinder(r * 0.93, 0.01, 0.001).moved(0, 0, h * 0.86), SOIL),
    ]
    if look.chance(0.25) and style in ("mid_century_modern", "scandinavian"):
        wood = look.take_wood()
        lift = r * 1.0
        stand = [
            (
                rod(
                    (1.12 * r * np.cos(a), 1.12 * r * np.sin(a), 0),
                    (1.02 * r * np.cos(a), 1.02 * r * np.sin(a), lift + h * 0.6),
                    0.011,
                ),
                wood,
            )
            for a in np.radians([45, 135, 225, 315])
        ]
        stand.append((torus(r * 1.0, 0.01).moved(0, 0, lift + 0.01), wood))
        return Thing.of(*parts).moved(0, 0, lift) + Thing.of(*stand)
    return Thing.of(*parts)


def _soil_height(planter: Thing) -> float:
    soil = next(part for part in planter.parts if part.material == SOIL)
    return float(soil.mesh.vertices[:, 2].max())


def _planted(look: Look, planter: Thing, foliage: Thing, noun: str, *words: str) -> Made:
    return look.made(planter + foliage.moved(0, 0, _soil_height(planter)), noun, "potted", *words)


def broad_leaves(look: Look, size: float) -> Thing:
    """Return a rubber plant or monstera: broad leaves on arching stems."""
    skin = green(look)
    stems, blades = [], []
    count = int(look.rng.integers(11, 18))
    for k in range(count):
        yaw = k * 137.5 + look.between(-12, 12)
        reach, rise = size * look.between(0.16, 0.42), size * look.between(0.35, 1.0)
        a = np.radians(yaw)
        end = np.array([np.cos(a) * reach, np.sin(a) * reach, rise])
        path = smooth_curve([(0, 0, 0), tuple(end * [0.35, 0.35, 0.6]), tuple(end)], 5)
        stems.append(tube(path, 0.0045 * (1 + size), 7))
        blade = leaf(size * look.between(0.26, 0.4), size * look.between(0.17, 0.27), look.between(0.5, 1.3), 0.2, 1.25)
        blades.append(place_along(blade, end, yaw, look.between(5, 45)))
    return Thing.of((join(stems), skin), (join(blades), skin))


def swords(look: Look, size: float) -> Thing:
    """Return a snake plant: upright blades."""
    dark, pale = painted((0.2, 0.33, 0.2), 0.4), painted((0.62, 0.63, 0.32), 0.4)
    inner, outer = [], []
    for k in range(int(look.rng.integers(10, 16))):
        yaw, length = k * 137.5, size * look.between(0.6, 1.0)
        root = np.array([np.cos(k * 2.4), np.sin(k * 2.4), 0]) * size * 0.07 * np.sqrt(k / 12)
        pitch = look.between(74, 88)
        outer.append(place_along(leaf(length, size * 0.1, look.between(-0.1, 0.15), 0.45, 1.0), root, yaw, pitch))
        inner.append(
            place_along(
                leaf(length * 0.985, size * 0.078, 0.0, 0.45, 1.0), root + np.array([0.0, 0.0, 0.003]), yaw, pitch + 0.4
            )
        )
    return Thing.of((join(outer), pale), (join(inner), dark))


def fronds(look: Look, size: float) -> Thing:
    """Return a palm or fern: arching ribs with paired leaflets."""
    skin = green(look)
    ribs, blades = [], []
    fern = size < 0.5
    for k in range(int(look.rng.integers(12, 18)) if fern else int(look.rng.integers(8, 12))):
        yaw = k * 137.5
        a = np.radians(yaw)
        reach, rise = (
            size * look.between(0.4, 0.6),
            size * (look.between(0.35, 0.6) if fern else look.between(0.65, 0.95)),
        )
        d = np.array([np.cos(a), np.sin(a), 0])
        path = smooth_curve(
            [
                (0, 0, 0),
                tuple(d * reach * 0.3 + [0, 0, rise * 0.75]),
                tuple(d * reach * 0.7 + [0, 0, rise]),
                tuple(d * reach + [0, 0, rise * 0.75]),
            ],
            6,
        )
        ribs.append(tube(path, np.linspace(0.004, 0.0015, len(path)) * (1 + size), 6))
        for i in range(4, len(path) - 1):
            t = i / len(path)
            length = size * 0.24 * np.sin(np.pi * (0.25 + 0.75 * t)) ** 0.7 + 0.01
            for sign in (-1, 1):
                blade = leaf(length, length * (0.2 if not fern else 0.3), 0.6, 0.2, 1.1)
                blades.append(place_along(blade, path[i], yaw + sign * look.between(48, 66), look.between(-5, 18)))
    return Thing.of((join(ribs), skin), (join(blades), skin))


def tree(look: Look, size: float) -> Thing:
    """Return an olive or fig tree: a trunk, branches and many small leaves."""
    skin = green(look)
    bark, blades = [], []
    big = look.chance(0.5)
    trunk = smooth_curve([(0, 0, 0), (0.02 * size, 0, 0.3 * size), (-0.01, 0.01, 0.52 * size)], 6)
    bark.append(tube(trunk, np.linspace(0.017, 0.011, len(trunk)) * size, 9))
    for k in range(13):
        yaw = k * 137.5
        a = np.radians(yaw)
        start = trunk[int(len(trunk) * (0.6 + 0.39 * (k % 4) / 4))]
        end = np.array(
            [
                np.cos(a) * size * look.between(0.1, 0.3),
                np.sin(a) * size * look.between(0.1, 0.3),
                size * look.between(0.62, 0.98),
            ]
        )
        path = smooth_curve([tuple(start), tuple((start + end) / 2 + [0, 0, -0.03 * size]), tuple(end)], 6)
        bark.append(tube(path, np.linspace(0.006, 0.002, len(path)) * size, 6))
        for i in range(4, len(path)):
            for _ in range(3 if big else 5):
                length = size * (look.between(0.09, 0.14) if big else look.between(0.045, 0.075))
                blade = leaf(length, length * (0.62 if big else 0.3), look.between(0.2, 0.8), 0.15, 1.2 if big else 1.0)
                jitter = look.rng.normal(0, 0.012 * size, 3)
                blades.append(place_along(blade, path[i] + jitter, look.between(0, 360), look.between(-30, 60)))
    return Thing.of((join(bark), BARK), (join(blades), skin))


def floor_plant(look: Look) -> Made:
    """Return a large plant in a floor planter."""
    kind = look.one("tree", "broad", "palm", "swords")
    planter = pot(look, look.between(0.15, 0.2), look.between(0.26, 0.36))
    size = look.between(0.95, 1.3)
    grow = {"tree": tree, "broad": broad_leaves, "palm": fronds, "swords": swords}[kind]
    nouns = {"tree": "olive tree", "broad": "monstera", "palm": "palm", "swords": "snake plant"}
    return _planted(
        look, planter, grow(look, size * (0.85 if kind in ("swords", "broad") else 1.0)), nouns[kind], "artificial"
    )


def table_plant(look: Look) -> Made:
    """Return a small plant in a pot."""
    kind = look.one("fern", "broad", "swords", "succulent", "cactus", "trailing")
    planter = pot(look, look.between(0.065, 0.085), look.between(0.1, 0.14))
    nouns = {
        "fern": "fern",
        "broad": "pilea",
        "swords": "snake plant",
        "succulent": "succulent",
        "cactus": "cactus",
        "trailing": "trailing plant",
    }
    if kind == "succulent":
        skin = painted((0.42, 0.55, 0.42), 0.5)
        blades = []
        for k in range(34):
            t = k / 34
            blade = leaf(0.075 * (0.45 + 0.55 * t), 0.034 * (0.5 + 0.5 * t), -0.6, 0.4, 1.6)
            blades.append(place_along(blade, np.array([0, 0, 0.03 * (1 - t)]), k * 137.5, 78 - 66 * t))
        foliage = Thing.of((join(blades), skin))
    elif kind == "cactus":
        skin = painted((0.24, 0.4, 0.22), 0.5)
        ribs = [
            tube(
                np.array(
                    [
                        [0.03 * np.cos(a), 0.03 * np.sin(a), 0],
                        [0.042 * np.cos(a), 0.042 * np.sin(a), 0.07],
                        [0.03 * np.cos(a), 0.03 * np.sin(a), 0.15],
                        [0, 0, 0.175],
                    ]
                ),
                0.014,
                8,
            )
            for a in np.linspace(0, 2 * np.pi, 10, endpoint=False)
        ]
        foliage = Thing.of((join(ribs), skin), (ellipsoid(0.036, 0.036, 0.085).moved(0, 0, 0.085), skin))
        if look.chance(0.5):
            foliage = foliage + Thing.of((sphere(0.014, 12).moved(0, 0, 0.185), painted((0.85, 0.35, 0.45), 0.5)))
    elif kind == "trailing":
        skin = green(look)
        stems, blades = [], []
        for k in range(16):
            a = k * 2.4
            reach = look.between(0.07, 0.12)
            d = np.array([np.cos(a), np.sin(a), 0])
            path = smooth_curve(
                [
                    (0, 0, 0),
                    tuple(d * reach + [0, 0, 0.05]),
                    tuple(d * (reach + 0.03) + [0, 0, -look.between(0.0, 0.1)]),
                ],
                6,
            )
            stems.append(tube(path, 0.0016, 5))
            for point in path[2:]:
                blades.append(
                    place_along(leaf(0.034, 0.026, 0.5, 0.2, 1.5), point, look.between(0, 360), look.between(-30, 40))
                )
        foliage = Thing.of((join(stems), skin), (join(blades), skin))
    else:
        grow = {"fern": fronds, "broad": broad_leaves, "swords": swords}[kind]
        foliage = grow(look, 0.3)
    return _planted(look, planter, foliage, nouns[kind], "artificial" if look.chance(0.6) else "")


def bouquet(look: Look, height: float) -> Thing:
    """Return cut stems to stand in a vase, their feet on z=0."""
    kind = look.one("tulips", "eucalyptus", "pampas", "branches")
    stems: list[Mesh] = []
    blades: list[Mesh] = []
    heads: list[Mesh] = []
    skin = matte((0.34, 0.46, 0.3)) if kind != "pampas" else matte((0.72, 0.62, 0.46))
    name, value = look.accent()
    head = painted(value if kind == "tulips" else (0.85, 0.76, 0.62), 0.5)
    if kind == "tulips":
        look.note(None, name)
    for k in range(9):
        a = k * 2.4
        reach, top = height * look.between(0.08, 0.3), height * look.between(0.8, 1.02)
        d = np.array([np.cos(a), np.sin(a), 0])
        path = smooth_curve(
            [tuple(d * 0.004), tuple(d * reach * 0.3 + [0, 0, top * 0.55]), tuple(d * reach + [0, 0, top])], 8
        )
        stems.append(tube(path, 0.0022, 6))
        if kind == "tulips":
            heads.append(ellipsoid(0.017, 0.017, 0.026, 14).moved(*path[-1]))
            blades.append(place_along(leaf(height * 0.4, 0.022, 0.5, 0.4), path[5], np.degrees(a), 55))
        elif kind == "pampas":
            for i in range(len(path) - 7, len(path)):
                for _ in range(7):
                    blades.append(
                        place_along(leaf(0.05, 0.006, 0.4, 0.1), path[i], look.between(0, 360), look.between(30, 70))
                    )
        else:
            for point in path[6:]:
                for sign in (-1, 1):
                    size = 0.032 if kind == "eucalyptus" else 0.02
                    blades.append(
                        place_along(
                            leaf(size, size * 0.8, 0.3, 0.1, 1.6),
                            point,
                            np.degrees(a) + sign * look.between(50, 110),
                            look.between(0, 50),
                        )
                    )
    parts = [(join(stems), skin)]
    if blades:
        parts.append((join(blades), skin))
    if heads:
        parts.append((join(heads), head))
    return Thing.of(*parts)


def flowers(look: Look) -> Made:
    """Return an arrangement in a plain vase."""
    from training.studio.products.vases import body

    h = look.between(0.17, 0.24)
    material = look.take_ceramic() if look.chance(0.6) else look.take_glass()
    vase = body("bottle" if look.chance(0.5) else "pear", h, material)
    return look.made(vase + bouquet(look, h * 2.0).moved(0, 0, 0.02), "flower arrangement", "artificial")


def wreath(look: Look) -> Made:
    """Return a wreath to hang on the wall."""
    r = look.between(0.16, 0.22)
    skin = green(look)
    blades, berries = [], []
    for _ in range(210):
        a = look.between(0, 2 * np.pi)
        root = np.array(
            [(r + look.between(-0.03, 0.03)) * np.cos(a), -0.03, (r + look.between(-0.03, 0.03)) * np.sin(a)]
        )
        size = look.between(0.045, 0.075)
        blade = (
            leaf(size, size * 0.36, 0.5, 0.2)
            .turned("x", look.between(0, 360))
            .turned("y", -np.degrees(a) - look.between(40, 140))
        )
        blades.append(blade.moved(*root))
    name, value = look.accent()
    look.note(None, "green")
    for _ in range(16):
        a = look.between(0, 2 * np.pi)
        berries.append(sphere(0.009, 10).moved(r * np.cos(a) + look.between(-0.02, 0.02), -0.055, r * np.sin(a)))
    look.note(None, name)
    thing = Thing.of(
        (torus(r, 0.014).turned("x", 90).moved(0, -0.02, 0), BARK),
        (join(blades), skin),
        (join(berries), painted(value, 0.3)),
    )
    return look.made(thing.moved(0, 0, r + 0.1), "wreath", "artificial")


def planters(look: Look) -> Made:
    """Return empty planters, one or a nest of three."""
    count = 1 if look.chance(0.4) else 3
    material = look.take_ceramic() if look.chance(0.75) else look.take_stone()
    shape = look.one("straight", "egg", "square")
    things, x = [], 0.0
    for k in range(count):
        r = 0.13 - 0.03 * k
        h = r * 1.75
        if shape == "square":
            thing = Thing.of(
                (box(2 * r, 2 * r, h * 0.9, 0.01), material),
                (box(1.8 * r, 1.8 * r, 0.012, 0.001).moved(0, 0, h * 0.893), SOIL),
            )
        else:
            outline = (
                [(r * 0.8, 0), (r, 0.01), (r, h)]
                if shape == "straight"
                else [(r * 0.6, 0), (r * 1.05, h * 0.4), (r * 0.9, h)]
            )
            profile = rounded_profile(outline, 0.02) if shape == "straight" else smooth_curve(outline)
            thing = Thing.of((vessel(profile, 0.008, 0.02), material))
        x += r
        things.append(thing.moved(x, 0.05 * (k % 2)))
        x += r + 0.02
    return look.made(
        combine(things).moved(-x / 2),
        "planters" if count > 1 else "planter",
        "square" if shape == "square" else "",
        count=count,
    )


TYPES = tuple(
    ProductType(name, "botanicals", mount, maker, (), weight)
    for name, maker, mount, weight in (
        ("floor_plant", floor_plant, "floor", 1.8),
        ("table_plant", table_plant, "table", 1.8),
        ("flowers", flowers, "table", 1.0),
        ("wreath", wreath, "wall", 0.5),
        ("planters", planters, "floor", 0.8),
    )
)
