"""Beds and bedding."""

import numpy as np

from training.studio.furniture.seating import legs, turned_leg
from training.studio.geometry import Mesh, Thing, makes
from training.studio.materials import RATTAN, Material, cane, cloth, matte, metal, woven
from training.studio.products.base import Look
from training.studio.shapes import box, cushion, panel, rod, slab_cushion, sphere, surface


def bedding(look: Look, width: float, length: float, cover: Material, z: float) -> Thing:
    """Return mattress, pillows and a duvet on a base at height z; the head is at +y."""
    white = cloth((0.93, 0.92, 0.89), 1, "cotton")
    parts: list[tuple[Mesh, Material]] = [(box(width, length, 0.24, 0.06, 4).moved(0, 0, z), white)]
    # the duvet: rounded over the sides and the foot, softly rumpled
    nu, nv = 48, 40
    u, v = np.meshgrid(np.linspace(-1, 1, nu), np.linspace(0, 1, nv), indexing="ij")
    drop = 0.26
    half = width / 2 + 0.03
    reach = half + drop
    s = u * reach
    over = np.clip(np.abs(s) - half, 0, None)
    x = np.sign(s) * np.minimum(np.abs(s), half + 0.02 * over / drop)
    body = length * 0.66
    t = v * (body + drop)
    past = np.clip(t - body, 0, None)
    y = length / 2 - length * 0.32 - np.minimum(t, body + 0.03 * past / drop)
    rumple = 0.012 * np.sin(5 * s + 3 * t) + 0.010 * np.sin(9 * t - 4 * s) + 0.006 * np.sin(17 * s + 11 * t)
    z_top = z + 0.275 + rumple - np.maximum(over, past) + 0.02 * (1 - u**2)
    parts.append((surface(np.stack([x, y, z_top], -1)[::-1], crease=80), cover))
    # the turned-back edge
    fold = slab_cushion(2 * half, 0.3, 0.05, 0.1).moved(0, length / 2 - length * 0.32 - 0.1, z + 0.265)
    parts.append((fold, white))
    count = 2 if width > 1.2 else 1
    for k in range(count):
        px = (k - (count - 1) / 2) * width * 0.48
        parts.append(
            (
                cushion(0.66 if count > 1 else 0.6, 0.44, 0.2).turned("x", 24).moved(px, length / 2 - 0.38, z + 0.2),
                white,
            )
        )
        parts.append(
            (
                cushion(0.64 if count > 1 else 0.56, 0.42, 0.18).turned("x", 46).moved(px, length / 2 - 0.43, z + 0.24),
                cover,
            )
        )
    return Thing.of(*parts)


def _headboard(look: Look, w: float, head_y: float, wood: Material) -> list[tuple[Mesh, Material]]:
    style = look.style.id
    parts: list[tuple[Mesh, Material]] = []
    if style == "contemporary":
        soft = look.take_cloth()
        for k in range(6):
            parts.append((box(w / 6 - 0.006, 0.1, 1.1, 0.04, 4).moved(-w / 2 + w / 6 * (k + 0.5), head_y, 0.1), soft))
    elif style == "traditional":
        angle = np.linspace(0, np.pi, 24)
        outline = np.concatenate(
            [
                [[-w / 2, 0.2], [w / 2, 0.2], [w / 2, 1.05]],
                np.stack([w / 2 * 0.86 * np.cos(angle), 1.1 + 0.24 * np.sin(angle)], -1),
                [[-w / 2, 1.05]],
            ]
        )
        parts.append((panel(outline, 0.06).moved(0, head_y + 0.03), wood))
        for sx in (-1, 1):
            parts.append((turned_leg(1.2, 0.05).moved(sx * w / 2, head_y), wood))
            parts.append((sphere(0.055, 20).moved(sx * w / 2, head_y, 1.25), wood))
    elif style == "industrial":
        iron = metal("iron")
        for k in range(11):
            x = -w / 2 + w / 10 * k
            parts.append((rod((x, head_y, 0.2), (x, head_y, 1.08), 0.008 if 0 < k < 10 else 0.018), iron))
        for zz in (0.5, 1.08):
            parts.append((rod((-w / 2, head_y, zz), (w / 2, head_y, zz), 0.014), iron))
    elif style == "bohemian":
        angle = np.linspace(0, np.pi, 24)
        outline = np.concatenate(
            [[[-w / 2, 0.2], [w / 2, 0.2]], np.stack([w / 2 * np.cos(angle), 0.75 + 0.5 * np.sin(angle)], -1)]
        )
        parts.append((panel(outline, 0.03).moved(0, head_y + 0.02), woven(RATTAN, look.seed())))
    elif style == "scandinavian":
        for k in range(13):
            x = -w / 2 + w / 12 * k
            parts.append((rod((x, head_y, 0.2), (x, head_y + 0.05, 1.0), 0.011), wood))
        parts.append((box(w + 0.04, 0.04, 0.05, 0.015).moved(0, head_y + 0.05, 0.98), wood))
    elif style == "mid_century_modern":
        for sx in (-1, 1):
            parts.append((box(w / 2 - 0.02, 0.03, 0.5, 0.01).moved(sx * w / 4, head_y, 0.5), wood))
            parts.append((box(w / 2 - 0.1, 0.008, 0.4, 0.002).moved(sx * w / 4, head_y - 0.02, 0.55), cane()))
    else:
        parts.append((box(w, 0.05, 0.75, 0.008).moved(0, head_y, 0.15), wood))
    return parts


