"""Bitmaps made by arithmetic: wood, planks, tiles, brick, weave, marble, rugs. All repeat without a seam."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Texture:
    """A bitmap by recipe. `size` is the surface in metres one repeat covers; (1, 1) with unit uv fills a face."""

    kind: str
    colors: tuple[Rgb, ...]
    seed: int = 0
    size: tuple[float, float] = (1.0, 1.0)
    scale: float = 1.0

    def pixels(self) -> np.ndarray:
        """Return the bitmap, (height, width, 3 or 4) float32 sRGB; the fourth channel is opacity."""
        return _render(self.kind, self.colors, self.seed, self.scale)


@lru_cache(maxsize=96)
def _render(kind: str, colors: tuple[Rgb, ...], seed: int, scale: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return KINDS[kind](np.asarray(colors, float), rng, scale).clip(0, 1).astype(np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, int], power: float, stretch: float = 1.0) -> np.ndarray:
    """Return seamless noise (height, width) of zero mean and unit spread; larger `power` is smoother."""
    fy = np.fft.fftfreq(shape[0])[:, None] * shape[0]
    fx = np.fft.rfftfreq(shape[1])[None, :] * shape[1] * stretch
    strength = np.maximum(np.hypot(fy, fx), 1.0) ** -power
    strength[0, 0] = 0
    spectrum = strength * np.exp(2j * np.pi * rng.random(strength.shape))
    field = np.fft.irfft2(spectrum, shape)
    return (field - field.mean()) / max(field.std(), 1e-9)


def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    return np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)


def _shade(base: np.ndarray, tone: np.ndarray) -> np.ndarray:
    return base * (1 + tone[..., None])


def wood(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Grain runs along u (the width)."""
    shape = (256, 512)
    warp = noise(rng, shape, 1.9, 5.0)
    y = _grid(*shape)[1]
    rings = np.sin(2 * np.pi * (y * 7 * scale) + warp * 2.2)
    fibre = noise(rng, shape, 0.75, 14.0)
    pores = np.clip(noise(rng, shape, 0.35, 22.0) - 1.2, 0, 2)
    return _shade(colors[0], 0.07 * rings + 0.05 * fibre - 0.09 * pores + 0.04 * warp)


