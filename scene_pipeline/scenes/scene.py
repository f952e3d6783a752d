"""Read what a photograph shows: room, style and palette, each as a distribution that may be "unknown"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from scene_pipeline.color.accents import Accent, accents
from scene_pipeline.color.density import log_density
from scene_pipeline.color.dominant import dominant_of
from scene_pipeline.color.harmony import palette_distribution
from scene_pipeline.color.lab import lab_to_hex, rgb_to_lab
from scene_pipeline.encoders.windows import SceneEmbedding
from scene_pipeline.scenes.analysis import (
    PHOTOGRAPHS,
    UNKNOWN,
    Classification,
    Decor,
    RoomReading,
    SceneAnalysis,
    SceneColor,
)
from scene_pipeline.scenes.decor import decor
from scene_pipeline.scenes.light import measure_light, reduced, remove_color_cast
from scene_pipeline.scenes.room_heads import RoomHeads
from scene_pipeline.scenes.room_reading import read_room
from scene_pipeline.scenes.style_head import StyleHead
from scene_pipeline.scenes.zero_shot import ZeroShotClassifier
from scene_pipeline.vocabulary import Vocabulary

SCENE_COLORS = 6


@dataclass(frozen=True, slots=True)
class Scene:
    """The numbers behind an analysis: what the factors are computed from.

    `vector` is the unit image vector [d]; `rooms` [R], `styles` [S] and `palettes` [P] each add up to 1; `lab` [m, 3]
    and `share` [m] are the dominant colors, `density` [cells] is that of all colors (see `color.density`), `accents`
    are its accent colors. `windows` [w, look] are unit vectors of the picture's windows, `boxes` [w, 4] where they lie
    (left, top, right, bottom, 0-1). `others` are the windows [w, d] of a bundle's further encoders by id, as they are
    compared with products.
    """

    analysis: SceneAnalysis
    vector: np.ndarray
    rooms: np.ndarray
    styles: np.ndarray
    palettes: np.ndarray
    lab: np.ndarray
    share: np.ndarray
    density: np.ndarray
    accents: tuple[Accent, ...]
    windows: np.ndarray
    boxes: np.ndarray
    others: dict[str, np.ndarray] = field(default_factory=dict)


def analyze(image: Image.Image, embedding: SceneEmbedding, classifier: ZeroShotClassifier) -> Scene:
    """Return the scene that `image` (RGB) shows, with `embedding` its vectors."""
    vector = embedding.vector
    vocabulary = classifier.vocabulary
    small = reduced(image)
    neutral = rgb_to_lab(np.asarray(remove_color_cast(small)))
    colors = dominant_of(neutral, count=SCENE_COLORS)
    labs, areas = zip(*colors, strict=True)
    lab, share = np.array(labs, dtype=np.float32), np.array(areas, dtype=np.float32)
    palettes = palette_distribution(lab[None], share[None], vocabulary)[0]
    density = log_density(neutral.reshape(-1, 3))
    accent_colors, names = accents(density), list(map(lab_to_hex, labs))
    domain = classifier.reference.domain_name(vector)
    reading = None
    if embedding.maps is not None:
        reading = read_room(RoomHeads.shipped(), embedding.maps, neutral, domain)
    probabilities = classifier.rooms_of(embedding, reading.present if reading else None)
    read = _read_room(probabilities, vocabulary)
    if read.room.value == UNKNOWN:
        reading = None
    styles = _styles(embedding, classifier, domain)
    style = _classification([style.id for style in vocabulary.styles], styles)
    analysis = SceneAnalysis(
        room=read.room,
        style=style,
        palette=_classification([palette.id for palette in vocabulary.palettes], palettes),
        colors=tuple(
            SceneColor(lab=(float(c[0]), float(c[1]), float(c[2])), hex=name, share=float(area))
            for c, area, name in zip(labs, areas, names, strict=True)
        ),
        note=read.note,
        light=measure_light(small),
        present=classifier.present(embedding.views),
        room_certain=read.certain,
        style_certain=style.confidence >= vocabulary.scoring.style_certainty,
        domain=domain,
        reading=reading,
        decor=_decor(reading, read, vocabulary),
    )
    return Scene(
        analysis=analysis,
        vector=vector,
        rooms=read.weights,
        styles=styles.astype(np.float32),
        palettes=palettes.astype(np.float32),
        lab=lab,
        share=share,
        density=density,
        accents=accent_colors,
        windows=embedding.windows,
        boxes=embedding.boxes,
    )


def _styles(embedding: SceneEmbedding, classifier: ZeroShotClassifier, domain: str) -> np.ndarray:
    """Return the probabilities [S] of the styles, by prompts, and by the style head where its feature maps exist."""
    by_words = classifier.styles(embedding.vector)
    if embedding.maps is None:
        return by_words
    names = [style.id for style in classifier.vocabulary.styles]
    return StyleHead.shipped().applied(by_words, names, embedding.maps[-1], domain == PHOTOGRAPHS)


@dataclass(frozen=True, slots=True)
class _RoomRead:
    room: Classification
    certain: bool
    note: str
    weights: np.ndarray


def _read_room(probabilities: np.ndarray, vocabulary: Vocabulary) -> _RoomRead:
    """Return the room's classification and weights [R] from probabilities [R + 1] of the rooms and the null class."""
    scoring = vocabulary.scoring
    names = [*[room.id for room in vocabulary.rooms], UNKNOWN]
    is_unknown = float(probabilities[-1]) >= scoring.unknown_threshold
    room = _room_classification(names, probabilities, is_unknown)
    stated = next((entry.certainty for entry in vocabulary.rooms if entry.id == room.value), None)
    certain = not is_unknown and room.confidence >= (scoring.room_certainty if stated is None else stated)
    known = probabilities[:-1] ** scoring.room_sharpness
    known = np.full(len(known), 1 / len(known)) if is_unknown else known / max(float(known.sum()), 1e-9)
    note = "" if certain else _note(room, {entry.id: entry.name for entry in vocabulary.rooms})
    return _RoomRead(room, certain, note, known.astype(np.float32))


