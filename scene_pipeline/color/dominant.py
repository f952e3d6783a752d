"""The colors of a picture, as CIELAB (D65) centers with their shares of the area."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scene_pipeline.color.lab import Floats, rgb_to_lab

_Lab = tuple[float, float, float]

_LONG_SIDE = 96  # pixels at which colors are counted
_BIN = 6.0  # width of a histogram bin in L, a and b: near the difference people notice at a glance
_BINS = 40  # bins along a and b: sRGB needs 34 of them
_FIRST = _BINS**2 + _BINS // 2 * (_BINS + 1)  # number of the bin of black
_ITERATIONS = 8
_SAME = 4.0  # centers nearer than this (CIE76) are one color
_NEAR_WHITE = (90.0, 8.0)  # lightness above and chroma below which a border pixel counts as studio white
_MIN_FOREGROUND = 0.02  # with less than this left the product is white itself, and the whole picture counts


def dominant_colors(image: Image.Image, count: int = 6, ignore_background: bool = False) -> list[tuple[_Lab, float]]:
    """Return at most `count` CIELAB centers of an RGB picture with area shares that add up to 1, largest first.

    Deterministic: a Lab histogram, centers seeded by weight and distance, then weighted k-means. Centers closer than
    4 (CIE76) are merged, so that a plain picture has one color. `ignore_background=True`, for packshots, leaves out
    the near-white area that touches the border, unless hardly anything else is left.
    """
    return dominant_of(rgb_to_lab(np.asarray(_small(image))), count, ignore_background)


def dominant_of(lab: Floats, count: int = 6, ignore_background: bool = False) -> list[tuple[_Lab, float]]:
    """Return what `dominant_colors` does for a small picture [h, w, 3] that is CIELAB already."""
    pixels = lab.reshape(-1, 3)
    if ignore_background:
        background = border_connected(_near_white(lab))
        if background.any() and (~background).mean() >= _MIN_FOREGROUND:
            pixels = lab[~background]
    points, weights = _histogram(pixels)
    centers, shares = _merge(*_kmeans(points, weights, _seed(points, weights, count)))
    order = np.argsort(-shares, kind="stable")
    return [((float(centers[i, 0]), float(centers[i, 1]), float(centers[i, 2])), float(shares[i])) for i in order]


def border_connected(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the part of a (height, width) mask that is 4-connected to the border through the mask."""
    reached = np.zeros_like(mask)
    reached[[0, -1]] = mask[[0, -1]]
    reached[:, [0, -1]] = mask[:, [0, -1]]
    if not reached.any():
        return reached
    rows, columns = _runs(mask), _runs(mask.T).T
    before = -1
    while (size := int(np.count_nonzero(reached))) != before:
        before = size
        reached = _fill(columns, _fill(rows, reached))
    return reached


def _runs(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the number of the horizontal run of the mask each pixel belongs to, from 1; 0 outside the mask."""
    starts = mask.copy()
    starts[:, 1:] &= ~mask[:, :-1]
    return np.where(mask, np.cumsum(starts, dtype=np.int64).reshape(mask.shape), 0)


def _fill(runs: NDArray[np.int64], reached: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return all pixels of the runs of which a pixel is reached."""
    hit = np.zeros(runs.size + 1, dtype=bool)
    hit[runs[reached]] = True
    return hit[runs]


def _small(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, averaged down so that its long side has less than 2 × _LONG_SIDE pixels."""
    factor = max(image.size) // _LONG_SIDE
    if factor <= 1:
        return image.convert("RGB")
    return image.convert("RGB").reduce(factor)


def _near_white(lab: Floats) -> NDArray[np.bool_]:
    lightness, chroma = _NEAR_WHITE
    return (lab[..., 0] >= lightness) & (np.hypot(lab[..., 1], lab[..., 2]) <= chroma)


def _histogram(pixels: Floats) -> tuple[Floats, Floats]:
    """Return the mean color (n, 3) and the share (n,) of every occupied bin."""
    bins = np.floor(pixels / _BIN) @ np.array([_BINS**2, _BINS, 1], dtype=np.float32)  # whole numbers, hence exact
    keys = bins.astype(np.int64) + _FIRST
    counts = np.bincount(keys)
    occupied = np.flatnonzero(counts)
    number = np.empty(len(counts), dtype=np.int64)
    number[occupied] = np.arange(len(occupied))
    inverse, counts = number[keys], counts[occupied]
    means = np.stack([np.bincount(inverse, pixels[:, channel]) for channel in range(3)], axis=1) / counts[:, None]
    return means.astype(np.float32), (counts / counts.sum()).astype(np.float32)


def _seed(points: Floats, weights: Floats, count: int) -> Floats:
    """Return up to `count` seeds: the heaviest bin, then always the bin with the largest weight × distance²."""
    chosen = [int(np.argmax(weights))]
    distance = np.full(len(points), np.inf, dtype=np.float32)
    while len(chosen) < min(count, len(points)):
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        best = int(np.argmax(weights * distance))
        if distance[best] == 0:
            break
        chosen.append(best)
    return points[chosen]


def _kmeans(points: Floats, weights: Floats, centers: Floats) -> tuple[Floats, Floats]:
    totals = weights
    weighted = [weights * points[:, channel] for channel in range(3)]
    before: NDArray[np.int64] | None = None
    for _ in range(_ITERATIONS):
        # |p - c|² without the |p|² that is the same for all centers
        nearest = np.argmin((centers**2).sum(axis=1)[:, None] - 2 * centers @ points.T, axis=0)
        if before is not None and np.array_equal(nearest, before):
            break
        totals = np.bincount(nearest, weights, minlength=len(centers))
        kept = totals > 0
        sums = np.stack([np.bincount(nearest, values, minlength=len(centers)) for values in weighted], axis=1)
        centers, totals = (sums[kept] / totals[kept, None]).astype(np.float32), totals[kept]
        before = nearest if kept.all() else None  # with a center gone, the others have new numbers
    return centers, totals.astype(np.float32)


def _merge(centers: Floats, shares: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Join centers that look the same, nearest first; shares are normalized to add up to 1."""
    colors, areas = centers.astype(np.float64), shares.astype(np.float64)
    while len(colors) > 1:
        gaps = np.linalg.norm(colors[:, None] - colors[None], axis=2)
        np.fill_diagonal(gaps, np.inf)
        i, j = sorted(int(k) for k in np.unravel_index(int(np.argmin(gaps)), gaps.shape))
        if gaps[i, j] >= _SAME:
            break
        colors[i] = (colors[i] * areas[i] + colors[j] * areas[j]) / (areas[i] + areas[j])
        areas[i] += areas[j]
        colors, areas = np.delete(colors, j, axis=0), np.delete(areas, j)
    return colors, areas / areas.sum()
