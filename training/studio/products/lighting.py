"""Lamps, pendants, lanterns, candlesticks. Everything that shines in use shines in its packshot."""

import numpy as np

from training.studio.geometry import Mesh, Thing, combine
from training.studio.materials import RATTAN, WARM_LIGHT, Material, glow, matte, woven
from training.studio.products.base import Look, Made, ProductType
from training.studio.products.vases import body
from training.studio.shapes import (
    box,
    cylinder,
    ellipsoid,
    revolve,
    rod,
    rounded_profile,
    smooth_curve,
    sphere,
    torus,
    tube,
    vessel,
)


def shade_mesh(lower: float, upper: float, height: float) -> Mesh:
    """Return an open conical lampshade standing on z=0."""
    profile = np.array([[lower, 0], [upper, height]])
    inside = profile[::-1] - [[0.003, 0]]
    return revolve(np.concatenate([profile, inside]), 40, crease=30)


def _lit(color: tuple[float, float, float], strength: float) -> Material:
    tint = tuple(0.45 * c + 0.55 * w for c, w in zip(color, WARM_LIGHT, strict=True))
    return glow(tint, strength)  # type: ignore[arg-type]


def drum(look: Look, lower: float, upper: float, height: float) -> Thing:
    """Return a fabric shade, lit, with its two rims."""
    pale = look.chance(0.7) or look.palette in ("monochrome",)
    color = (0.97, 0.93, 0.85)
    if not pale:
        name, color = look.accent()
        look.note(None, name)
    look.note("linen" if look.chance(0.6) else "cotton", None)
    rim = matte(tuple(0.9 * c for c in color))  # type: ignore[arg-type]
    return Thing.of(
        (shade_mesh(lower, upper, height), _lit(color, 1.15)),
        (torus(lower, 0.003).moved(0, 0, 0.002), rim),
        (torus(upper, 0.003).moved(0, 0, height - 0.002), rim),
    )


def _foot(look: Look, radius: float, material: Material) -> tuple[Mesh, Material]:
    return (cylinder(radius, 0.018, 0.005), material)


