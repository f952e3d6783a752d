"""Groups of pictures that look the same: proposed by perceptual hash, confirmed by vectors and colors."""

import itertools
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NEAR = 4  # bits of 64 that may differ between near-duplicates
MIN_COSINE = 0.97  # of the centered vectors; 99% of pictures saved anew at JPEG quality 40 stay above
MAX_COLOR_DISTANCE = (
    5.0  # CIE76 between the mean colors; the hash is of grey, and a red chair is not the same as a green one
)
DUPLICATES = pa.schema(
    [
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("proposed", pa.string(), nullable=False),  # the group by hash: smallest sha256 in it
        pa.field("confirmed", pa.string()),  # the group by hash, vector and color; null where it has one member
    ]
)
"""One row per picture that has a near-duplicate by its hash."""

_CHUNKS = NEAR + 1  # two hashes that differ in NEAR bits agree in at least one of NEAR + 1 chunks
_COMPARED = 2**22  # comparisons, and pairs waiting to be joined, held in memory at once
_PRIOR = 100  # pseudo-count for a mean of zero: the mean of a few pictures says little about all

_Pairs = NDArray[np.int64]


def duplicate_groups(hashes: Mapping[str, int]) -> dict[str, str]:
    """Return the group of every picture that has a near-duplicate: sha256 -> smallest sha256 of its group.

    `hashes` maps sha256 to pHash. Pictures whose hashes differ in at most 4 bits are grouped, chains included.
    """
    by_hash: dict[int, list[str]] = {}
    for sha256, value in hashes.items():
        by_hash.setdefault(value, []).append(sha256)
    values = np.array(sorted(by_hash), dtype=np.uint64)
    members: dict[int, list[str]] = {}
    for label, value in zip(_joined(len(values), near_pairs(values)).tolist(), values.tolist(), strict=True):
        members.setdefault(label, []).extend(by_hash[value])
    groups = [(min(group), group) for group in members.values() if len(group) > 1]
    return {sha256: smallest for smallest, group in groups for sha256 in group}


def proposed(status: pa.Table) -> pa.Table:
    """Return the pictures of a status table that have a near-duplicate by hash, one row each, for `confirm`."""
    columns = ["sha256", "duplicate_group", "color_lab", "color_share"]
    grouped = status.select(columns).filter(pc.field("duplicate_group").is_valid())
    _, first = np.unique(np.array(grouped["sha256"].to_pylist(), dtype=np.str_), return_index=True)
    return grouped.take(first)


