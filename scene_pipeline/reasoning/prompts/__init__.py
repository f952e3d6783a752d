"""The prompts, each a file that is never edited once it was released: a new wording is a new file."""

from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np

from scene_pipeline.color.names import color_name
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.scenes.analysis import UNKNOWN, Classification, SceneAnalysis
from scene_pipeline.vocabulary import Vocabulary

FOLDER = Path(__file__).parent
DEFAULT = "stylist-1"

SEEN_FROM = 0.5
"""A category is stated as seen from this certainty."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: `version` is the name of its file, `text` has the placeholder `$facts`."""

    version: str
    text: str

    def render(self, analysis: SceneAnalysis, vocabulary: Vocabulary) -> str:
        """Return the prompt for a scene. It holds what was measured, in words of the vocabulary, and nothing else."""
        return Template(self.text).substitute(facts="\n".join(f"- {line}" for line in _facts(analysis, vocabulary)))


def load_prompt(version: str = DEFAULT) -> Prompt:
    """Read a prompt. Raises ScenePipelineError naming those there are."""
    known = sorted(path.stem for path in FOLDER.glob("*.txt"))
    if version not in known:
        raise ScenePipelineError(f"prompt '{version}' is not one of {', '.join(known)}")
    return Prompt(version, (FOLDER / f"{version}.txt").read_text(encoding="utf-8"))


def _facts(analysis: SceneAnalysis, vocabulary: Vocabulary) -> list[str]:
    """Return what was measured, a line each. Rounded, so that the same picture is asked about in the same words."""
    names = {record.id: record.name for record in (*vocabulary.rooms, *vocabulary.styles, *vocabulary.palettes)}
    categories = {category.id: category.name for category in vocabulary.categories}

    def named(trait: Classification) -> str:
        return "not recognized" if trait.value == UNKNOWN else names.get(trait.value, trait.value)

    room = named(analysis.room) if analysis.room_certain else "not certain"
    style = named(analysis.style) if analysis.style_certain else "not certain"
    colors = [color_name(np.array(color.lab)) for color in analysis.colors]
    seen = [categories[name] for name, sure in analysis.present.items() if sure >= SEEN_FROM and name in categories]
    lines = [f"room: {room}", f"style: {style}", f"palette: {named(analysis.palette)}"]
    lines.append(f"main colors, largest first: {', '.join(dict.fromkeys(colors)) or 'none'}")
    lines.append(f"already there: {', '.join(sorted(seen)) or 'nothing recognized'}")
    if analysis.light is not None:
        brightness = analysis.light.brightness.value
        lines.append(f"light: {'dark' if brightness < 0.35 else 'bright' if brightness > 0.65 else 'medium'}")
    return lines
