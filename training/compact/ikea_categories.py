"""The category of an IKEA product by the words of its type: labels for evaluation, never for training."""

_RULES: tuple[tuple[str | None, tuple[str, ...]], ...] = (
    # what no category holds comes first, so that a "mirror cabinet" or a "wall cabinet" is not decor
    (None, ("door", "fabric", "handle", "knob", "tap", "oven", "hob", "extractor", "worktop", "rail", "bracket", "hook",
            "wash-basin", "wash-stand", "hanger", "soft toy", "strainer", "fridge", "freezer", "dishwasher", "leg",
            "mattress", "cable", "wall cabinet", "mirror cabinet", "high cabinet", "base cabinet", "drawer front",
            "cot", "shade", "knife", "lighting chain", "cutlery", "holder", "bulb", "cooker", "microwave", "panel")),
    ("botanicals", ("plant", "flower", "wreath")),
    ("statement_vases", ("vase", "jug", "pitcher")),
    ("lighting_accents", ("lamp", "lantern", "candle", "candlestick", "spotlight", "lighting", "tealight")),
    ("soft_textiles", ("rug", "cushion", "throw", "blanket", "curtain", "quilt", "pillow", "towel", "bath mat",
                       "bath sheet", "door mat", "bedspread", "sheet", "washcloth", "tablecloth", "runner", "blind",
                       "chair pad")),
    ("wall_decor", ("mirror", "frame", "picture", "wall shelf", "wall clock", "poster", "canvas")),
    ("sculptural_objects", ("decoration", "figurine", "sculpture", "ornament", "globe")),
    ("functional_beauty", ("box", "basket", "bowl", "tray", "plate", "jar", "clock", "mug", "glass", "dish",
                           "dispenser", "pot", "cup", "tin", "carafe", "teapot", "magazine file")),
    ("accent_furniture", ("chair", "stool", "table", "bench", "bookcase", "cabinet", "sofa", "wardrobe", "shelving",
                          "chest", "desk", "bed frame", "bed", "sideboard", "trolley", "stand", "footstool",
                          "shelf", "trunk")),
)  # fmt: skip

_BEFORE = {
    "bed frame": "accent_furniture",
    "glass-door cabinet": "accent_furniture",
    "storage bench": "accent_furniture",
}


def category_of(kind: str) -> str | None:
    """Return the category id of a product type such as "Rug, flatwoven", or None where none of the eight holds it."""
    words = kind.lower()
    for phrase, category in _BEFORE.items():
        if phrase in words:
            return category
    tokens = f" {words.replace(',', ' ').replace('-', ' ')} "
    for category, phrases in _RULES:
        if any(_stands(phrase, tokens) for phrase in phrases):
            return category
    return None


def _stands(phrase: str, tokens: str) -> bool:
    flat = phrase.replace("-", " ")
    return any(f" {flat}{ending} " in tokens for ending in ("", "s", "es"))