def table_lamp(look: Look) -> Made:
    """Return a table lamp in the manner of the style."""
    kind = look.one(*look.style.lamps)
    if kind in ("globe", "disc"):
        material = look.take_metal() if look.chance(0.6) else look.take_stone()
        r = look.between(0.07, 0.1)
        look.note("glass", "white")
        stem = look.between(0.1, 0.2)
        thing = Thing.of(
            _foot(look, r * 0.85, material),
            (cylinder(0.012, stem, 0.003), material),
            (sphere(r).moved(0, 0, stem + r * 0.95), glow((1.0, 0.88, 0.7), 1.6)),
        )
        return look.made(thing, "table lamp", "globe")
    if kind in ("mushroom", "dome"):
        material = look.take_lacquer() if look.chance(0.6) else look.take_metal()
        look.note("metal", None)
        r, h = look.between(0.13, 0.17), look.between(0.24, 0.32)
        t = np.linspace(0, np.pi / 2, 12)
        cap = np.stack([r * np.cos(t) ** 0.7, 0.11 * np.sin(t)], -1)
        dome = revolve(np.concatenate([[[0.0, 0.004]], [[r * 0.97, 0.0]], cap]), 44)
        stem = revolve(smooth_curve([(0.075, 0.0), (0.06, 0.02), (0.028, h * 0.5), (0.032, h)]), 32)
        thing = Thing.of(
            (stem, material),
            (dome.moved(0, 0, h - 0.01), material),
            (cylinder(r * 0.85, 0.004).moved(0, 0, h - 0.016), glow(WARM_LIGHT, 3.0)),
        )
        return look.made(thing, "table lamp", kind)
    if kind in ("rattan", "paper", "moroccan"):
        paper = kind == "paper"
        look.note("paper" if paper else "rattan", "white" if paper else "natural")
        r = look.between(0.11, 0.15)
        base = look.take_wood()
        skin = glow((1.0, 0.9, 0.75), 1.3) if paper else woven(RATTAN, look.seed())
        profile = smooth_curve([(r * 0.55, 0), (r, r * 0.8), (r * 0.95, r * 1.3), (r * 0.5, r * 2.1)])
        parts = [
            _foot(look, 0.07, base),
            (cylinder(0.014, 0.14, 0.003), base),
            (revolve(profile, 40, (12, 0.02) if paper else (0, 0.0)).moved(0, 0, 0.12), skin),
        ]
        if not paper:
            parts.append((sphere(0.05, 16).moved(0, 0, 0.12 + 2 * r), glow(WARM_LIGHT, 8)))
        return look.made(Thing.of(*parts), "table lamp", "paper" if paper else "rattan")
    if kind in ("cage", "factory", "tripod", "cone", "arc"):
        material = look.take_metal()
        h = look.between(0.34, 0.44)
        parts = [_foot(look, 0.085, material), (cylinder(0.009, h, 0.002), material)]
        arm = smooth_curve([(0, 0, h), (0.02, 0, h + 0.05), (0.09, 0, h + 0.07), (0.14, 0, h + 0.035)], 6)
        parts.append((tube(arm, 0.008, 10), material))
        bell = revolve(np.array([[0.105, -0.09], [0.10, -0.08], [0.045, -0.01], [0.02, 0.03], [0.0, 0.03]]), 40)
        shade = look.take_lacquer() if look.chance(0.4) else material
        parts.append((bell.turned("y", 14).moved(0.15, 0, h), shade))
        parts.append((sphere(0.03, 16).moved(0.135, 0, h - 0.055), glow(WARM_LIGHT, 14)))
        return look.made(Thing.of(*parts), "desk lamp")
    shape = {"traditional": "ginger", "mid_century_modern": "gourd"}.get(look.style.id, "urn")
    h = look.between(0.26, 0.36)
    material = look.take_ceramic() if look.chance(0.65) else look.take_metal()
    brass = look.take_metal()
    lower = h * look.between(0.55, 0.68)
    thing = body(shape, h, material) + Thing.of(
        (cylinder(0.01, 0.09, 0.002).moved(0, 0, h - 0.01), brass), _foot(look, h * 0.28, brass)
    )
    thing = thing + drum(look, lower, lower * 0.72, h * 0.7).moved(0, 0, h + 0.02)
    return look.made(thing, "table lamp", "classic")


