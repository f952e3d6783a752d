"""Sideboards, bookcases, wardrobes, shelves and what stands in them."""

import numpy as np

from training.studio.furniture.seating import legs
from training.studio.geometry import Mesh, Thing, makes
from training.studio.materials import Material, cane, matte, metal, painted
from training.studio.products.base import Look
from training.studio.shapes import box, cylinder, rod


def books(look: Look, width: float, depth: float, height: float) -> Thing:
    """Return a row of books standing on z=0 around the origin, spines towards -y."""
    x, parts = -width / 2, []
    while x < width / 2 - 0.02:
        w, h = look.between(0.016, 0.042), height * look.between(0.72, 1.0)
        if x + w > width / 2:
            break
        if look.chance(0.55):
            tint = look.accent()[1]
        else:
            tint = ((0.9, 0.87, 0.8), (0.3, 0.28, 0.27), (0.62, 0.55, 0.46), (0.8, 0.78, 0.74))[
                int(look.rng.integers(4))
            ]
        parts.append((box(w, depth * look.between(0.85, 1), h, 0.002, 1).moved(x + w / 2), matte(tint)))
        x += w + 0.001
    return Thing.of(*parts) if parts else Thing(())


def book_stack(look: Look, count: int = 3) -> Thing:
    """Return books lying on one another."""
    z, parts = 0.0, []
    for _ in range(count):
        h = look.between(0.02, 0.035)
        w, d = look.between(0.22, 0.29), look.between(0.16, 0.2)
        turn = look.between(-12, 12)
        tint = look.accent()[1] if look.chance(0.6) else (0.92, 0.9, 0.85)
        parts.append((box(w, d, h, 0.002, 1).turned("z", turn).moved(0, 0, z), matte(tint)))
        parts.append(
            (
                box(w - 0.012, d - 0.008, h - 0.008, 0.001, 1).turned("z", turn).moved(0.004, -0.004, z + 0.004),
                matte((0.93, 0.91, 0.86)),
            )
        )
        z += h
    return Thing.of(*parts)


@makes("cabinet")
def sideboard(look: Look, width: float = 1.6) -> Thing:
    """Return a sideboard with its top at 0.76, its doors towards -y."""
    style = look.style.id
    material = look.take_wood()
    knob = look.take_metal()
    d, top = 0.42, 0.76
    leg = 0.2 if style in ("mid_century_modern", "scandinavian", "industrial") else 0.1
    h = top - leg
    parts: list[tuple[Mesh, Material]] = [(box(width, d, h, 0.008).moved(0, 0, leg), material)]
    doors = 4 if width > 1.3 else 2
    w = (width - 0.05) / doors
    for k in range(doors):
        x = -width / 2 + 0.025 + w * (k + 0.5)
        z = leg + 0.025
        if style == "bohemian" or (style in ("mid_century_modern", "scandinavian") and k % 3 == 0 and look.chance(0.6)):
            parts.append((box(w - 0.01, 0.012, h - 0.05, 0.003).moved(x, -d / 2 - 0.002, z), matte((0.2, 0.15, 0.1))))
            parts.append((box(w - 0.06, 0.004, h - 0.1, 0.001).moved(x, -d / 2 - 0.011, z + 0.025), cane()))
            for sx in (-1, 1):
                parts.append(
                    (box(0.03, 0.016, h - 0.05, 0.002).moved(x + sx * (w - 0.04) / 2, -d / 2 - 0.006, z), material)
                )
            for zz in (z, z + h - 0.08):
                parts.append((box(w - 0.01, 0.016, 0.03, 0.002).moved(x, -d / 2 - 0.006, zz), material))
        else:
            parts.append((box(w - 0.008, 0.016, h - 0.05, 0.003).moved(x, -d / 2 - 0.004, z), material))
            if style == "traditional":
                parts.append((box(w - 0.1, 0.012, h - 0.15, 0.006).moved(x, -d / 2 - 0.012, z + 0.05), material))
            if style == "contemporary":
                for i in range(int(w / 0.03)):
                    parts.append(
                        (
                            box(0.016, 0.012, h - 0.05, 0.005, 1).moved(x - w / 2 + 0.02 + 0.03 * i, -d / 2 - 0.012, z),
                            material,
                        )
                    )
        if style != "contemporary":
            side = 1 if k % 2 == 0 else -1
            parts.append(
                (
                    rod(
                        (x + side * (w / 2 - 0.035), -d / 2 - 0.022, z + h * 0.42),
                        (x + side * (w / 2 - 0.035), -d / 2 - 0.022, z + h * 0.56),
                        0.006,
                    ),
                    knob,
                )
            )
    return Thing.of(*parts) + legs(look, width - 0.04, d, leg + 0.01, material, None if leg > 0.15 else "block")


