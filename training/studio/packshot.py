"""A product on white, as a shop photographs it."""

from __future__ import annotations

import numpy as np

from training.studio.camera import Camera, frame
from training.studio.geometry import Thing
from training.studio.materials import glow, matte
from training.studio.products.base import ProductType
from training.studio.render import Light, Stage, encode, render
from training.studio.shapes import box, quad

WHITE = matte((0.95, 0.95, 0.95))


def stage(thing: Thing, kind: ProductType, rng: np.random.Generator, overhead: bool = False) -> Stage:
    """Return the set-up for one product: a white sweep, a large soft light from one side, fill from everywhere.

    A rug is seen from straight above when `overhead`.
    """
    low, high = thing.bounds()
    size = float(np.linalg.norm(high - low))
    middle = (low + high) / 2
    yaw, pitch = float(rng.uniform(-32, 32)), float(rng.uniform(13, 22))
    far = 60 * size
    if kind.mount in ("wall", "window"):
        yaw, pitch = float(rng.uniform(-14, 14)), float(rng.uniform(-3, 5))
        backdrop = box(far, 0.02, far, 0.001).moved(0, 0.011, -far / 2)
    elif kind.mount == "rug":
        yaw, pitch = float(rng.uniform(-12, 12)), float(rng.uniform(42, 62))
        if overhead:
            yaw, pitch = 0.0, 89.0
        backdrop = box(far, far, 0.02, 0.001).moved(0, 0, -0.021)
    elif kind.mount == "ceiling":
        pitch = float(rng.uniform(-6, 6))
        backdrop = box(far, 0.02, far, 0.001).moved(0, 1.6 * size, -far / 2)
    else:
        backdrop = box(far, far, 0.02, 0.001).moved(0, 0, float(low[2]) - 0.021)
    camera = frame(low, high, yaw, pitch, fov=24)
    surroundings = Thing.of((backdrop, WHITE))
    if kind.id in ("mirror", "vanity_mirror"):
        surroundings = surroundings + _cards(camera, size)
    side = -1 if rng.random() < 0.5 else 1
    key = middle + np.array([side * 1.3, -1.4, 1.6]) * 6 * size  # far away, so that the sweep is lit evenly
    light = Light(tuple(key), tuple(middle), (9 * size, 9 * size), (8.0, 7.9, 7.7))
    return Stage([surroundings, thing], [light], [], (0.72, 0.72, 0.72), camera, lamps=0.3)


def _cards(camera: Camera, size: float) -> Thing:
    """Return two bright slanting strips behind the camera, so that a mirror has something to show."""
    right, _, forward = camera.axes()
    turn = float(np.degrees(np.arctan2(right[1], right[0])))
    x, y, z = np.asarray(camera.origin) - forward * 2 * size
    strips = []
    for shift, width in ((-1.1, 1.5), (0.6, 0.5)):
        strip = quad(width * size, 16 * size).moved(0, 0, -8 * size).turned("y", 28).moved(shift * size)
        strips.append(strip.turned("z", turn + 180).moved(x, y, z))
    return Thing.of(*[(strip, glow((1.0, 1.0, 1.0), 4.6)) for strip in strips])


def photograph(
    thing: Thing, kind: ProductType, size: int, samples: int, seed: int, guide: int = 0, overhead: bool = False
) -> np.ndarray:
    """Return the packshot, (size, size, 3) uint8, its background close to pure white."""
    set_up = stage(thing, kind, np.random.default_rng(seed), overhead)
    picture = render(set_up, (size, size), samples, depth=8, guide=guide, seed=seed)
    edge = np.concatenate(
        [
            picture[:2].reshape(-1, 3),
            picture[-2:].reshape(-1, 3),
            picture[:, :2].reshape(-1, 3),
            picture[:, -2:].reshape(-1, 3),
        ]
    )
    white = float(np.percentile(edge.mean(axis=1), 60))
    toned = picture / white
    # a soft shoulder keeps bright glazes and lit shades from clipping, and sends the sweep to white
    shoulder = np.where(toned > 0.75, 0.75 + 0.27 * (1 - np.exp(-(toned - 0.75) / 0.25 * 1.05)), toned)
    return encode(shoulder / 0.925)
