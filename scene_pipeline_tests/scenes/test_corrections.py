"""What a person says of a scene counts as certain."""

from dataclasses import replace

from scene_pipeline.scenes.corrections import SceneCorrections, corrected
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline_tests.matching.test_choosing import scene

VOCABULARY = load_vocabulary()


def test_a_room_and_a_style_that_were_not_certain_are_once_they_are_corrected() -> None:
    read = scene("bedroom", certain=False)
    unsure = replace(read, analysis=replace(read.analysis, style_certain=False))
    known = corrected(unsure, SceneCorrections(room="kitchen", style="industrial"), VOCABULARY)
    assert (known.analysis.room.value, known.analysis.room_certain) == ("kitchen", True)
    assert (known.analysis.style.value, known.analysis.style_certain) == ("industrial", True)
    assert corrected(unsure, SceneCorrections(absent=("botanicals",)), VOCABULARY).analysis.room_certain is False
