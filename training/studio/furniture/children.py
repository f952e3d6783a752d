"""Toys and low storage for a child's room."""

import numpy as np

from training.studio.colors import color
from training.studio.geometry import Mesh, Thing, combine, makes
from training.studio.materials import Material, cloth, matte, painted, pattern
from training.studio.products.base import Look
from training.studio.shapes import box, cylinder, ellipsoid, revolve, rod, smooth_curve, sphere, torus, tube

BRIGHT = ("red", "yellow", "sky blue", "mint", "coral", "orange", "turquoise", "pink")


def _bright(look: Look) -> tuple[float, float, float]:
    return color(look.one(*BRIGHT)) if look.chance(0.6) else look.accent()[1]


def teddy(look: Look) -> Thing:
    """Return a seated bear."""
    fur = cloth(((0.62, 0.44, 0.28), (0.78, 0.65, 0.5), (0.86, 0.82, 0.76))[int(look.rng.integers(3))], 1, "pile")
    dark = painted((0.06, 0.05, 0.05), 0.2)
    pale = cloth((0.9, 0.83, 0.72), 2, "pile")
    parts: list[tuple[Mesh, Material]] = [
        (ellipsoid(0.1, 0.085, 0.12).moved(0, 0, 0.12), fur),
        (ellipsoid(0.085, 0.08, 0.078).moved(0, -0.01, 0.285), fur),
        (ellipsoid(0.036, 0.03, 0.028).moved(0, -0.08, 0.268), pale),
        (sphere(0.011, 12).moved(0, -0.11, 0.278), dark),
    ]
    for s in (-1, 1):
        parts += [
            (sphere(0.033, 16).moved(s * 0.065, 0, 0.35), fur),
            (ellipsoid(0.036, 0.1, 0.036).moved(s * 0.075, -0.1, 0.04), fur),
            (ellipsoid(0.032, 0.036, 0.08).turned("y", s * -30).moved(s * 0.11, -0.02, 0.16), fur),
            (sphere(0.009, 10).moved(s * 0.03, -0.08, 0.3), dark),
            (ellipsoid(0.028, 0.008, 0.03).moved(s * 0.075, -0.198, 0.045), pale),
        ]
    return Thing.of(*parts)


