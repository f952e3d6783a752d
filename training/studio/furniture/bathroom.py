"""Bathroom pieces: bathtub, vanity with basin, toilet, towel rail, shower screen."""

import numpy as np

from training.studio.furniture.seating import legs
from training.studio.geometry import Mesh, Thing, makes
from training.studio.materials import Material, glass, metal, painted
from training.studio.products.base import Look
from training.studio.shapes import (
    box,
    cylinder,
    revolve,
    rod,
    rounded_profile,
    smooth_curve,
    surface,
    torus,
    tube,
    vessel,
)

ENAMEL = painted((0.95, 0.95, 0.94), 0.08)


@makes("bath")
def bathtub(look: Look) -> Thing:
    """Return a free-standing bathtub, long along x, 1.65 x 0.75, rim at 0.58."""
    outer = (
        painted(look.accent()[1], 0.2)
        if look.style.id in ("traditional", "bohemian", "industrial") and look.chance(0.6)
        else ENAMEL
    )
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    c = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.62
    s = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.72
    slipper = look.style.id in ("traditional", "bohemian")
    rise = 0.12 * np.clip(np.cos(angle), 0, 1) ** 2 if slipper else np.zeros_like(angle)

    def ring(share: float, z: np.ndarray | float) -> np.ndarray:
        return np.stack([0.825 * share * c, 0.375 * share * s, np.broadcast_to(z, c.shape)], -1)

    low = 0.1 if slipper else 0.0
    skin = [
        ring(0.02, low),
        ring(0.7, low),
        ring(0.8, low + 0.06),
        ring(0.9, 0.3 + rise * 0.4),
        ring(0.98, 0.55 + rise),
    ]
    lip = [ring(0.98, 0.55 + rise), ring(1.01, 0.575 + rise), ring(0.98, 0.59 + rise), ring(0.93, 0.57 + rise)]
    bowl = [ring(0.93, 0.57 + rise), ring(0.84, 0.3), ring(0.72, 0.14), ring(0.02, 0.13)]
    meshes = [
        (surface(np.stack(rings, 1), close_u=True, crease=70), tint)
        for rings, tint in ((skin, outer), (lip, ENAMEL), (bowl, ENAMEL))
    ]
    tap = metal(look.one(*look.style.metals))
    parts: list[tuple[Mesh, Material]] = list(meshes)
    if slipper:
        for sx in (-1, 1):
            for sy in (-1, 1):
                parts.append(
                    (
                        revolve(smooth_curve([(0.02, 0), (0.045, 0.03), (0.025, 0.07), (0.05, 0.14)]), 16).moved(
                            sx * 0.48, sy * 0.2
                        ),
                        tap,
                    )
                )
    post = smooth_curve(
        [(-0.3, 0.46, 0), (-0.3, 0.46, 0.8), (-0.3, 0.42, 0.9), (-0.3, 0.3, 0.9), (-0.3, 0.27, 0.84)], 6
    )
    parts += [(tube(post, 0.014, 12), tap), (rod((-0.36, 0.46, 0.76), (-0.24, 0.46, 0.76), 0.012), tap)]
    return Thing.of(*parts)


@makes("sink")
def vanity(look: Look, width: float = 1.0) -> Thing:
    """Return a washstand with a basin and a tap, its back at y=0, its top at 0.8."""
    material = look.take_wood() if look.chance(0.7) else look.take_lacquer()
    handle = look.take_metal()
    d, top = 0.46, 0.8
    floating = look.style.id in ("contemporary", "minimalist")
    z = 0.38 if floating else 0.3 if look.style.id in ("scandinavian", "mid_century_modern", "industrial") else 0.1
    parts: list[tuple[Mesh, Material]] = [(box(width, d, top - z - 0.03, 0.006).moved(0, -d / 2, z), material)]
    for sx in (-1, 1):
        parts.append(
            (box(width / 2 - 0.02, 0.014, top - z - 0.06, 0.004).moved(sx * width / 4, -d - 0.004, z + 0.015), material)
        )
        parts.append(
            (
                rod(
                    (sx * width / 4 - 0.05, -d - 0.025, top - 0.11),
                    (sx * width / 4 + 0.05, -d - 0.025, top - 0.11),
                    0.005,
                ),
                handle,
            )
        )
    slab = look.take_stone()
    parts.append((box(width + 0.02, d + 0.02, 0.03, 0.005).moved(0, -d / 2 - 0.005, top - 0.03), slab))
    bowl = vessel(smooth_curve([(0.1, 0), (0.16, 0.03), (0.195, 0.09), (0.205, 0.125)]), 0.012, 0.02, (0, 0.0), 56)
    parts.append((bowl.scaled(1.1, 0.85, 1).moved(0, -d / 2 - 0.02, top), ENAMEL))
    spout = smooth_curve([(0, -0.07, top), (0, -0.07, top + 0.2), (0, -0.1, top + 0.24), (0, -0.19, top + 0.22)], 6)
    parts += [(tube(spout, 0.011, 12), handle), (rod((0, -0.07, top + 0.2), (0.05, -0.07, top + 0.24), 0.006), handle)]
    thing = Thing.of(*parts)
    if not floating and z > 0.12:
        thing = thing + legs(look, width, d, z + 0.01, material).moved(0, -d / 2)
    elif not floating:
        thing = thing + Thing.of((box(width - 0.06, d - 0.08, 0.1, 0.002).moved(0, -d / 2), material))
    return thing


