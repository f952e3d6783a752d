"""Bowls, trays, baskets, boxes, jars, clocks, tableware, bathroom sets."""

import numpy as np

from training.studio.geometry import Thing, combine
from training.studio.materials import JUTE, MIRROR, RATTAN, SEAGRASS, leather, matte, metal, painted, woven
from training.studio.products.base import Look, Made, ProductType
from training.studio.shapes import (
    box,
    cylinder,
    ellipsoid,
    revolve,
    rod,
    rounded_profile,
    smooth_curve,
    sphere,
    surface,
    torus,
    tube,
    vessel,
)
from training.studio.textures import Rgb

FRUIT: tuple[tuple[Rgb, float], ...] = (
    ((0.82, 0.67, 0.16), 0.033),
    ((0.72, 0.16, 0.12), 0.037),
    ((0.55, 0.66, 0.2), 0.037),
    ((0.87, 0.5, 0.14), 0.038),
)


def _solid(look: Look):
    draw = look.rng.random()
    return (
        look.take_ceramic()
        if draw < 0.5
        else look.take_wood()
        if draw < 0.75
        else look.take_stone()
        if draw < 0.88
        else look.take_metal()
    )


def _plait(look: Look) -> Rgb:
    """Note what a basket is plaited of, and return its color."""
    name, tint = (("rattan", RATTAN), ("seagrass", SEAGRASS), ("jute", JUTE))[int(look.rng.integers(3))]
    look.note(name, "natural")
    return tint


def fruit_in(radius: float, height: float, look: Look) -> Thing:
    """Return fruit heaped in a bowl of that radius, for rooms."""
    tint, r = FRUIT[int(look.rng.integers(len(FRUIT)))]
    out = []
    for k in range(6):
        a = k * 1.26
        out.append(
            Thing.of((ellipsoid(r, r, r * 0.95, 18), painted(tint, 0.3))).moved(
                radius * 0.5 * np.cos(a) * (k < 5),
                radius * 0.5 * np.sin(a) * (k < 5),
                height + r * (0.55 if k < 5 else 1.5),
            )
        )
    return combine(out)


def bowl(look: Look) -> Made:
    """Return a bowl, wide or deep, on a foot or not."""
    r, deep = look.between(0.11, 0.19), look.between(0.35, 0.75)
    foot = 0.025 if look.chance(0.4) else 0.004
    profile = smooth_curve(
        [
            (r * 0.35, 0),
            (r * 0.34, foot),
            (r * 0.7, foot + 0.3 * r * deep),
            (r * 0.94, foot + 0.75 * r * deep),
            (r, foot + r * deep),
        ]
    )
    ribs = (int(look.rng.integers(16, 26)), 0.025) if look.chance(0.25) else (0, 0.0)
    return look.made(
        Thing.of((vessel(profile, 0.006, foot + 0.008, ribs, 56), _solid(look))),
        "bowl",
        "footed" if foot > 0.02 else "",
        "ribbed" if ribs[0] else "",
    )


def tray(look: Look) -> Made:
    """Return a round or rectangular tray, with handles sometimes."""
    material = look.take_wood() if look.chance(0.5) else look.take_metal() if look.chance(0.5) else look.take_lacquer()
    if look.chance(0.45):
        r = look.between(0.15, 0.21)
        profile = rounded_profile([(r * 0.96, 0), (r, 0.004), (r, 0.032)], 0.004)
        return look.made(Thing.of((vessel(profile, 0.008, 0.007), material)), "tray", "round")
    w, d, t = look.between(0.36, 0.5), look.between(0.24, 0.32), 0.012
    parts = [(box(w, d, t, 0.003), material)]
    for sign in (-1, 1):
        parts.append((box(w, t, 0.045, 0.003).moved(0, sign * (d - t) / 2), material))
        parts.append((box(t, d, 0.045, 0.003).moved(sign * (w - t) / 2), material))
    handle = look.take_metal()
    for sign in (-1, 1):
        path = smooth_curve(
            [
                (sign * w / 2, -0.05, 0.035),
                (sign * (w / 2 + 0.01), -0.04, 0.075),
                (sign * (w / 2 + 0.01), 0.04, 0.075),
                (sign * w / 2, 0.05, 0.035),
            ],
            6,
        )
        parts.append((tube(path, 0.005), handle))
    return look.made(Thing.of(*parts), "tray", "serving")