def floor_lamp(look: Look) -> Made:
    """Return a floor lamp: tripod, column, or arc."""
    kind = look.one(*look.style.lamps)
    if kind in ("tripod", "dome", "cage", "factory"):
        material = look.take_wood() if look.style.id != "industrial" else look.take_metal()
        h = look.between(1.12, 1.25)
        legs = [
            (
                rod((0.27 * np.cos(a), 0.27 * np.sin(a), 0), (0.02 * np.cos(a), 0.02 * np.sin(a), h), 0.011, 0.015),
                material,
            )
            for a in np.radians([90, 210, 330])
        ]
        thing = Thing.of(*legs, (cylinder(0.035, 0.03).moved(0, 0, h - 0.01), material)) + drum(
            look, 0.23, 0.2, 0.28
        ).moved(0, 0, h + 0.02)
        return look.made(thing, "floor lamp", "tripod")
    if kind in ("arc", "globe", "disc", "sputnik", "mushroom"):
        material = look.take_metal()
        foot = look.take_stone() if look.chance(0.6) else material
        path = smooth_curve(
            [(0, 0, 0.03), (0, 0, 0.7), (0.02, 0, 1.3), (0.22, 0, 1.68), (0.55, 0, 1.72), (0.75, 0, 1.58)], 8
        )
        bell = np.array([[0.16, -0.12], [0.155, -0.11], [0.13, -0.02], [0.06, 0.04], [0.0, 0.05]])
        globe = look.chance(0.45)
        head = (
            (sphere(0.13).moved(0.75, 0, 1.46), glow((1.0, 0.88, 0.7), 1.7))
            if globe
            else (revolve(bell, 44).moved(0.75, 0, 1.54), material)
        )
        parts = [(cylinder(0.16, 0.05, 0.008), foot), (tube(path, 0.012, 12), material), head]
        if not globe:
            parts.append((sphere(0.05, 16).moved(0.75, 0, 1.45), glow(WARM_LIGHT, 12)))
        return look.made(Thing.of(*parts).moved(-0.3), "floor lamp", "arc")
    if kind == "paper":
        look.note("paper", "white")
        base = look.take_wood()
        profile = smooth_curve([(0.13, 0), (0.17, 0.3), (0.17, 0.85), (0.13, 1.15)])
        parts = [
            (revolve(profile, 40, crease=80).moved(0, 0, 0.12), glow((1.0, 0.9, 0.76), 1.15)),
            (cylinder(0.15, 0.02), base),
            (cylinder(0.02, 0.14), base),
        ]
        parts += [
            (
                torus(float(np.interp(z, profile[:, 1], profile[:, 0])) + 0.001, 0.002).moved(0, 0, 0.12 + z),
                matte((0.8, 0.72, 0.6)),
            )
            for z in np.linspace(0.08, 1.08, 9)
        ]
        return look.made(Thing.of(*parts), "floor lamp", "paper")
    material = look.take_metal()
    thing = Thing.of(
        (cylinder(0.15, 0.03, 0.008), material),
        (cylinder(0.013, 1.3, 0.003), material),
        (sphere(0.026, 16).moved(0, 0, 0.6), material),
    )
    return look.made(thing + drum(look, 0.24, 0.15, 0.27).moved(0, 0, 1.26), "floor lamp", "classic")