@makes("toilet")
def toilet() -> Thing:
    """Return a close-coupled toilet, its back at y=0."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)

    def ring(rx: float, ry: float, y: float, z: float) -> np.ndarray:
        return np.stack([rx * np.cos(angle), y + ry * np.sin(angle), np.full(48, z)], -1)

    rings = [
        ring(0.12, 0.2, -0.34, 0),
        ring(0.13, 0.22, -0.35, 0.12),
        ring(0.17, 0.25, -0.4, 0.3),
        ring(0.185, 0.26, -0.42, 0.39),
        ring(0.18, 0.255, -0.42, 0.4),
    ]
    seat = [
        ring(0.19, 0.265, -0.42, 0.4),
        ring(0.195, 0.27, -0.42, 0.42),
        ring(0.19, 0.265, -0.42, 0.44),
        ring(0.1, 0.14, -0.42, 0.447),
        ring(0.002, 0.002, -0.42, 0.448),
    ]
    parts = [(surface(np.stack(r, 1), close_u=True, crease=60), ENAMEL) for r in (rings, seat)]
    parts.append((box(0.38, 0.18, 0.4, 0.03, 4).moved(0, -0.095, 0.39), ENAMEL))
    parts.append((box(0.4, 0.2, 0.035, 0.012).moved(0, -0.095, 0.78), ENAMEL))
    parts.append((box(0.2, 0.3, 0.36, 0.04, 3).moved(0, -0.16), ENAMEL))
    parts.append((cylinder(0.022, 0.012, 0.003, 20).moved(0, -0.095, 0.815), metal("chrome")))
    return Thing.of(*parts)


def towel_rail(look: Look, towel: Material) -> Thing:
    """Return a rail with a towel over it, on the wall plane y=0."""
    bar = look.take_metal()
    w = 0.6
    parts = [(rod((-w / 2, -0.07, 0.5), (w / 2, -0.07, 0.5), 0.009), bar)]
    parts += [(rod((sx * w / 2, 0, 0.5), (sx * w / 2, -0.07, 0.5), 0.009), bar) for sx in (-1, 1)]
    x = np.linspace(-0.2, 0.2, 20)
    path = np.array(
        [[-0.058, 0.06], [-0.056, 0.3], [-0.058, 0.49], [-0.07, 0.514], [-0.084, 0.49], [-0.088, 0.25], [-0.09, -0.02]]
    )
    ripple = 0.004 * np.sin(x * 45)
    points = np.stack(
        [np.repeat(x[:, None], 7, 1), path[None, :, 0] + ripple[:, None], np.repeat(path[None, :, 1], 20, 0)], -1
    )
    return Thing.of(*parts, (surface(points, crease=80), towel))


def shower(look: Look) -> Thing:
    """Return a glass screen with a rain shower, the wall at y=0."""
    steel = look.take_metal()
    parts = [
        (box(0.9, 0.9, 0.05, 0.006).moved(0, -0.45), ENAMEL),
        (box(0.008, 0.9, 1.95, 0.002).moved(-0.45, -0.45, 0.05), glass((0.93, 0.97, 0.96))),
    ]
    parts.append((box(0.02, 0.02, 1.97, 0.002).moved(-0.45, -0.9, 0.05), steel))
    arm = smooth_curve([(0, -0.03, 1.0), (0, -0.03, 2.0), (0, -0.08, 2.12), (0, -0.35, 2.12)], 6)
    parts += [
        (tube(arm, 0.012, 12), steel),
        (cylinder(0.12, 0.015, 0.003).moved(0, -0.36, 2.09), steel),
        (box(0.2, 0.05, 0.05, 0.01).moved(0, -0.03, 1.05), steel),
    ]
    return Thing.of(*parts)


def paper_holder(look: Look) -> Thing:
    """Return a paper roll on its holder, on the wall plane y=0."""
    bar = look.take_metal()
    profile = rounded_profile([(0.02, 0), (0.055, 0), (0.055, 0.1), (0.02, 0.1)], 0.004)
    roll = revolve(profile, 28).turned("y", 90).moved(-0.05, -0.07, 0)
    return Thing.of(
        (roll, painted((0.95, 0.95, 0.93), 0.6)),
        (rod((-0.07, -0.07, 0), (0.07, -0.07, 0), 0.006), bar),
        (torus(0.03, 0.006).turned("x", 90).moved(0.07, -0.01, 0), bar),
        (rod((0.07, 0, 0), (0.07, -0.07, 0), 0.006), bar),
    )
