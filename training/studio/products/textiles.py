"""Cushions, throws, rugs, towels, curtains and poufs."""

import numpy as np

from training.studio.colors import mix
from training.studio.geometry import Thing, combine
from training.studio.materials import JUTE, Material, cloth, matte, pattern, woven
from training.studio.products.base import Look, Made, ProductType
from training.studio.shapes import box, cushion, drape, folded, revolve, rod, smooth_curve, surface, torus, unit_uv


def textile(look: Look, plain: float = 0.55) -> tuple[Material, str]:
    """Return cloth of the style, plain or patterned, and a word for it."""
    if look.chance(plain):
        return look.take_cloth(), ""
    kind = look.one(*look.style.patterns)
    look.note("cotton", None)
    colors = tuple(look.accents(4))
    words = {
        "ticking": "striped",
        "stripes": "striped",
        "checks": "checked",
        "spots": "dotted",
        "zigzag": "chevron",
        "kilim": "kilim",
    }
    return pattern(kind, colors, look.seed() % 12, (0.45, 0.45) if kind != "kilim" else (0.5, 0.6)), words[kind]


def _upright(pillow: Thing, lean: float = 14) -> Thing:
    turned = pillow.turned(90 - lean, "x")
    return turned.moved(0, 0, -float(turned.bounds()[0][2]))


def pillow(look: Look) -> Made:
    """Return one or two cushions, square, lumbar or round, standing as shops show them."""
    shape = look.one("square", "square", "square", "lumbar")
    material, word = textile(look)
    w, d = (0.5, 0.3) if shape == "lumbar" else (0.45, 0.45)
    if look.chance(0.3):
        w, d = w * 1.12, d * 1.12
    count = 2 if look.chance(0.3) else 1
    things = []
    for k in range(count):
        body = Thing.of((cushion(w, d, 0.15), material)).moved(0, 0, -0.0)
        things.append(_upright(body.moved(0, d / 2), 13).turned(look.between(-8, 8)).moved(w * 0.55 * k, 0.13 * k))
    if look.chance(0.2) and count == 1:
        tassel = matte(mix(material.color, (0.95, 0.93, 0.88), 0.5))
        low, high = things[0].bounds()
        for x in (low[0] + 0.01, high[0] - 0.01):
            things.append(
                Thing.of((rod((x, 0.02, high[2] - 0.02), (x * 1.04, 0.0, high[2] - 0.09), 0.008, 0.012), tassel))
            )
        word = (word + " tasselled").strip()
    return look.made(
        combine(things),
        "cushions" if count > 1 else "cushion",
        word,
        "lumbar" if shape == "lumbar" else "",
        count=count,
        size=(w, d, 0.15),
    )


def throw(look: Look) -> Made:
    """Return a folded throw with a fringe."""
    material, word = textile(look, 0.65)
    w, d, h = look.between(0.38, 0.46), look.between(0.28, 0.34), look.between(0.07, 0.11)
    stack = Thing.of((folded(w, d, h, int(look.rng.integers(3, 5))), material))
    fringe = []
    yarn = matte(tuple(0.95 * c for c in material.color))  # type: ignore[arg-type]
    for x in np.linspace(-w / 2 + 0.01, w / 2 - 0.01, 30):
        z = h * 0.98
        fringe.append(
            (
                rod(
                    (x, -d / 2 + 0.004, z - 0.01),
                    (x + look.between(-0.006, 0.006), -d / 2 - 0.012, z - 0.075),
                    0.0025,
                    0.002,
                ),
                yarn,
            )
        )
    return look.made(stack + Thing.of(*fringe), "throw", word)


def _rug_material(look: Look, w: float, d: float) -> tuple[Material, str]:
    kind = look.one(*look.style.rugs)
    if kind == "pile":
        if look.chance(0.35):
            look.note("jute", "natural")
            return woven(JUTE, look.seed()), "natural fibre"
        name, value = look.accent()
        look.note("wool", name)
        return cloth(value, look.seed(), "pile"), "plain"
    colors = tuple(look.accents(5))
    look.note("wool", None)
    whole = kind in ("oriental", "blocks")
    size = (1.0, 1.0) if whole else (1.1, 1.4) if kind == "kilim" else (1.0, 1.0) if kind == "diamonds" else (0.8, 0.8)
    words = {
        "oriental": "medallion",
        "blocks": "abstract",
        "kilim": "kilim",
        "diamonds": "diamond",
        "zigzag": "chevron",
    }
    return pattern(kind, colors, look.seed() % 12, size), words[kind]


