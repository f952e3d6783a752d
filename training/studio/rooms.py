"""A furnished room as a stage: shell, layout, daylight, camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.studio import layouts, shell
from training.studio.camera import Camera
from training.studio.furnishing import Furnishing, Supply, as_built
from training.studio.geometry import Thing
from training.studio.products.base import Look
from training.studio.render import Light, Stage, Sun
from training.studio.shell import Room

SIZES: dict[str, tuple[float, float]] = {
    # width, depth in metres, before a little chance
    "living_room": (5.0, 4.5),
    "dining_room": (4.3, 4.2),
    "bedroom": (4.5, 4.1),
    "kitchen": (4.2, 3.9),
    "bathroom": (3.1, 3.2),
    "entryway": (2.9, 3.6),
    "home_office": (4.2, 3.8),
    "childrens_room": (4.2, 3.8),
}

ROOMS = tuple(SIZES)


@dataclass(frozen=True)
class Brief:
    """Which room to build: ids of room, style and palette, a seed, and how large it is beside the usual size."""

    room: str
    style: str
    palette: str
    seed: int
    scale: float = 1.0


@dataclass(frozen=True)
class Built:
    """A room ready to render; `skus` names the products, in the order of the stage's things after the first.

    `look` knows how walls and floor are finished and what the furniture is made of; `pieces` are the parts of the
    stage's first thing: the shell, then each thing that was built for the room.
    """

    brief: Brief
    stage: Stage
    skus: tuple[str, ...]
    look: Look
    room: Room
    pieces: tuple[Thing, ...]


def build(brief: Brief, supply: Supply, reshape: Callable[[Thing], Thing] = as_built) -> Built:
    """Return the room of a brief, its products drawn from `supply`; `reshape` changes what stands in it."""
    look = Look.of(brief.style, brief.palette, brief.seed)
    side = 1 if look.chance(0.5) else -1
    width, depth = SIZES[brief.room]
    width, depth = width * brief.scale * look.between(0.96, 1.08), depth * brief.scale * look.between(0.97, 1.05)
    height = look.between(2.55, 2.8) if brief.style not in ("traditional", "industrial") else look.between(2.85, 3.1)
    small = brief.room in ("bathroom", "entryway")
    size = (1.0 if small else look.between(1.3, 1.7), look.between(1.25, 1.5))
    # the window is opposite the furnished side wall, so that light rakes across the room
    room = Room(width, depth, height, "left" if side > 0 else "right", depth - look.between(1.15, 1.6), size, 0.85)
    if brief.room == "kitchen" and look.chance(0.5):
        room = Room(width, depth, height, "back", (0.36 - 0.75) * side, (1.15, 1.0), 1.12)
    shell_thing = shell.build(look, room, brief.room, tiled=brief.room in ("kitchen", "bathroom"))
    furnishing = Furnishing(look, room, supply, side, reshape)
    layouts.FURNISH[brief.room](furnishing)
    if room.window != "back" and brief.room not in ("bathroom", "kitchen") and look.chance(look.style.curtains):
        furnishing.decor.append(layouts.curtains_for(furnishing))
    things: list[Thing] = [furnishing.surroundings(shell_thing), *(thing for _, thing in furnishing.placed)]
    stage = Stage(
        things, daylight(room, look), sunlight(room, look), _ambient(look), viewpoint(room, brief.room, side, look)
    )
    pieces = (shell_thing, *furnishing.decor)
    return Built(brief, stage, tuple(sku for sku, _ in furnishing.placed), look, room, pieces)


def viewpoint(room: Room, kind: str, side: int, look: Look) -> Camera:
    """Return a level camera on the open side, turned a little towards the furnished corner."""
    eye = {"bathroom": 1.35, "kitchen": 1.4, "entryway": 1.4}.get(kind, look.between(1.15, 1.35))
    reach = 0.6 if kind in ("bathroom", "entryway") else 1.0
    # from the furnished side towards the window, or from the window's side towards the furnished wall
    towards = side if look.chance(0.35) else -side
    x = -towards * look.between(0.1, 0.5) * reach
    back = {"bathroom": -1.15, "entryway": -0.95}.get(kind, -0.75)
    aim = towards * look.between(0.2, 0.7) * reach
    return Camera((x, back, eye), (aim, room.depth, eye), look.between(60, 67), rise=-0.09)


def daylight(room: Room, look: Look) -> list[Light]:
    """Return the sky outside the window and a large soft source behind the camera."""
    w, h = room.window_size
    middle = room.sill + h / 2
    power = look.between(26, 40)
    sky = (power * 0.95, power, power * 1.06)
    if room.window == "back":
        window = Light(
            (room.window_at, room.depth + 0.25, middle), (room.window_at, 0, middle), (w * 1.1, h * 1.1), sky
        )
    else:
        x, inward = (room.left - 0.3, 1) if room.window == "left" else (room.right + 0.3, -1)
        window = Light((x, room.window_at, middle), (x + inward, room.window_at, middle), (w * 1.1, h * 1.1), sky)
    fill = Light((0, -2.7, 2.2), (0, 2, 0.9), (3.6, 1.6), (3.4, 3.35, 3.2))
    return [window, fill]


def sunlight(room: Room, look: Look) -> list[Sun]:
    """Return a low sun through a side window, now and then."""
    if room.window == "back" or not look.chance(0.45):
        return []
    inward = 1 if room.window == "left" else -1
    direction = np.array([inward * 0.8, look.between(-0.1, 0.35), -look.between(0.42, 0.62)])
    direction /= np.linalg.norm(direction)
    power = look.between(9.0, 15.0)
    return [Sun((float(direction[0]), float(direction[1]), float(direction[2])), (power, power * 0.9, power * 0.74))]


def _ambient(look: Look) -> tuple[float, float, float]:
    level = look.between(0.38, 0.5)
    return (level, level * 0.99, level * 0.96)
