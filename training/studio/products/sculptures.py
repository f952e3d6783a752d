"""Figurines and abstract sculpture."""

import numpy as np

from training.studio.geometry import Thing, combine
from training.studio.materials import Material
from training.studio.products.base import Look, Made, ProductType
from training.studio.shapes import box, cylinder, ellipsoid, rod, smooth_curve, sphere, torus, tube


def _material(look: Look) -> Material:
    draw = look.rng.random()
    if draw < 0.4:
        return look.take_ceramic()
    if draw < 0.62:
        return look.take_metal()
    if draw < 0.8:
        return look.take_wood()
    return look.take_stone()


def _base(look: Look, width: float, depth: float) -> tuple[Thing, float]:
    height = look.between(0.02, 0.035)
    material = look.take_stone() if look.chance(0.5) else look.take_wood()
    return Thing.of((box(width, depth, height, 0.004), material)), height


def knot(look: Look) -> Made:
    """Return a knot or a loop of thick tube."""
    t = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    trefoil = look.chance(0.6)
    if trefoil:
        path = np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], -1) * 0.035
    else:
        path = np.stack([np.cos(t) * 1.6, np.sin(t) * 1.6 * np.cos(t), 0.9 * np.sin(2 * t)], -1) * 0.055
    thing = Thing.of(
        (tube(path, look.between(0.017, 0.026), 18, closed=True).turned("x", look.between(55, 90)), _material(look))
    )
    thing = thing.moved(0, 0, -float(thing.bounds()[0][2]))
    return look.made(thing.scaled(look.between(0.9, 1.3)), "sculpture", "abstract", "knot" if trefoil else "loop")


def pebbles(look: Look) -> Made:
    """Return balanced stones on a plinth."""
    plinth, z = _base(look, 0.15, 0.12)
    material, second = _material(look), _material(look)
    things = [plinth]
    count = int(look.rng.integers(3, 6))
    for k in range(count):
        r = 0.075 - 0.011 * k
        h = look.between(0.018, 0.034)
        stone = Thing.of((ellipsoid(r * look.between(0.85, 1.1), r * 0.8, h), material if k % 2 == 0 else second))
        things.append(stone.moved(look.between(-0.008, 0.008), 0, z + h * 0.96))
        z += 1.92 * h
    return look.made(combine(things), "sculpture", "stacked stone")


def rings(look: Look) -> Made:
    """Return interlocked or nested rings on a plinth."""
    plinth, z = _base(look, 0.18, 0.08)
    material = _material(look)
    things = [plinth]
    r = look.between(0.09, 0.13)
    for k in range(int(look.rng.integers(1, 4))):
        size = r * (1 - 0.28 * k)
        things.append(
            Thing.of((torus(size, 0.013).turned("x", 90).turned("z", look.between(-35, 35)), material)).moved(
                0.015 * k, 0, z + size + 0.01
            )
        )
    return look.made(combine(things), "sculpture", "ring")


def column(look: Look) -> Made:
    """Return a totem of turned shapes."""
    material, second = _material(look), _material(look)
    things, z = [], 0.0
    for k in range(int(look.rng.integers(4, 7))):
        r = look.between(0.03, 0.06)
        kind = look.one("ball", "disc", "cone", "cube")
        tint = material if k % 2 == 0 else second
        mesh, h = {
            "ball": (ellipsoid(r, r, r * 0.8).moved(0, 0, r * 0.8), r * 1.6),
            "disc": (cylinder(r * 1.15, 0.025, 0.008), 0.025),
            "cone": (cylinder(r, r * 1.3, 0.006, top=r * 0.45), r * 1.3),
            "cube": (box(r * 1.5, r * 1.5, r * 1.3, 0.006), r * 1.3),
        }[kind]
        things.append(Thing.of((mesh.moved(0, 0, z), tint)))
        z += h
    return look.made(combine(things), "totem sculpture")


def bird(look: Look) -> Made:
    """Return a smooth bird."""
    material = _material(look)
    path = smooth_curve(
        [(-0.10, 0, 0.050), (-0.05, 0, 0.055), (0, 0, 0.062), (0.045, 0, 0.085), (0.07, 0, 0.118), (0.105, 0, 0.118)], 8
    )
    radii = np.interp(
        np.linspace(0, 1, len(path)),
        [0, 0.2, 0.45, 0.65, 0.82, 0.92, 1],
        [0.006, 0.028, 0.05, 0.04, 0.028, 0.012, 0.002],
    )
    parts = [(tube(path, radii, 24), material)]
    count = int(look.rng.integers(1, 3))
    single = Thing.of(*parts)
    single = single.moved(0, 0, -float(single.bounds()[0][2]) - 0.003)
    things = [
        single.scaled(1.2 - 0.3 * k).turned(k * 160 + look.between(-15, 15)).moved(0.16 * k, 0.09 * k)
        for k in range(count)
    ]
    return look.made(combine(things), "birds" if count > 1 else "bird", "figurine", count=count)


