"""Catalog rows as trade shops write them: half in terse capitals, half readable, all true of what was built."""

from __future__ import annotations

import numpy as np

from training.studio.plan import Item
from training.studio.products.base import Made
from training.studio.truth import suits_room
from training.studio.wording import ROOM_NAMES, STYLE_NAMES, material_name

COLUMNS = (
    "id",
    "sku_id",
    "description",
    "primary_image",
    "title",
    "brand",
    "collection",
    "style_tags",
    "room_tags",
    "materials",
    "dimensions",
    "price",
    "currency",
    "availability",
)

BRANDS = {
    "contemporary": ("Casa Lume", "Orlo Studio"),
    "traditional": ("Wren & Oakley", "Harcote"),
    "minimalist": ("Plainform", "Tessen"),
    "scandinavian": ("Nordvika", "Lille Gran"),
    "industrial": ("Foundry Yard 27", "Gantry"),
    "mid_century_modern": ("Palmer & Dune", "Teakhouse 58"),
    "bohemian": ("Sol y Caña", "Marigold Road"),
}

SHORT = {
    "white": "WHT",
    "black": "BLK",
    "natural": "NAT",
    "grey": "GRY",
    "light grey": "LT GRY",
    "blue": "BLU",
    "green": "GRN",
    "brown": "BRN",
    "silver": "SLV",
    "gold": "GLD",
    "yellow": "YEL",
    "orange": "ORG",
    "ivory": "IVRY",
    "cream": "CRM",
    "ceramic": "CER",
    "stainless steel": "SS",
    "aluminium": "ALUM",
    "terracotta": "TERRA",
}

PRICES = {  # of a piece in euros, small to large
    "statement_vases": (18, 120),
    "sculptural_objects": (16, 140),
    "lighting_accents": (19, 320),
    "functional_beauty": (9, 90),
    "soft_textiles": (14, 480),
    "wall_decor": (22, 260),
    "botanicals": (12, 180),
    "accent_furniture": (70, 1290),
}
NO_SIZE = ("throw", "towels", "bed_linen", "pendant")


def piece_size(item: Item) -> tuple[float, float, float] | None:
    """Return width, depth and height of one piece in metres; None where the picture shows it folded or hung."""
    made = item.made
    if item.kind in NO_SIZE:
        return None
    if made.size is not None:
        return made.size
    size = made.thing.size()
    return float(size[0]), float(size[1]), float(size[2])


def _numbers(item: Item, unit: float, places: int) -> list[str]:
    """Return the sizes worth stating, in the unit (metres each): face of flat things, height only of sets."""
    size = piece_size(item)
    if size is None:
        return []
    w, d, h = size
    if item.made.count > 1 and item.made.size is None:
        chosen = [h] if item.type.mount not in ("wall", "window") else [w, h]
    elif item.type.mount == "rug" or item.kind == "cushion":
        chosen = [w, d]
    elif item.type.mount in ("wall", "window"):
        chosen = [w, h]
    else:
        chosen = [w, d, h]
    return [f"{x / unit:.{places}f}".rstrip("0").rstrip(".") if places else f"{x / unit:.0f}" for x in chosen]


def _label(item: Item) -> str:
    made = item.made
    if made.count > 1 and made.size is None and item.type.mount in ("wall", "window"):
        return " overall"
    return ""


def inches(item: Item) -> str:
    """Return the size as "8X8X12", in inches; "" where none is stated."""
    return "X".join(_numbers(item, 0.0254, 1 if max(piece_size(item) or (1, 1, 1)) < 0.2 else 0))


def centimetres(item: Item) -> str:
    """Return the size as "20 x 20 x 30 cm"; "" where none is stated."""
    numbers = _numbers(item, 0.01, 0)
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"H {numbers[0]} cm"
    return " x ".join(numbers) + " cm" + _label(item)


def terse(item: Item) -> str:
    """Return the description in capitals: material, words, noun, inches, colors, count."""
    made = item.made
    words = []
    if made.materials:
        name = material_name(made.materials[0])
        words.append(SHORT.get(name, name))
    words += [*made.words, made.noun]
    size = inches(item)
    if size:
        words.append(size if "X" in size else f'{size}"H')
    colors = [SHORT.get(name, name) for name in made.colors[:2]]
    if colors:
        words.append("/".join(colors))
    if made.count > 1:
        words.append(f"S/{made.count}")
    text = " ".join(words).upper().split(" ")
    return " ".join(word for k, word in enumerate(text) if k == 0 or word != text[k - 1])