@makes("cabinet")
def bookcase(look: Look, width: float = 0.9, height: float = 1.9, filled: bool = True) -> Thing:
    """Return a bookcase, its back at y=0.16; with books and objects when `filled`."""
    style = look.style.id
    material = look.take_wood()
    frame = metal("iron") if style == "industrial" else material
    d, rows = 0.32, 5
    parts: list[tuple[Mesh, Material]] = []
    step = (height - 0.09) / rows
    if style in ("traditional", "contemporary", "minimalist"):
        for sx in (-1, 1):
            parts.append((box(0.028, d, height, 0.003).moved(sx * (width / 2 - 0.014)), material))
        parts.append((box(width, 0.014, height, 0.002).moved(0, d / 2 - 0.007), material))
        if style == "traditional":
            parts.append((box(width + 0.06, d + 0.04, 0.05, 0.015).moved(0, 0, height), material))
            parts.append((box(width + 0.03, d + 0.02, 0.09, 0.01), material))
    else:
        for sx in (-1, 1):
            for sy in (-1, 1):
                parts.append(
                    (box(0.03, 0.03, height, 0.003).moved(sx * (width / 2 - 0.015), sy * (d / 2 - 0.015)), frame)
                )
            if style == "industrial":
                parts.append(
                    (
                        rod(
                            (sx * (width / 2 - 0.015), -d / 2 + 0.02, 0.1),
                            (sx * (width / 2 - 0.015), d / 2 - 0.02, height - 0.1),
                            0.006,
                        ),
                        frame,
                    )
                )
    for k in range(rows + 1):
        parts.append(
            (
                box(width - 0.02, d - 0.01, 0.026, 0.003).moved(0, 0, 0.07 + k * step - (0.0 if k < rows else 0.01)),
                material,
            )
        )
    thing = Thing.of(*parts)
    return _fill(look, thing, width, rows, step) if filled else thing


def _fill(look: Look, thing: Thing, width: float, rows: int, step: float) -> Thing:
    for k in range(rows):
        z = 0.07 + k * step + 0.027
        room = step - 0.05
        side = look.between(0.35, 0.62) * width
        if look.chance(0.85):
            sign = 1 if look.chance(0.5) else -1
            thing = thing + books(look, side, 0.2, min(room, 0.27)).moved(sign * (width - 0.08 - side) / 2, 0.02, z)
            free = -sign * (side / 2)
        else:
            free = 0.0
        if look.chance(0.75):
            thing = thing + ornament(look, min(room * 0.85, 0.24)).moved(free, 0, z)
    return thing


def ornament(look: Look, height: float) -> Thing:
    """Return a small vase, ball, box or stack of books that fills a shelf."""
    from training.studio.products.vases import body

    kind = look.one("vase", "stack", "ball", "box", "plant")
    if kind == "vase":
        return body(look.one("bottle", "pear", "sphere", "cylinder"), height, look.take_ceramic())
    if kind == "stack":
        return book_stack(look, 3)
    if kind == "plant":
        from training.studio.products.botanicals import green
        from training.studio.shapes import join, leaf, place_along, vessel

        blades = [
            place_along(leaf(height * 0.5, height * 0.24, 0.9, 0.2, 1.3), np.zeros(3), i * 137.5, look.between(25, 75))
            for i in range(12)
        ]
        planter = vessel(np.array([[height * 0.18, 0], [height * 0.24, height * 0.42]]), 0.006, height * 0.3)
        return Thing.of((planter, look.take_ceramic()), (join(blades).moved(0, 0, height * 0.34), green(look)))
    if kind == "box":
        return Thing.of((box(0.2, 0.15, height * 0.45, 0.006), look.take_wood()))
    from training.studio.shapes import sphere

    return Thing.of((sphere(height * 0.3).moved(0, 0, height * 0.3), look.take_metal()))


def _white_or_wood(look: Look) -> Material:
    if look.chance(0.4):
        look.note(None, "white")
        return painted((0.82, 0.82, 0.81))
    return look.take_wood()


