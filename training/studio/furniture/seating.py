"""Sofas, armchairs, chairs, stools and benches."""

import numpy as np

from training.studio.geometry import Mesh, Thing, makes
from training.studio.materials import RATTAN, Material, cane, leather, matte, metal, woven
from training.studio.products.base import Look
from training.studio.shapes import box, cushion, cylinder, revolve, rod, slab_cushion, smooth_curve, surface, tube


def turned_leg(height: float, radius: float) -> Mesh:
    """Return a lathe-turned leg."""
    shape = [
        (0.55, 0),
        (0.7, 0.06),
        (0.5, 0.14),
        (0.95, 0.36),
        (0.6, 0.55),
        (1.0, 0.66),
        (0.65, 0.75),
        (1.0, 0.84),
        (1.0, 1),
    ]
    return revolve(np.concatenate([[[0, 0]], smooth_curve(shape) * [radius, height], [[0, height]]]), 20)


def legs(look: Look, width: float, depth: float, height: float, material: Material, kind: str | None = None) -> Thing:
    """Return four legs (or a frame) of the style under a piece of width x depth whose underside is at `height`."""
    kind = kind or look.one(*look.style.legs)
    x, y = width / 2 - 0.05, depth / 2 - 0.05
    corners = [(sx * x, sy * y) for sx in (-1, 1) for sy in (-1, 1)]
    out: list[tuple[Mesh, Material]] = []
    for cx, cy in corners:
        if kind == "tapered":
            sx, sy = np.sign(cx), np.sign(cy)
            out.append(
                (
                    rod((cx + sx * 0.035, cy + sy * 0.03, 0), (cx - sx * 0.01, cy - sy * 0.01, height), 0.011, 0.021),
                    material,
                )
            )
        elif kind == "turned":
            out.append((turned_leg(height, 0.03 if height < 0.5 else 0.042).moved(cx, cy), material))
        elif kind == "hairpin":
            iron = metal("iron")
            sx, sy = np.sign(cx), np.sign(cy)
            for dx, dy in ((0.05, 0.0), (0.0, 0.05)):
                out.append(
                    (rod((cx + sx * 0.02, cy + sy * 0.02, 0.005), (cx - sx * dx, cy - sy * dy, height), 0.006), iron)
                )
        elif kind in ("frame", "sled"):
            bar = metal("iron") if kind == "frame" else material
            out.append((box(0.028, 0.028, height, 0.003).moved(cx, cy), bar))
        else:
            out.append((box(0.045, 0.045, height, 0.005).moved(cx, cy), material))
    if kind in ("frame", "sled"):
        bar = metal("iron") if kind == "frame" else material
        z = 0.0 if kind == "sled" else height * 0.12
        for sx in (-1, 1):
            out.append((box(0.028, 2 * y, 0.028, 0.003).moved(sx * x, 0, z), bar))
            out.append((box(0.028, 2 * y, 0.028, 0.003).moved(sx * x, 0, height - 0.028), bar))
    return Thing.of(*out)


def upholstery(look: Look) -> Material:
    """Return what seats are covered with: cloth of the palette, leather where the style likes it."""
    if look.style.id == "industrial" or (look.style.id in ("mid_century_modern", "traditional") and look.chance(0.3)):
        look.note("leather", "brown")
        base = ((0.42, 0.24, 0.13), (0.28, 0.16, 0.1), (0.5, 0.31, 0.18))[int(look.rng.integers(3))]
        return leather(base)
    return look.take_cloth()