def toy_blocks(look: Look) -> Thing:
    """Return a tumble of building blocks."""
    things = []
    for k in range(8):
        s = 0.055
        block = Thing.of((box(s, s, s, 0.004), painted(_bright(look), 0.4)))
        z = s if k > 5 else 0
        at = ((k % 3) * 0.062, (k // 3) * 0.066) if k <= 5 else (0.03 + 0.06 * (k - 6), 0.03)
        things.append(block.turned(look.between(-30, 30)).moved(*at, z))
    return combine(things)


def ring_stack(look: Look) -> Thing:
    """Return a stacking-ring toy."""
    parts = [
        (cylinder(0.075, 0.02, 0.005), painted((0.85, 0.7, 0.5), 0.5)),
        (cylinder(0.01, 0.17, 0.003), painted((0.85, 0.7, 0.5), 0.5)),
    ]
    for k in range(5):
        parts.append((torus(0.052 - 0.007 * k, 0.016).moved(0, 0, 0.036 + 0.028 * k), painted(_bright(look), 0.25)))
    parts.append((sphere(0.02, 16).moved(0, 0, 0.185), painted(_bright(look), 0.25)))
    return Thing.of(*parts)


def ball(look: Look) -> Thing:
    """Return a striped ball."""
    r = look.between(0.09, 0.13)
    skin = pattern("ticking", (_bright(look), (0.95, 0.94, 0.9)), 1, (0.4, 0.4))
    return Thing.of((sphere(r).turned("y", 30).moved(0, 0, r), skin))


def tent(look: Look) -> Thing:
    """Return a play tent (tipi) of canvas on four poles."""
    pole, canvas = look.take_wood(), cloth((0.93, 0.9, 0.83), 1)
    trim = cloth(look.accent()[1], 2)
    r, h = 0.56, 1.45
    corners = np.array([[-r, -r], [r, -r], [r, r], [-r, r]])
    parts: list[tuple[Mesh, Material]] = []
    for cx, cy in corners:
        parts.append((rod((cx, cy, 0), (-cx * 0.14, -cy * 0.14, h * 1.14), 0.013), pole))

    def side(a: np.ndarray, b: np.ndarray, cut: float = 1.0) -> Mesh:
        t, u = np.linspace(0, 1, 8), np.linspace(0, cut, 6)
        apex = np.array([0, 0, h])
        base = a[None, :] * (1 - u[:, None]) + b[None, :] * u[:, None]
        base3 = np.column_stack([base, np.zeros(len(u))])
        points = base3[:, None, :] * (1 - t[None, :, None]) + apex * t[None, :, None]
        return surface_of(points)

    parts += [
        (side(corners[1], corners[2]), canvas),
        (side(corners[2], corners[3]), canvas),
        (side(corners[3], corners[0]), canvas),
    ]
    parts += [(side(corners[0], corners[1], 0.32), trim), (side(corners[1], corners[0], 0.32), trim)]
    return Thing.of(*parts)


def surface_of(points: np.ndarray) -> Mesh:
    """Return the mesh of a grid of points."""
    from training.studio.shapes import surface

    return surface(points, crease=80)


@makes("cabinet")
def cubby(look: Look, width: float = 1.2) -> Thing:
    """Return low open storage with colored bins, its top at 0.62, back at y=0.18."""
    wood = look.take_wood() if look.chance(0.6) else painted((0.95, 0.94, 0.92), 0.4)
    d, h, columns, rows = 0.36, 0.62, 3, 2
    parts: list[tuple[Mesh, Material]] = [(box(width, 0.012, h, 0.002).moved(0, d / 2 - 0.006), wood)]
    for k in range(columns + 1):
        parts.append((box(0.022, d, h, 0.003).moved(-width / 2 + 0.011 + k * (width - 0.022) / columns), wood))
    for k in range(rows + 1):
        parts.append((box(width, d, 0.022, 0.003).moved(0, 0, 0.02 + k * (h - 0.042) / rows), wood))
    w, step = (width - 0.022) / columns, (h - 0.042) / rows
    for c in range(columns):
        for r in range(rows):
            if look.chance(0.72):
                tint = cloth(_bright(look), look.seed())
                x, z = -width / 2 + 0.011 + w * (c + 0.5), 0.044 + r * step
                parts.append((box(w - 0.05, d - 0.05, step * 0.78, 0.02, 3).moved(x, -0.01, z), tint))
                parts.append(
                    (
                        torus(0.022, 0.005, 24).turned("x", 90).moved(x, -d / 2 + 0.012, z + step * 0.55),
                        matte((0.95, 0.92, 0.86)),
                    )
                )
    return Thing.of(*parts)


def bunting(look: Look, width: float) -> Thing:
    """Return a string of pennants on the wall plane, its ends at z=0."""
    parts: list[tuple[Mesh, Material]] = []
    x = np.linspace(-width / 2, width / 2, 40)
    z = 0.22 * ((2 * x / width) ** 2 - 1)
    parts.append((tube(np.column_stack([x, np.full(40, -0.012), z]), 0.003, 6), matte((0.9, 0.88, 0.82))))
    from training.studio.geometry import crease_normals

    for k in range(1, 12):
        cx = -width / 2 + width * k / 12
        cz = 0.22 * ((2 * cx / width) ** 2 - 1)
        v = np.array([[cx - 0.07, -0.015, cz], [cx, -0.02, cz - 0.18], [cx + 0.07, -0.015, cz]])
        parts.append((crease_normals(v, np.array([[0, 1, 2]]), v[:, [0, 2]]), cloth(_bright(look), k)))
    return Thing.of(*parts)


def rocking_horse(look: Look) -> Thing:
    """Return a rocking horse of wood, its head towards -x."""
    wood = look.take_wood()
    mane = matte(_bright(look))
    parts: list[tuple[Mesh, Material]] = [(ellipsoid(0.24, 0.09, 0.1).moved(0, 0, 0.42), wood)]
    neck = smooth_curve([(-0.17, 0, 0.45), (-0.26, 0, 0.58), (-0.27, 0, 0.68), (-0.38, 0, 0.64)], 7)
    parts.append(
        (tube(neck, np.interp(np.linspace(0, 1, len(neck)), [0, 0.5, 0.75, 1], [0.08, 0.055, 0.06, 0.035]), 16), wood)
    )
    parts.append((tube(neck[6:15] + np.array([0.05, 0, 0.03]), 0.025, 10), mane))
    parts.append((tube(smooth_curve([(0.22, 0, 0.46), (0.31, 0, 0.44), (0.34, 0, 0.3)], 6), 0.025, 10), mane))
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append((rod((sx * 0.15, sy * 0.06, 0.38), (sx * 0.22, sy * 0.13, 0.09), 0.026, 0.02), wood))
    for sy in (-1, 1):
        x = np.linspace(-0.45, 0.45, 16)
        parts.append((tube(np.column_stack([x, np.full(16, sy * 0.14), 0.022 + 0.45 * x**2]), 0.02, 10), wood))
    parts.append((revolve(np.array([[0, 0.0], [0.11, 0.0], [0.1, 0.02], [0, 0.025]]), 24).moved(0.0, 0, 0.515), mane))
    return Thing.of(*parts)


TOYS = (teddy, toy_blocks, ring_stack, ball)
