"""Small things of daily life that make rooms plausible: coats, shoes, a laptop, a coat rack."""

from __future__ import annotations

import numpy as np

from training.studio.geometry import Mesh, Thing
from training.studio.materials import Material, cloth, glow, leather, matte, metal, painted
from training.studio.products.base import Look
from training.studio.shapes import box, cylinder, ellipsoid, quad, rod, smooth_curve, sphere, surface, tube, vessel


def coat_rail(look: Look, width: float = 0.9) -> Thing:
    """Return a board with hooks, coats, a scarf and a bag, on the wall plane y=0; hooks at z=1.7."""
    board, hook = look.take_wood(), look.take_metal()
    parts: list[tuple[Mesh, Material]] = [(box(width, 0.025, 0.1, 0.005).moved(0, -0.0125, 1.67), board)]
    count = 5
    for k in range(count):
        x = -width / 2 + width * (k + 0.5) / count
        path = smooth_curve([(x, -0.02, 1.72), (x, -0.07, 1.7), (x, -0.085, 1.74)], 5)
        parts += [(tube(path, 0.007, 8), hook), (sphere(0.012, 12).moved(x, -0.085, 1.745), hook)]
    thing = Thing.of(*parts)
    order = look.rng.permutation(count)
    for k in order[:2]:
        thing = thing + coat(look).moved(-width / 2 + width * (k + 0.5) / count, -0.08, 0)
    x = -width / 2 + width * (order[2] + 0.5) / count
    return thing + bag(look).moved(x, -0.09, 0)


def coat(look: Look) -> Thing:
    """Return a coat hanging from z=1.7."""
    skin = cloth(
        look.accent()[1]
        if look.chance(0.6)
        else ((0.16, 0.17, 0.2), (0.55, 0.46, 0.34), (0.3, 0.29, 0.27))[int(look.rng.integers(3))],
        look.seed(),
    )
    z = np.linspace(0, 1, 18)
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    half = np.interp(z, [0, 0.5, 0.86, 0.96, 1], [0.2, 0.16, 0.17, 0.08, 0.015])
    deep = np.interp(z, [0, 0.5, 0.86, 0.96, 1], [0.075, 0.07, 0.075, 0.05, 0.012])
    fold = 1 + 0.10 * np.cos(angle * 6)[:, None] * (1 - z)[None, :]
    pts = np.stack(
        [
            half[None, :] * np.cos(angle)[:, None] * fold,
            deep[None, :] * np.sin(angle)[:, None] * fold,
            np.broadcast_to(0.75 + 0.96 * z, (28, 18)),
        ],
        -1,
    )
    parts: list[tuple[Mesh, Material]] = [(surface(pts, close_u=True, crease=80), skin)]
    for sx in (-1, 1):
        sleeve = smooth_curve([(sx * 0.14, 0, 1.58), (sx * 0.2, -0.02, 1.4), (sx * 0.21, -0.03, 1.0)], 6)
        parts.append((tube(sleeve, np.linspace(0.06, 0.045, len(sleeve)), 12), skin))
    return Thing.of(*parts)


def bag(look: Look) -> Thing:
    """Return a tote hanging from z=1.7."""
    skin = leather((0.45, 0.28, 0.16)) if look.chance(0.5) else cloth((0.86, 0.8, 0.68), 1)
    strap = [
        tube(smooth_curve([(sx * 0.1, dy, 1.36), (sx * 0.05, dy, 1.6), (0, dy, 1.71)], 5), 0.008, 8)
        for sx in (-1, 1)
        for dy in (-0.02,)
    ]
    return Thing.of((box(0.3, 0.09, 0.34, 0.03, 3).moved(0, -0.02, 1.03), skin), *[(m, skin) for m in strap])


def shoes(look: Look) -> Thing:
    """Return a pair of shoes, toes towards -y."""
    skin = leather(((0.2, 0.14, 0.1), (0.5, 0.34, 0.2), (0.85, 0.83, 0.8))[int(look.rng.integers(3))])
    sole = matte((0.9, 0.88, 0.84))
    parts: list[tuple[Mesh, Material]] = []
    for sx in (-1, 1):
        x = sx * 0.06
        parts += [
            (box(0.085, 0.26, 0.022, 0.01).moved(x), sole),
            (ellipsoid(0.042, 0.09, 0.042).moved(x, -0.045, 0.035), skin),
            (
                vessel(np.array([[0.038, 0], [0.042, 0.05], [0.036, 0.09]]), 0.005, 0.02)
                .scaled(1, 1.5, 1)
                .moved(x, 0.06, 0.02),
                skin,
            ),
        ]
    return Thing.of(*parts)