@makes("sofa")
def sofa(look: Look, width: float = 2.1) -> Thing:
    """Return a sofa of the style, facing -y, its back at y=+depth/2."""
    style = look.style.id
    cover, wood = upholstery(look), look.take_wood()
    depth = 0.92
    leg_height = {
        "mid_century_modern": 0.18,
        "scandinavian": 0.16,
        "traditional": 0.12,
        "industrial": 0.12,
        "bohemian": 0.08,
    }.get(style, 0.06)
    arm = {
        "mid_century_modern": 0.09,
        "scandinavian": 0.12,
        "traditional": 0.2,
        "contemporary": 0.22,
        "bohemian": 0.22,
    }.get(style, 0.16)
    seat_z, back_h = leg_height + 0.2, 0.42
    parts: list[tuple[Mesh, Material]] = [
        (box(width - 0.04, depth - 0.06, 0.2, 0.02).moved(0, 0.02, leg_height), cover)
    ]
    inner = width - 2 * arm
    seats = 3 if width > 1.95 else 2
    w = inner / seats
    for k in range(seats):
        x = -inner / 2 + w * (k + 0.5)
        parts.append((slab_cushion(w - 0.008, depth - 0.24, 0.16, 0.2).moved(x, -0.09, seat_z - 0.01), cover))
        back = slab_cushion(w - 0.012, back_h, 0.17, 0.3).turned("x", 78).moved(x, depth / 2 - 0.13, seat_z + 0.1)
        parts.append((back, cover))
    parts.append(
        (
            box(width - 0.02, 0.14, 0.62 if style != "traditional" else 0.68, 0.045, 4).moved(
                0, depth / 2 - 0.07, leg_height
            ),
            cover,
        )
    )
    for sx in (-1, 1):
        x = sx * (width - arm) / 2
        if style == "traditional":
            parts.append((box(arm * 0.72, depth - 0.06, 0.42, 0.03).moved(x, 0.02, leg_height), cover))
            parts.append(
                (cylinder(0.1, depth - 0.06, 0.02).turned("x", 90).moved(x, depth / 2 - 0.02, leg_height + 0.42), cover)
            )
        elif style == "mid_century_modern":
            parts.append((box(arm, depth - 0.1, 0.05, 0.015).moved(x, 0.02, leg_height + 0.38), wood))
            for y in (-depth / 2 + 0.12, depth / 2 - 0.12):
                parts.append((box(0.04, 0.05, 0.4, 0.008).moved(x, y, leg_height), wood))
        else:
            bevel = 0.09 if style in ("contemporary", "bohemian") else 0.035
            parts.append(
                (
                    box(arm, depth - 0.05, 0.38 if style != "minimalist" else 0.34, min(bevel, arm * 0.48), 5).moved(
                        x, 0.01, leg_height
                    ),
                    cover,
                )
            )
    return Thing.of(*parts) + legs(
        look, width - 0.1, depth - 0.12, leg_height + 0.01, wood, None if leg_height > 0.1 else "block"
    )


@makes("armchair")
def armchair(look: Look) -> Thing:
    """Return an easy chair: upholstered tub, wooden frame, or rattan."""
    style = look.style.id
    if style == "bohemian" and look.chance(0.7):
        return peacock(look)
    cover, wood = upholstery(look), look.take_wood()
    if style in ("scandinavian", "mid_century_modern", "industrial"):
        frame = metal("iron") if style == "industrial" else wood
        parts = [
            (slab_cushion(0.58, 0.56, 0.14, 0.2).turned("x", 6).moved(0, -0.02, 0.31), cover),
            (slab_cushion(0.58, 0.52, 0.13, 0.25).turned("x", 72).moved(0, 0.29, 0.42), cover),
        ]
        for sx in (-1, 1):
            x = sx * 0.33
            parts.append((rod((x, -0.33, 0), (x, -0.29, 0.56), 0.015, 0.019), frame))
            parts.append((rod((x, 0.36, 0), (x, 0.3, 0.62), 0.015, 0.019), frame))
            arm = smooth_curve([(x, -0.36, 0.565), (x, -0.1, 0.585), (x, 0.2, 0.575), (x, 0.34, 0.61)], 5)
            parts.append((tube(arm, 0.02, 12), frame))
            parts.append((rod((x, -0.3, 0.32), (x, 0.33, 0.3), 0.014), frame))
        for y, z in ((-0.3, 0.33), (0.32, 0.31)):
            parts.append((rod((-0.33, y, z), (0.33, y, z), 0.014), frame))
        return Thing.of(*parts)
    if style == "traditional":
        parts = [
            (box(0.62, 0.66, 0.22, 0.03).moved(0, 0, 0.16), cover),
            (slab_cushion(0.54, 0.6, 0.14, 0.25).moved(0, -0.04, 0.36), cover),
            (slab_cushion(0.62, 0.66, 0.15, 0.2).turned("x", 80).moved(0, 0.33, 0.42), cover),
        ]
        for sx in (-1, 1):
            parts.append((box(0.1, 0.62, 0.32, 0.03).moved(sx * 0.32, 0, 0.3), cover))
            parts.append((cylinder(0.075, 0.64, 0.02).turned("x", 90).moved(sx * 0.33, 0.32, 0.6), cover))
            parts.append((box(0.09, 0.22, 0.4, 0.04).moved(sx * 0.3, 0.24, 0.62), cover))
        return Thing.of(*parts) + legs(look, 0.66, 0.66, 0.17, wood, "turned")
    # a tub: half a round shell about a thick seat
    angle = np.radians(np.linspace(-20, 200, 40))
    shell = []
    for r in (0.30, 0.40):
        shell.append(np.stack([r * np.cos(angle), r * np.sin(angle) * 0.95], -1))
    heights = 0.34 + 0.12 * np.sin(np.clip((np.degrees(angle) + 20) / 220 * np.pi, 0, np.pi)) ** 1.2
    ring = []
    for (inner, outer), h in zip(zip(shell[0], shell[1], strict=True), heights, strict=True):
        mid = (inner + outer) / 2
        ring.append(
            [
                (*outer, 0.12),
                (*outer, 0.12 + h),
                (*((outer + mid) / 2), 0.15 + h),
                (*mid, 0.16 + h),
                (*((inner + mid) / 2), 0.15 + h),
                (*inner, 0.12 + h),
                (*inner, 0.12),
            ]
        )
    grid = np.array(ring)
    caps = [np.broadcast_to(row.mean(axis=0), row.shape)[None] for row in (grid[0], grid[-1])]
    body = surface(np.concatenate([caps[0], grid, caps[1]]), crease=70)
    return Thing.of(
        (body, cover),
        (cylinder(0.33, 0.3, 0.05).moved(0, 0, 0.1), cover),
        (cylinder(0.3, 0.11, 0.045).moved(0, -0.03, 0.38), cover),
        (cylinder(0.24, 0.1, 0.004), wood),
    )


