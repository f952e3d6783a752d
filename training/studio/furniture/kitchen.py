"""Kitchen runs: cabinets, worktop, sink, hob, hood, fridge, island."""

import numpy as np

from training.studio.geometry import Mesh, Thing, combine, makes
from training.studio.materials import Material, matte, metal, painted, stone, wood
from training.studio.products.base import Look
from training.studio.shapes import box, cylinder, panel, rod, rounded_profile, smooth_curve, tube, vessel

BLACK_GLASS = painted((0.03, 0.03, 0.035), 0.06)


def fronts(look: Look) -> tuple[Material, Material, Material]:
    """Return what fronts, worktop and handles are made of."""
    style = look.style.id
    value = look.accent()[1]
    if style in ("mid_century_modern",) or (
        style in ("minimalist", "industrial", "contemporary") and look.chance(0.35)
    ):
        front = look.take_wood()
    elif style == "scandinavian" and look.chance(0.5):
        front = painted((0.93, 0.93, 0.91), 0.4)
    else:
        front = painted(value, 0.38)
    if style in ("scandinavian", "bohemian", "industrial"):
        top = wood(look.style.woods[0], look.seed(), 0.4)
    else:
        top = stone(look.one(*look.style.stones), look.seed())
    return front, top, look.take_metal()


def front(look: Look, w: float, h: float, face: Material, handle: Material, drawer: bool = False) -> Thing:
    """Return a door or drawer front around x=0 on z=0, its face at y=0 towards -y."""
    parts: list[tuple[Mesh, Material]] = [(box(w - 0.006, 0.02, h - 0.006, 0.003).moved(0, -0.01, 0.003), face)]
    style = look.style.id
    if style in ("traditional", "scandinavian", "bohemian") and h > 0.18:
        bar = 0.055
        for sx in (-1, 1):
            parts.append((box(bar, 0.01, h - 0.01, 0.002).moved(sx * (w - bar) / 2 - sx * 0.004, -0.024, 0.005), face))
        for z in (0.005, h - bar - 0.005):
            parts.append((box(w - 0.01, 0.01, bar, 0.002).moved(0, -0.024, z), face))
    if style in ("traditional", "scandinavian", "bohemian"):
        at = (0, -0.04, h * 0.5) if drawer else (w / 2 - 0.05, -0.04, h * (0.85 if h < 0.75 else 0.5))
        parts.append((cylinder(0.014, 0.025, 0.006, 16).turned("x", 90).moved(*at), handle))
    elif style != "minimalist":
        if drawer:
            parts.append((rod((-0.07, -0.045, h * 0.72), (0.07, -0.045, h * 0.72), 0.006), handle))
        else:
            parts.append((rod((w / 2 - 0.05, -0.045, h - 0.22), (w / 2 - 0.05, -0.045, h - 0.06), 0.006), handle))
    return Thing.of(*parts)


@makes("cabinet")
def base_run(
    look: Look, width: float, looks: tuple[Material, Material, Material], sink: float | None, hob: float | None
) -> Thing:
    """Return base cabinets with a worktop at 0.91 along x, backs at y=0; `sink` and `hob` are x of their centers."""
    face, top, handle = looks
    d = 0.6
    things = [
        Thing.of(
            (box(width, d - 0.03, 0.78, 0.003).moved(0, -(d - 0.03) / 2, 0.09), face),
            (box(width, d - 0.09, 0.1, 0.002).moved(0, -(d - 0.09) / 2), matte((0.1, 0.1, 0.1))),
        )
    ]
    count = max(2, round(width / 0.55))
    w = width / count
    for k in range(count):
        x = -width / 2 + w * (k + 0.5)
        if hob is not None and abs(x - hob) < w / 2 + 0.01:
            oven = Thing.of(
                (box(w - 0.01, 0.02, 0.58, 0.004).moved(x, -d + 0.02, 0.13), BLACK_GLASS),
                (box(w - 0.01, 0.022, 0.12, 0.004).moved(x, -d + 0.02, 0.735), metal("steel")),
                (rod((x - w * 0.36, -d - 0.03, 0.67), (x + w * 0.36, -d - 0.03, 0.67), 0.009), metal("steel")),
            )
            knobs = [
                Thing.of(
                    (
                        cylinder(0.018, 0.025, 0.004, 16)
                        .turned("x", 90)
                        .moved(x + (i - 1.5) * w * 0.2, -d + 0.01, 0.795),
                        metal("iron"),
                    )
                )
                for i in range(4)
            ]
            things += [oven, *knobs]
        elif k % 3 == 1:
            for i, (z, h) in enumerate(((0.1, 0.3), (0.4, 0.26), (0.66, 0.2))):
                del i
                things.append(front(look, w, h, face, handle, True).moved(x, -d + 0.03, z))
        else:
            things.append(front(look, w, 0.76, face, handle).moved(x, -d + 0.03, 0.1))
    things.append(Thing.of((box(width + 0.02, d + 0.02, 0.035, 0.005).moved(0, -(d + 0.02) / 2 + 0.01, 0.875), top)))
    if hob is not None:
        things.append(
            Thing.of(
                (box(0.56, 0.48, 0.008, 0.002).moved(hob, -d / 2, 0.909), BLACK_GLASS),
                *[
                    (cylinder(0.085, 0.004, 0.001).moved(hob + sx * 0.13, -d / 2 + sy * 0.11, 0.916), metal("iron"))
                    for sx in (-1, 1)
                    for sy in (-1, 1)
                ],
            )
        )
    if sink is not None:
        things.append(basin(look).moved(sink, -d / 2, 0.91))
    return combine(things)


