"""Put the parts together: photographs with captions, negatives, and the studio's renders where they exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from scene_pipeline.vocabulary import Vocabulary, load_vocabulary
from training.compact import texts
from training.compact.captions import COCO_CATEGORIES, COLOR_NAMES, Colors, caption, things_of
from training.compact.corpus import Part, one_hot
from training.compact.embedding import embed
from training.compact.loop import TEMPERATURE, Targets
from training.compact.negatives import make_negatives
from training.compact.photos import Photos, decode, load_photos
from training.compact.second_opinion import second_opinion
from training.compact.studio import Renders, cut_out, read_studio
from training.compact.teacher import Sight, see
from training.compact.temperature import min_loss

CAPTIONS = 3
ROOMS, STYLES, CATEGORIES = 10, 7, 8
PACKSHOT_STYLE = 0.5
"""Weight of a packshot's style: a plain bowl is made in every style."""


@dataclass(frozen=True)
class Sources:
    """Where the training data lie: a folder of parquet photographs, a detector (or None), studio renders (or None)."""

    photos: Path
    detector: Path | None
    studio: Path | None
    cache: Path


@dataclass(frozen=True)
class Corpus:
    """Training `parts`, the `targets` their labels stand for, and the held-out photographs with their room ids."""

    parts: tuple[Part, ...]
    targets: Targets
    held_out: np.ndarray
    held_out_rooms: np.ndarray
    held_out_sources: np.ndarray


def build(sources: Sources, negatives: int = 5000) -> Corpus:
    """Read everything and return the corpus; slow steps are kept in `sources.cache`."""
    vocabulary = load_vocabulary()
    photos = load_photos(sources.photos, sources.cache)
    sight = see(photos.pixels, sources.detector, sources.cache) if sources.detector else None
    bank = texts.TextBank(sources.cache)
    groups = {
        "room": [bank.add(group) for group in texts.room_sentences(vocabulary)],
        "style": [bank.add(group) for group in texts.style_sentences(vocabulary)],
        "category": [bank.add(group) for group in texts.category_sentences(vocabulary)],
        "color": [bank.add(group) for group in texts.color_sentences(COLOR_NAMES)],
    }
    rooms = np.array([[room.id for room in vocabulary.rooms].index(room) for room in photos.rooms])
    parts = [_photo_part(photos, _soft_rooms(photos, rooms, sight, sources.cache), sight, bank, vocabulary)]
    parts.append(_negative_part(photos, sight, negatives, bank, vocabulary))
    if sources.studio:
        parts += _render_parts(sources.studio, bank)
    held = photos.held_out
    return Corpus(
        parts=tuple(parts),
        targets=Targets(bank.vectors(), **groups),
        held_out=np.asarray(photos.pixels[held]),
        held_out_rooms=rooms[held],
        held_out_sources=photos.sources[held],
    )


def _soft_rooms(photos: Photos, rooms: np.ndarray, sight: Sight | None, cache: Path) -> np.ndarray:
    """Room distributions of all photographs: half the label, half the out-of-fold opinion where there is one."""
    soft = one_hot(rooms, ROOMS + 1)
    if sight:
        train = np.flatnonzero(~photos.held_out)
        opinion = second_opinion(_Rows(sight.grid, train), rooms[train], ROOMS, cache)
        soft[train, :ROOMS] = 0.5 * soft[train, :ROOMS] + 0.5 * opinion
    return soft


def _photo_part(
    photos: Photos, rooms: np.ndarray, sight: Sight | None, bank: texts.TextBank, vocabulary: Vocabulary
) -> Part:
    rng = np.random.default_rng(7)
    train = np.flatnonzero(~photos.held_out)
    names = {room.id: room.name for room in vocabulary.rooms}
    captions = np.zeros((len(train), CAPTIONS), np.int32)
    shares = np.zeros((len(train), len(COLOR_NAMES)), np.float32)
    for i, row in enumerate(train):
        things = things_of(sight.boxes[row]) if sight else []
        colors = Colors(photos.pixels[row])
        shares[i] = colors.shares
        captions[i] = bank.add([caption(names[photos.rooms[row]], things, colors, rng) for _ in range(CAPTIONS)])
    return Part(
        name="photos",
        pixels=_Rows(photos.pixels, train),
        captions=captions,
        room=rooms[train].copy(),
        style=one_hot([-1] * len(train), STYLES),
        category=one_hot([-1] * len(train), CATEGORIES),
        color=shares,
        share=0.3,
        grid=_Rows(sight.grid, train) if sight else None,
        photo=True,
    )