def peacock(look: Look) -> Thing:
    """Return a rattan chair with a tall round back."""
    look.note("rattan", "natural")
    weave = woven(RATTAN, look.seed())
    angle = np.radians(np.linspace(-35, 215, 36))
    rim = np.stack([0.42 * np.cos(angle), np.full(36, 0.26), 0.86 + 0.46 * np.sin(angle)], -1)
    parts: list[tuple[Mesh, Material]] = [(tube(rim, 0.02, 10), weave)]
    for k in range(2, 34, 2):
        parts.append((rod((0.16 * np.cos(angle[k]), 0.22, 0.48), tuple(rim[k]), 0.008), weave))
    parts.append((cylinder(0.27, 0.36, 0.02, top=0.3).moved(0, 0, 0), weave))
    parts.append(
        (tube(np.stack([0.31 * np.cos(angle * 1.2), 0.29 * np.sin(angle * 1.2), np.full(36, 0.37)], -1), 0.018), weave)
    )
    seat = look.take_cloth()
    parts.append((cushion(0.54, 0.54, 0.14, 0.4, 0.0).moved(0, -0.01, 0.34), seat))
    return Thing.of(*parts)


@makes("chair")
def chair(look: Look) -> Thing:
    """Return a dining chair of the style, facing -y."""
    style = look.style.id
    wood = look.take_wood()
    h, w, d = 0.45, 0.44, 0.44
    parts: list[tuple[Mesh, Material]] = []
    if style == "industrial":
        steel = look.take_metal()
        parts.append((box(0.38, 0.38, 0.02, 0.008).moved(0, 0, h), steel))
        for sx in (-1, 1):
            parts.append((rod((sx * 0.2, -0.2, 0), (sx * 0.16, -0.15, h), 0.014), steel))
            parts.append((rod((sx * 0.2, 0.22, 0), (sx * 0.15, 0.16, h), 0.014), steel))
            parts.append((rod((sx * 0.15, 0.16, h), (sx * 0.17, 0.23, 0.84), 0.013), steel))
        top = smooth_curve([(-0.17, 0.23, 0.84), (0, 0.27, 0.87), (0.17, 0.23, 0.84)], 6)
        parts.append((tube(top, 0.014), steel))
        parts.append((box(0.12, 0.006, 0.36, 0.002).turned("x", -11).moved(0, 0.185, h + 0.02), steel))
        return Thing.of(*parts)
    if style in ("contemporary", "mid_century_modern"):
        cover = look.take_cloth()
        t = np.linspace(-1, 1, 17)
        rows = np.linspace(0, 1, 12)
        x = t[:, None] * (0.24 + 0.0 * rows[None, :])
        profile = smooth_curve([(-0.23, 0.46), (-0.05, 0.435), (0.14, 0.45), (0.22, 0.55), (0.26, 0.84)], 4)
        y = np.interp(rows, np.linspace(0, 1, len(profile)), profile[:, 0])
        z = np.interp(rows, np.linspace(0, 1, len(profile)), profile[:, 1])
        pts = np.stack(
            [
                np.broadcast_to(x, (17, 12)),
                y[None, :] - 0.05 * (t[:, None] ** 2) * (rows[None, :] > 0.55),
                z[None, :] + 0.035 * t[:, None] ** 2,
            ],
            -1,
        )
        upper, lower = surface(pts, crease=80), surface(pts[::-1] - [0, -0.012, 0.035], crease=80)
        parts = [(upper, cover), (lower, cover)]
        edge = np.concatenate([pts[:, 0], pts[-1, :], pts[::-1, -1], pts[0, ::-1]]) - [0, -0.006, 0.017]
        parts.append((tube(edge[:-1], 0.019, 8, closed=True), cover))
        return Thing.of(*parts) + legs(
            look, w + 0.03, d, h - 0.015, wood if style != "contemporary" else metal("iron"), "tapered"
        )
    if style == "bohemian":
        weave = woven(RATTAN, look.seed())
        look.note("rattan", "natural")
        parts += [
            (box(w, d, 0.035, 0.012).moved(0, 0, h), wood),
            (box(w - 0.08, 0.008, 0.34, 0.003).turned("x", -9).moved(0, 0.215, h + 0.09), cane()),
        ]
        for sx in (-1, 1):
            parts.append((rod((sx * 0.2, 0.19, 0.02), (sx * 0.2, 0.275, 0.94), 0.017), wood))
        for z in (h + 0.08, h + 0.44):
            parts.append((rod((-0.2, 0.205 + (z - h) * 0.15, z), (0.2, 0.205 + (z - h) * 0.15, z), 0.014), wood))
        parts.append((cushion(w - 0.02, d - 0.02, 0.06, 0.4, 0.04).moved(0, 0, h + 0.03), weave))
        return Thing.of(*parts) + legs(look, w, d, h, wood, "tapered")
    if style == "traditional":
        cover = look.take_cloth()
        parts += [
            (box(w, d, 0.06, 0.012).moved(0, 0, h - 0.06), wood),
            (slab_cushion(w - 0.02, d - 0.03, 0.06, 0.4).moved(0, 0, h), cover),
        ]
        parts.append((box(0.4, 0.035, 0.4, 0.015).turned("x", -10).moved(0, 0.2, h + 0.14), wood))
        parts.append((slab_cushion(0.33, 0.32, 0.04, 0.3).turned("x", 80).moved(0, 0.245, h + 0.34 - 0.16), cover))
        for sx in (-1, 1):
            parts.append((rod((sx * 0.19, 0.19, 0.1), (sx * 0.2, 0.29, 1.02), 0.018, 0.014), wood))
        return Thing.of(*parts) + legs(look, w + 0.02, d, h - 0.05, wood, "turned")
    # scandinavian, minimalist: a bent back on spindles, or a plain frame
    parts.append((box(w, d, 0.028, 0.012).moved(0, 0, h), wood))
    if style == "scandinavian":
        a = np.radians(np.linspace(20, 160, 15))
        rail = np.stack([0.25 * np.cos(a), 0.06 + 0.2 * np.sin(a), np.full(15, 0.79)], -1)
        parts.append((tube(rail, np.full(15, 0.017), 12), wood))
        for k in range(1, 14, 2):
            parts.append(
                (rod((0.19 * np.cos(a[k]), 0.05 + 0.15 * np.sin(a[k]), h + 0.02), tuple(rail[k]), 0.007), wood)
            )
        return Thing.of(*parts) + legs(look, w, d, h, wood, "tapered")
    for sx in (-1, 1):
        parts.append((box(0.03, 0.03, 0.8, 0.004).moved(sx * (w / 2 - 0.02), d / 2 - 0.02), wood))
    parts.append((box(w, 0.022, 0.1, 0.006).moved(0, d / 2 - 0.02, 0.68), wood))
    return Thing.of(*parts) + legs(look, w, d, h, wood, "block")


