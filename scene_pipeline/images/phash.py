"""Perceptual hashes, and the groups of pictures that look the same by them."""

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NEAR = 4  # bits of 64 that may differ between near-duplicates
_SIZE, _LOW = 32, 8
_CHUNKS = NEAR + 1  # two hashes that differ in NEAR bits agree in at least one of NEAR + 1 chunks
_BLOCK = 2048

_n = np.arange(_SIZE)
_DCT = np.cos(np.pi / _SIZE * (_n[None] + 0.5) * _n[:_LOW, None]).astype(np.float32)  # DCT-II, low frequencies


def perceptual_hash(image: Image.Image) -> int:
    """Return the 64-bit pHash of an RGB picture: which low frequencies of its 32×32 grey copy exceed their median."""
    grey = np.asarray(image.convert("L").resize((_SIZE, _SIZE), Image.Resampling.BOX), dtype=np.float32)
    low = (_DCT @ grey @ _DCT.T).ravel()
    bits = low > np.median(low[1:])  # the first is the mean brightness, far above all others
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def duplicate_groups(hashes: Mapping[str, int]) -> dict[str, str]:
    """Return the group of every picture that has a near-duplicate: sha256 -> smallest sha256 of its group.

    `hashes` maps sha256 to pHash. Pictures whose hashes differ in at most 4 bits are grouped, chains included.
    """
    by_hash: dict[int, list[str]] = {}
    for sha256, value in hashes.items():
        by_hash.setdefault(value, []).append(sha256)
    values = np.array(sorted(by_hash), dtype=np.uint64)
    parents = list(range(len(values)))

    def root(i: int) -> int:
        while parents[i] != i:
            parents[i] = parents[parents[i]]
            i = parents[i]
        return i

    for first, second in near_pairs(values).tolist():
        parents[root(first)] = root(second)
    members: dict[int, list[str]] = {}
    for index, value in enumerate(values.tolist()):
        members.setdefault(root(index), []).extend(by_hash[value])
    return {sha256: min(group) for group in members.values() if len(group) > 1 for sha256 in group}


def near_pairs(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the index pairs (n, 2) of hashes that differ in at most 4 bits; a pair may come more than once.

    Exact: only hashes that agree in one of five chunks of bits are compared, since four differences leave one alike.
    """
    edges = np.linspace(0, 64, _CHUNKS + 1).astype(int)
    found = [np.empty((0, 2), dtype=np.int64)]
    for low, high in itertools.pairwise(edges):
        chunk = (values >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(chunk, kind="stable")
        bounds = [0, *(np.flatnonzero(np.diff(chunk[order])) + 1).tolist(), len(order)]
        for start, stop in itertools.pairwise(bounds):
            if stop - start > 1:
                found.extend(_pairs_within(values, order[start:stop]))
    return np.concatenate(found)


def _pairs_within(values: NDArray[np.uint64], bucket: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    pairs = []
    mine = values[bucket]
    for start in range(0, len(bucket), _BLOCK):
        distance = np.bitwise_count(mine[start : start + _BLOCK, None] ^ mine[None, start:])
        i, j = np.nonzero(distance <= NEAR)
        above = i < j
        pairs.append(np.column_stack([bucket[start + i[above]], bucket[start + j[above]]]))
    return pairs
