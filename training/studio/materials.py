"""What surfaces are made of: a small description that the renderer turns into a BSDF."""

from __future__ import annotations

from dataclasses import dataclass

from training.studio.colors import mix, rgb
from training.studio.textures import Rgb, Texture


@dataclass(frozen=True)
class Material:
    """A surface. `kind`: matte, gloss, metal, glass, mirror, glow, cane or sheer; `texture` replaces `color`.

    `family` is what it is made of where texture and kind do not say it. `roughness` is that of gloss and metal
    (0 polished - 1 dull). `strength` is the radiance of a glow.
    """

    kind: str
    color: Rgb
    roughness: float = 0.3
    texture: Texture | None = None
    strength: float = 0.0
    family: str = ""


WOODS: dict[str, Rgb] = {
    "oak": rgb("c19a6b"),
    "pale oak": rgb("d8bb90"),
    "birch": rgb("e0c79f"),
    "pine": rgb("d9b27c"),
    "beech": rgb("cfa87c"),
    "walnut": rgb("6a4630"),
    "teak": rgb("98643a"),
    "acacia": rgb("8a5a34"),
    "mahogany": rgb("5a2c1e"),
    "black wood": rgb("2a2624"),
    "white wood": rgb("ece9e3"),
    "reclaimed wood": rgb("86674b"),
}

METALS: dict[str, tuple[Rgb, float]] = {
    "brass": (rgb("d8b264"), 0.22),
    "brushed brass": (rgb("c9a25c"), 0.34),
    "copper": (rgb("d08c6a"), 0.2),
    "bronze": (rgb("8a6a45"), 0.34),
    "steel": (rgb("c4c6c8"), 0.28),
    "chrome": (rgb("e4e6e8"), 0.07),
    "iron": (rgb("3a3836"), 0.5),
    "aluminium": (rgb("d2d4d6"), 0.3),
}


def wood(name: str, seed: int = 0, gloss: float = 0.35) -> Material:
    """Return a wood of WOODS with grain along u."""
    base = WOODS[name]
    return Material("gloss", base, gloss, Texture("wood", (base,), seed % 6, (0.9, 0.32)))


def metal(name: str) -> Material:
    """Return a metal of METALS."""
    base, roughness = METALS[name]
    return Material("metal", base, roughness)


def painted(color: Rgb, gloss: float = 0.35) -> Material:
    """Return lacquer, powder coat or plain glaze."""
    return Material("gloss", color, gloss)


def matte(color: Rgb) -> Material:
    """Return a dull, even surface."""
    return Material("matte", color)


def glaze(color: Rgb, seed: int, look: str = "plain") -> Material:
    """Return ceramic. `look`: plain, satin, speckled, reactive, raw."""
    if look == "speckled":
        return Material(
            "gloss",
            color,
            0.28,
            Texture("speckle", (color, mix(color, (0.2, 0.13, 0.08), 0.75)), seed % 8, (0.16, 0.16)),
        )
    if look == "reactive":
        second = mix(color, (0.93, 0.88, 0.78), 0.62)
        return Material("gloss", color, 0.14, Texture("reactive", (color, second), seed % 8, (0.5, 0.62)))
    if look == "raw":
        return Material("matte", color, 0.9, Texture("plaster", (color,), seed % 6, (0.35, 0.35), 1.2))
    return Material("gloss", color, 0.42 if look == "satin" else 0.1)


def cloth(color: Rgb, seed: int = 0, look: str = "linen") -> Material:
    """Return textile. `look`: linen, knit, velvet, pile, cotton."""
    if look == "velvet":
        return Material("velvet", color, 0.6)
    kinds = {
        "linen": ("weave", 0.10, 1.0),
        "cotton": ("weave", 0.07, 0.55),
        "knit": ("knit", 0.14, 1.0),
        "pile": ("pile", 0.8, 1.0),
    }
    kind, size, scale = kinds[look]
    return Material("matte", color, 0.9, Texture(kind, (color,), seed % 5, (size, size), scale))


def pattern(
    kind: str, colors: tuple[Rgb, ...], seed: int, size: tuple[float, float] = (0.45, 0.45), scale: float = 1.0
) -> Material:
    """Return patterned textile; size (1, 1) with unit uv fills the piece."""
    return Material("matte", colors[0], 0.9, Texture(kind, colors, seed, size, scale))


def leather(color: Rgb) -> Material:
    """Return leather: soft gloss over a clouded hide."""
    return Material("gloss", color, 0.48, Texture("plaster", (color,), 2, (0.7, 0.7), 0.9), family="leather")


def stone(name: str, seed: int = 0) -> Material:
    """Return white marble, black marble, green marble, travertine, concrete, terrazzo or slate."""
    looks = {
        "white marble": ("marble", (rgb("eeecea"), rgb("8f9095")), 0.12, 1.0),
        "black marble": ("marble", (rgb("232325"), rgb("cfcac2")), 0.1, 0.7),
        "green marble": ("marble", (rgb("234536"), rgb("b9c9b4")), 0.1, 0.7),
        "travertine": ("plaster", (rgb("d8c6aa"),), 0.5, 1.4),
        "concrete": ("plaster", (rgb("a3a19d"),), 0.6, 1.3),
        "slate": ("plaster", (rgb("4a4d50"),), 0.5, 1.4),
        "terrazzo": ("terrazzo", (rgb("e7e2da"), rgb("b5714f"), rgb("6f7d76"), rgb("3d3d40")), 0.25, 1.0),
    }
    kind, colors, roughness, scale = looks[name]
    texture = Texture(kind, colors, seed % 6, (0.6, 0.6), scale)
    return Material("gloss", colors[0], roughness, texture, family="stone")


def woven(color: Rgb, seed: int = 0) -> Material:
    """Return plaited rattan, rush or seagrass."""
    return Material("matte", color, 0.8, Texture("basket", (color,), seed % 5, (0.2, 0.2)))


def cane(color: Rgb = (0.83, 0.66, 0.42)) -> Material:
    """Return open cane webbing."""
    return Material("cane", color, 0.8, Texture("cane", (color,), 0, (0.12, 0.12)))


def glass(color: Rgb = (0.97, 0.985, 0.98)) -> Material:
    """Return thin clear or tinted glass."""
    return Material("glass", color)


def glow(color: Rgb, strength: float) -> Material:
    """Return a surface that shines with radiance `color` times `strength`."""
    return Material("glow", color, strength=strength)


# A silvered glass would show the photographer's lamps as white discs; a dim one shows the room.
MIRROR = Material("mirror", (0.62, 0.63, 0.63))
RATTAN: Rgb = rgb("c39a62")
SEAGRASS: Rgb = rgb("b09a68")
JUTE: Rgb = rgb("bd9f73")
WARM_LIGHT: Rgb = (1.0, 0.74, 0.46)
