"""The plan of the sample: which scenes, and which products of which style and palette."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from training.studio.products.base import Made, ProductType
from training.studio.products.registry import TYPES, build
from training.studio.rooms import Brief

PALETTES: dict[str, tuple[str, str]] = {
    "scandinavian": ("neutral_warm", "cool_tones"),
    "minimalist": ("neutral_cool", "neutral_warm"),
    "bohemian": ("earth_tones", "warm_tones"),
    "traditional": ("jewel_tones", "warm_tones"),
    "contemporary": ("neutral_cool", "cool_tones"),
    "industrial": ("monochrome", "earth_tones"),
    "mid_century_modern": ("warm_tones", "earth_tones"),
}

SCENES: tuple[tuple[str, str, str, str], ...] = (
    # library, room, style, palette
    ("spring_collection", "living_room", "scandinavian", "neutral_warm"),
    ("spring_collection", "dining_room", "bohemian", "warm_tones"),
    ("spring_collection", "bathroom", "minimalist", "neutral_warm"),
    ("spring_collection", "entryway", "traditional", "warm_tones"),
    ("city_apartments", "kitchen", "contemporary", "cool_tones"),
    ("city_apartments", "home_office", "industrial", "monochrome"),
    ("city_apartments", "bedroom", "mid_century_modern", "earth_tones"),
    ("city_apartments", "childrens_room", "mid_century_modern", "warm_tones"),
    ("spring_collection", "bedroom", "scandinavian", "cool_tones"),
    ("spring_collection", "kitchen", "scandinavian", "neutral_warm"),
    ("spring_collection", "childrens_room", "scandinavian", "cool_tones"),
    ("spring_collection", "home_office", "minimalist", "neutral_cool"),
    ("spring_collection", "living_room", "bohemian", "earth_tones"),
    ("spring_collection", "dining_room", "traditional", "jewel_tones"),
    ("spring_collection", "bathroom", "bohemian", "earth_tones"),
    ("spring_collection", "bedroom", "minimalist", "neutral_warm"),
    ("city_apartments", "living_room", "contemporary", "neutral_cool"),
    ("city_apartments", "living_room", "industrial", "earth_tones"),
    ("city_apartments", "living_room", "mid_century_modern", "warm_tones"),
    ("city_apartments", "dining_room", "contemporary", "cool_tones"),
    ("city_apartments", "bathroom", "contemporary", "neutral_cool"),
    ("city_apartments", "kitchen", "industrial", "monochrome"),
    ("city_apartments", "entryway", "industrial", "monochrome"),
    ("city_apartments", "entryway", "mid_century_modern", "earth_tones"),
    ("city_apartments", "home_office", "traditional", "jewel_tones"),
)

BASE = (
    "vase",
    "table_lamp",
    "cushion",
    "framed_print",
    "floor_plant",
    "rug",
    "bowl",
    "side_table",
    "mirror",
    "pendant",
    "vase_set",
    "table_plant",
    "tray",
    "cushion",
    "candlesticks",
    "basket",
    "armchair",
    "throw",
    "floor_lamp",
    "flowers",
    "framed_print",
    "rug",
    "table_lamp",
    "table_clock",
    "wall_lamp",
)
SCULPTURES = ("knot", "pebbles", "rings", "column", "bird", "elephant", "cat", "figure", "orbs", "wave", "branch")
WALL = ("canvas", "wall_clock", "hanging", "relief", "wall_shelf", "wreath", "wall_baskets")
EXTRA: dict[str, tuple[str, ...]] = {
    "living_room": ("coffee_table", "sofa", "pouf"),
    "dining_room": ("chair", "plates", "sideboard", "cake_stand"),
    "bedroom": ("nightstand", "dresser", "bench", "bed_linen"),
    "kitchen": ("canisters", "boards", "mugs", "teapot", "bar_stool"),
    "bathroom": ("soap_set", "towels", "bath_mat", "stool"),
    "entryway": ("console", "bench", "lantern"),
    "home_office": ("office_chair", "bookcase", "magazine_rack"),
    "childrens_room": ("animal_print", "cubby", "pouf"),
}


REJECTED = frozenset({62, 104, 114, 117, 181, 182, 184, 188, 226, 268})
"""Numbers of the products of seed 7 whose packshots did not convince; they may stand in rooms, but are not sold."""


@dataclass(frozen=True)
class Item:
    """A product of the sample: its number, type, style, palette and the seed that shapes it."""

    number: int
    kind: str
    style: str
    palette: str
    seed: int

    @property
    def sku(self) -> str:
        """Return the stock-keeping unit."""
        return f"SP-{self.number:04d}"

    @property
    def image(self) -> str:
        """Return the picture's path relative to the catalog."""
        return f"products/{self.sku.lower()}.webp"

    @property
    def type(self) -> ProductType:
        """Return the product type."""
        return TYPES[self.kind]

    @property
    def made(self) -> Made:
        """Return the product as built."""
        return _made(self)


@lru_cache(maxsize=512)
def _made(item: Item) -> Made:
    return build(item.kind, item.style, item.palette, item.seed)


@dataclass(frozen=True)
class SceneItem:
    """A scene of the sample: its library, file name and brief."""

    library: str
    file: str
    brief: Brief

    @property
    def key(self) -> str:
        """Return "library/file name", as the truth tables name it."""
        return f"{self.library}/{self.file}"


def products(seed: int) -> list[Item]:
    """Return the products in catalog order, styles taking turns; the same seed gives the same list."""
    rng = np.random.default_rng([seed, 11])
    queues = {}
    for offset, (style, palettes) in enumerate(PALETTES.items()):
        own_rooms = list(dict.fromkeys(room for _, room, manner, _ in SCENES if manner == style))
        kinds = [*BASE, *(SCULPTURES[(offset * 3 + k) % len(SCULPTURES)] for k in range(2))]
        kinds += [WALL[(offset * 2 + k) % len(WALL)] for k in range(2)]
        kinds += [kind for room in own_rooms for kind in EXTRA[room]]
        kinds = [kind for k, kind in enumerate(kinds) if kind not in kinds[:k] or kind in BASE]
        queues[style] = [(kind, palettes[k % 2]) for k, kind in enumerate(kinds)]
    out: list[Item] = []
    for turn in range(max(len(queue) for queue in queues.values())):
        for style, queue in queues.items():
            if turn < len(queue):
                kind, palette = queue[turn]
                out.append(Item(len(out) + 1, kind, style, palette, int(rng.integers(1 << 30))))
    return out


def sold(items: list[Item], seed: int) -> list[Item]:
    """Return the products that the catalog lists."""
    return [item for item in items if seed != 7 or item.number not in REJECTED]


def unpictured(seed: int) -> Item:
    """Return the product whose picture is left out on purpose."""
    return Item(905, "vase", "minimalist", "neutral_cool", seed)


def scenes(seed: int) -> list[SceneItem]:
    """Return the scenes in order; the first eight show each room once."""
    rng = np.random.default_rng([seed, 12])
    out = []
    for library, room, style, palette in SCENES:
        name = f"{room}-{style}-{palette}.webp".replace("_", "-")
        out.append(SceneItem(library, name, Brief(room, style, palette, int(rng.integers(1 << 30)))))
    return out
