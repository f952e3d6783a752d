"""Words for pictures: captions to train on, and product descriptions as trade shops write them."""

from __future__ import annotations

import numpy as np

from training.studio.products.base import Look, Made

STYLE_NAMES = {
    "contemporary": "contemporary",
    "traditional": "traditional",
    "minimalist": "minimalist",
    "scandinavian": "Scandinavian",
    "industrial": "industrial",
    "mid_century_modern": "mid-century modern",
    "bohemian": "bohemian",
}
ROOM_NAMES = {
    "living_room": "living room",
    "dining_room": "dining room",
    "bedroom": "bedroom",
    "kitchen": "kitchen",
    "bathroom": "bathroom",
    "entryway": "entryway",
    "home_office": "home office",
    "childrens_room": "children's room",
}
PALETTE_NAMES = {
    "neutral_warm": "warm neutrals",
    "neutral_cool": "cool neutrals",
    "monochrome": "black and white",
    "earth_tones": "earth tones",
    "warm_tones": "warm tones",
    "cool_tones": "blues and greens",
    "jewel_tones": "jewel tones",
}
CATEGORY_WORDS = {
    "statement_vases": "decorative vase",
    "sculptural_objects": "decorative sculpture",
    "lighting_accents": "lamp or candle holder",
    "functional_beauty": "useful home accessory",
    "soft_textiles": "home textile",
    "wall_decor": "wall decoration",
    "botanicals": "plant or planter",
    "accent_furniture": "piece of furniture",
}
WALL_WORDS = {
    "plain": "plain painted walls",
    "panelled": "panelled walls",
    "brick": "exposed brick walls",
    "concrete": "raw concrete walls",
    "limewash": "limewashed plaster walls",
    "slats": "slatted wood walls",
    "wallpaper": "wallpapered walls",
    "boards": "painted board walls",
}
FLOOR_WORDS = {
    "planks": "a wooden floor",
    "pale planks": "a pale wooden floor",
    "dark planks": "a dark wooden floor",
    "herringbone": "a herringbone parquet floor",
    "marble": "a marble floor",
    "chequer": "a chequered tile floor",
    "concrete": "a concrete floor",
    "terrazzo": "a terrazzo floor",
    "tiles": "a tiled floor",
}


def article(name: str) -> str:
    """Return the indefinite article that stands before `name`."""
    return "an" if name[0].lower() in "aeiou" else "a"


def material_name(identifier: str) -> str:
    """Return a material id as a word."""
    return identifier.replace("_", " ")


def phrase(made: Made) -> str:
    """Return color, material, words and noun: "blue porcelain round vase"."""
    color = made.colors[0] if made.colors and made.colors[0] not in ("clear",) else ""
    material = material_name(made.materials[0]) if made.materials else ""
    return " ".join(word for word in (color, material, *made.words, made.noun) if word)


def packshot_captions(made: Made, category: str, style: str) -> list[str]:
    """Return several true sentences about a product picture."""
    full = phrase(made)
    plural = made.count > 1
    one = f"a set of {made.count}" if plural else article(full)
    colors = " and ".join(made.colors[:2]) or "plain"
    out = [
        f"{one} {full}",
        f"a photo of {one} {full} on a white background",
        f"{made.noun}" if plural else f"{article(made.noun)} {made.noun}",
        f"{' '.join([*made.words, made.noun])} in {colors}",
        f"{article(STYLE_NAMES[style])} {STYLE_NAMES[style]} {made.noun}",
        f"{CATEGORY_WORDS[category]}: {made.noun}",
    ]
    if made.materials:
        out.append(f"{made.noun} made of {' and '.join(material_name(m) for m in made.materials[:2])}")
    return out


def room_captions(room: str, style: str, palette: str, nouns: list[str], rng: np.random.Generator) -> list[str]:
    """Return several true sentences about a room picture; `nouns` are the products in it."""
    name, manner, colors = ROOM_NAMES[room], STYLE_NAMES[style], PALETTE_NAMES[palette]
    some = list(dict.fromkeys(nouns))
    rng.shuffle(some)
    a = article(manner)
    out = [
        f"a photo of {article(name)} {name}",
        f"{a} {manner} {name}",
        f"{a} {manner} {name} in {colors}",
        f"an interior in {manner} style",
    ]
    if len(some) > 1:
        first = f"{article(some[0])} {some[0]}"
        out += [
            f"{article(name)} {name} with {first} and {some[1]}",
            f"{a} {manner} {name} with {', '.join(some[:4])}",
        ]
    return out


def finish_captions(room: str, style: str, look: Look) -> list[str]:
    """Return sentences about walls, floor and furniture: what a style without a name is recognized by."""
    name, manner = ROOM_NAMES[room], STYLE_NAMES[style]
    around = f"{'tiled walls' if look.tile else WALL_WORDS[look.wall]} and {FLOOR_WORDS[look.floor]}"
    out = [f"{article(name)} {name} with {around}"]
    if look.materials:
        of = " and ".join(dict.fromkeys(material_name(m) for m in look.materials[:3]))
        out += [f"{article(name)} {name} furnished in {of}", f"{manner} furniture of {of}, {around}"]
    return out