def basket(look: Look) -> Made:
    """Return a plaited basket with a rim and handles."""
    tint = _plait(look)
    r, h = look.between(0.15, 0.24), look.between(0.2, 0.38)
    body_material = woven(tint, look.seed())
    profile = smooth_curve([(r * 0.78, 0), (r * 0.98, 0.25 * h), (r, 0.6 * h), (r * 0.9, h)])
    parts = [(vessel(profile, 0.012, 0.015), body_material), (torus(r * 0.895, 0.011).moved(0, 0, h), body_material)]
    if look.chance(0.45):
        label, second = look.accent()
        look.note(None, label)
        lower = profile[profile[:, 1] < 0.42 * h] * [1.012, 1.0]
        parts.append((vessel(lower, 0.004, 0.001), woven(second, look.seed())))
    for sign in (-1, 1):
        path = smooth_curve(
            [
                (sign * r * 0.9, -0.06, h),
                (sign * r * 0.98, -0.045, h + 0.075),
                (sign * r * 0.98, 0.045, h + 0.075),
                (sign * r * 0.9, 0.06, h),
            ],
            6,
        )
        parts.append((tube(path, 0.009), body_material))
    return look.made(Thing.of(*parts), "basket", "storage")


def lidded_box(look: Look) -> Made:
    """Return a box with a lid and a knob."""
    w, d, h = look.between(0.14, 0.26), look.between(0.1, 0.18), look.between(0.07, 0.13)
    material = _solid(look)
    knob = look.take_metal()
    thing = Thing.of(
        (box(w, d, h, 0.006), material),
        (box(w * 1.02, d * 1.03, 0.022, 0.006).moved(0, 0, h + 0.002), material),
        (sphere(0.011, 16).moved(0, 0, h + 0.034), knob),
    )
    return look.made(thing, "decorative box")


def canisters(look: Look) -> Made:
    """Return two or three storage jars with lids."""
    count = int(look.rng.integers(2, 4))
    material = look.take_ceramic() if look.chance(0.6) else look.take_glass()
    lid = look.take_wood()
    things, x = [], 0.0
    for k in range(count):
        r, h = 0.06 - 0.005 * k, 0.19 - 0.04 * k
        jar = vessel(rounded_profile([(r * 0.96, 0), (r, 0.006), (r, h)], 0.008), 0.005, 0.008)
        top = Thing.of(
            (cylinder(r * 1.02, 0.02, 0.005).moved(0, 0, h), lid), (sphere(0.012, 14).moved(0, 0, h + 0.03), lid)
        )
        x += r
        things.append((Thing.of((jar, material)) + top).moved(x, 0.02 * (k % 2)))
        x += r + 0.015
    return look.made(combine(things).moved(-x / 2), "storage jars", count=count)