@makes("chair")
def stool(look: Look) -> Thing:
    """Return a low stool."""
    wood = look.take_wood()
    h, r = look.between(0.42, 0.47), look.between(0.15, 0.18)
    if look.style.id in ("contemporary", "minimalist") and look.chance(0.6):
        return Thing.of((revolve(np.array([[0, 0], [r, 0], [r * 0.62, h * 0.5], [r, h], [0, h]]), 48), wood))
    seat = look.take_cloth() if look.chance(0.4) else wood
    kind = "turned" if look.style.id == "traditional" else "frame" if look.style.id == "industrial" else "tapered"
    return Thing.of((cylinder(r, 0.04 if seat is wood else 0.07, 0.012).moved(0, 0, h - 0.04), seat)) + legs(
        look, r * 1.7, r * 1.7, h - 0.035, wood, kind
    )


@makes("chair")
def bar_stool(look: Look) -> Thing:
    """Return a counter stool with a low back."""
    wood = look.take_wood()
    frame = metal("iron") if look.style.id in ("industrial", "contemporary", "minimalist") else wood
    h = 0.66
    parts = [(box(0.38, 0.36, 0.035, 0.015).moved(0, 0, h), wood)]
    for sx in (-1, 1):
        parts.append((rod((sx * 0.2, -0.19, 0), (sx * 0.15, -0.13, h), 0.013), frame))
        parts.append((rod((sx * 0.2, 0.2, 0), (sx * 0.16, 0.15, h + 0.24), 0.013), frame))
        parts.append((rod((sx * 0.185, -0.17, 0.22), (sx * 0.185, 0.185, 0.22), 0.009), frame))
    parts.append((rod((-0.185, -0.172, 0.22), (0.185, -0.172, 0.22), 0.009), frame))
    parts.append((box(0.34, 0.02, 0.1, 0.008).moved(0, 0.15, h + 0.17), wood))
    return Thing.of(*parts)