def readable(item: Item, rng: np.random.Generator) -> str:
    """Return the description as a phrase a shopper can read."""
    made = item.made
    colors = " and ".join(made.colors[:2])
    material = " and ".join(material_name(m) for m in made.materials[:2])
    noun = " ".join([*made.words, made.noun])
    lead = f"Set of {made.count} {noun}" if made.count > 1 else noun[0].upper() + noun[1:]
    pattern = int(rng.integers(4))
    if pattern == 0:
        text = f"{lead} in {material}, {colors}"
    elif pattern == 1:
        text = f"{lead}, {colors}, {material}"
    elif pattern == 2:
        text = f"{STYLE_NAMES[item.style][0].upper()}{STYLE_NAMES[item.style][1:]} {noun} made of {material}, {colors}"
        if made.count > 1:
            text += f", set of {made.count}"
    else:
        text = f"{lead} for the {ROOM_NAMES[_rooms(item)[0]]}, {material}, {colors}"
    size = centimetres(item)
    if size and rng.random() < 0.7:
        text += f", {size}"
    return text.replace(" , ", ", ").replace(", ,", ",").strip(", ")


def _rooms(item: Item) -> list[str]:
    return [room for room in ROOM_NAMES if suits_room(item, room)] or ["living_room"]


def title(made: Made) -> str:
    """Return a short name."""
    words = [made.colors[0] if made.colors and made.colors[0] != "clear" else "", *made.words, made.noun]
    text = " ".join(word for word in words if word)
    return text[0].upper() + text[1:]


def row(item: Item, seed: int) -> dict[str, str]:
    """Return the row of a product; some optional cells are left empty, as in real files."""
    rng = np.random.default_rng([seed, 13, item.number])
    made = item.made
    low, high = PRICES[item.type.category]
    size = float(np.linalg.norm(made.thing.size()))
    share = min(1.0, size / 2.4) ** 1.2 * 0.8 + 0.2 * float(rng.random())
    price = low * (high / low) ** share * (1 + 0.35 * (made.count - 1) ** 0.7 * (size < 1))
    brand = BRANDS[item.style][int(rng.integers(2))]
    return {
        "id": str(1000 + item.number),
        "sku_id": item.sku,
        "description": terse(item) if rng.random() < 0.45 else readable(item, rng),
        "primary_image": item.image,
        "title": title(made),
        "brand": brand,
        "collection": f"{brand.split()[0]} {('Spring', 'Atelier', 'Home', 'Edition')[int(rng.integers(4))]}",
        "style_tags": STYLE_NAMES[item.style] if rng.random() < 0.75 else "",
        "room_tags": ", ".join(ROOM_NAMES[room] for room in _rooms(item)[:3]) if rng.random() < 0.7 else "",
        "materials": ", ".join(material_name(m) for m in made.materials) if rng.random() < 0.9 else "",
        "dimensions": centimetres(item) if rng.random() < 0.85 else "",
        "price": f"{max(low, round(price)) - 0.05:.2f}",
        "currency": "EUR",
        "availability": ("in stock", "in stock", "in stock", "in stock", "out of stock", "preorder")[
            int(rng.integers(6))
        ],
    }


def wrong_rows(items: list[Item], seed: int) -> list[dict[str, str]]:
    """Return rows that are wrong on purpose: no description, a repeated id, no id, a path out of the folder."""
    base = [row(item, seed) for item in items[:4]]
    no_description = base[0] | {"id": "1901", "sku_id": "SP-0901", "description": "", "title": ""}
    repeated = base[1] | {"sku_id": "SP-0902", "description": "GLASS FRUIT BOWL 12X12X5 CLR", "price": "34.95"}
    no_id = base[2] | {"id": "", "sku_id": "SP-0903"}
    outside = base[3] | {"id": "1904", "sku_id": "SP-0904", "primary_image": "../private/sp-0904.webp"}
    return [no_description, repeated, no_id, outside]