def _negative_part(
    photos: Photos, sight: Sight | None, count: int, bank: texts.TextBank, vocabulary: Vocabulary
) -> Part:
    train = np.flatnonzero(~photos.held_out)
    boxes = sight.boxes if sight else np.zeros((len(photos.pixels), 8, 6))
    pixels, sentences, things = make_negatives(_Rows(photos.pixels, train), boxes[train], count, seed=11)
    categories = [category.id for category in vocabulary.categories]
    named = [COCO_CATEGORIES.get(thing) for thing in things]
    return Part(
        name="negatives",
        pixels=pixels,
        captions=_cycle(sentences, bank, CAPTIONS),
        room=one_hot([ROOMS] * count, ROOMS + 1),
        style=one_hot([-1] * count, STYLES),
        category=one_hot([categories.index(name) if name else -1 for name in named], CATEGORIES),
        color=one_hot([-1] * count, len(COLOR_NAMES)),
        share=0.08,
    )


def _render_parts(folder: Path, bank: texts.TextBank) -> list[Part]:
    """Packshots show no room, and their category and style; rendered rooms show their room and style.

    Every packshot comes twice, as it was taken and cut out.
    """
    renders = read_studio(folder)
    pixels = np.stack([decode(file) for file in renders.files])
    sentences = _seen_captions(renders, pixels)
    captions = _cycle(sentences, bank, max(len(words) for words in sentences))
    is_room = renders.room >= 0
    sure = np.where(is_room, 1.0, PACKSHOT_STYLE).astype(np.float32)[:, None]
    parts = []
    for name, chosen, share in (("packshots", ~is_room, 0.5), ("rendered rooms", is_room, 0.68)):
        if chosen.any():
            shown = pixels[chosen]
            rows = np.flatnonzero(chosen)
            if name == "packshots":
                shown = np.concatenate([shown, np.stack([cut_out(picture) for picture in shown])])
                rows = np.tile(rows, 2)
            parts.append(
                Part(
                    name=name,
                    pixels=shown,
                    captions=captions[rows],
                    room=one_hot(np.where(is_room, renders.room, ROOMS)[rows], ROOMS + 1),
                    style=(sure * one_hot(renders.style, STYLES))[rows],
                    category=one_hot(renders.category[rows], CATEGORIES),
                    color=np.stack([Colors(picture, on_white=name == "packshots").shares for picture in shown]),
                    share=share,
                )
            )
    return parts


def _seen_captions(renders: Renders, pixels: np.ndarray) -> list[tuple[str, ...]]:
    """Return the captions of each render; of rooms also some by their measured light and colours, as photographs have.

    A style is named beside the colours it was seen in, so that words for colours and light mean in renders what they
    mean in photographs.
    """
    vocabulary = load_vocabulary()
    rng = np.random.default_rng(13)
    sentences = []
    for i, own in enumerate(renders.captions):
        more: list[str] = []
        if renders.room[i] >= 0:
            room, style = vocabulary.rooms[renders.room[i]].name, vocabulary.styles[renders.style[i]].name
            colors, things = Colors(pixels[i]), [f"{texts.article(noun)} {noun}" for noun in renders.products[i]]
            more = [caption(name, things, colors, rng) for name in (room, f"{style} {room}", f"{style} {room}")]
        sentences.append((*own, *more))
    return sentences


def _cycle(sentences: Sequence[tuple[str, ...]], bank: texts.TextBank, count: int) -> np.ndarray:
    """Rows (n, count) of the bank: each picture's sentences, repeated in turn where there are fewer."""
    return np.stack([bank.add([words[k % len(words)] for k in range(count)]) for words in sentences])


class _Rows:
    """A choice of rows of an array on disk, read only when asked for."""

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        self._array, self._rows = array, rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._rows), *self._array.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int | np.ndarray) -> np.ndarray:
        return np.asarray(self._array[self._rows[index]])


def fit_temperature(corpus: Corpus, tower: nn.Module, size: int) -> float:
    """Return what cosines are divided by so that the held-out photographs' room probabilities are most honest."""
    cosines = embed(tower, corpus.held_out, size) @ _room_prototypes().T
    return round(min_loss(cosines, corpus.held_out_rooms), 4)


def judge(corpus: Corpus, tower: nn.Module, size: int) -> dict[str, float]:
    """Return accuracies on the held-out photographs: among the rooms that occur, and among all with the null class."""
    scores = embed(tower, corpus.held_out, size) @ _room_prototypes().T
    occurring = np.unique(corpus.held_out_rooms)
    six = occurring[scores[:, occurring].argmax(1)] == corpus.held_out_rooms
    nine = scores.argmax(1) == corpus.held_out_rooms
    logits = torch.from_numpy(scores) / TEMPERATURE
    result = {"val6": six.mean(), "val9": nine.mean(), "unknown": (scores.argmax(1) == 8).mean()}
    result |= {
        f"val6_{source}": six[corpus.held_out_sources == source].mean() for source in np.unique(corpus.held_out_sources)
    }
    result["nll"] = nn.functional.cross_entropy(logits, torch.from_numpy(corpus.held_out_rooms)).item()
    return {name: round(float(value), 4) for name, value in result.items()}


@cache
def _room_prototypes() -> np.ndarray:
    vocabulary = load_vocabulary()
    return texts.prototypes([*(room.prompts for room in vocabulary.rooms), vocabulary.unknown.prompts])