def bench(look: Look, width: float = 1.15) -> Thing:
    """Return a bench, its seat of wood, cane or cloth."""
    wood = look.take_wood()
    d, h = 0.36, 0.44
    seat = [(box(width, d, 0.04, 0.008).moved(0, 0, h - 0.04), wood)]
    if look.chance(0.55):
        seat.append((slab_cushion(width - 0.03, d - 0.03, 0.06, 0.2).moved(0, 0, h), look.take_cloth()))
    return Thing.of(*seat) + legs(look, width, d, h - 0.035, wood)


@makes("chair")
def office_chair(look: Look) -> Thing:
    """Return a swivel chair, facing -y."""
    cover = look.take_cloth() if look.style.id not in ("industrial", "traditional") else leather((0.3, 0.18, 0.11))
    arm = metal("chrome" if look.style.id != "industrial" else "iron")
    parts = [
        (slab_cushion(0.48, 0.47, 0.09, 0.25).moved(0, 0, 0.43), cover),
        (slab_cushion(0.44, 0.52, 0.08, 0.3).turned("x", 80).moved(0, 0.24, 0.56), cover),
    ]
    parts.append((rod((0, 0, 0.1), (0, 0, 0.44), 0.025), arm))
    parts.append((tube(smooth_curve([(0, 0.05, 0.42), (0, 0.28, 0.42), (0, 0.31, 0.62)], 5), 0.018), arm))
    for k in range(5):
        a = 2 * np.pi * k / 5 + 0.3
        parts.append((rod((0, 0, 0.12), (0.29 * np.cos(a), 0.29 * np.sin(a), 0.07), 0.018, 0.012), arm))
        parts.append(
            (
                cylinder(0.028, 0.03, 0.006).turned("x", 90).moved(0.29 * np.cos(a), 0.29 * np.sin(a) + 0.015, 0.03),
                matte((0.07, 0.07, 0.07)),
            )
        )
    return Thing.of(*parts)


SEATS = {maker.__name__: maker for maker in (armchair, chair, stool, bench, bar_stool, office_chair)}
