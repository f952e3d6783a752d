"""Tables: coffee, side, dining, console, desk, nightstand. `TOP` of each is its height for things to stand on."""

import numpy as np

from training.studio.furniture.seating import legs
from training.studio.geometry import Mesh, Thing, makes
from training.studio.materials import Material, glass
from training.studio.products.base import Look
from training.studio.shapes import box, cylinder, revolve, rod


def _top_material(look: Look) -> Material:
    if look.style.id in ("contemporary",) and look.chance(0.5):
        return look.take_stone()
    return look.take_wood()


@makes("table")
def coffee_table(look: Look, width: float = 1.1) -> Thing:
    """Return a coffee table with its top at 0.40."""
    style, top = look.style.id, 0.40
    material = _top_material(look)
    if style in ("contemporary", "minimalist") and look.chance(0.6):
        r = width * 0.38
        base = revolve(np.array([[0, 0], [r * 0.55, 0], [r * 0.5, top - 0.03], [0, top - 0.03]]), 48, (24, 0.03))
        return Thing.of((cylinder(r, 0.03, 0.006, 64).moved(0, 0, top - 0.03), material), (base, material))
    if style == "bohemian" and look.chance(0.5):
        r = width * 0.36
        return Thing.of((cylinder(r, 0.035, 0.006, 64).moved(0, 0, top - 0.035), material)) + legs(
            look, r * 1.5, r * 1.5, top - 0.03, material, "turned"
        )
    d = width * 0.52
    parts: list[tuple[Mesh, Material]] = [(box(width, d, 0.035, 0.008).moved(0, 0, top - 0.035), material)]
    if style in ("traditional", "industrial", "mid_century_modern", "scandinavian"):
        parts.append((box(width * 0.84, d * 0.72, 0.018, 0.003).moved(0, 0, 0.14), material))
    return Thing.of(*parts) + legs(look, width, d, top - 0.03, material)


@makes("table")
def side_table(look: Look) -> Thing:
    """Return a side table with its top at 0.52."""
    top = 0.52
    kind = look.one("pedestal", "drum", "legs")
    if kind == "pedestal":
        material, stem = _top_material(look), look.take_metal()
        return Thing.of(
            (cylinder(0.21, 0.022, 0.005, 56).moved(0, 0, top - 0.022), material),
            (cylinder(0.016, top - 0.03, 0.002), stem),
            (cylinder(0.15, 0.018, 0.005), stem),
        )
    if kind == "drum" and look.style.id in ("contemporary", "minimalist", "bohemian", "mid_century_modern"):
        material = (
            look.take_stone() if look.chance(0.4) else look.take_wood() if look.chance(0.6) else look.take_lacquer()
        )
        outline = np.array([[0, 0], [0.17, 0], [0.19, 0.02], [0.19, top - 0.02], [0.18, top], [0, top]])
        if look.chance(0.5):
            outline = np.array([[0, 0], [0.19, 0], [0.1, top * 0.5], [0.19, top - 0.02], [0.19, top], [0, top]])
        return Thing.of((revolve(outline, 56), material))
    material = look.take_wood()
    if look.chance(0.5):
        return Thing.of((cylinder(0.22, 0.025, 0.006, 56).moved(0, 0, top - 0.025), material)) + legs(
            look, 0.36, 0.36, top - 0.02, material
        )
    return Thing.of(
        (box(0.44, 0.44, 0.025, 0.005).moved(0, 0, top - 0.025), material),
        (box(0.38, 0.38, 0.018, 0.003).moved(0, 0, 0.16), material),
    ) + legs(look, 0.46, 0.46, top - 0.02, material)


@makes("table")
def dining_table(look: Look, width: float = 1.8, depth: float = 0.9) -> Thing:
    """Return a dining table with its top at 0.75."""
    top = 0.75
    material = look.take_wood()
    style = look.style.id
    if style == "contemporary" and look.chance(0.7):
        stone = look.take_stone()
        parts = [(box(width, depth, 0.03, 0.01).moved(0, 0, top - 0.03), stone)]
        for sx in (-1, 1):
            parts.append((cylinder(0.2, top - 0.03, 0.01).moved(sx * width * 0.27), material))
        return Thing.of(*parts)
    parts = [(box(width, depth, 0.04, 0.01).moved(0, 0, top - 0.04), material)]
    if style in ("traditional", "bohemian", "scandinavian", "mid_century_modern"):
        parts.append((box(width - 0.2, depth - 0.2, 0.07, 0.004).moved(0, 0, top - 0.11), material))
    return Thing.of(*parts) + legs(look, width - 0.06, depth - 0.06, top - 0.035, material)