def _decor(reading: RoomReading | None, read: _RoomRead, vocabulary: Vocabulary) -> Decor | None:
    """Return what is there already and what the room usually has; None where nothing was read."""
    if reading is None:
        return None
    usual = next((entry.usual for entry in vocabulary.rooms if read.certain and entry.id == read.room.value), {})
    return decor(reading, usual)


def with_rooms(scene: Scene, probabilities: np.ndarray, vocabulary: Vocabulary) -> Scene:
    """Return the scene read with other probabilities [R + 1] of the rooms and the null class."""
    read = _read_room(probabilities, vocabulary)
    analysis = replace(
        scene.analysis,
        room=read.room,
        room_certain=read.certain,
        note=read.note,
        decor=_decor(scene.analysis.reading, read, vocabulary),
    )
    return replace(scene, analysis=analysis, rooms=read.weights)


def plausible_rooms(room: Classification) -> list[str]:
    """Return the rooms that are at least half as probable as the most probable one, the most probable first."""
    known = sorted(((p, name) for name, p in room.distribution.items() if name != UNKNOWN), reverse=True)
    return [name for p, name in known if p >= 0.5 * known[0][0]]


def _note(room: Classification, names: Mapping[str, str]) -> str:
    """Return why no room is named, and how the list is chosen then."""
    if room.value == UNKNOWN:
        unknown = f"this does not look like a room ({room.confidence:.0%} {UNKNOWN})"
        return f"{unknown}; products are matched by color and similarity alone"
    shown = [f"{names[name]} {room.distribution[name]:.0%}" for name in plausible_rooms(room)[:3]]
    return f"the room is not certain ({' or '.join(shown)}); the list keeps to what suits several rooms"


def _room_classification(names: Sequence[str], probabilities: np.ndarray, is_unknown: bool) -> Classification:
    """Name the null class only above its threshold; otherwise name the best room, with its unchanged share."""
    best = len(names) - 1 if is_unknown else int(probabilities[:-1].argmax())
    return _classification(names, probabilities, best)


def _classification(names: Sequence[str], probabilities: np.ndarray, best: int | None = None) -> Classification:
    best = int(probabilities.argmax()) if best is None else best
    positive = probabilities[probabilities > 0]
    entropy = float(-(positive * np.log(positive)).sum() / np.log(len(probabilities)))
    return Classification(
        value=names[best],
        confidence=float(probabilities[best]),
        entropy=entropy,
        distribution={name: float(p) for name, p in zip(names, probabilities, strict=True)},
    )
