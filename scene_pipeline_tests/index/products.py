"""A small made-up product set with every kind of field, and what is right for it."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scene_pipeline.index.port import IndexSchema, Records

DIMENSION = 32
SCHEMA = IndexSchema(DIMENSION, {"category": "text", "price": "number", "in_stock": "flag", "rooms": "texts"})
CATEGORIES = ("vases", "lamps", "rugs", None)
ROOMS = ("bedroom", "kitchen", "office")
NOUNS = ("vase", "lamp", "rug", "mirror", "clock")
COLORS = ("red", "blue", "green", "brass", "oak", "linen", "ivory")


@dataclass(frozen=True)
class Made:
    """Records, and their rows as plain dictionaries."""

    records: Records

    @property
    def rows(self) -> list[dict[str, Any]]:
        fields = self.records.fields
        return [
            {"product_id": identity, **{name: values[row] for name, values in fields.items()}}
            for row, identity in enumerate(self.records.ids)
        ]

    def best(self, query: np.ndarray, k: int, passing: list[bool] | None = None) -> list[str]:
        """Return the ids of the exact best k, ties by id."""
        inner = self.records.vectors @ query
        rows = [row for row in range(len(self.records)) if passing is None or passing[row]]
        rows.sort(key=lambda row: (-round(float(inner[row]), 4), self.records.ids[row]))
        return [self.records.ids[row] for row in rows[:k]]


def make(n: int = 400, seed: int = 1, dimension: int = DIMENSION) -> Made:
    """Return `n` products in an order that is not that of their ids."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(20, dimension))
    family = rng.integers(20, size=n)
    vectors = centers[family] + 0.8 * rng.normal(size=(n, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"p{number:05}" for number in rng.permutation(n)]
    fields: dict[str, list[Any]] = {
        # of the family, so that a filter and the vectors say the same
        "category": [CATEGORIES[at % len(CATEGORIES)] for at in family],
        "price": [None if price > 95 else round(float(price), 2) for price in rng.uniform(1, 100, n)],
        "in_stock": [None if draw < 0.1 else bool(draw < 0.7) for draw in rng.random(n)],
        "rooms": [[room for room in ROOMS if rng.random() < 0.4] for _ in range(n)],
    }
    texts = [f"{COLORS[rng.integers(7)]} {NOUNS[at % 5]} number {name}" for at, name in zip(family, ids, strict=True)]
    records = Records(ids, [""] * n, vectors.astype(np.float16).astype(np.float32), texts, fields)
    return Made(hashed(records))


def hashed(records: Records) -> Records:
    """Return the records with the hashes of their content."""
    hashes = [
        hashlib.sha256(
            repr((records.texts[row], {name: values[row] for name, values in records.fields.items()})).encode()
            + np.asarray(records.vectors[row], np.float16).tobytes()
        ).hexdigest()
        for row in range(len(records))
    ]
    return replace(records, hashes=hashes)


def queries(n: int = 12, seed: int = 5, dimension: int = DIMENSION) -> np.ndarray:
    """Return unit queries [n, d]."""
    found = np.random.default_rng(seed).normal(size=(n, dimension))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