def planks(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Floorboards along u, eight rows, each cut at its own place."""
    height, width, rows = 512, 512, 8
    grain = wood(np.ones((1, 3)), rng, 2.5)[..., 0]
    grain = np.tile(grain, (2, 1))
    tone = np.zeros((height, width))
    gap = np.zeros((height, width))
    step = height // rows
    for row in range(rows):
        cut = int(rng.integers(0, width))
        lines = slice(row * step, (row + 1) * step)
        half = (np.arange(width) - cut) % width < width // 2
        tone[lines] += np.where(half, rng.normal(0, 0.07), rng.normal(0, 0.07))
        shift = np.roll(grain[lines], int(rng.integers(0, width)), axis=1)
        tone[lines] += np.where(half, shift, np.roll(shift, 97, axis=1)) - 1
        gap[row * step] = 1
        gap[lines, cut] = gap[lines, (cut + width // 2) % width] = 0.8
    return _shade(colors[0], tone * scale - 0.38 * gap)


def herringbone(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Blocks of 1:4 laid in herringbone; a repeat is eight blocks wide."""
    n, cells = 512, 8
    x, y = _grid(n, n)
    cx, cy = np.floor(x * cells).astype(int), np.floor(y * cells).astype(int)
    phase = (cx - cy) % 8
    across = phase < 4  # horizontal block starting `phase` cells to the left
    start_x = np.where(across, (cx - phase) % cells, cx)
    start_y = np.where(across, cy, (cy - (7 - phase)) % cells)
    key = (start_x * 31 + start_y * 17 + across * 7) % 97
    tones = rng.normal(0, 0.08, 97)[key]
    fx, fy = (x * cells) % 1, (y * cells) % 1
    edge = np.where(across, np.minimum(fy, 1 - fy), np.minimum(fx, 1 - fx)) < 0.035
    end = np.where(across, ((phase == 0) & (fx < 0.035)) | ((phase == 3) & (fx > 0.965)), False)
    fibre = noise(rng, (n, n), 0.7, 9.0)
    tone = tones + 0.06 * np.where(across, fibre, fibre.T)
    return _shade(colors[0], tone * scale - 0.3 * (edge | end))


def tiles(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Four by four tiles of colors[0] with joints of colors[1]; colors[2], if given, chequers them."""
    n, count = 512, 4
    x, y = _grid(n, n)
    cx, cy = (x * count).astype(int), (y * count).astype(int)
    fx, fy = x * count % 1, y * count % 1
    joint = np.minimum(np.minimum(fx, 1 - fx), np.minimum(fy, 1 - fy)) < 0.014 * scale
    tone = rng.normal(0, 0.018, (count, count))[cy, cx] + 0.012 * noise(rng, (n, n), 1.4)
    base = np.broadcast_to(colors[0], (n, n, 3)).copy()
    if len(colors) > 2:
        base[(cx + cy) % 2 == 1] = colors[2]
    out = _shade(base, tone)
    out[joint] = colors[1]
    return out


def brick(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Running bond: bricks of colors[0], mortar of colors[1]; 4 bricks by 8 courses."""
    n, across, up = 512, 4, 8
    x, y = _grid(n, n)
    wobble = 0.0035 * noise(rng, (n, n), 1.6)
    row = ((y + wobble) * up).astype(int) % up
    shifted = (x + wobble) * across + 0.5 * (row % 2)
    column = np.floor(shifted).astype(int) % across
    fx, fy = shifted % 1, (y + wobble) * up % 1
    joint = (np.minimum(fx, 1 - fx) < 0.022 * scale) | (np.minimum(fy, 1 - fy) < 0.05 * scale)
    tone = rng.normal(0, 0.13, (up, across))[row, column] + 0.07 * noise(rng, (n, n), 1.0)
    out = _shade(colors[0], tone)
    out[joint] = colors[1] * (1 + 0.04 * noise(rng, (n, n), 1.0)[joint][:, None])
    return out


def subway(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Glazed wall tiles in running bond: clean edges, narrow joints."""
    n, across, up = 512, 4, 8
    x, y = _grid(n, n)
    row = (y * up).astype(int)
    shifted = x * across + 0.5 * (row % 2)
    column = np.floor(shifted).astype(int) % across
    fx, fy = shifted % 1, y * up % 1
    joint = (np.minimum(fx, 1 - fx) < 0.012 * scale) | (np.minimum(fy, 1 - fy) < 0.026 * scale)
    out = _shade(colors[0], rng.normal(0, 0.02, (up, across))[row, column])
    out[joint] = colors[1]
    return out


def weave(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Plain-woven cloth: crossing threads of uneven thickness."""
    n, threads = 256, 48
    x, y = _grid(n, n)
    warp = np.abs(np.sin(np.pi * x * threads)) * (0.8 + 0.25 * noise(rng, (n, n), 0.8, 0.1))
    weft = np.abs(np.sin(np.pi * y * threads)) * (0.8 + 0.25 * noise(rng, (n, n), 0.8, 10))
    over = ((np.floor(x * threads) + np.floor(y * threads)) % 2).astype(bool)
    tone = np.where(over, warp, weft) - 0.6
    return _shade(colors[0], scale * (0.16 * tone + 0.03 * noise(rng, (n, n), 1.0)))


def knit(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Chunky knit: columns of V stitches."""
    n, columns, rows = 256, 12, 16
    x, y = _grid(n, n)
    fx = x * columns % 1
    slope = np.abs(fx - 0.5) * 1.4
    stitch = np.abs(np.sin(np.pi * (y * rows + slope)))
    tone = 0.28 * (stitch - 0.6) - 0.25 * (np.minimum(fx, 1 - fx) < 0.07)
    return _shade(colors[0], scale * tone + 0.03 * noise(rng, (n, n), 0.6))


def basket(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Coarse plaiting of cane, rush or seagrass."""
    n, strands = 256, 12
    x, y = _grid(n, n)
    cx, cy = np.floor(x * strands).astype(int), np.floor(y * strands).astype(int)
    fx, fy = x * strands % 1, y * strands % 1
    over = (cx + cy) % 2 == 0
    bulge = np.where(
        over, np.sin(np.pi * fx) * np.sin(np.pi * fy) ** 0.4, np.sin(np.pi * fy) * np.sin(np.pi * fx) ** 0.4
    )
    tones = rng.normal(0, 0.08, (strands, strands))[cy, cx]
    return _shade(colors[0], scale * (0.5 * (bulge - 0.62) + tones))


def cane(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Open cane webbing with its holes transparent (the fourth channel)."""
    n, cells = 256, 10
    x, y = _grid(n, n)
    fx, fy = np.abs(x * cells % 1 - 0.5), np.abs(y * cells % 1 - 0.5)
    diagonal = np.abs((x + y) * cells % 1 - 0.5), np.abs((x - y) * cells % 1 - 0.5)
    solid = (fx > 0.36) | (fy > 0.36) | (diagonal[0] > 0.42) | (diagonal[1] > 0.42)
    out = _shade(colors[0], 0.12 * noise(rng, (n, n), 0.6))
    return np.dstack([out, solid.astype(float)])


def marble(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Veins of colors[1] in colors[0]."""
    shape = (512, 512)
    veins = np.zeros(shape)
    for power, weight in ((1.7, 1.0), (1.5, 0.5)):
        veins += weight * np.exp(-np.abs(noise(rng, shape, power)) * 14)
    cloud = 0.5 + 0.5 * np.tanh(noise(rng, shape, 1.7))
    mixed = (scale * veins * cloud * 0.8 + 0.10 * cloud).clip(0, 1)[..., None]
    return colors[0] * (1 - mixed) + colors[1] * mixed


def plaster(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Concrete, limewash, terracotta: clouds and fine grain."""
    shape = (512, 512)
    return _shade(colors[0], scale * (0.05 * noise(rng, shape, 1.5) + 0.025 * noise(rng, shape, 0.5)))


def terrazzo(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Chips of colors[1:] in colors[0]."""
    n = 512
    out = np.broadcast_to(colors[0], (n, n, 3)).copy()
    for tint in colors[1:]:
        chips = noise(rng, (n, n), 0.9) > 2.0 - 0.25 * scale
        out[chips] = tint
    return out


def speckle(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Stoneware glaze: iron specks of colors[1] and a gentle cloud."""
    shape = (256, 256)
    out = _shade(colors[0], 0.03 * noise(rng, shape, 1.6))
    specks = noise(rng, shape, 0.15) > 3.1 - 0.4 * scale
    out[specks] = colors[1]
    return out


def reactive(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Reactive glaze: colors[0] running into colors[1] down the body (v is height, 0-1 of the piece)."""
    shape = (256, 256)
    y = _grid(*shape)[1]
    wave = np.abs(2 * y - 1)  # down and up again, so that it repeats
    share = 1 / (1 + np.exp(-(wave - 0.5 + 0.12 * noise(rng, shape, 1.5)) * 9))[..., None]
    return (colors[0] * (1 - share) + colors[1] * share) * (1 + 0.03 * noise(rng, shape, 0.8)[..., None])


def stripes(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Woven stripes of the colors along u, of uneven width."""
    n = 256
    _, y = _grid(n, n)
    edges = np.sort(rng.random(int(5 + 5 * scale)))
    out = colors[np.searchsorted(edges, y) % len(colors)]
    return out * weave(np.ones((1, 3)), rng, 0.7)[:n, :n]


def ticking(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Even, narrow stripes of colors[1] on colors[0]."""
    n = 256
    _, y = _grid(n, n)
    out = np.where(((y * 9 * scale) % 1 < 0.28)[..., None], colors[1], colors[0])
    return out * weave(np.ones((1, 3)), rng, 0.7)


def checks(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Gingham of colors[1] on colors[0]."""
    x, y = _grid(256, 256)
    a, b = (x * 5 * scale % 1 < 0.5), (y * 5 * scale % 1 < 0.5)
    share = (a * 0.5 + b * 0.5)[..., None]
    return (colors[0] * (1 - share) + colors[1] * share) * weave(np.ones((1, 3)), rng, 0.6)


def zigzag(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Chevrons of the colors."""
    x, y = _grid(256, 256)
    band = np.floor((y * 8 + np.abs(x * 6 % 1 - 0.5) * 1.6) * 1.0).astype(int)
    return colors[band % len(colors)] * weave(np.ones((1, 3)), rng, 0.6)


def diamonds(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """A trellis of colors[1] on colors[0], as on a Berber rug."""
    x, y = _grid(384, 384)
    a = np.abs((x * 4 + y * 4 + 0.02 * noise(rng, x.shape, 1.5)) % 1 - 0.5)
    b = np.abs((x * 4 - y * 4 + 0.02 * noise(rng, x.shape, 1.5)) % 1 - 0.5)
    line = (np.minimum(a, b) < 0.055 * scale)[..., None]
    return np.where(line, colors[1], colors[0]) * (1 + 0.05 * noise(rng, x.shape, 0.4)[..., None])


def kilim(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Bands of stepped diamonds and triangles."""
    height, width = 512, 384
    x, y = _grid(height, width)
    bands = 9
    row = (y * bands).astype(int)
    fy = np.floor((y * bands % 1) * 8) / 8
    out = np.empty((height, width, 3))
    for k in range(bands):
        base, ink, dot = colors[rng.permutation(len(colors))[:3] if len(colors) > 2 else [0, 1, 0]]
        count = int(rng.integers(4, 9))
        fx = np.floor(np.abs((x * count) % 1 - 0.5) * 16) / 16
        shape = [fx + np.abs(fy - 0.5) < 0.42, fx < fy * 0.5, (fx * 2 + fy) % 0.5 < 0.22][k % 3]
        core = fx + np.abs(fy - 0.5) < 0.16
        band = np.where(shape[..., None], ink, base)
        band = np.where(core[..., None], dot, band)
        out = np.where((row == k)[..., None], band, out)
    return out * (1 + 0.05 * noise(rng, (height, width), 0.4)[..., None])


def oriental(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """A bordered carpet with a medallion and scattered flowers (unit uv)."""
    height, width = 512, 384
    x, y = _grid(height, width)
    u, v = np.abs(x - 0.5) * 2, np.abs(y - 0.5) * 2
    edge = np.minimum((1 - u) * 0.75, 1 - v)
    field, border, ink, light = (colors[i % len(colors)] for i in range(4))
    flower = np.sin(u * 34) * np.sin(v * 42) + 0.6 * np.sin((u + v) * 40) * np.cos((u - v) * 26)
    out = np.where((flower > 0.75)[..., None], light, field)
    out = np.where((flower < -0.85)[..., None], ink, out)
    r = np.hypot(u, v * 0.8) + 0.05 * np.cos(8 * np.arctan2(v, u))
    for limit, tint in ((0.52, ink), (0.49, border), (0.33, light), (0.30, field), (0.16, ink), (0.11, light)):
        out = np.where((r < limit)[..., None], np.where((flower > 0.9)[..., None], light, tint), out)
    corner = np.hypot(1 - u, 1 - v) < 0.36
    out = np.where(corner[..., None], border, out)
    frame = edge < 0.16
    motif = np.sin(x * 90) * np.sin(y * 120) > 0.3
    out = np.where(frame[..., None], np.where(motif[..., None], light, border), out)
    for limit in (0.165, 0.03):
        out = np.where((np.abs(edge - limit) < 0.012)[..., None], ink, out)
    return out * (1 + 0.05 * noise(rng, (height, width), 0.4)[..., None])


def blocks(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """A modern rug: large overlapping curves of the colors (unit uv)."""
    x, y = _grid(384, 384)
    out = np.broadcast_to(colors[0], (384, 384, 3)).copy()
    for k in range(1, 2 + len(colors)):
        cx, cy, r = rng.uniform(0, 1, 3)
        inside = np.hypot(x - cx, y - cy) < 0.22 + 0.3 * r
        out[inside] = colors[k % len(colors)]
    return out * (1 + 0.045 * noise(rng, (384, 384), 0.4)[..., None])


def pile(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Plain woollen pile: brushed one way and the other."""
    shape = (384, 384)
    return _shade(colors[0], scale * (0.06 * noise(rng, shape, 1.2) + 0.06 * noise(rng, shape, 0.3)))


def spots(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Dots of colors[1:] on colors[0], in offset rows."""
    x, y = _grid(256, 256)
    row = np.floor(y * 6)
    fx, fy = (x * 6 + 0.5 * (row % 2)) % 1 - 0.5, y * 6 % 1 - 0.5
    inside = np.hypot(fx, fy) < 0.22 * scale
    pick = 1 + (np.floor(x * 6 + 0.5 * (row % 2)).astype(int) % 6 + row.astype(int)) % max(len(colors) - 1, 1)
    return np.where(inside[..., None], colors[pick % len(colors)], colors[0]) * weave(np.ones((1, 3)), rng, 0.5)


def floral(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Flowers of five petals in colors[1:] with leaves, scattered over colors[0]."""
    x, y = _grid(256, 256)
    out = np.broadcast_to(colors[0], (256, 256, 3)).copy()
    for k in range(16):
        cx, cy, turn = rng.random(), rng.random(), rng.random() * 2 * np.pi
        size = rng.uniform(0.06, 0.12) * scale
        dx, dy = (x - cx + 0.5) % 1 - 0.5, (y - cy + 0.5) % 1 - 0.5
        r, angle = np.hypot(dx, dy), np.arctan2(dy, dx) + turn
        leaf = np.hypot(dx * np.cos(turn) + dy * np.sin(turn) - size, (dy * np.cos(turn) - dx * np.sin(turn)) * 2.5)
        out[leaf < size * 0.8] = colors[(k + 2) % len(colors)] * 0.6
        out[r < size * (0.7 + 0.3 * np.cos(5 * angle))] = colors[1 + k % (len(colors) - 1)]
        out[r < size * 0.25] = colors[0] * 0.7
    return out * weave(np.ones((1, 3)), rng, 0.5)


def animal(colors: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Stripes of a zebra or rosettes of a leopard, colors[1] on colors[0]."""
    shape = (256, 256)
    x, _ = _grid(*shape)
    if rng.random() < 0.5:
        dark = np.sin(2 * np.pi * 7 * x * scale + 2.6 * noise(rng, shape, 1.6)) > 0.1
    else:
        field = noise(rng, shape, 1.0) - 0.35 * noise(rng, shape, 0.4)
        dark = (np.abs(field - 0.75) < 0.3) | (field < -1.9)
    return np.where(dark[..., None], colors[1], colors[0])


def _register() -> dict[str, Callable[[np.ndarray, np.random.Generator, float], np.ndarray]]:
    from training.studio import artwork

    makers = (
        wood,
        planks,
        herringbone,
        tiles,
        brick,
        subway,
        weave,
        knit,
        basket,
        cane,
        marble,
        plaster,
        terrazzo,
        speckle,
        reactive,
        stripes,
        ticking,
        checks,
        zigzag,
        diamonds,
        kilim,
        oriental,
        blocks,
        pile,
        spots,
        floral,
        animal,
    )
    return {maker.__name__: maker for maker in makers} | artwork.KINDS


KINDS = _register()
