"""What people need to know of a product, looked up by its id in the bundle's product table."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from scene_pipeline.bundle.open import Bundle
from scene_pipeline.images.store import ImageStore
from scene_pipeline.reporting.products import length_unit, shown_product
from scene_pipeline.service.documents import ProductOut

COLUMNS = (
    "product_id", "sku_id", "title", "description", "sentence", "price", "currency", "brand", "link", "extra",
    "category", "image_sha256",
)  # fmt: skip
MAX_BRANDS = 500
KEPT = 4096
"""Products that are kept as documents: many lists hold the same ones."""


class ProductTable:
    """The product table of a bundle. Ids are found through sorted hashes: 16 bytes a product."""

    def __init__(self, bundle: Bundle, images: ImageStore) -> None:
        there = set(bundle.products_schema().names)
        self._table = bundle.products([name for name in COLUMNS if name in there])
        self._images = images
        self._document = functools.lru_cache(KEPT)(self._read)
        self._names = {category.id: category.name for category in bundle.vocabulary.categories}
        ids = self._table["product_id"]
        hashes = np.concatenate(
            [np.fromiter(map(hash, chunk.to_pylist()), np.int64, len(chunk)) for chunk in ids.chunks]
            or [np.empty(0, np.int64)]
        )
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]
        pa.default_memory_pool().release_unused()

    def row_of(self, product_id: str) -> int | None:
        """Return the row of a product, or None where the catalog has none of that id."""
        wanted = hash(product_id)
        at = int(np.searchsorted(self._hashes, wanted))
        while at < len(self._hashes) and self._hashes[at] == wanted:
            row = int(self._order[at])
            if self._table["product_id"][row].as_py() == product_id:
                return row
            at += 1
        return None

    def get(self, product_id: str) -> ProductOut | None:
        """Return a product, or None where the catalog has none of that id."""
        return self._document(product_id)

    def _read(self, product_id: str) -> ProductOut | None:
        row = self.row_of(product_id)
        if row is None:
            return None
        cells = {name: self._table[name][row].as_py() for name in self._table.column_names}
        shown = shown_product(cells, self.unit)
        return ProductOut(
            product_id=product_id,
            sku_id=cells["sku_id"],
            title=shown.title,
            subtitle=shown.subtitle,
            description=cells["description"],
            price=cells["price"],
            currency=cells.get("currency"),
            brand=cells["brand"],
            link=shown.link,
            image=f"/v1/products/{quote(product_id, safe='')}/image" if self._picture(cells) else None,
            category=cells["category"],
            category_name=self._names.get(cells["category"], "uncategorized"),
        )

    def picture(self, product_id: str) -> tuple[Path, str] | None:
        """Return the file and SHA-256 of a product's picture, or None where there is none."""
        row = self.row_of(product_id)
        return None if row is None else self._picture({"image_sha256": self._table["image_sha256"][row].as_py()})

    def _picture(self, cells: dict[str, Any]) -> tuple[Path, str] | None:
        key = cells["image_sha256"]
        path = self._images.path(key) if key else None
        return (path, key) if path is not None and path.exists() else None

    @functools.cached_property
    def brands(self) -> Sequence[str]:
        """The brands of the catalog by frequency, at most MAX_BRANDS."""
        counted = self._table["brand"].value_counts().to_pylist()
        counted = [(-pair["counts"], pair["values"]) for pair in counted if pair["values"]]
        return [brand for _, brand in sorted(counted)[:MAX_BRANDS]]

    @functools.cached_property
    def unit(self) -> str:
        """The unit of the sizes in titles: "cm" or "in"."""
        return length_unit(self._table["sentence"])

    @functools.cached_property
    def currency(self) -> str | None:
        """The currency of all prices, None where the catalog states none or several."""
        if "currency" not in self._table.column_names:
            return None
        found = self._table["currency"].drop_null().unique().to_pylist()
        return found[0] if len(found) == 1 else None
