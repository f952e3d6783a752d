"""Pictures that are no rooms, made from the training photographs and from nothing, so that `unknown` can be learned."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_WORDS = ("the", "of", "and", "house", "with", "from", "which", "because", "there", "would", "it", "a", "morning")


def make_negatives(photos: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return `count` pictures (n, s, s, 3) uint8 that show no room, made of the training `photos` (m, s, s, 3)."""
    rng = np.random.default_rng(seed)
    makers = (_cutout, _cutout, _cutout, _shuffled, _close_up, _drawn, _page)
    return np.stack([makers[i % len(makers)](photos[rng.integers(len(photos))], rng) for i in range(count)])


def _cutout(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A piece of a photograph on white, as shops show products."""
    side = photo.shape[0]
    wide, high = rng.uniform(0.2, 0.6, 2) * side
    x0, y0 = rng.uniform(0, side - wide), rng.uniform(0, side - high)
    piece = Image.fromarray(photo).crop((int(x0), int(y0), int(x0 + wide) + 1, int(y0 + high) + 1))
    scale = rng.uniform(0.4, 0.92) * side / max(piece.size)
    piece = piece.resize(
        (max(4, int(piece.width * scale)), max(4, int(piece.height * scale))), Image.Resampling.BICUBIC
    )
    canvas = Image.new("RGB", (side, side), tuple(int(v) for v in np.full(3, rng.integers(238, 256))))
    left, top = (int(rng.uniform(0.3, 0.7) * (side - n)) for n in piece.size)
    canvas.paste(piece, (left, top), _outline(piece.size, rng))
    return np.asarray(canvas)


def _outline(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    large = (size[0] * 2, size[1] * 2)
    mask = Image.new("L", large, 0)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    power = rng.choice([1.0, 0.5, 0.25])  # an ellipse, a rounded box, nearly a box
    wobble = 1 - 0.15 * rng.random(1) * (1 + np.sin(angle * rng.integers(2, 6) + rng.uniform(0, 6))) / 2
    x, y = (np.sign(f(angle)) * np.abs(f(angle)) ** power * wobble for f in (np.cos, np.sin))
    points = [((px + 1) / 2 * large[0], (py + 1) / 2 * large[1]) for px, py in zip(x, y, strict=True)]
    ImageDraw.Draw(mask).polygon(points, fill=255)
    return mask.resize(size, Image.Resampling.BILINEAR)


def _shuffled(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side, cuts = photo.shape[0], int(rng.choice([4, 8]))
    tiles = photo.reshape(cuts, side // cuts, cuts, side // cuts, 3).swapaxes(1, 2).reshape(cuts * cuts, -1)
    tiles = rng.permutation(tiles).reshape(cuts, cuts, side // cuts, side // cuts, 3)
    return tiles.swapaxes(1, 2).reshape(photo.shape)


def _close_up(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side, part = photo.shape[0], int(rng.integers(8, 24))
    x, y = rng.integers(0, side - part, 2)
    piece = Image.fromarray(photo[y : y + part, x : x + part])
    return np.asarray(piece.resize((side, side), Image.Resampling.BICUBIC))


def _drawn(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise, gradients and colored shapes, drawn from nothing."""
    side = photo.shape[0]
    coarse = rng.integers(0, 256, (int(rng.choice([2, 4, 16, side])),) * 2 + (3,), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _shape in range(int(rng.integers(0, 12))):
        x, y, w, h = rng.integers(0, side, 4)
        draw.ellipse((x, y, x + w // 2, y + h // 2), fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(3))
    return np.asarray(image)


def _page(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = photo.shape[0]
    paper, ink = int(rng.integers(225, 256)), int(rng.integers(0, 90))
    page = Image.new("RGB", (side * 2, side * 2), (paper,) * 3)
    draw = ImageDraw.Draw(page)
    margin, step = int(rng.integers(8, 40)), int(rng.integers(11, 20))
    for y in range(margin, side * 2 - margin, step):
        if rng.random() > 0.12:
            draw.text((margin, y), " ".join(rng.choice(_WORDS, 12)), fill=(ink,) * 3)
    return np.asarray(page.resize((side, side), Image.Resampling.BILINEAR))