def mugs(look: Look) -> Made:
    """Return two or four mugs."""
    count = 2 if look.chance(0.6) else 4
    material = look.take_ceramic()
    things = []
    for k in range(count):
        cup = vessel(rounded_profile([(0.034, 0), (0.04, 0.006), (0.042, 0.09)], 0.012), 0.004, 0.007)
        ear = tube(smooth_curve([(0.04, 0, 0.072), (0.066, 0, 0.075), (0.07, 0, 0.04), (0.04, 0, 0.022)], 6), 0.0052)
        things.append(
            Thing.of((cup, material), (ear, material))
            .turned(look.between(-60, 30))
            .moved(0.13 * (k % 2), 0.12 * (k // 2))
        )
    return look.made(combine(things), "mugs", count=count)


def teapot(look: Look) -> Made:
    """Return a teapot."""
    material = look.take_ceramic()
    r = look.between(0.075, 0.095)
    profile = smooth_curve([(r * 0.6, 0), (r * 0.98, 0.35 * r), (r, 0.8 * r), (r * 0.55, 1.4 * r)])
    spout = tube(
        smooth_curve([(r * 0.8, 0, 0.5 * r), (r * 1.35, 0, 0.75 * r), (r * 1.7, 0, 1.4 * r)], 6),
        np.linspace(0.02, 0.009, 13),
        16,
    )
    ear = tube(
        smooth_curve(
            [(-r * 0.75, 0, 1.2 * r), (-r * 1.5, 0, 1.25 * r), (-r * 1.5, 0, 0.6 * r), (-r * 0.85, 0, 0.35 * r)], 6
        ),
        0.008,
    )
    lid = ellipsoid(r * 0.56, r * 0.56, r * 0.2).moved(0, 0, 1.4 * r)
    return look.made(
        Thing.of(
            (vessel(profile, 0.005, 0.01), material),
            (spout, material),
            (ear, material),
            (lid, material),
            (sphere(0.013, 16).moved(0, 0, 1.66 * r), material),
        ),
        "teapot",
    )


def plates(look: Look) -> Made:
    """Return a stack of plates with bowls on top."""
    material = look.take_ceramic()
    count = int(look.rng.integers(4, 7))
    r = look.between(0.125, 0.14)
    parts = []
    for k in range(count):
        profile = smooth_curve([(r * 0.55, 0), (r * 0.6, 0.004), (r * 0.9, 0.011), (r, 0.021)])
        parts.append((vessel(profile, 0.005, 0.006).moved(0, 0, 0.011 * k), material))
    return look.made(Thing.of(*parts), "plates", "dinner", count=count)


def table_clock(look: Look) -> Made:
    """Return a mantel clock."""
    material = look.take_wood() if look.chance(0.6) else look.take_metal() if look.chance(0.6) else look.take_stone()
    r = look.between(0.06, 0.085)
    body = cylinder(r, 0.05, 0.008).turned("x", 90).moved(0, 0.025, r + 0.008)
    face = cylinder(r * 0.88, 0.004, 0.001).turned("x", 90).moved(0, -0.022, r + 0.008)
    hand = metal("iron")
    parts = [(body, material), (face, matte((0.95, 0.94, 0.9))), (box(r * 1.1, 0.045, 0.012, 0.003), material)]
    for angle, length, width in ((40, 0.55, 0.006), (-75, 0.75, 0.004)):
        parts.append((box(width, 0.002, r * length, 0.0008).turned("y", angle).moved(0, -0.029, r + 0.008), hand))
    for k in range(12):
        parts.append(
            (
                box(0.003, 0.002, 0.009, 0.0005).moved(0, 0, r * 0.72).turned("y", 30 * k).moved(0, -0.028, r + 0.008),
                hand,
            )
        )
    return look.made(Thing.of(*parts), "table clock")


def soap_set(look: Look) -> Made:
    """Return a soap dispenser, a tumbler and a dish."""
    material = look.take_stone() if look.chance(0.4) else look.take_ceramic()
    pump = look.take_metal()
    bottle = cylinder(0.036, 0.125, 0.006)
    head = rod((0, 0, 0.125), (0, 0, 0.165), 0.008)
    nozzle = rod((0, 0, 0.162), (0.045, -0.01, 0.158), 0.006, 0.004)
    tumbler = vessel(rounded_profile([(0.034, 0), (0.036, 0.004), (0.036, 0.1)], 0.006), 0.004, 0.008).moved(0.1, 0.02)
    dish = (
        vessel(rounded_profile([(0.04, 0), (0.055, 0.006), (0.06, 0.024)], 0.01), 0.004, 0.008)
        .scaled(1.2, 0.85, 1)
        .moved(-0.12, -0.02)
    )
    soap = ellipsoid(0.04, 0.026, 0.012).moved(-0.12, -0.02, 0.022)
    return look.made(
        Thing.of(
            (bottle, material),
            (head, pump),
            (nozzle, pump),
            (tumbler, material),
            (dish, material),
            (soap, matte((0.93, 0.89, 0.8))),
        ),
        "soap dispenser",
        "bathroom",
        count=3,
    )


def cake_stand(look: Look) -> Made:
    """Return a cake stand."""
    r, h = look.between(0.12, 0.16), look.between(0.08, 0.14)
    profile = rounded_profile(
        [
            (0, 0),
            (r * 0.5, 0),
            (r * 0.5, 0.008),
            (0.016, 0.02),
            (0.016, h - 0.012),
            (r, h),
            (r, h + 0.014),
            (0, h + 0.014),
        ],
        0.006,
    )
    return look.made(Thing.of((revolve(profile, 56), _solid(look))), "cake stand")


def boards(look: Look) -> Made:
    """Return chopping boards that lean behind one another, as kitchens keep them."""
    count = int(look.rng.integers(1, 3))
    things = []
    for k in range(count):
        w, h = look.between(0.2, 0.26) - 0.03 * k, look.between(0.34, 0.42) - 0.07 * k
        material = look.take_wood()
        slab = box(w, 0.02, h, 0.008)
        knob = box(0.05, 0.02, 0.1, 0.009).moved(0, 0, h - 0.01)
        thing = Thing.of((slab, material), (knob, material))
        things.append(thing.turned(-9, "x").moved(0.07 * k, -0.035 * k, 0.002))
    return look.made(combine(things), "chopping boards" if count > 1 else "chopping board", count=count)


def storage_box(look: Look) -> Made:
    """Return one box with a lid, or three of falling size, of painted board or cloth."""
    material = look.take_cloth() if look.chance(0.4) else look.take_lacquer()
    count = 3 if look.chance(0.3) else 1
    w, d, h = look.between(0.22, 0.42), look.between(0.2, 0.34), look.between(0.14, 0.34)
    things, x = [], 0.0
    for k in range(count):
        size = 1 - 0.24 * k
        body = Thing.of(
            (box(w * size, d * size, h * size, 0.004), material),
            (box(w * size + 0.008, d * size + 0.008, 0.05, 0.004).moved(0, 0, h * size - 0.048), material),
        )
        things.append(body.moved(x + w * size / 2, -0.06 * k))
        x += w * size + 0.02
    return look.made(combine(things).moved(-x / 2), "storage boxes" if count > 1 else "storage box", count=count)


def crate(look: Look) -> Made:
    """Return an open rectangular basket, plaited or of wooden slats."""
    w, d, h = look.between(0.28, 0.46), look.between(0.2, 0.32), look.between(0.12, 0.26)
    if look.chance(0.5):
        material, slats = woven(_plait(look), look.seed()), 1
    else:
        material, slats = look.take_wood(), int(look.rng.integers(2, 5))
    high = (h - 0.008 * (slats - 1)) / slats
    parts = [(box(w, d, 0.012, 0.003), material)]
    for k in range(slats):
        z = k * (high + 0.008)
        for sign in (-1, 1):
            parts.append((box(w, 0.012, high, 0.003).moved(0, sign * (d / 2 - 0.006), z), material))
            parts.append((box(0.012, d, high, 0.003).moved(sign * (w / 2 - 0.006), 0, z), material))
    return look.made(Thing.of(*parts), "basket" if slats == 1 else "wooden crate", "storage" if slats == 1 else "")


def glasses(look: Look) -> Made:
    """Return one or four drinking glasses, straight or on a stem."""
    material = look.take_glass()
    count = 1 if look.chance(0.5) else 4
    r, h, stem = look.between(0.032, 0.045), look.between(0.09, 0.15), look.between(0.05, 0.09)
    if look.chance(0.4):
        bowl_of = vessel(smooth_curve([(0.006, 0), (r * 0.9, h * 0.25), (r, h * 0.55), (r * 0.85, h)]), 0.002, 0.004)
        one = Thing.of(
            (bowl_of.moved(0, 0, stem), material),
            (cylinder(0.005, stem + 0.004, 0.001), material),
            (cylinder(r * 0.85, 0.004, 0.001), material),
        )
    else:
        one = Thing.of((vessel(smooth_curve([(r * 0.85, 0), (r * 0.92, h / 2), (r, h)]), 0.003, 0.008), material))
    placed = [one.moved((k % 2) * 2.3 * r, (k // 2) * 2.3 * r) for k in range(count)]
    return look.made(combine(placed), "drinking glasses" if count > 1 else "drinking glass", count=count)


def pot(look: Look) -> Made:
    """Return a cooking pot with a lid and two handles."""
    material = look.take_metal() if look.chance(0.5) else look.take_lacquer()
    knob = look.take_wood() if look.chance(0.4) else material
    r, h = look.between(0.1, 0.15), look.between(0.09, 0.16)
    parts = [
        (vessel(rounded_profile([(r * 0.94, 0), (r, 0.01), (r, h)], 0.012), 0.004, 0.006), material),
        (ellipsoid(r * 1.0, r * 1.0, r * 0.22).moved(0, 0, h), material),
        (sphere(0.018, 16).moved(0, 0, h + r * 0.22 + 0.012), knob),
    ]
    for sign in (-1, 1):
        path = smooth_curve(
            [
                (sign * r * 0.97, -0.04, h * 0.75),
                (sign * (r + 0.035), -0.03, h * 0.78),
                (sign * (r + 0.035), 0.03, h * 0.78),
                (sign * r * 0.97, 0.04, h * 0.75),
            ],
            6,
        )
        parts.append((tube(path, 0.008), knob))
    return look.made(Thing.of(*parts), "cooking pot")


def vanity_mirror(look: Look) -> Made:
    """Return a round mirror on a stand."""
    material = look.take_metal()
    r = look.between(0.085, 0.11)
    z = r + look.between(0.1, 0.16)
    parts = [
        (cylinder(0.065, 0.012, 0.004), material),
        (cylinder(0.007, z - r, 0.002), material),
        (torus(r, 0.006).turned("x", 90).moved(0, 0, z), material),
    ]
    parts.append((cylinder(r, 0.004, 0.001).turned("x", 90).moved(0, 0.002, z), MIRROR))
    return look.made(Thing.of(*parts), "table mirror", "round")


def magazine_rack(look: Look) -> Made:
    """Return a sling of leather on a frame."""
    frame, hide_name = look.take_metal(), "brown"
    look.note("leather", hide_name)
    w, d, h = 0.36, 0.26, 0.34
    parts = []
    for x in (-w / 2, w / 2):
        for sign in (-1, 1):
            parts.append((rod((x, -sign * d / 2, 0), (x, sign * d / 2, h), 0.007), frame))
    for sign in (-1, 1):
        parts.append((rod((-w / 2, sign * d / 2, h), (w / 2, sign * d / 2, h), 0.007), frame))
        parts.append((rod((-w / 2, sign * d / 2, 0.007), (w / 2, sign * d / 2, 0.007), 0.007), frame))
    x = np.linspace(-w / 2 + 0.01, w / 2 - 0.01, 4)
    t = np.linspace(-1, 1, 24)
    sling = np.stack(
        np.broadcast_arrays(x[:, None], (t * d / 2)[None, :], (0.07 + (h - 0.07) * np.abs(t) ** 2.2)[None, :]), -1
    )
    parts.append((surface(sling, crease=80), leather((0.5, 0.3, 0.17))))
    return look.made(Thing.of(*parts), "magazine rack")


TYPES = tuple(
    ProductType(name, "functional_beauty", mount, maker, rooms, weight)
    for name, maker, mount, rooms, weight in (
        ("bowl", bowl, "table", (), 1.5),
        ("tray", tray, "table", (), 1.2),
        ("basket", basket, "floor", (), 1.5),
        ("box", lidded_box, "table", (), 0.8),
        ("canisters", canisters, "table", ("kitchen",), 0.9),
        ("mugs", mugs, "table", ("kitchen", "dining_room"), 0.7),
        ("teapot", teapot, "table", ("kitchen", "dining_room"), 0.8),
        ("plates", plates, "table", ("kitchen", "dining_room"), 0.7),
        ("table_clock", table_clock, "table", (), 0.8),
        ("soap_set", soap_set, "table", ("bathroom",), 0.9),
        ("cake_stand", cake_stand, "table", ("kitchen", "dining_room"), 0.6),
        ("boards", boards, "table", ("kitchen",), 0.7),
        ("vanity_mirror", vanity_mirror, "table", ("bathroom", "bedroom"), 0.6),
        ("storage_box", storage_box, "floor", (), 1.3),
        ("crate", crate, "floor", (), 1.1),
        ("glasses", glasses, "table", ("kitchen", "dining_room"), 0.9),
        ("pot", pot, "table", ("kitchen",), 0.8),
        ("magazine_rack", magazine_rack, "floor", ("living_room", "home_office"), 0.5),
    )
)