@makes("cabinet")
def shelving_unit(look: Look) -> Thing:
    """Return open shelves in columns and rows, low and wide to high and narrow."""
    material = _white_or_wood(look)
    columns, rows = int(look.rng.integers(1, 5)), int(look.rng.integers(1, 6))
    side, d, t = look.between(0.3, 0.42), look.between(0.28, 0.4), 0.025
    w, h = columns * side + t, rows * side + t
    parts: list[tuple[Mesh, Material]] = [(box(w, 0.01, h, 0.002).moved(0, d / 2 - 0.005), material)]
    for column in range(columns + 1):
        parts.append((box(t, d, h, 0.003).moved((column - columns / 2) * side), material))
    for row in range(rows + 1):
        parts.append((box(w, d, t, 0.003).moved(0, 0, row * side), material))
    return Thing.of(*parts)


@makes("cabinet")
def cabinet(look: Look) -> Thing:
    """Return a cabinet of doors and drawers on legs, a plinth or the floor."""
    material = _white_or_wood(look)
    knob = look.take_metal()
    columns = int(look.rng.integers(1, 4))
    side, d, leg = look.between(0.4, 0.6), look.between(0.35, 0.5), look.between(0.02, 0.22)
    w, h = columns * side, look.between(0.45, 1.5)
    parts: list[tuple[Mesh, Material]] = [(box(w, d, h, 0.006).moved(0, 0, leg), material)]
    for column in range(columns):
        rows = int(look.rng.integers(1, 5))
        for row in range(rows):
            x, high = (column - (columns - 1) / 2) * side, (h - 0.02) / rows
            z = leg + 0.01 + row * high
            parts.append((box(side - 0.012, 0.014, high - 0.01, 0.003).moved(x, -d / 2 - 0.004, z), material))
            parts.append(
                (cylinder(0.013, 0.026, 0.005, 16).turned("x", 90).moved(x, -d / 2 - 0.01, z + high * 0.72), knob)
            )
    thing = Thing.of(*parts)
    return thing + legs(look, w, d, leg + 0.01, material) if leg > 0.08 else thing


@makes("cabinet")
def wardrobe(look: Look, width: float = 1.1) -> Thing:
    """Return a wardrobe, its doors towards -y."""
    material = look.take_wood() if look.chance(0.6) else painted((0.92, 0.91, 0.88))
    knob = look.take_metal()
    d, h = 0.58, 2.05
    parts = [(box(width, d, h, 0.006), material)]
    for k in range(2):
        x = (k - 0.5) * width / 2
        parts.append((box(width / 2 - 0.01, 0.018, h - 0.12, 0.003).moved(x, -d / 2 - 0.006, 0.06), material))
        if look.style.id == "traditional":
            for z, ph in ((0.15, 0.75), (1.0, 0.9)):
                parts.append((box(width / 2 - 0.14, 0.014, ph, 0.008).moved(x, -d / 2 - 0.014, z), material))
        parts.append(
            (
                rod(
                    (x - np.sign(x) * (width / 4 - 0.05), -d / 2 - 0.03, 0.95),
                    (x - np.sign(x) * (width / 4 - 0.05), -d / 2 - 0.03, 1.15),
                    0.007,
                ),
                knob,
            )
        )
    return Thing.of(*parts)


@makes("cabinet")
def dresser(look: Look, width: float = 1.1) -> Thing:
    """Return a chest of drawers with its top at 0.82."""
    material = look.take_wood() if look.chance(0.75) else look.take_lacquer()
    knob = look.take_metal()
    d, leg, rows = 0.45, 0.12, 3
    h = 0.82 - leg
    parts = [(box(width, d, h, 0.008).moved(0, 0, leg), material)]
    step = (h - 0.03) / rows
    for r in range(rows):
        for c in range(2):
            x, z = (c - 0.5) * width / 2, leg + 0.018 + r * step
            parts.append((box(width / 2 - 0.02, 0.014, step - 0.014, 0.004).moved(x, -d / 2 - 0.004, z), material))
            parts.append(
                (cylinder(0.014, 0.026, 0.005, 16).turned("x", 90).moved(x, -d / 2 - 0.008, z + step / 2), knob)
            )
    return Thing.of(*parts) + legs(look, width, d, leg + 0.01, material)