def pendant(look: Look, cord: float = 0.55) -> Made:
    """Return a pendant hanging from z=0 downwards on its cord."""
    kind = look.one(*look.style.lamps)
    black = matte((0.08, 0.08, 0.08))
    parts: list[tuple[Mesh, Material]] = []
    word = kind
    if kind in ("globe", "disc", "arc"):
        look.note("glass", "white")
        metal_part = look.take_metal()
        r = look.between(0.13, 0.18)
        parts = [
            (sphere(r).moved(0, 0, -cord - r), glow((1.0, 0.9, 0.74), 1.7)),
            (cylinder(0.03, 0.05).moved(0, 0, -cord - 0.01), metal_part),
        ]
        word = "globe"
    elif kind in ("rattan", "paper"):
        r = look.between(0.22, 0.29)
        profile = smooth_curve([(r * 0.6, -1.15 * r), (r, -0.7 * r), (r * 0.8, -0.25 * r), (0.05, 0)])
        if kind == "rattan":
            look.note("rattan", "natural")
            parts = [
                (revolve(profile, 44).moved(0, 0, -cord), woven(RATTAN, look.seed())),
                (sphere(0.055, 16).moved(0, 0, -cord - r), glow(WARM_LIGHT, 10)),
            ]
        else:
            look.note("paper", "white")
            t = np.linspace(-np.pi / 2, np.pi / 2, 65)
            ripple = 1 + 0.012 * np.cos(t * 44)
            parts = [
                (
                    revolve(np.stack([r * np.cos(t) * ripple, r * 0.92 * np.sin(t)], -1), 40, crease=80).moved(
                        0, 0, -cord - r
                    ),
                    glow((1.0, 0.92, 0.8), 1.2),
                )
            ]
    elif kind in ("cage", "lantern", "moroccan", "candelabra", "sputnik"):
        material = look.take_metal()
        if kind == "sputnik":
            center = -cord - 0.22
            parts = [(sphere(0.05, 20).moved(0, 0, center), material)]
            for k in range(14):
                z = 1 - 2 * (k + 0.5) / 14
                a = k * 2.39996
                d = np.array([np.sqrt(1 - z * z) * np.cos(a), np.sqrt(1 - z * z) * np.sin(a), z])
                parts.append((rod((0, 0, center), tuple(np.array([0, 0, center]) + d * 0.27), 0.006), material))
                parts.append((sphere(0.03, 12).moved(*(np.array([0, 0, center]) + d * 0.29)), glow((1, 0.88, 0.7), 4)))
        else:
            r, h = (0.13, 0.3)
            for k in range(6 if kind != "moroccan" else 10):
                a = 2 * np.pi * k / (6 if kind != "moroccan" else 10)
                path = smooth_curve(
                    [(0.02, 0, -cord), (r, 0, -cord - 0.1), (r * 0.9, 0, -cord - h * 0.8), (0.03, 0, -cord - h)], 6
                )
                parts.append((tube(path, 0.006, 8).turned("z", np.degrees(a)), material))
            parts.append((torus(r, 0.007).moved(0, 0, -cord - 0.12), material))
            parts.append((sphere(0.05, 16).moved(0, 0, -cord - 0.15), glow(WARM_LIGHT, 7)))
    else:
        material = look.take_lacquer() if look.chance(0.55) else look.take_metal()
        look.note("metal", None)
        r = look.between(0.16, 0.24)
        shapes = {
            "dome": [(r, -0.95 * r), (0.97 * r, -0.6 * r), (0.6 * r, -0.12 * r), (0.12 * r, 0.0), (0, 0)],
            "mushroom": [(r, -0.62 * r), (0.96 * r, -0.42 * r), (0.55 * r, -0.08 * r), (0.12 * r, 0.0), (0, 0)],
            "factory": [(r, -0.85 * r), (0.95 * r, -0.75 * r), (0.4 * r, -0.35 * r), (0.28 * r, 0), (0, 0)],
            "cone": [(0.8 * r, -1.3 * r), (0.1 * r, 0), (0, 0)],
        }
        outline = np.array(shapes.get(kind, shapes["dome"]))
        parts = [
            (revolve(outline, 48).moved(0, 0, -cord), material),
            (sphere(0.05, 16).moved(0, 0, -cord - 0.6 * r), glow(WARM_LIGHT, 12)),
        ]
    parts.append((cylinder(0.003, cord, 0.001, 8).moved(0, 0, -cord), black))
    parts.append((cylinder(0.05, 0.02, 0.004).moved(0, 0, -0.02), black))
    names = {
        "cage": "cage",
        "moroccan": "openwork",
        "candelabra": "lantern",
        "sputnik": "sputnik",
        "classic": "dome",
        "tripod": "dome",
    }
    return look.made(Thing.of(*parts), "pendant lamp", names.get(word, word))


def candle(height: float, radius: float) -> Thing:
    """Return a lit candle on z=0."""
    flame = ellipsoid(0.0045, 0.0045, 0.012, 12).moved(0, 0, height + 0.014)
    return Thing.of(
        (cylinder(radius, height, 0.003), matte((0.95, 0.92, 0.84))),
        (flame, glow((1.0, 0.75, 0.4), 9)),
        (cylinder(0.001, 0.006, 0.0004, 6).moved(0, 0, height), matte((0.1, 0.1, 0.1))),
    )


def candlesticks(look: Look) -> Made:
    """Return one to three candlesticks with dinner candles."""
    count = int(look.rng.integers(1, 4))
    draw = look.rng.random()
    material = look.take_metal() if draw < 0.5 else look.take_wood() if draw < 0.7 else look.take_ceramic()
    turned = look.style.id in ("traditional", "bohemian", "mid_century_modern")
    things = []
    for k in range(count):
        h = look.between(0.19, 0.24) * (1 - 0.22 * k)
        if turned:
            outline = smooth_curve(
                [
                    (0.045, 0),
                    (0.045, 0.05 * h),
                    (0.014, 0.16 * h),
                    (0.026, 0.3 * h),
                    (0.011, 0.45 * h),
                    (0.02, 0.62 * h),
                    (0.01, 0.8 * h),
                    (0.022, h),
                ]
            )
        else:
            outline = rounded_profile(
                [(0.045, 0), (0.045, 0.012), (0.009, 0.016), (0.009, h - 0.03), (0.017, h - 0.025), (0.017, h)], 0.004
            )
        stick = revolve(np.concatenate([[[0.0, 0.0]], outline, [[0.0, h]]]), 32)
        things.append(
            (Thing.of((stick, material)) + candle(look.between(0.14, 0.2), 0.0105).moved(0, 0, h - 0.002)).moved(
                0.1 * k, 0.05 * (k % 2)
            )
        )
    return look.made(
        combine(things), "candlesticks" if count > 1 else "candlestick", "turned" if turned else "slim", count=count
    )