def elephant(look: Look) -> Made:
    """Return a rounded elephant."""
    material = _material(look)
    parts = [
        (ellipsoid(0.085, 0.055, 0.06).moved(0, 0, 0.115), material),
        (ellipsoid(0.045, 0.042, 0.046).moved(0.095, 0, 0.145), material),
    ]
    for x in (-0.045, 0.045):
        for y in (-0.03, 0.03):
            parts.append((cylinder(0.021, 0.09, 0.006).moved(x, y), material))
    for side in (-1, 1):
        parts.append((ellipsoid(0.012, 0.033, 0.042).turned("z", side * 25).moved(0.072, side * 0.05, 0.15), material))
    trunk = smooth_curve([(0.12, 0, 0.14), (0.155, 0, 0.11), (0.162, 0, 0.06), (0.185, 0, 0.035), (0.21, 0, 0.05)], 6)
    parts.append((tube(trunk, np.linspace(0.021, 0.009, len(trunk)), 14), material))
    parts.append((tube(smooth_curve([(-0.08, 0, 0.13), (-0.098, 0, 0.1), (-0.1, 0, 0.07)], 5), 0.005), material))
    return look.made(Thing.of(*parts).scaled(look.between(0.8, 1.2)), "elephant", "figurine")


def cat(look: Look) -> Made:
    """Return a seated cat."""
    material = _material(look)
    parts = [
        (ellipsoid(0.048, 0.05, 0.085).moved(0, 0, 0.08), material),
        (ellipsoid(0.04, 0.045, 0.05).moved(0, 0.03, 0.045), material),
        (ellipsoid(0.037, 0.034, 0.034).moved(0, -0.012, 0.185), material),
        (ellipsoid(0.017, 0.017, 0.06).moved(-0.02, -0.042, 0.06), material),
        (ellipsoid(0.017, 0.017, 0.06).moved(0.02, -0.042, 0.06), material),
    ]
    for side in (-1, 1):
        parts.append(
            (
                cylinder(0.014, 0.034, 0.002, 16, top=0.002).turned("y", side * 12).moved(side * 0.021, -0.008, 0.203),
                material,
            )
        )
    tail = smooth_curve([(0.02, 0.07, 0.02), (0.07, 0.05, 0.016), (0.085, 0.0, 0.016), (0.06, -0.05, 0.016)], 6)
    parts.append((tube(tail, 0.011, 12), material))
    return look.made(Thing.of(*parts).scaled(look.between(0.85, 1.4)), "cat", "figurine")


def figure(look: Look) -> Made:
    """Return a slender figure in the manner of modern bronzes."""
    plinth, z = _base(look, 0.09, 0.09)
    material = _material(look)
    parts = []
    for side in (-1, 1):
        leg = smooth_curve([(side * 0.022, 0, z), (side * 0.018, 0.004, z + 0.1), (side * 0.012, 0, z + 0.2)], 6)
        parts.append((tube(leg, np.linspace(0.007, 0.014, len(leg)), 12), material))
        arm = smooth_curve(
            [(side * 0.03, 0, z + 0.325), (side * 0.055, -0.01, z + 0.26), (side * 0.03, -0.03, z + 0.2)], 6
        )
        parts.append((tube(arm, np.linspace(0.01, 0.006, len(arm)), 10), material))
    torso = smooth_curve([(0, 0, z + 0.19), (0, 0.002, z + 0.26), (0, 0, z + 0.33), (0, 0, z + 0.36)], 6)
    parts.append(
        (
            tube(torso, np.interp(np.linspace(0, 1, len(torso)), [0, 0.35, 0.75, 1], [0.025, 0.02, 0.032, 0.011]), 16),
            material,
        )
    )
    parts.append((ellipsoid(0.019, 0.021, 0.027).moved(0, 0, z + 0.385), material))
    return look.made((Thing.of(*parts) + plinth).scaled(look.between(0.8, 1.15)), "figure sculpture", "standing")


def orbs(look: Look) -> Made:
    """Return a set of decorative balls."""
    count = 3
    things, x = [], 0.0
    for k in range(count):
        r = 0.058 - 0.011 * k
        x += r
        things.append(Thing.of((sphere(r), _material(look))).moved(x, look.between(-0.05, 0.05), r))
        x += r + 0.012
    return look.made(combine(things).moved(-x / 2), "decorative balls", count=count)


def wave(look: Look) -> Made:
    """Return an upright ribbon in waves."""
    plinth, z = _base(look, 0.15, 0.08)
    material = _material(look)
    t = np.linspace(0, 1, 40)
    turns = look.between(0.9, 1.6)
    path = np.stack([0.05 * np.sin(2 * np.pi * turns * t), 0.03 * np.cos(2 * np.pi * turns * t), z + 0.27 * t], -1)
    strand = Thing.of((tube(path, 0.012 + 0.012 * np.sin(np.pi * t), 16), material))
    return look.made(plinth + strand + strand.turned(180), "sculpture", "twisted")


def branch(look: Look) -> Made:
    """Return a coral-like tree of tubes on a plinth."""
    plinth, z = _base(look, 0.1, 0.1)
    material = _material(look)
    parts = []

    def grow(start: np.ndarray, direction: np.ndarray, length: float, radius: float, level: int) -> None:
        end = start + direction * length
        parts.append((rod(tuple(start), tuple(end), radius, radius * 0.75), material))
        if level == 0:
            parts.append((sphere(radius * 0.9, 12).moved(*end), material))
            return
        for _ in range(2 if level < 3 else 3):
            turn = direction + look.rng.normal(0, 0.42, 3)
            turn[2] = abs(turn[2]) * 0.7 + 0.2
            grow(end, turn / np.linalg.norm(turn), length * 0.78, radius * 0.75, level - 1)

    grow(np.array([0, 0, z - 0.004]), np.array([0, 0, 1.0]), 0.08, 0.013, 3)
    return look.made(Thing.of(*parts) + plinth, "coral sculpture")


TYPES = tuple(
    ProductType(maker.__name__, "sculptural_objects", "table", maker)
    for maker in (knot, pebbles, rings, column, bird, elephant, cat, figure, orbs, wave, branch)
)