@makes("table")
def console(look: Look, width: float = 1.2) -> Thing:
    """Return a narrow table with its top at 0.82, its back at y=0.17."""
    material = _top_material(look)
    d, top = 0.34, 0.82
    parts = [(box(width, d, 0.035, 0.006).moved(0, 0, top - 0.035), material)]
    if look.style.id not in ("minimalist", "contemporary"):
        parts.append((box(width - 0.06, d - 0.03, 0.1, 0.004).moved(0, 0, top - 0.135), material))
        knob = look.take_metal()
        for x in (-width * 0.22, width * 0.22):
            parts.append((box(width * 0.4, 0.008, 0.08, 0.003).moved(x, -d / 2 + 0.013, top - 0.125), material))
            parts.append(
                (cylinder(0.011, 0.022, 0.004, 14).turned("x", 90).moved(x, -d / 2 + 0.012, top - 0.085), knob)
            )
    parts.append((box(width - 0.1, d - 0.08, 0.02, 0.003).moved(0, 0, 0.18), material))
    return Thing.of(*parts) + legs(look, width, d, top - 0.03, material)


@makes("desk")
def desk(look: Look, width: float = 1.4) -> Thing:
    """Return a desk with its top at 0.74 and drawers on one side; the sitter is at -y."""
    material = look.take_wood()
    d, top = 0.66, 0.74
    knob = look.take_metal()
    parts = [(box(width, d, 0.032, 0.006).moved(0, 0, top - 0.032), material)]
    x = width / 2 - 0.24
    tall = look.style.id in ("traditional", "contemporary")
    z0 = 0.08 if tall else top - 0.18
    parts.append((box(0.4, d - 0.06, top - 0.034 - z0, 0.005).moved(x, 0, z0), material))
    rows = 3 if tall else 1
    h = (top - 0.04 - z0) / rows
    for k in range(rows):
        parts.append((box(0.37, 0.012, h - 0.016, 0.003).moved(x, -d / 2 + 0.027, z0 + k * h + 0.006), material))
        parts.append(
            (
                rod(
                    (x - 0.05, -d / 2 + 0.008, z0 + (k + 0.55) * h),
                    (x + 0.05, -d / 2 + 0.008, z0 + (k + 0.55) * h),
                    0.005,
                ),
                knob,
            )
        )
    return Thing.of(*parts) + legs(look, width, d, top - 0.03, material)


@makes("table")
def nightstand(look: Look) -> Thing:
    """Return a bedside table with its top at 0.52."""
    material = look.take_wood() if look.chance(0.8) else look.take_lacquer()
    knob = look.take_metal()
    w, d, top = 0.45, 0.38, 0.52
    body = 0.3 if look.style.id in ("traditional", "contemporary") else 0.18
    parts = [(box(w, d, body, 0.006).moved(0, 0, top - body), material)]
    rows = 2 if body > 0.2 else 1
    h = body / rows
    for k in range(rows):
        z = top - body + k * h
        parts.append((box(w - 0.04, 0.01, h - 0.025, 0.003).moved(0, -d / 2 - 0.002, z + 0.012), material))
        parts.append((cylinder(0.012, 0.02, 0.004, 14).turned("x", 90).moved(0, -d / 2 - 0.005, z + h / 2), knob))
    return Thing.of(*parts) + legs(look, w, d, top - body + 0.005, material)


@makes("table")
def glass_table(look: Look) -> Thing:
    """Return a glass coffee table on a metal frame, its top at 0.40."""
    frame = look.take_metal()
    look.note("glass", "clear")
    w, d, top = 1.0, 0.6, 0.4
    parts = [(box(w, d, 0.012, 0.003).moved(0, 0, top - 0.012), glass((0.93, 0.97, 0.95)))]
    for z in (0.0, top - 0.034):
        for sy in (-1, 1):
            parts.append((box(w, 0.022, 0.022, 0.002).moved(0, sy * (d - 0.022) / 2, z), frame))
        for sx in (-1, 1):
            parts.append((box(0.022, d, 0.022, 0.002).moved(sx * (w - 0.022) / 2, 0, z), frame))
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                (box(0.022, 0.022, top - 0.03, 0.002).moved(sx * (w - 0.022) / 2, sy * (d - 0.022) / 2), frame)
            )
    return Thing.of(*parts)