def lantern(look: Look) -> Made:
    """Return a lantern with a pillar candle."""
    material = look.take_metal() if look.chance(0.6) else look.take_wood()
    w, h = look.between(0.14, 0.2), look.between(0.26, 0.42)
    look.note("glass", None)
    parts = [(box(w, w, 0.018, 0.004), material), (box(w, w, 0.018, 0.004).moved(0, 0, h), material)]
    for x in (-1, 1):
        for y in (-1, 1):
            parts.append((box(0.014, 0.014, h, 0.002).moved(x * (w / 2 - 0.009), y * (w / 2 - 0.009)), material))
    parts.append((cylinder(w * 0.52, 0.06, 0.004, 4, top=w * 0.16).turned("z", 45).moved(0, 0, h + 0.018), material))
    parts.append((torus(0.035, 0.004).turned("x", 90).moved(0, 0, h + 0.11), material))
    return look.made(Thing.of(*parts) + candle(h * 0.42, 0.034).moved(0, 0, 0.018), "lantern")


def tealights(look: Look) -> Made:
    """Return glass or ceramic tealight holders."""
    count = int(look.rng.integers(2, 4))
    material = look.take_glass() if look.chance(0.5) else look.take_ceramic()
    ribs = (16, 0.05) if look.chance(0.5) else (0, 0.0)
    things = []
    for k in range(count):
        cup = vessel(rounded_profile([(0.026, 0), (0.036, 0.01), (0.04, 0.075)], 0.01), 0.004, 0.008, ribs)
        things.append(
            (Thing.of((cup, material)) + candle(0.028, 0.019).moved(0, 0, 0.009)).moved(0.11 * k, 0.04 * (k % 2))
        )
    return look.made(combine(things), "tealight holders", "ribbed" if ribs[0] else "", count=count)


def wall_lamp(look: Look) -> Made:
    """Return a sconce on the wall plane y=0."""
    material = look.take_metal()
    plate = cylinder(0.055, 0.02, 0.004).turned("x", 90).moved(0, 0, 0.18)
    arm = tube(smooth_curve([(0, -0.01, 0.18), (0, -0.07, 0.15), (0, -0.12, 0.17), (0, -0.13, 0.22)], 6), 0.008, 10)
    if look.style.id in ("traditional", "scandinavian", "bohemian"):
        head = drum(look, 0.09, 0.06, 0.13).moved(0, -0.13, 0.22)
    else:
        look.note("glass", "white")
        head = Thing.of((sphere(0.07).moved(0, -0.13, 0.28), glow((1, 0.88, 0.7), 1.8)))
    return look.made(Thing.of((plate, material), (arm, material)) + head, "wall lamp")


TYPES = (
    ProductType("table_lamp", "lighting_accents", "table", table_lamp, weight=2.0),
    ProductType("floor_lamp", "lighting_accents", "floor", floor_lamp, weight=1.4),
    ProductType("pendant", "lighting_accents", "ceiling", pendant, weight=1.4),
    ProductType("candlesticks", "lighting_accents", "table", candlesticks),
    ProductType("lantern", "lighting_accents", "table", lantern, weight=0.8),
    ProductType("tealights", "lighting_accents", "table", tealights, weight=0.7),
    ProductType("wall_lamp", "lighting_accents", "wall", wall_lamp, weight=0.7),
)
