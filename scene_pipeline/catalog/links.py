"""The page of a product, wherever the shop's file states it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

LINK_COLUMNS = ("link", "url", "product url", "product link", "canonical url")


def product_link(cells: Mapping[str, Any]) -> str | None:
    """Return the product's page: of the column `link`, or of a column that came along under a usual name."""
    extra = msgspec.json.decode(cells.get("extra") or "{}")
    named = {str(name).lower().replace("_", " "): value for name, value in extra.items()}
    for value in (cells.get("link"), *(named.get(name) for name in LINK_COLUMNS)):
        if isinstance(value, str) and urlsplit(value).scheme in ("http", "https"):
            return value
    return None
