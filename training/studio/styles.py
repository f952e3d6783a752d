"""What each style is furnished with: the choices that products, furniture and rooms draw from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StyleKit:
    """Names of woods, metals, stones and looks of a style, and of its legs, walls, floors, lamps and pictures."""

    id: str
    woods: tuple[str, ...]
    metals: tuple[str, ...]
    stones: tuple[str, ...]
    glazes: tuple[str, ...]
    cloths: tuple[str, ...]
    patterns: tuple[str, ...]
    rugs: tuple[str, ...]
    legs: tuple[str, ...]  # tapered, block, turned, frame, hairpin, sled
    vases: tuple[str, ...]
    walls: tuple[str, ...]  # plain, panelled, brick, concrete, limewash, slats, wallpaper
    floors: tuple[str, ...]
    lamps: tuple[str, ...]
    art: tuple[str, ...]
    plants: int
    clutter: float  # share of the places to put things that are used
    windows: str  # plain, grid, sash, arch
    curtains: float  # probability of curtains


STYLES: dict[str, StyleKit] = {
    kit.id: kit
    for kit in (
        StyleKit(
            "contemporary",
            ("walnut", "oak", "black wood"),
            ("brushed brass", "chrome", "steel"),
            ("white marble", "travertine", "black marble"),
            ("plain", "satin"),
            ("velvet", "linen"),
            ("ticking",),
            ("blocks", "pile"),
            ("sled", "block"),
            ("sphere", "oval", "waisted", "ring"),
            ("plain", "plain", "slats"),
            ("planks", "herringbone", "marble"),
            ("globe", "mushroom", "arc", "disc"),
            ("circles", "brush", "grid_blocks"),
            1,
            0.75,
            "plain",
            0.8,
        ),
        StyleKit(
            "traditional",
            ("mahogany", "walnut"),
            ("brass", "bronze"),
            ("green marble", "white marble"),
            ("plain", "satin"),
            ("velvet", "cotton"),
            ("checks", "stripes"),
            ("oriental",),
            ("turned",),
            ("urn", "amphora", "ginger", "jug"),
            ("panelled", "panelled", "wallpaper"),
            ("herringbone", "planks", "chequer"),
            ("classic", "candelabra", "lantern"),
            ("botanical", "landscape"),
            1,
            0.9,
            "sash",
            1.0,
        ),
        StyleKit(
            "minimalist",
            ("pale oak", "white wood"),
            ("steel", "aluminium"),
            ("concrete", "travertine"),
            ("satin", "raw"),
            ("cotton", "linen"),
            ("ticking",),
            ("pile",),
            ("block", "sled"),
            ("cylinder", "cone", "bottle"),
            ("plain",),
            ("concrete", "pale planks"),
            ("globe", "disc", "cone"),
            ("brush", "circles"),
            0,
            0.4,
            "plain",
            0.35,
        ),
        StyleKit(
            "scandinavian",
            ("birch", "pale oak", "pine", "beech"),
            ("steel", "brushed brass"),
            ("concrete", "white marble"),
            ("satin", "speckled"),
            ("knit", "linen", "cotton"),
            ("ticking", "checks", "spots"),
            ("diamonds", "pile"),
            ("tapered",),
            ("bottle", "cylinder", "pear"),
            ("plain", "plain", "boards"),
            ("pale planks",),
            ("dome", "tripod", "paper"),
            ("botanical", "arches", "landscape"),
            2,
            0.8,
            "grid",
            0.6,
        ),
        StyleKit(
            "industrial",
            ("reclaimed wood", "acacia"),
            ("iron", "copper", "steel"),
            ("concrete", "slate"),
            ("raw", "satin"),
            ("linen", "cotton"),
            ("ticking",),
            ("pile", "oriental"),
            ("frame", "hairpin"),
            ("cylinder", "bottle", "flask"),
            ("brick", "brick", "concrete"),
            ("concrete", "dark planks"),
            ("cage", "factory", "tripod"),
            ("grid_blocks", "brush"),
            1,
            0.7,
            "factory",
            0.1,
        ),
        StyleKit(
            "mid_century_modern",
            ("walnut", "teak"),
            ("brass", "bronze"),
            ("terrazzo", "travertine"),
            ("plain", "reactive"),
            ("linen", "velvet"),
            ("zigzag", "stripes"),
            ("blocks", "zigzag"),
            ("tapered", "hairpin"),
            ("gourd", "pear", "waisted", "bottle"),
            ("plain", "slats", "plain"),
            ("planks", "terrazzo"),
            ("mushroom", "sputnik", "tripod", "globe"),
            ("circles", "grid_blocks", "arches"),
            1,
            0.8,
            "plain",
            0.6,
        ),
        StyleKit(
            "bohemian",
            ("teak", "acacia", "pine"),
            ("brass", "copper"),
            ("travertine", "terrazzo"),
            ("raw", "reactive", "speckled"),
            ("linen", "knit", "velvet"),
            ("kilim", "zigzag", "stripes"),
            ("kilim", "oriental", "diamonds"),
            ("turned", "tapered"),
            ("jug", "amphora", "gourd", "urn"),
            ("limewash", "plain", "limewash"),
            ("planks", "tiles"),
            ("rattan", "moroccan", "paper"),
            ("arches", "botanical", "landscape"),
            4,
            1.0,
            "arch",
            0.7,
        ),
    )
}


def pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    """Return one of the options."""
    return options[int(rng.integers(len(options)))]
