"""A room being furnished: what is built for it, and which products stand where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from training.studio.geometry import Thing, combine
from training.studio.products.base import Look, Made
from training.studio.shell import Room


@dataclass(frozen=True)
class Limit:
    """The largest product a place takes: width, depth and height in metres."""

    width: float = 9.0
    depth: float = 9.0
    height: float = 9.0

    def holds(self, size: np.ndarray) -> bool:
        """Return whether a product of that size (3,) fits."""
        return bool(size[0] <= self.width and size[1] <= self.depth and size[2] <= self.height)


@dataclass(frozen=True)
class Supplied:
    """A product for a place, by its stock-keeping unit."""

    sku: str
    made: Made


Supply = Callable[[tuple[str, ...], Limit], Supplied | None]
"""Given types of product and a limit, the next product to place, or None."""


def as_built(thing: Thing) -> Thing:
    """Return the thing in the shape it was built in."""
    return thing


@dataclass
class Furnishing:
    """A room while it is furnished. `side` is 1, or -1 for the mirrored layout; `reshape` gives things their shape."""

    look: Look
    room: Room
    supply: Supply
    side: int
    reshape: Callable[[Thing], Thing] = as_built
    decor: list[Thing] = field(default_factory=list)
    placed: list[tuple[str, Thing]] = field(default_factory=list)

    def add(self, thing: Thing, x: float = 0, y: float = 0, z: float = 0, turn: float = 0) -> None:
        """Stand a thing at x (mirrored), y, z, turned (mirrored) about its own axis."""
        self.decor.append(self._stood(thing, (x, y, z), turn))

    def stand(self, supplied: Supplied, x: float, y: float, z: float = 0, turn: float = 0) -> None:
        """Stand one more piece of a product that was supplied, as chairs round a table."""
        self.placed.append((supplied.sku, self._stood(supplied.made.thing, (x, y, z), turn)))

    def put(
        self,
        kinds: tuple[str, ...],
        at: tuple[float, float, float],
        turn: float = 0,
        limit: Limit = Limit(),
        share: float = 1.0,
    ) -> Thing | None:
        """Place a product of one of the kinds with probability `share`; return it where it stands, or None."""
        supplied = self._supplied(kinds, limit, share)
        if supplied is None:
            return None
        thing = self._stood(supplied.made.thing, at, turn)
        self.placed.append((supplied.sku, thing))
        return thing

    def piece(
        self, kind: str, build: Callable[[Look], Thing], at: tuple[float, float], turn: float = 0, share: float = 0.5
    ) -> None:
        """Place the product of `kind` with probability `share`, or else build the piece in the style of the room."""
        if self.put((kind,), (*at, 0), turn, share=share) is None:
            self.add(build(self.look), *at, turn=turn)

    def wall(self, name: str, along: float, z: float = 0) -> tuple[tuple[float, float, float], float]:
        """Return position and turn for a thing on the "back", "near" or "far" wall.

        "near" is the wall on the `side` of the room (x > 0 unmirrored), "far" the one opposite; `along` is y, or x on
        the back wall.
        """
        gap = 0.026 if self.look.wall in ("panelled", "slats") else 0.002  # clear of mouldings and slats
        half = self.room.width / 2
        return {
            "back": ((along, self.room.depth - gap, z), 0.0),
            "near": ((half - gap, along, z), -90.0),
            "far": ((-half + gap, along, z), 90.0),
        }[name]

    def hang(
        self, kinds: tuple[str, ...], wall: str, along: float, middle: float, limit: Limit, share: float = 1.0
    ) -> Thing | None:
        """Hang a product on a wall with its middle at height `middle`."""
        supplied = self._supplied(kinds, limit, share)
        if supplied is None:
            return None
        (x, y, _), turn = self.wall(wall, along)
        low, high = supplied.made.thing.bounds()
        thing = self._stood(supplied.made.thing, (x, y, middle - (low[2] + high[2]) / 2), turn)
        self.placed.append((supplied.sku, thing))
        return thing

    def _supplied(self, kinds: tuple[str, ...], limit: Limit, share: float) -> Supplied | None:
        return self.supply(kinds, limit) if self.look.chance(share) else None

    def _stood(self, thing: Thing, at: tuple[float, float, float], turn: float) -> Thing:
        return self.reshape(thing).turned(turn * self.side).moved(at[0] * self.side, at[1], at[2])

    def surroundings(self, shell: Thing) -> Thing:
        """Return shell and decoration as one thing."""
        return combine([shell, *self.decor])
