"""Variants that one cell of a product lists: Magento's "sku=A-1,color=Grey|…", and those from Etsy's options."""

import json
from collections.abc import Sequence
from html import unescape
from itertools import islice, product

from scene_pipeline.catalog.columns import attribute_column
from scene_pipeline.catalog.packed import Pairs, parse_pairs

MAX_VARIANTS = 500
"""Maximum number of listed variants of a product; Etsy allows 400."""

Option = tuple[str, Sequence[str]]
"""An option's name and its values."""


def option_values(cell: str | None) -> list[str]:
    """Return the values of a cell that are separated by commas, each once."""
    return list(dict.fromkeys(part.strip() for part in unescape(cell or "").split(",") if part.strip()))


def write_variants(options: Sequence[Option], skus: Sequence[str]) -> str | None:
    """Return a cell with the variants of all combinations of options, or None where there is no choice.

    Each has a SKU of its own where there are as many SKUs as variants, or as values of one option. Otherwise the
    product's SKUs become variants of their own, since nothing states their options.
    """
    options = [option for option in options if option[1]]
    made = _combined(options)
    fitting = [place for place, (_, values) in enumerate(options) if len(values) == len(skus) > 1]
    if not options:
        made = [[("sku", sku)] for sku in skus[:MAX_VARIANTS]]
    elif len(skus) == len(made):
        made = [[("sku", sku), *pairs] for sku, pairs in zip(skus, made, strict=True)]
    elif len(fitting) == 1:
        own = dict(zip(options[fitting[0]][1], skus, strict=True))
        made = [[("sku", own[pairs[fitting[0]][1]]), *pairs] for pairs in made]
    else:
        made = [pairs for pairs in _combined([o for o in options if attribute_column(o[0])]) if pairs]
        made += [[("sku", sku)] for sku in skus[:MAX_VARIANTS] if len(skus) > 1]
    return json.dumps(made, ensure_ascii=False) if len(made) > 1 else None


def _combined(options: Sequence[Option]) -> list[Pairs]:
    """Return all combinations of one value per option, at most MAX_VARIANTS; one empty combination without options."""
    choices = islice(product(*(values for _, values in options)), MAX_VARIANTS)
    return [[(name, value) for (name, _), value in zip(options, values, strict=True)] for values in choices]


def read_variants(cell: str | None) -> list[Pairs]:
    """Return the variants that a cell lists, each as its attributes and its SKU under the name "sku"."""
    if cell and cell.startswith("[["):
        try:
            return [[(str(name), str(value)) for name, value in pairs] for pairs in json.loads(cell)]
        except (ValueError, TypeError, RecursionError):
            return []
    return [pairs for part in (cell or "").split("|") if (pairs := parse_pairs(part))]