@makes("bed")
def bed(look: Look, width: float = 1.6) -> Thing:
    """Return a made bed of the style with its head at +y; mattress top near 0.55."""
    style = look.style.id
    length, z = 2.05, 0.26
    wood = look.take_wood()
    cover = look.take_cloth()
    head_y = length / 2 + 0.04
    parts: list[tuple[Mesh, Material]] = [(box(width + 0.06, length + 0.04, 0.14, 0.012).moved(0, 0, 0.15), wood)]
    parts += _headboard(look, width + 0.1, head_y, wood)
    thing = Thing.of(*parts) + legs(
        look, width, length, 0.16, wood, "tapered" if style in ("scandinavian", "mid_century_modern") else "block"
    )
    return thing + bedding(look, width - 0.02, length - 0.05, cover, z)


@makes("bed")
def cot(look: Look) -> Thing:
    """Return a barred cot for a baby, its long side towards -y."""
    wood = look.take_wood()
    w, d, h = 1.25, 0.68, 0.86
    parts: list[tuple[Mesh, Material]] = []
    for sy in (-1, 1):
        for zz in (0.24, h):
            parts.append((box(w, 0.035, 0.045, 0.01).moved(0, sy * d / 2, zz), wood))
        for x in np.linspace(-w / 2 + 0.06, w / 2 - 0.06, 15):
            parts.append((rod((x, sy * d / 2, 0.26), (x, sy * d / 2, h), 0.008), wood))
    for sx in (-1, 1):
        parts.append((box(0.035, d, h - 0.2, 0.01).moved(sx * w / 2, 0, 0.24), wood))
        for sy in (-1, 1):
            parts.append((box(0.045, 0.045, h + 0.05, 0.01).moved(sx * w / 2, sy * d / 2), wood))
    parts.append((box(w - 0.06, d - 0.05, 0.14, 0.04, 3).moved(0, 0, 0.34), matte((0.95, 0.94, 0.92))))
    parts.append((slab_cushion(w * 0.55, d - 0.06, 0.05, 0.3).moved(-0.2, 0, 0.48), look.take_cloth()))
    parts.append((cushion(0.34, 0.24, 0.09).moved(w / 2 - 0.24, 0, 0.48), look.take_cloth()))
    return Thing.of(*parts)


@makes("bed")
def house_bed(look: Look) -> Thing:
    """Return a child's bed under a frame like a house, head at +y."""
    wood = look.take_wood()
    w, length, z = 0.96, 1.7, 0.2
    parts: list[tuple[Mesh, Material]] = [(box(w, length, 0.1, 0.01).moved(0, 0, 0.12), wood)]
    for sy in (-1, 1):
        y = sy * length / 2
        for sx in (-1, 1):
            parts.append((box(0.05, 0.05, 1.25, 0.006).moved(sx * w / 2, y), wood))
            parts.append((rod((sx * w / 2, y, 1.23), (0, y, 1.72), 0.026), wood))
    for x, zz in ((-w / 2, 1.23), (w / 2, 1.23), (0, 1.72)):
        parts.append((rod((x, -length / 2, zz), (x, length / 2, zz), 0.025), wood))
    return Thing.of(*parts) + bedding(look, w - 0.08, length - 0.1, look.take_cloth(), z)
