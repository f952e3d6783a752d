"""What every product maker is given and returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from training.studio import materials
from training.studio.colors import ACCENTS, color, vary
from training.studio.geometry import Thing
from training.studio.materials import METALS, WOODS, Material
from training.studio.styles import STYLES, StyleKit, pick
from training.studio.textures import Rgb

WOOD_IDS = {
    "oak": "oak",
    "pale oak": "oak",
    "birch": "birch",
    "pine": "pine",
    "beech": "beech",
    "walnut": "walnut",
    "teak": "teak",
    "acacia": "acacia",
    "mahogany": "wood",
    "black wood": "wood",
    "white wood": "wood",
    "reclaimed wood": "wood",
}
WOOD_COLORS = {
    "oak": "natural",
    "pale oak": "natural",
    "birch": "natural",
    "pine": "natural",
    "beech": "natural",
    "walnut": "brown",
    "teak": "brown",
    "acacia": "brown",
    "mahogany": "brown",
    "black wood": "black",
    "white wood": "white",
    "reclaimed wood": "brown",
}
METAL_IDS = {
    "brass": "brass",
    "brushed brass": "brass",
    "copper": "copper",
    "bronze": "bronze",
    "steel": "stainless_steel",
    "chrome": "metal",
    "iron": "iron",
    "aluminium": "aluminium",
}
METAL_COLORS = {
    "brass": "gold",
    "brushed brass": "gold",
    "copper": "copper",
    "bronze": "bronze",
    "steel": "silver",
    "chrome": "silver",
    "iron": "black",
    "aluminium": "silver",
}
STONE_IDS = {
    "white marble": ("marble", "white"),
    "black marble": ("marble", "black"),
    "green marble": ("marble", "green"),
    "travertine": ("stone", "beige"),
    "concrete": ("concrete", "grey"),
    "slate": ("stone", "charcoal"),
    "terrazzo": ("stone", "white"),
}


@dataclass(frozen=True)
class Made:
    """A product as built: the thing, what it is called and is made of (vocabulary ids), colors by name, how many.

    `size` is one piece's width, depth and height in metres where the thing shows it leaning, folded or in a set.
    """

    thing: Thing
    noun: str
    words: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    count: int = 1
    size: tuple[float, float, float] | None = None


@dataclass
class Look:
    """A style, a palette and a source of chance. The `take_` methods also note the material and color they gave."""

    style: StyleKit
    palette: str
    rng: np.random.Generator
    materials: list[str] = field(default_factory=list)
    colors: list[str] = field(default_factory=list)
    wall: str = "plain"  # how the walls of a room are finished
    floor: str = "planks"  # what the floor of a room is of
    tile: Material | None = None  # the tiles of a room, the same on all its walls

    @classmethod
    def of(cls, style: str, palette: str, seed: int) -> Look:
        """Return the look of a style id and a palette id."""
        return cls(STYLES[style], palette, np.random.default_rng(seed))

    def note(self, material: str | None, color_name: str | None) -> None:
        """Remember a material id and a color name, each once."""
        if material and material not in self.materials:
            self.materials.append(material)
        if color_name and color_name not in self.colors:
            self.colors.append(color_name)

    def one(self, *options: str) -> str:
        """Return one of the options."""
        return pick(self.rng, options)

    def between(self, low: float, high: float) -> float:
        """Return a number of a uniform draw."""
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < share)

    def seed(self) -> int:
        """Return a seed for a texture."""
        return int(self.rng.integers(1000))

    def accent(self) -> tuple[str, Rgb]:
        """Return a color of the palette, by name and as sRGB."""
        name = pick(self.rng, ACCENTS[self.palette])
        return name, vary(color(name), self.rng)

    def accents(self, count: int) -> list[Rgb]:
        """Return colors of the palette for a pattern, noting the first two."""
        names = list(self.rng.permutation(ACCENTS[self.palette]))
        light = ["cream", "white", "ivory"] if self.palette != "monochrome" else ["white"]
        names = [names[0], light[int(self.rng.integers(len(light)))], *names[1:]]
        for name in names[:2]:
            self.note(None, str(name))
        return [color(str(names[i % len(names)])) for i in range(count)]

    def take_wood(self) -> Material:
        """Return a wood of the style."""
        name = pick(self.rng, self.style.woods)
        self.note(WOOD_IDS[name], WOOD_COLORS[name])
        return materials.wood(name, self.seed())

    def take_metal(self) -> Material:
        """Return a metal of the style."""
        name = pick(self.rng, self.style.metals)
        self.note(METAL_IDS[name], METAL_COLORS[name])
        return materials.metal(name)

    def take_stone(self) -> Material:
        """Return a stone of the style."""
        name = pick(self.rng, self.style.stones)
        self.note(*STONE_IDS[name])
        return materials.stone(name, self.seed())

    def take_ceramic(self) -> Material:
        """Return a glazed or raw ceramic in a color of the palette."""
        name, value = self.accent()
        look = pick(self.rng, self.style.glazes)
        material = {
            "plain": "ceramic",
            "satin": "porcelain",
            "speckled": "stoneware",
            "reactive": "stoneware",
            "raw": "earthenware",
        }[look]
        self.note("terracotta" if name == "terracotta" and look == "raw" else material, name)
        return materials.glaze(value, self.seed(), look)

    def take_glass(self) -> Material:
        """Return clear glass, or glass tinted in a color of the palette."""
        if self.chance(0.35):
            self.note("glass", "clear")
            return materials.glass()
        name, value = self.accent()
        self.note("glass", name)
        lift = 0.35 if max(value) < 0.5 else 0.2
        return materials.glass(tuple(x * (1 - lift) + lift for x in value))  # type: ignore[arg-type]

    def take_cloth(self) -> Material:
        """Return plain cloth in a color of the palette."""
        name, value = self.accent()
        look = pick(self.rng, self.style.cloths)
        self.note({"linen": "linen", "cotton": "cotton", "velvet": "velvet", "knit": "wool"}[look], name)
        return materials.cloth(value, self.seed(), look)

    def take_lacquer(self) -> Material:
        """Return paint in a color of the palette."""
        name, value = self.accent()
        self.note(None, name)
        return materials.painted(value, 0.3)

    def made(
        self, thing: Thing, noun: str, *words: str, count: int = 1, size: tuple[float, float, float] | None = None
    ) -> Made:
        """Return the product with the materials and colors noted so far."""
        return Made(thing, noun, tuple(w for w in words if w), tuple(self.materials), tuple(self.colors), count, size)


Maker = Callable[[Look], Made]


@dataclass(frozen=True)
class ProductType:
    """A type of product: its category, its maker, where it stands (`mount`) and the rooms it is for (all if empty).

    `mount`: table, floor, wall, ceiling, sofa, bed, rug, rail.
    """

    id: str
    category: str
    mount: str
    make: Maker
    rooms: tuple[str, ...] = ()
    weight: float = 1.0


__all__ = ["METALS", "WOODS", "Look", "Made", "Maker", "ProductType"]
