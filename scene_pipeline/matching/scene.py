"""Say what a photograph shows: room, style and palette, each as a distribution that may answer "unknown"."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from scene_pipeline.encoders.prompts import PromptVectors
from scene_pipeline.images.palette import dominant_colors, lab_to_hex
from scene_pipeline.matching.traits import palette_distribution
from scene_pipeline.matching.types import UNKNOWN, SceneAnalysis, SceneColor, Trait
from scene_pipeline.vocabulary import Vocabulary

SCENE_COLORS = 6


@dataclass(frozen=True, slots=True)
class Scene:
    """The numbers behind an analysis: what the factors are computed from.

    `vector` is the unit image vector [d]; `rooms` [R], `styles` [S] and `palettes` [P] each add up to 1; `lab` [m, 3]
    and `share` [m] are the dominant colours.
    """

    analysis: SceneAnalysis
    vector: np.ndarray
    rooms: np.ndarray
    styles: np.ndarray
    palettes: np.ndarray
    lab: np.ndarray
    share: np.ndarray


def analyse(image: Image.Image, vector: np.ndarray, prompts: PromptVectors, vocabulary: Vocabulary) -> Scene:
    """Return the scene that `image` (RGB) shows, given its unit image vector [d] of the bundle's encoder."""
    colors = dominant_colors(image, count=SCENE_COLORS)
    lab = np.array([color for color, _ in colors], dtype=np.float32)
    share = np.array([area for _, area in colors], dtype=np.float32)
    rooms = softmax(prompts.room @ vector / prompts.temperature)
    styles = softmax(prompts.style @ vector / prompts.temperature)
    palettes = palette_distribution(lab[None], share[None], vocabulary)[0]
    unknown = float(rooms[-1])
    is_unknown = unknown >= vocabulary.scoring.unknown_threshold
    room_names = [*[room.id for room in vocabulary.rooms], UNKNOWN]
    known_rooms = rooms[:-1] / max(float(rooms[:-1].sum()), 1e-9)
    analysis = SceneAnalysis(
        room=_room_trait(room_names, rooms, is_unknown),
        style=_trait([style.id for style in vocabulary.styles], styles),
        palette=_trait([palette.id for palette in vocabulary.palettes], palettes),
        colors=tuple(
            SceneColor(lab=(float(c[0]), float(c[1]), float(c[2])), hex=lab_to_hex(c), share=float(area))
            for c, area in colors
        ),
        note=(
            f"this looks like no room ({unknown:.0%} {UNKNOWN}); products are matched by colour and likeness alone"
            if is_unknown
            else ""
        ),
    )
    uniform = np.full(len(known_rooms), 1 / len(known_rooms), dtype=np.float32)
    return Scene(
        analysis=analysis,
        vector=vector,
        rooms=uniform if is_unknown else known_rooms.astype(np.float32),
        styles=styles.astype(np.float32),
        palettes=palettes.astype(np.float32),
        lab=lab,
        share=share,
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of a vector, computed without overflow."""
    exponent = np.exp(logits - logits.max())
    return exponent / exponent.sum()


def _room_trait(names: Sequence[str], probabilities: np.ndarray, is_unknown: bool) -> Trait:
    """The null class wins only above its threshold; below it the best room is named, with its honest share."""
    best = len(names) - 1 if is_unknown else int(probabilities[:-1].argmax())
    return _trait(names, probabilities, best)


def _trait(names: Sequence[str], probabilities: np.ndarray, best: int | None = None) -> Trait:
    best = int(probabilities.argmax()) if best is None else best
    positive = probabilities[probabilities > 0]
    entropy = float(-(positive * np.log(positive)).sum() / np.log(len(probabilities)))
    return Trait(
        value=names[best],
        confidence=float(probabilities[best]),
        entropy=entropy,
        distribution={name: float(p) for name, p in zip(names, probabilities, strict=True)},
    )
