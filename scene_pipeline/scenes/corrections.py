"""Read a scene as a person corrects it: another room, another style, things that are there or are not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.scenes.analysis import Classification
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class SceneCorrections:
    """Corrections of what was read. Rooms, styles and categories are ids of the vocabulary."""

    room: str | None = None
    style: str | None = None
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def corrected(scene: Scene, corrections: SceneCorrections, vocabulary: Vocabulary) -> Scene:
    """Return the scene with the corrections in place of what was read.

    Raises ScenePipelineError for an id that the vocabulary does not have.
    """
    analysis = scene.analysis
    rooms, styles = scene.rooms, scene.styles
    if corrections.room is not None:
        ids = [room.id for room in vocabulary.rooms]
        rooms = _certain(corrections.room, ids, "room")
        analysis = replace(analysis, room=_classification(corrections.room, ids), room_certain=True, note="")
    if corrections.style is not None:
        ids = [style.id for style in vocabulary.styles]
        styles = _certain(corrections.style, ids, "style")
        analysis = replace(analysis, style=_classification(corrections.style, ids), style_certain=True)
    if corrections.present or corrections.absent:
        categories = [category.id for category in vocabulary.categories]
        for name in (*corrections.present, *corrections.absent):
            _certain(name, categories, "category")
        present = {**analysis.present, **dict.fromkeys(corrections.present, 1.0)}
        present.update(dict.fromkeys(corrections.absent, 0.0))
        analysis = replace(analysis, present=dict(sorted(present.items(), key=lambda item: -item[1])))
    return replace(scene, analysis=analysis, rooms=rooms, styles=styles)


def _certain(name: str, ids: Sequence[str], kind: str) -> np.ndarray:
    if name not in ids:
        raise ScenePipelineError(f"{kind} '{name}' is not one of {', '.join(ids)}")
    return (np.array(ids) == name).astype(np.float32)


def _classification(name: str, ids: Sequence[str]) -> Classification:
    return Classification(name, 1.0, 0.0, {other: float(other == name) for other in ids})