def center(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what all pictures have in common: the mean of a sample of vectors [n, d], shrunk to zero for few."""
    return vectors.sum(axis=0) / (len(vectors) + _PRIOR)


def confirm(
    pictures: pa.Table, vectors: NDArray[np.float32], known: NDArray[np.bool_], common: NDArray[np.float32]
) -> pa.Table:
    """Return the table `DUPLICATES`: the groups by hash, and which of them vectors and colors confirm.

    `pictures` is of `proposed`; `vectors` [n, d] are their unit vectors of any image encoder, `known` [n] is true where
    there is one, `common` [d] is the `center`. Two pictures of a group by hash stay together when the cosine of their
    centered vectors is at least MIN_COSINE and their mean colors differ by at most MAX_COLOR_DISTANCE; chains count.
    """
    names, colors = pictures["sha256"].to_pylist(), mean_colors(pictures)
    members: dict[str, list[int]] = {}
    for row, group in enumerate(pictures["duplicate_group"].to_pylist()):
        members.setdefault(group, []).append(row)
    rows: list[tuple[str, str, str | None]] = []
    for group, places in members.items():
        chosen = np.array(places)
        centered = vectors[chosen] - common
        centered /= np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-9)
        labels = _joined(len(chosen), _alike(centered, colors[chosen], known[chosen])).tolist()
        same: dict[int, list[str]] = {}
        for label, place in zip(labels, places, strict=True):
            same.setdefault(label, []).append(names[place])
        for alike in same.values():
            smallest = min(alike) if len(alike) > 1 else None
            rows.extend((name, group, smallest) for name in alike)
    columns = [list(column) for column in zip(*sorted(rows), strict=True)] or [[]] * len(DUPLICATES)
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=DUPLICATES)


def near_pairs(values: NDArray[np.uint64]) -> Iterator[_Pairs]:
    """Yield the index pairs [n, 2] of hashes that differ in at most 4 bits; a pair may come more than once.

    Exact: only hashes that agree in one of five chunks of bits are compared, since four different bits leave at least
    one chunk equal.
    """
    edges = np.linspace(0, 64, _CHUNKS + 1).astype(int)
    for low, high in itertools.pairwise(edges):
        chunk = (values >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(chunk, kind="stable")
        bounds = [0, *(np.flatnonzero(np.diff(chunk[order])) + 1).tolist(), len(order)]
        for start, stop in itertools.pairwise(bounds):
            if stop - start > 1:
                yield from _near_within(values, order[start:stop])


def _near_within(values: NDArray[np.uint64], bucket: _Pairs) -> Iterator[_Pairs]:
    mine = values[bucket]
    for start, stop in _blocks(len(bucket)):
        distance = np.bitwise_count(mine[start:stop, None] ^ mine[None, start:])
        i, j = np.nonzero(distance <= NEAR)
        if len(i) > stop - start:  # more than each with itself
            above = i < j
            yield np.column_stack([bucket[start + i[above]], bucket[start + j[above]]])


def _alike(centered: NDArray[np.float32], colors: NDArray[np.float64], usable: NDArray[np.bool_]) -> Iterator[_Pairs]:
    for start, stop in _blocks(len(centered)):
        near = centered[start:stop] @ centered[start:].T >= MIN_COSINE
        near &= usable[start:stop, None] & usable[None, start:]
        i, j = np.nonzero(near)
        gap = np.linalg.norm(colors[start + i] - colors[start + j], axis=1)
        kept = (i < j) & (gap <= MAX_COLOR_DISTANCE)
        yield np.column_stack([start + i[kept], start + j[kept]])


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows of which each may be compared with all `count` rows at once."""
    step = max(1, _COMPARED // max(1, count))
    for start in range(0, count, step):
        yield start, min(start + step, count)


def mean_colors(pictures: pa.Table) -> NDArray[np.float64]:
    """Return the mean CIELAB color [n, 3] of each picture; NaN, which is near nothing, without colors."""
    means = np.full((pictures.num_rows, 3), np.nan)
    for row, picture in enumerate(pictures.select(["color_lab", "color_share"]).to_pylist()):
        if picture["color_lab"]:
            means[row] = np.array(picture["color_share"]) @ np.array(picture["color_lab"])
    return means


def _joined(count: int, blocks: Iterable[_Pairs]) -> _Pairs:
    """Return the label [count] of the connected component of each of `count` items, from blocks of connected pairs."""
    labels = np.arange(count)
    waiting: list[_Pairs] = []
    held = 0
    for block in blocks:
        waiting.append(block)
        held += len(block)
        if held >= _COMPARED:
            labels, waiting, held = _join(labels, np.concatenate(waiting)), [], 0
    return _join(labels, np.concatenate(waiting)) if waiting else labels


def _join(labels: _Pairs, pairs: _Pairs) -> _Pairs:
    """Return `labels` after joining each pair; the smaller label is kept."""
    first, second = labels[pairs[:, 0]], labels[pairs[:, 1]]
    while np.any(apart := first != second):
        edges = np.unique(np.minimum(first, second)[apart] * len(labels) + np.maximum(first, second)[apart])
        first, second = edges // len(labels), edges % len(labels)
        roots = np.arange(len(labels))
        np.minimum.at(roots, second, first)
        while not np.array_equal(further := roots[roots], roots):
            roots = further
        labels, first, second = roots[labels], roots[first], roots[second]
    return labels