def laptop(look: Look) -> Thing:
    """Return an open laptop, its user at -y."""
    body, dark = metal("aluminium"), matte((0.08, 0.08, 0.09))
    screen = quad(0.3, 0.19)
    lid = (
        Thing.of((box(0.32, 0.006, 0.21, 0.003), body), (screen.moved(0, -0.004, 0.01), glow((0.75, 0.82, 0.9), 0.9)))
        .turned(-14, "x")
        .moved(0, 0.11, 0.016)
    )
    del look
    return (
        Thing.of((box(0.32, 0.22, 0.014, 0.004), body), (box(0.27, 0.1, 0.003, 0.001).moved(0, 0.03, 0.013), dark))
        + lid
    )


def monitor() -> Thing:
    """Return a screen on its foot, its user at -y."""
    dark = painted((0.05, 0.05, 0.055), 0.2)
    return Thing.of(
        (box(0.2, 0.16, 0.012, 0.004), metal("aluminium")),
        (box(0.05, 0.02, 0.2, 0.003).moved(0, 0.05), metal("aluminium")),
        (box(0.6, 0.025, 0.36, 0.006).moved(0, 0.03, 0.14), dark),
        (quad(0.57, 0.33).moved(0, 0.016, 0.155), glow((0.55, 0.68, 0.8), 0.8)),
    )


def pencil_pot(look: Look) -> Thing:
    """Return a pot of pencils."""
    parts = [(vessel(np.array([[0.036, 0], [0.038, 0.1]]), 0.004, 0.006), look.take_ceramic())]
    for k in range(6):
        a = k * 1.05
        parts.append(
            (
                rod(
                    (0.012 * np.cos(a), 0.012 * np.sin(a), 0.01),
                    (0.034 * np.cos(a), 0.034 * np.sin(a), look.between(0.15, 0.18)),
                    0.0035,
                ),
                matte(look.accent()[1]),
            )
        )
    return Thing.of(*parts)


def pinboard(look: Look, width: float = 0.9, height: float = 0.6) -> Thing:
    """Return a cork board with notes, on the wall plane."""
    frame = look.take_wood()
    parts = [
        (box(width, 0.025, height, 0.004).moved(0, -0.0125), frame),
        (quad(width - 0.05, height - 0.05).moved(0, -0.027, 0.025), matte((0.72, 0.54, 0.36))),
    ]
    for _ in range(7):
        w, h = look.between(0.08, 0.16), look.between(0.08, 0.16)
        x, z = look.between(-width / 2 + 0.13, width / 2 - 0.13), look.between(0.06, height - 0.22)
        parts.append(
            (
                quad(w, h).turned("y", look.between(-6, 6)).moved(x, -0.029, z),
                matte(look.accent()[1] if look.chance(0.6) else (0.95, 0.94, 0.9)),
            )
        )
    return Thing.of(*parts)


def umbrella_stand(look: Look) -> Thing:
    """Return a stand with two umbrellas."""
    pot = vessel(np.array([[0.11, 0], [0.115, 0.5]]), 0.006, 0.02)
    parts = [(pot, look.take_metal())]
    for k in range(2):
        skin = cloth(look.accent()[1], k)
        parts += [
            (rod((0.03 * k, 0.02, 0.03), (0.06 - 0.1 * k, 0.05, 0.72), 0.03, 0.012), skin),
            (
                tube(
                    smooth_curve(
                        [
                            (0.06 - 0.1 * k, 0.05, 0.72),
                            (0.065 - 0.11 * k, 0.055, 0.84),
                            (0.09 - 0.11 * k, 0.055, 0.87),
                            (0.11 - 0.11 * k, 0.055, 0.83),
                        ],
                        5,
                    ),
                    0.009,
                    8,
                ),
                leather((0.3, 0.18, 0.1)),
            ),
        ]
    return Thing.of(*parts)


def tv(width: float = 1.2) -> Thing:
    """Return a flat screen on a foot, off, facing -y."""
    return Thing.of(
        (box(width, 0.03, width * 0.57, 0.005).moved(0, 0, 0.05), painted((0.02, 0.02, 0.025), 0.05)),
        (box(0.4, 0.2, 0.02, 0.004), metal("iron")),
        (cylinder(0.02, 0.06).moved(0, 0), metal("iron")),
    )


def wall_dots(look: Look, width: float, height: float) -> Thing:
    """Return dots or stars stuck to a wall, scattered over width x height from z=0."""
    parts = []
    tints = [matte(look.accent()[1]) for _ in range(3)]
    for k in range(26):
        r = look.between(0.025, 0.05)
        parts.append(
            (
                cylinder(r, 0.002, 0.0005, 20 if k % 2 else 5)
                .turned("x", 90)
                .moved(look.between(-width / 2, width / 2), -0.003, look.between(0, height)),
                tints[k % 3],
            )
        )
    return Thing.of(*parts)