def rug_thing(look: Look, w: float, d: float, round_: bool = False) -> tuple[Thing, str]:
    """Return a rug of width w (x) and depth d (y) lying on z=0, and a word for its pattern."""
    material, word = _rug_material(look, w, d)
    whole = material.texture is not None and material.texture.kind in ("oriental", "blocks")
    if round_:
        angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        ring = np.stack([np.cos(angle), np.sin(angle)], -1) * w / 2
        points = np.stack(
            [np.column_stack([ring * r, np.full(64, z)]) for r, z in ((1, 0), (1, 0.012), (0.5, 0.014), (0.0, 0.014))],
            1,
        )
        mesh = surface(points, close_u=True)
        mesh = type(mesh)(mesh.vertices, mesh.normals, mesh.vertices[:, :2] + w / 2, mesh.faces)
        if whole:
            mesh = unit_uv(mesh)
        return Thing.of((mesh, material)), word
    x, y = np.meshgrid(np.linspace(-w / 2, w / 2, 12), np.linspace(-d / 2, d / 2, 12), indexing="ij")
    z = 0.013 + 0.0012 * np.sin(7 * x) * np.sin(6 * y)
    top = surface(np.stack([x, y, z], -1))
    if whole:
        top = unit_uv(top)
        if w > d:  # the picture is upright
            top = type(top)(top.vertices, top.normals, top.uv[:, ::-1], top.faces)
    edge = matte(tuple(0.8 * c for c in material.color))  # type: ignore[arg-type]
    thing = Thing.of((top, material), (box(w, d, 0.012, 0.004), edge))
    if look.style.id in ("bohemian", "traditional", "scandinavian") and look.chance(0.7):
        yarn = matte((0.88, 0.83, 0.74))
        strands = [
            (
                rod(
                    (sx * w / 2, yy, 0.008), (sx * (w / 2 + 0.07), yy + look.between(-0.01, 0.01), 0.004), 0.004, 0.003
                ),
                yarn,
            )
            for sx in (-1, 1)
            for yy in np.linspace(-d / 2 + 0.01, d / 2 - 0.01, int(d / 0.035))
        ]
        thing = thing + Thing.of(*strands)
    return thing, word


def rug(look: Look) -> Made:
    """Return a rug of a usual size, seen from above."""
    if look.chance(0.2):
        w = look.between(1.2, 2.0)
        thing, word = rug_thing(look, w, w, True)
        return look.made(thing, "rug", "round", word)
    w, d = ((2.3, 1.6), (3.0, 2.0), (1.8, 1.2), (2.4, 0.8))[int(look.rng.integers(4))]
    thing, word = rug_thing(look, w, d)
    return look.made(thing, "rug" if d > 1 else "runner rug", word)


def bath_mat(look: Look) -> Made:
    """Return a small mat of cotton pile."""
    name, value = look.accent()
    look.note("cotton", name)
    w, d = look.between(0.75, 0.95), look.between(0.5, 0.6)
    edge = cloth(mix(value, (0.95, 0.94, 0.9), 0.25), look.seed(), "cotton")
    thing = Thing.of(
        (box(w, d, 0.018, 0.008), edge), (box(w - 0.07, d - 0.07, 0.026, 0.01), cloth(value, look.seed(), "pile"))
    )
    return look.made(thing, "bath mat")


def towels(look: Look) -> Made:
    """Return a stack of folded towels."""
    count = int(look.rng.integers(2, 5))
    things, z = [], 0.0
    name, value = look.accent()
    look.note("cotton", name)
    for k in range(count):
        tone = value if k % 2 == 0 else mix(value, (0.96, 0.95, 0.92), 0.5)
        w = 0.36 - 0.02 * k
        thing = Thing.of((folded(w, 0.26 - 0.01 * k, 0.062, 2), cloth(tone, look.seed(), "pile")))
        things.append(thing.turned(look.between(-2, 2)).moved(0, 0, z))
        z += 0.063
    return look.made(combine(things), "towels", "bath", count=count)


def curtains(look: Look) -> Made:
    """Return a pair of curtains on a rod, on the wall plane."""
    material, word = textile(look, 0.8)
    rail = look.take_metal()
    h = 2.3
    parts = [(rod((-0.95, -0.08, h + 0.03), (0.95, -0.08, h + 0.03), 0.013), rail)]
    for sign in (-1, 1):
        parts.append((drape(0.62, h, 7, 0.035, look.rng).moved(sign * 0.56, -0.08, 0.02), material))
    return look.made(Thing.of(*parts), "curtains", word, count=2)


def pouf(look: Look) -> Made:
    """Return a round pouf."""
    material, word = textile(look, 0.75)
    r, h = look.between(0.24, 0.3), look.between(0.32, 0.4)
    profile = smooth_curve([(0.02, 0), (r * 0.85, 0.01), (r, h * 0.35), (r, h * 0.65), (r * 0.8, h * 0.97), (0.02, h)])
    body = revolve(profile, 56, (14, 0.012), crease=70)
    return look.made(Thing.of((body, material), (torus(0.022, 0.008).moved(0, 0, h), material)), "pouf", word)


def bed_linen(look: Look) -> Made:
    """Return a duvet folded with two pillows on it."""
    material, word = textile(look, 0.6)
    base = Thing.of((folded(0.6, 0.5, 0.2, 3), material))
    things = [base]
    for k in range(2):
        things.append(
            Thing.of((cushion(0.56, 0.38, 0.13), material)).turned(look.between(-3, 3)).moved(0, 0, 0.19 + 0.09 * k)
        )
    return look.made(combine(things), "bed linen", word, count=3)


TYPES = (
    ProductType("cushion", "soft_textiles", "sofa", pillow, weight=2.2),
    ProductType("throw", "soft_textiles", "sofa", throw, weight=1.2),
    ProductType("rug", "soft_textiles", "rug", rug, weight=1.6),
    ProductType("bath_mat", "soft_textiles", "rug", bath_mat, ("bathroom",), 0.6),
    ProductType("towels", "soft_textiles", "table", towels, ("bathroom",), 0.9),
    ProductType("curtains", "soft_textiles", "window", curtains, weight=0.7),
    ProductType("pouf", "soft_textiles", "floor", pouf, ("living_room", "bedroom", "childrens_room"), 0.8),
    ProductType("bed_linen", "soft_textiles", "bed", bed_linen, ("bedroom", "childrens_room"), 0.7),
)
