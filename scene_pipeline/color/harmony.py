"""How colors go together: the palette of a set of colors, and what a product's colors do in a room.

The rules are a colorist's. Tonal: the same color again. Analogous: a neighboring hue. Complementary: the hue across
the wheel. Accent: a small strong color of the room taken up. Neutral: grey, white and black answer everything in part.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scene_pipeline.color.names import color_name
from scene_pipeline.vocabulary import Vocabulary

DEFAULT_HARMONY = 0.4
NO_COLOR = 0.5
PALETTE_SHARE = 0.35
"""How much of the harmony the palettes decide; the colors themselves decide the rest."""

RULES = ("tonal", "analogous", "complementary")
_WORTH = np.array([1.0, 0.85, 0.7], dtype=np.float32)  # of the RULES
_NEUTRAL = 0.55
_STEP = 2.0  # CIELAB grid on which the colors of a catalog are counted when they meet typical rooms
_MIN_DEVIATION = 0.03


@dataclass(frozen=True, slots=True)
class Relation:
    """The strongest relation of a product's colors to a scene's: a rule, or "neutral", and the two colors in words.

    `share` is the share of the picture that the scene's color covers, `index` the position of the product's color, and
    `strength` how far the rule holds (0-1).
    """

    rule: str
    product: str
    scene: str
    share: float
    index: int = 0
    strength: float = 1.0


def palette_distribution(lab: np.ndarray, share: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """Return [n, P] how much of each palette a set of colors is: `lab` [n, m, 3], `share` [n, m] adding up to 1.

    A color belongs to palettes by the distance (CIE76) to their nearest anchor. Chromatic colors count more than
    their area, since they name a palette where walls and white grounds do not.
    """
    distance = np.stack(
        [
            np.linalg.norm(lab[:, :, None, :] - np.array(palette.anchors, dtype=np.float32), axis=-1).min(axis=-1)
            for palette in vocabulary.palettes
        ],
        axis=-1,
    )
    membership = np.exp(-distance / 9.0)
    membership /= membership.sum(axis=-1, keepdims=True)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    weight = share * (0.5 + np.minimum(chroma, 60.0) / 30.0)
    mixed = (membership * weight[..., None]).sum(axis=1)
    return mixed / np.maximum(mixed.sum(axis=1, keepdims=True), 1e-9)


def palette_harmony(vocabulary: Vocabulary, palettes: np.ndarray) -> np.ndarray:
    """Return [P + 1] the expected harmony of each palette with the scene's, the last for "no palette known"."""
    names = [palette.id for palette in vocabulary.palettes]
    table = np.full((len(names), len(names)), DEFAULT_HARMONY, dtype=np.float32)
    for i, palette in enumerate(vocabulary.palettes):
        for name, value in palette.harmony.items():
            table[i, names.index(name)] = table[names.index(name), i] = value
    np.fill_diagonal(table, 1.0)
    return np.append(table @ palettes, NO_COLOR).astype(np.float32)


def color_match(lab: np.ndarray, scene_lab: np.ndarray, scene_share: np.ndarray) -> np.ndarray:
    """Return [m] the worth (0-1) of each product color [m, 3] among a scene's colors [k, 3] with shares [k]."""
    related = (_relations(lab, scene_lab) * _WORTH[:, None, None]).max(axis=0)
    area = 0.6 + 0.4 * np.sqrt(scene_share / max(float(scene_share.max()), 1e-6))
    accent = 0.9 * np.clip((np.hypot(scene_lab[:, 1], scene_lab[:, 2]) - 20) / 20, 0, 1)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    neutral = _NEUTRAL * np.clip(1 - chroma / 12, 0, 1)
    return np.maximum((related * np.maximum(area, accent)).max(axis=-1), neutral)


def typical_harmony(
    colors: tuple[np.ndarray, np.ndarray, np.ndarray],
    rooms: Sequence[tuple[np.ndarray, np.ndarray]],
    vocabulary: Vocabulary,
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation [n] of the harmony that each product has with typical `rooms` (colors and shares).

    `colors` are the products' colors [n, c, 3], shares [n, c] and palettes [n]. White goes with nearly every room, so
    that it goes with this one says little; the deviation from the mean says what does.
    """
    lab, share, palette = colors
    places, inverse = np.unique(np.round(lab.reshape(-1, 3) / _STEP).astype(np.int16), axis=0, return_inverse=True)
    inverse = inverse.reshape(lab.shape[:2])
    total = np.zeros(len(lab), dtype=np.float32)
    squares = np.zeros(len(lab), dtype=np.float32)
    for room_lab, room_share in rooms:
        worth = color_match(places.astype(np.float32) * _STEP, room_lab, room_share)
        distribution = palette_distribution(room_lab[None], room_share[None], vocabulary)[0]
        value = mix((worth[inverse] * share).sum(axis=1), palette_harmony(vocabulary, distribution)[palette])
        total += value
        squares += value**2
    mean = total / len(rooms)
    deviation = np.sqrt(np.maximum(squares / len(rooms) - mean**2, 0.0))
    return mean, (deviation + _MIN_DEVIATION).astype(np.float32)


def mix(by_color: np.ndarray, by_palette: np.ndarray) -> np.ndarray:
    """Return the harmony of products [m] from that of their colors and that of their palettes."""
    return (1 - PALETTE_SHARE) * by_color + PALETTE_SHARE * by_palette


def strongest_relation(
    lab: np.ndarray, share: np.ndarray, scene_lab: np.ndarray, scene_share: np.ndarray
) -> Relation | None:
    """Return how a product's colors [c, 3] with shares [c] relate to a scene's; None for a product without colors."""
    own = np.flatnonzero(share > 0)
    if not len(own):
        return None
    held = _relations(lab[own], scene_lab)
    related = held * _WORTH[:, None, None] * share[own][:, None]
    rule, color, other = np.unravel_index(int(related.argmax()), related.shape)
    neutral = related[rule, color, other] < _NEUTRAL * share[own][color] * float(_chroma(lab[own][color]) < 12)
    return Relation(
        rule="neutral" if neutral else RULES[rule],
        product=color_name(lab[own][color]),
        scene=color_name(scene_lab[other]),
        share=float(scene_share[other]),
        index=int(own[color]),
        strength=float(held[rule, color, other]),
    )


def _chroma(lab: np.ndarray) -> float:
    return float(np.hypot(lab[1], lab[2]))


def _relations(lab: np.ndarray, scene_lab: np.ndarray) -> np.ndarray:
    """[3, m, k] how far each of RULES holds (0-1) between product colors [m, 3] and scene colors [k, 3]."""
    squared = ((lab[:, None] - scene_lab) ** 2).sum(axis=-1)
    tonal = np.exp(squared / -(22.0**2))
    turn = np.abs(np.arctan2(lab[:, 2], lab[:, 1])[:, None] - np.arctan2(scene_lab[:, 2], scene_lab[:, 1]))
    turn = np.minimum(turn, 2 * np.pi - turn)
    chroma, scene_chroma = np.hypot(lab[:, 1], lab[:, 2])[:, None], np.hypot(scene_lab[:, 1], scene_lab[:, 2])
    chromatic = np.clip((chroma - 10) / 20, 0, 1) * np.clip((scene_chroma - 8) / 16, 0, 1)
    analogous = np.exp(-((turn / 0.5) ** 2)) * chromatic
    complementary = np.exp(-(((np.pi - turn) / 0.5) ** 2)) * chromatic
    return np.stack([tonal, analogous, complementary]).astype(np.float32)
