"""Set aside pictures that show no product: one picture for many different products, and pictures that are too small."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scene_pipeline.images.duplicates import MAX_COLOR_DISTANCE, mean_colors
from scene_pipeline.images.schema import FAILED, OK

MIN_SIDE = 32
"""Pixels of the longer side below which a picture shows nothing."""

MIN_PRODUCTS = 5
"""Products that share a primary picture before it may be a placeholder."""

SHARED_WORD = 0.6
"""Share of such products that must have a word in common to count as variants of one thing."""

TELLING = 2.0
"""How much more frequent than in the whole catalog that word must be; in a shop of rugs, "rug" says nothing."""

COMMON = 0.34
"""Share of a product's words, on average, that must be more than such words: a brand alone makes no variants."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_NAMED = 3  # products named in a message


def set_aside(status: pa.Table, texts: Mapping[str, str]) -> pa.Table:
    """Return a status table in which such pictures are failures, with reason and detail.

    `texts` maps a product to its name. The hashes stay in the table, so that the next run requests the pictures as
    usual and decides again.
    """
    aside = {**_too_small(status), **_placeholders(status, texts)}
    if not aside:
        return status
    names = ("outcome", "reason", "detail")
    columns = {name: status[name].to_pylist() for name in names}
    for row, sha256 in enumerate(status["sha256"].to_pylist()):
        if columns["outcome"][row] == OK and sha256 in aside:
            for name, value in zip(names, (FAILED, *aside[sha256]), strict=True):
                columns[name][row] = value
    for name in names:
        place = status.schema.get_field_index(name)
        status = status.set_column(place, status.schema.field(name), pa.array(columns[name], pa.string()))
    return status


def _too_small(status: pa.Table) -> dict[str, tuple[str, str]]:
    small = (pc.field("width") < MIN_SIDE) & (pc.field("height") < MIN_SIDE)
    rows = status.filter((pc.field("outcome") == OK) & small).select(["sha256", "width", "height"])
    what = "pixels, which show nothing; offer a larger picture"
    return {
        row["sha256"]: ("too_small", f"has {row['width']} x {row['height']} {what}")
        for row in rows.to_pylist()
        if row["sha256"]
    }


def _placeholders(status: pa.Table, texts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    primary = status.filter((pc.field("outcome") == OK) & (pc.field("role") == "primary"))
    columns = ["product_id", "sha256", "duplicate_group", "color_lab", "color_share"]
    found: dict[str, tuple[str, str]] = {}
    frequency: Counter[str] | None = None
    for pictures in _shared(primary.select(columns)):
        products = list(dict.fromkeys(product for owners in pictures.values() for product in owners))
        if len(products) < MIN_PRODUCTS:
            continue
        frequency = frequency or Counter(word for text in texts.values() for word in _words(text))
        if _are_alike([texts.get(product, "") for product in products], frequency, len(texts)):
            continue
        named = ", ".join(products[:_NAMED])
        detail = f"is shown for {len(products)} unlike products ({named} …), as placeholders are; give each its own"
        found |= dict.fromkeys(pictures, ("placeholder", detail))
    return found


def _shared(primary: pa.Table) -> Iterable[dict[str, list[str]]]:
    """Yield pictures that look the same, sha256 -> products: equal to the byte, or near-duplicates of one color."""
    owners: dict[str, list[str]] = defaultdict(list)
    group_of: dict[str, str] = {}
    row_of: dict[str, int] = {}
    columns = (primary[name].to_pylist() for name in ("sha256", "product_id", "duplicate_group"))
    for row, (sha256, product, group) in enumerate(zip(*columns, strict=True)):
        owners[sha256].append(product)
        group_of[sha256] = group or sha256
        row_of.setdefault(sha256, row)
    groups: dict[str, list[str]] = defaultdict(list)
    for sha256, group in group_of.items():
        groups[group].append(sha256)
    for members in groups.values():
        if sum(len(owners[sha256]) for sha256 in members) < MIN_PRODUCTS:
            continue
        members.sort(key=lambda sha256: -len(owners[sha256]))
        colors = mean_colors(primary.take([row_of[sha256] for sha256 in members]))
        near = np.linalg.norm(colors - colors[0], axis=1) <= MAX_COLOR_DISTANCE
        near[0] = True
        yield {sha256: owners[sha256] for sha256, same in zip(members, near.tolist(), strict=True) if same}


def _are_alike(texts: list[str], frequency: Mapping[str, int], catalog: int) -> bool:
    """Return whether products are variants of one thing: most of their texts share words that are rare otherwise."""
    words = [found for text in texts if (found := _words(text))]
    counts = Counter(word for found in words for word in found)
    common = {word for word, count in counts.items() if count >= SHARED_WORD * len(texts)}
    telling = any(counts[word] / len(texts) >= TELLING * frequency[word] / max(catalog, 1) for word in common)
    return telling and float(np.mean([len(found & common) / len(found) for found in words])) > COMMON


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