@makes("sink")
def basin(look: Look) -> Thing:
    """Return a kitchen sink set on the worktop with its tap."""
    steel = metal("steel")
    tap = metal(look.one(*look.style.metals))
    rim = rounded_profile([(0.23, 0.0), (0.235, 0.006), (0.225, 0.008)], 0.002)
    del rim
    w, d = 0.52, 0.4
    parts: list[tuple[Mesh, Material]] = [
        (box(w - 0.04, d - 0.04, 0.004, 0.001).moved(0, 0, 0.0005), matte((0.16, 0.16, 0.17)))
    ]
    for sx in (-1, 1):
        parts.append((box(0.022, d, 0.012, 0.004).moved(sx * (w / 2 - 0.01)), steel))
    for sy in (-1, 1):
        parts.append((box(w, 0.022, 0.012, 0.004).moved(0, sy * (d / 2 - 0.01)), steel))
    spout = smooth_curve([(0, 0.225, 0), (0, 0.225, 0.2), (0, 0.19, 0.31), (0, 0.1, 0.32), (0, 0.055, 0.24)], 7)
    parts += [
        (tube(spout, 0.012, 12), tap),
        (cylinder(0.026, 0.02, 0.004).moved(0, 0.225), tap),
        (rod((0.02, 0.225, 0.06), (0.075, 0.2, 0.09), 0.006), tap),
    ]
    return Thing.of(*parts)


@makes("cabinet")
def wall_run(look: Look, width: float, looks: tuple[Material, Material, Material]) -> Thing:
    """Return wall cabinets from 1.42 to 2.12 along x, backs at y=0."""
    face, _, handle = looks
    count = max(1, round(width / 0.55))
    w = width / count
    things = [Thing.of((box(width, 0.32, 0.7, 0.003).moved(0, -0.16, 1.42), face))]
    things += [front(look, w, 0.7, face, handle).moved(-width / 2 + w * (k + 0.5), -0.32, 1.42) for k in range(count)]
    return combine(things)


def hood(look: Look) -> Thing:
    """Return an extractor hood around x=0, back at y=0."""
    steel = metal("steel" if look.style.id != "industrial" else "iron")
    if look.style.id in ("traditional", "bohemian", "scandinavian"):
        outline = np.array(
            [[-0.35, 0], [0.35, 0], [0.35, 0.1], [0.16, 0.5], [0.16, 1.0], [-0.16, 1.0], [-0.16, 0.5], [-0.35, 0.1]]
        )
        return Thing.of((panel(outline, 0.42).moved(0, 0, 1.6), painted((0.93, 0.92, 0.89), 0.5)))
    return Thing.of(
        (box(0.6, 0.45, 0.06, 0.004).moved(0, -0.225, 1.6), steel),
        (box(0.24, 0.22, 1.0, 0.004).moved(0, -0.13, 1.66), steel),
    )


def fridge(look: Look) -> Thing:
    """Return a free-standing fridge, its back at y=0."""
    retro = look.style.id in ("mid_century_modern", "bohemian", "scandinavian")
    skin = painted(look.accent()[1], 0.15) if retro else metal("steel")
    handle = metal("chrome")
    r = 0.07 if retro else 0.012
    parts = [
        (box(0.64, 0.58, 0.62, 0.012).moved(0, -0.3, 0.05), skin),
        (box(0.64, 0.58, 1.1, 0.012).moved(0, -0.3, 0.7), skin),
    ]
    parts += [
        (box(0.64, 0.06, 0.62, min(r, 0.028)).moved(0, -0.62, 0.05), skin),
        (box(0.64, 0.06, 1.1, min(r, 0.028)).moved(0, -0.62, 0.69), skin),
    ]
    for z0, z1 in ((0.4, 0.62), (0.76, 1.15)):
        parts.append((rod((-0.26, -0.68, z0), (-0.26, -0.68, z1), 0.011), handle))
    return Thing.of(*parts)


@makes("cabinet")
def island(look: Look, width: float, looks: tuple[Material, Material, Material]) -> Thing:
    """Return an island around the origin with its worktop at 0.92."""
    face, top, _ = looks
    body = [(box(width - 0.1, 0.62, 0.86, 0.004).moved(0, 0.05, 0.02), face)]
    if look.style.id in ("traditional", "scandinavian", "bohemian", "contemporary"):
        for k in range(3):
            x = (k - 1) * (width - 0.1) / 3
            body.append((box((width - 0.1) / 3 - 0.06, 0.016, 0.72, 0.006).moved(x, -0.265, 0.09), face))
    return Thing.of(*body, (box(width, 0.86, 0.045, 0.006).moved(0, -0.01, 0.88), top))


def pots(look: Look) -> Thing:
    """Return a saucepan and a kettle for a hob, on z=0."""
    skin = metal("copper") if look.style.id in ("traditional", "industrial") else metal("steel")
    pan = vessel(rounded_profile([(0.095, 0), (0.1, 0.006), (0.1, 0.12)], 0.01), 0.003, 0.005)
    body = vessel(smooth_curve([(0.08, 0), (0.1, 0.05), (0.09, 0.11), (0.045, 0.15)]), 0.003, 0.005)
    ear = tube(smooth_curve([(-0.07, 0, 0.13), (-0.06, 0, 0.22), (0.06, 0, 0.22), (0.07, 0, 0.13)], 6), 0.008)
    lacquer = look.take_lacquer()
    return Thing.of(
        (pan.moved(-0.13, 0.11), skin),
        (rod((-0.13, 0.02, 0.1), (-0.13, -0.17, 0.12), 0.009), matte((0.1, 0.1, 0.1))),
        (body.moved(0.13, 0.11), lacquer),
        (ear.moved(0.13, 0.11), matte((0.12, 0.1, 0.09))),
    )
