"""The empty room: floor, walls, ceiling, skirting, windows and doors. The camera's side (y < 0) is open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.studio.colors import WALLS, mix, rgb, vary
from training.studio.geometry import EMPTY, Mesh, Thing, combine, makes
from training.studio.materials import WOODS, Material, glow, matte, metal, painted, stone, wood
from training.studio.products.base import Look
from training.studio.shapes import box, cylinder, drape, quad, rod
from training.studio.textures import Texture

FRONT = -1.9  # how far the side walls, floor and ceiling reach towards the camera
WHITE = painted((0.92, 0.92, 0.9), 0.4)


@dataclass(frozen=True)
class Room:
    """Inner size in metres: x from -width/2 to width/2, the back wall at y=depth, the ceiling at height."""

    width: float
    depth: float
    height: float
    window: str  # "left", "right" or "back": the wall with the window
    window_at: float  # where its center is along that wall (y, or x on the back wall)
    window_size: tuple[float, float]
    sill: float

    @property
    def left(self) -> float:
        """Return x of the left wall."""
        return -self.width / 2

    @property
    def right(self) -> float:
        """Return x of the right wall."""
        return self.width / 2


def wall_color(look: Look) -> tuple[float, float, float]:
    """Return a wall color of the palette."""
    # paint a little paler than the swatch: light that bounces between walls deepens it
    return vary(mix(rgb(look.one(*WALLS[look.palette])), (0.95, 0.94, 0.92), 0.1), look.rng, 0.015)


def wall_material(look: Look, base: tuple[float, float, float], kind: str) -> Material:
    """Return paint, limewash, brick, concrete or paper."""
    if kind == "brick":
        tints = {"neutral_cool": "d9d6d1", "monochrome": "d3d0cc", "neutral_warm": "c9a688"}
        brick_color = rgb(tints.get(look.palette, look.one("9a5a42", "a4664a", "8a4f3b")))
        return Material("matte", brick_color, 0.9, Texture("brick", (brick_color, rgb("b9b0a4")), 3, (1.0, 0.62)))
    if kind == "concrete":
        grey = mix(base, (0.6, 0.59, 0.57), 0.65)
        return Material("matte", grey, 0.9, Texture("plaster", (grey,), 4, (2.4, 2.4), 1.3))
    if kind == "limewash":
        return Material("matte", base, 0.9, Texture("plaster", (base,), 1, (2.2, 2.2), 1.15))
    if kind == "wallpaper":
        second = mix(base, (0.96, 0.94, 0.88), 0.4)
        return Material("matte", base, 0.9, Texture(look.one("ticking", "diamonds"), (base, second), 2, (0.8, 0.8)))
    return matte(base)


def floor_material(look: Look, room: str) -> Material:
    """Return what the floor is of; wet rooms often have tiles."""
    kind = look.one(*look.style.floors)
    if room == "bathroom" or (room == "kitchen" and look.chance(0.5)):
        kind = {
            "traditional": "chequer",
            "industrial": "concrete",
            "bohemian": "tiles",
            "mid_century_modern": "terrazzo",
        }.get(look.style.id, look.one("tiles", "marble", "terrazzo"))
    look.floor = kind
    seed = look.seed() % 4
    if kind == "marble":
        base = stone("white marble", seed)
        return Material("gloss", base.color, 0.14, Texture("marble", base.texture.colors, seed, (2.2, 2.2), 0.8))  # type: ignore[union-attr]
    if kind == "concrete":
        grey = rgb("9d9a95")
        return Material("gloss", grey, 0.4, Texture("plaster", (grey,), seed, (2.6, 2.6), 1.3))
    if kind == "terrazzo":
        return Material(
            "gloss",
            rgb("e2ddd4"),
            0.2,
            Texture("terrazzo", (rgb("e2ddd4"), rgb("b5714f"), rgb("6f7d76"), rgb("444447")), seed, (0.9, 0.9), 1.0),
        )
    if kind == "chequer":
        dark = rgb("2a2a2b") if look.palette != "earth_tones" else rgb("5c4433")
        return Material(
            "gloss", rgb("e9e6df"), 0.16, Texture("tiles", (rgb("e9e6df"), rgb("bdb8ae"), dark), seed, (1.4, 1.4))
        )
    if kind == "tiles":
        tint = {"bohemian": rgb("b4694a")}.get(
            look.style.id, (look.one("d", "l") == "d" and rgb("b9bcbd")) or rgb("dedbd4")
        )
        return Material(
            "gloss", tint, 0.3, Texture("tiles", (tint, mix(tint, (0.95, 0.94, 0.9), 0.45)), seed, (1.4, 1.4))
        )
    tone = {"pale planks": "pale oak", "dark planks": "acacia"}.get(kind, look.one("oak", "oak", "teak", "walnut"))
    if look.style.id in ("scandinavian", "minimalist"):
        tone = look.one("pale oak", "birch")
    color = WOODS[tone]
    recipe = "herringbone" if kind == "herringbone" else "planks"
    size = (1.15, 1.15) if recipe == "herringbone" else (2.4, 1.15)
    return Material("gloss", color, 0.32, Texture(recipe, (color,), seed, size))


def _wall(length: float, height: float, hole: tuple[float, float, float, float] | None, material: Material) -> Thing:
    """Return an upright wall along x facing -y, its length centerd; `hole` is (x0, x1, z0, z1)."""
    thick = 0.14
    if hole is None:
        return Thing.of((box(length, thick, height, 0.001, 1).moved(0, thick / 2), material))
    x0, x1, z0, z1 = hole
    half = length / 2
    pieces = ((-half, x0, 0, height), (x1, half, 0, height), (x0, x1, 0, z0), (x0, x1, z1, height))
    things = []
    for a, b, low, high in pieces:
        if b - a > 0.01 and high - low > 0.01:
            mesh = box(b - a, thick, high - low, 0.001, 1).moved((a + b) / 2, thick / 2, low)
            front_uv = np.column_stack([mesh.vertices[:, 0] + mesh.vertices[:, 1], mesh.vertices[:, 2]])
            things.append(Thing.of((Mesh(mesh.vertices, mesh.normals, front_uv, mesh.faces), material)))
    return combine(things)


@makes("window")
def window_frame(look: Look, width: float, height: float) -> Thing:
    """Return the bars of a window of the style around x=0, z from 0, in the wall plane."""
    style = look.style.windows
    skin = (
        metal("iron")
        if style == "factory"
        else WHITE
        if style in ("sash", "grid", "arch")
        else matte((0.16, 0.16, 0.17))
    )
    bar = 0.05
    parts: list[tuple[Mesh, Material]] = []
    for sx in (-1, 1):
        parts.append((box(bar, 0.06, height, 0.003).moved(sx * (width - bar) / 2, 0.07), skin))
    for z in (0, height - bar):
        parts.append((box(width, 0.06, bar, 0.003).moved(0, 0.07, z), skin))
    across, up = {"plain": (2, 1), "grid": (3, 3), "sash": (2, 4), "factory": (4, 4), "arch": (2, 3)}[style]
    thin = 0.028
    for k in range(1, across):
        parts.append((box(thin, 0.04, height, 0.002).moved(-width / 2 + width * k / across, 0.07), skin))
    for k in range(1, up):
        parts.append((box(width, 0.04, thin, 0.002).moved(0, 0.07, height * k / up), skin))
    if style in ("sash", "grid", "arch", "plain"):
        parts.append((box(width + 0.16, 0.16, 0.035, 0.008).moved(0, -0.03, -0.035), WHITE))
    if style == "sash":
        for sx in (-1, 1):
            parts.append((box(0.09, 0.03, height + 0.1, 0.008).moved(sx * (width / 2 + 0.045), -0.012, -0.02), WHITE))
        parts.append((box(width + 0.24, 0.045, 0.11, 0.012).moved(0, -0.02, height), WHITE))
    return Thing.of(*parts)


@makes("view")
def outside(look: Look, width: float, height: float) -> Thing:
    """Return a soft view out of the window: sky over blurred greenery or roofs."""
    sky = glow((0.93, 0.97, 1.0), 3.6)
    low = glow((0.42, 0.55, 0.33) if look.chance(0.6) else (0.6, 0.56, 0.52), 1.5)
    parts = [(quad(width * 4, height * 3).moved(0, 0, -height * 0.4), sky)]
    for k in range(9):
        r = look.between(0.3, 0.8)
        parts.append(
            (
                cylinder(r, 0.01, 0.001, 24)
                .turned("x", 90)
                .moved((k - 4) * width * 0.4, -0.12, -height * 0.3 + look.between(0, 0.4)),
                low,
            )
        )
    return Thing.of(*parts)


@makes("curtain")
def curtains(look: Look, width: float, height: float, cloth: Material) -> Thing:
    """Return two curtains beside a window of that width around x=0, hanging to z=0 from `height`."""
    rail = metal(look.one(*look.style.metals))
    half = width / 2 + 0.2
    parts = [(rod((-half - 0.12, -0.11, height + 0.02), (half + 0.12, -0.11, height + 0.02), 0.013), rail)]
    for sx in (-1, 1):
        parts.append((drape(0.46, height, 6, 0.035, look.rng).moved(sx * half, -0.11, 0), cloth))
    return Thing.of(*parts)


@makes("door")
def door(look: Look) -> Thing:
    """Return a closed door with its frame on the wall plane y=0, 0.95 m wide, 2.1 m high."""
    style = look.style.id
    if style in ("traditional", "bohemian", "scandinavian", "mid_century_modern") and look.chance(0.6):
        leaf_material = painted(look.accent()[1], 0.35)
    elif style in ("minimalist", "scandinavian"):
        leaf_material = WHITE
    else:
        leaf_material = wood(look.one(*look.style.woods), look.seed())
    frame = WHITE if style != "industrial" else metal("iron")
    handle = metal(look.one(*look.style.metals))
    w, h = 0.88, 2.06
    parts: list[tuple[Mesh, Material]] = [(box(w, 0.05, h, 0.003).moved(0, -0.02), leaf_material)]
    for sx in (-1, 1):
        parts.append((box(0.09, 0.09, h + 0.08, 0.01).moved(sx * (w + 0.09) / 2, -0.02), frame))
    parts.append((box(w + 0.18, 0.09, 0.09, 0.01).moved(0, -0.02, h), frame))
    if style in ("traditional", "bohemian", "scandinavian"):
        for sx in (-1, 1):
            for z, ph in ((0.14, 0.72), (0.98, 0.94)):
                parts.append((box(w / 2 - 0.15, 0.02, ph, 0.008).moved(sx * w / 4, -0.05, z), leaf_material))
    elif style == "mid_century_modern":
        for z in (1.1, 1.4, 1.7):
            parts.append((box(0.42, 0.012, 0.18, 0.003).moved(0, -0.047, z), glow((0.95, 0.96, 0.92), 1.3)))
    elif style == "industrial":
        for z in (0.25, 1.05, 1.8):
            parts.append((box(w - 0.04, 0.014, 0.09, 0.002).moved(0, -0.05, z), metal("iron")))
    parts += [
        (rod((w / 2 - 0.08, -0.045, 1.02), (w / 2 - 0.08, -0.09, 1.02), 0.01), handle),
        (rod((w / 2 - 0.08, -0.09, 1.02), (w / 2 - 0.2, -0.09, 1.02), 0.009), handle),
    ]
    parts.append((cylinder(0.026, 0.008, 0.002, 20).turned("x", 90).moved(w / 2 - 0.08, -0.045, 1.02), handle))
    return Thing.of(*parts)


@makes("wall")
def _panelling(look: Look, length: float, height: float, tint: Material) -> Thing:
    count = max(2, round(length / 0.85))
    w = length / count
    parts: list[tuple[Mesh, Material]] = [(box(length, 0.03, 0.05, 0.01).moved(0, -0.012, 0.92), tint)]
    for k in range(count):
        x = -length / 2 + w * (k + 0.5)
        for z0, z1 in ((0.2, 0.84), (1.06, height - 0.22)):
            for sx in (-1, 1):
                parts.append((box(0.024, 0.018, z1 - z0, 0.006).moved(x + sx * (w / 2 - 0.09), -0.006, z0), tint))
            for z in (z0, z1):
                parts.append((box(w - 0.156, 0.018, 0.024, 0.006).moved(x, -0.006, z - 0.012), tint))
    return Thing.of(*parts)


@makes("wall")
def _slats(length: float, height: float, tint: Material) -> Thing:
    return Thing.of(
        *[
            (box(0.028, 0.022, height - 0.1, 0.003, 1).moved(-length / 2 + 0.05 * k, -0.008, 0.1), tint)
            for k in range(int(length / 0.05) + 1)
        ]
    )


def build(look: Look, room: Room, kind: str, tiled: bool = False) -> Thing:
    """Return the shell of a room with its window (without curtains); `kind` is the room id."""
    wall_kind = look.wall = look.one(*look.style.walls)
    base = wall_color(look)
    back = wall_material(look, base, wall_kind)
    side_base = (
        base
        if look.chance(0.6) or look.palette in ("neutral_warm", "neutral_cool")
        else mix(base, (0.95, 0.94, 0.92), 0.55)
    )
    side = wall_material(look, side_base, wall_kind if wall_kind in ("limewash", "wallpaper", "concrete") else "plain")
    length = room.depth - FRONT
    middle = (room.depth + FRONT) / 2
    w, h = room.window_size
    things: list[Thing] = []
    along = {"left": middle - room.window_at, "right": room.window_at - middle, "back": room.window_at}[room.window]
    hole = (along - w / 2, along + w / 2, room.sill, room.sill + h)
    walls = {
        "back": (
            _wall(room.width + 0.28, room.height, hole if room.window == "back" else None, back),
            0.0,
            (0.0, room.depth),
        ),
        "left": (_wall(length, room.height, hole if room.window == "left" else None, side), 90.0, (room.left, middle)),
        "right": (
            _wall(length, room.height, hole if room.window == "right" else None, side),
            -90.0,
            (room.right, middle),
        ),
    }
    for name, (wall, turn, (x, y)) in walls.items():
        extra = EMPTY
        if room.window == name:
            extra = window_frame(look, w, h).moved(along, 0, room.sill) + outside(look, w, h).moved(
                along, 1.1, room.sill
            )
        if wall_kind == "panelled" and name != room.window:
            extra = extra + _panelling(
                look,
                room.width if name == "back" else length,
                room.height,
                painted(base if name == "back" else side_base, 0.5),
            )
        if wall_kind == "slats" and name == "back" and room.window != "back":
            extra = extra + _slats(room.width * 0.45, room.height, wood(look.one(*look.style.woods), 1)).moved(
                room.width * 0.26 * (1 if look.chance(0.5) else -1)
            )
        if wall_kind == "boards" and name == "back" and room.window != "back":
            board = painted(mix(base, (1, 1, 1), 0.2), 0.5)
            extra = extra + Thing.of(
                *[
                    (box(0.006, 0.012, room.height, 0.001, 1).moved(-room.width / 2 + 0.14 * k, -0.0), board)
                    for k in range(int(room.width / 0.14))
                ]
            )
        if tiled:
            extra = extra + _tiling(
                look, room.width if name == "back" else length, hole if room.window == name else None, kind
            )
        skirt = Thing.of(
            (
                box(
                    room.width if name == "back" else length,
                    0.018,
                    0.11 if look.style.id != "minimalist" else 0.06,
                    0.004,
                ).moved(0, -0.009),
                WHITE,
            )
        )
        if look.style.id == "traditional":
            skirt = skirt + Thing.of(
                (
                    box(room.width if name == "back" else length, 0.1, 0.1, 0.03, 3).moved(
                        0, -0.03, room.height - 0.09
                    ),
                    WHITE,
                )
            )
        things.append((wall + extra + skirt).called("wall").turned(turn).moved(x, y))
    floor = box(room.width + 0.3, length + 0.3, 0.1, 0.001, 1).moved(0, middle, -0.1)
    floor_uv = floor.vertices[:, :2] if look.chance(0.35) else floor.vertices[:, 1::-1]
    floor = Mesh(floor.vertices, floor.normals, floor_uv, floor.faces)
    things.append(Thing.of((floor, floor_material(look, kind))).called("floor"))
    behind = Thing.of(
        (
            quad(room.width + 2, room.height + 0.2).turned("z", 180).moved(0, FRONT - 1.5),
            matte(mix(side_base, (0.5, 0.5, 0.5), 0.25)),
        )
    )
    things.append(behind)  # what mirrors see
    ceiling = matte((0.93, 0.93, 0.92)) if look.style.id != "industrial" or look.chance(0.5) else matte((0.3, 0.3, 0.3))
    above = box(room.width + 0.3, length + 0.3, 0.1, 0.001, 1).moved(0, middle, room.height)
    things.append(Thing.of((above, ceiling)).called("ceiling"))
    if look.style.id == "industrial":
        pipe = metal(look.one("iron", "copper"))
        things.append(
            Thing.of(
                (
                    rod(
                        (room.left, room.depth - 0.35, room.height - 0.14),
                        (room.right, room.depth - 0.35, room.height - 0.14),
                        0.05,
                    ),
                    pipe,
                ),
                (
                    rod(
                        (room.right - 0.2, FRONT, room.height - 0.22),
                        (room.right - 0.2, room.depth, room.height - 0.22),
                        0.07,
                    ),
                    metal("aluminium"),
                ),
            )
        )
    if look.style.id == "bohemian" and look.chance(0.4):
        beam = wood("acacia", 2)
        things += [
            Thing.of((box(room.width, 0.14, 0.16, 0.01).moved(0, y, room.height - 0.15), beam)).called("beam")
            for y in np.arange(0.2, room.depth, 1.1)
        ]
    return combine(things)


@makes("wall")
def _tiling(look: Look, length: float, hole: tuple[float, float, float, float] | None, kind: str) -> Thing:
    tint = look.accent()[1] if look.chance(0.55) else rgb("eceae4")
    tint = mix(tint, (0.95, 0.95, 0.93), 0.25)
    joint = mix(tint, (0.75, 0.74, 0.72), 0.6)
    recipe = "subway" if look.style.id not in ("minimalist", "contemporary") else "tiles"
    look.tile = look.tile or Material(
        "gloss", tint, 0.1, Texture(recipe, (tint, joint), 1, (0.84, 0.84) if recipe == "subway" else (1.6, 1.6))
    )
    skin: Material = look.tile
    low, high = (0.93, 1.42) if kind == "kitchen" else (0.0, 1.25)
    if kind == "kitchen":
        if hole is not None:
            high = min(high, hole[2] - 0.04)
        return Thing.of((quad(length, high - low).moved(0, -0.004, low), skin))
    if hole is not None and hole[2] < high:
        high = hole[2] - 0.04
    return Thing.of(
        (quad(length, high).moved(0, -0.006), skin), (box(length, 0.02, 0.025, 0.005).moved(0, -0.008, high), skin)
    )


@makes("fireplace")
def fireplace(look: Look) -> Thing:
    """Return a fireplace with a mantel at 1.15, on the wall plane y=0."""
    skin = stone(look.one(*look.style.stones), 1) if look.chance(0.6) else WHITE
    dark = matte((0.05, 0.045, 0.04))
    parts: list[tuple[Mesh, Material]] = [
        (box(1.5, 0.32, 0.06, 0.008).moved(0, -0.16, 1.09), skin),
        (box(1.3, 0.22, 0.2, 0.004).moved(0, -0.11, 0.88), skin),
    ]
    for sx in (-1, 1):
        parts.append((box(0.22, 0.22, 0.9, 0.006).moved(sx * 0.54, -0.11), skin))
    parts += [(box(0.88, 0.04, 0.9, 0.002).moved(0, -0.02), dark), (box(1.5, 0.5, 0.03, 0.004).moved(0, -0.25), skin)]
    for k in range(4):
        parts.append(
            (
                rod(
                    (-0.24, -0.1 - 0.03 * k, 0.09 + 0.05 * (k % 2)),
                    (0.24, -0.08 - 0.02 * k, 0.1 + 0.05 * (k % 2)),
                    0.04,
                ),
                wood("acacia", k),
            )
        )
    parts.append((box(0.5, 0.1, 0.02, 0.008).moved(0, -0.1, 0.05), glow((1.0, 0.45, 0.12), 5)))
    return Thing.of(*parts)
