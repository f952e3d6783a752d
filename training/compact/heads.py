"""Train the heads of the compact encoder on features of the frozen backbone, and write them as the package ships them.

Look is not trained: it is a whitened projection of the windows of photographs of rooms. Meaning is a small network into
the space of all-MiniLM-L6-v2, beside the names of ImageNet's classes weighed by the backbone's own classifier. Rooms
of which there are photographs have a linear head of their own.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch.nn import functional

from scene_pipeline.encoders.compact import BACKBONE, FEATURES, build_heads, load_backbone
from scene_pipeline.encoders.spec import COMPACT_FILE
from scene_pipeline.encoders.windows import unit_or_zero
from scene_pipeline.files import write_bytes, write_text
from scene_pipeline.vocabulary import load_vocabulary
from training.compact import texts
from training.compact.features import Features

LOOK, HIDDEN, MEANING = 128, 768, 384
ROOM_EPOCHS, ROOM_RATE, ROOM_DROPOUT, ROOM_BATCH = 15, 1e-3, 0.3, 256
STEPS, RATE, DECAY = 1680, 1e-3, 0.05
TEMPERATURE = 0.05
SMOOTHING, DROPOUT, NOISE = 0.1, 0.4, 0.1
WHITENING = 0.1
"""Share of the first singular value that is added to each before dividing: small directions are mostly noise."""


def train(features: Features, steps: int = STEPS, seed: int = 0) -> Any:
    """Return trained heads."""
    torch.manual_seed(seed)
    heads = build_heads(LOOK, MEANING, HIDDEN, len(np.unique(features.rooms)))
    classifier = load_backbone().classifier
    _fit_look(heads, features)
    data = _Data(features)
    _start_meaning(heads, data)
    optimizer = torch.optim.AdamW(heads.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(steps):
        loss = data.loss(lambda x: _noisy_meaning(heads, classifier, x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    large = features.weight == features.weight.max()  # those at the size at which scenes are read
    fit_rooms(heads, features.photos[large & ~features.held_out], features.rooms[large & ~features.held_out])
    return heads.eval()


def fit_rooms(heads: Any, photos: np.ndarray, rooms: np.ndarray, seed: int = 0) -> None:
    """Train the head of rooms on pooled features [n, FEATURES] and the rooms' names [n]; sorted, they are its order."""
    torch.manual_seed(seed)
    inputs = (torch.from_numpy(photos).float() - heads.feature_mean) / heads.feature_scale
    labels = torch.from_numpy(np.unique(rooms, return_inverse=True)[1])
    optimizer = torch.optim.AdamW(heads.rooms.parameters(), lr=ROOM_RATE, weight_decay=DECAY)
    for _ in range(ROOM_EPOCHS):
        for batch in torch.randperm(len(inputs)).split(ROOM_BATCH):
            said = heads.rooms(functional.dropout(inputs[batch], ROOM_DROPOUT))
            loss = functional.cross_entropy(said, labels[batch], label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def export(heads: Any, rooms: Sequence[str], folder: Path) -> Path:
    """Write the heads (float16 safetensors) and what a loader must know (JSON) into `folder`; return the weights.

    `rooms` are the names of those that the head of rooms tells apart, in its order.
    """
    data = save({name: value.detach().half().contiguous() for name, value in heads.state_dict().items()})
    write_bytes(folder / f"{COMPACT_FILE}.safetensors", data)
    half = 127.5 / 255
    record = {
        "version": "2", "architecture": BACKBONE, "dimension": LOOK + MEANING, "look": LOOK, "input_size": 224,
        "scene_size": 384, "mean": [half] * 3, "std": [half] * 3, "resize": "squash", "interpolation": "bicubic",
        "temperature": TEMPERATURE, "rooms": list(rooms), "sha256": hashlib.sha256(data).hexdigest(),
        "license": "Apache-2.0",
    }  # fmt: skip
    write_text(folder / f"{COMPACT_FILE}.json", json.dumps(record, indent=1) + "\n")
    return folder / f"{COMPACT_FILE}.safetensors"


def _fit_look(heads: Any, features: Features) -> None:
    mean = features.windows.mean(axis=(0, 1))
    centered = (features.windows - mean).reshape(-1, FEATURES)
    some = centered[np.random.default_rng(1).permutation(len(centered))[:12_000]]
    _, strength, directions = np.linalg.svd(some, full_matrices=False)
    projection = directions[:LOOK].T / (strength[:LOOK] + WHITENING * strength[0])
    heads.projection.copy_(torch.from_numpy(projection / np.abs(projection).mean() / 30))  # within half precision
    heads.window_mean.copy_(torch.from_numpy(mean))
    products = np.concatenate([features.packshots, features.cut_outs])
    heads.product_mean.copy_(torch.from_numpy(unit_or_zero(products).mean(axis=0)))


def _start_meaning(heads: Any, data: "_Data") -> None:
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo()
    names = [info.index_to_description(index).split(",")[0] for index in range(len(heads.class_texts))]
    vectors = torch.from_numpy(texts.encode_texts([f"a photo of a {name}" for name in names]))
    heads.class_texts.copy_(vectors - vectors.mean(0))
    seen = data.typical
    heads.feature_mean.copy_(seen.mean(0))
    heads.feature_scale.copy_(seen.std(0) + 0.02)


def _noisy_meaning(heads: Any, classifier: Any, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return meaning with noise and dropout, and what the names of the classes alone say."""
    features = features * (1 + NOISE * torch.randn_like(features))
    named = classifier(features).softmax(dim=-1) @ heads.class_texts
    scaled = functional.dropout((features - heads.feature_mean) / heads.feature_scale, DROPOUT)
    inner = functional.dropout(functional.gelu(heads.inner(scaled)), DROPOUT)
    return functional.normalize(heads.outer(inner) + heads.class_weight * named, dim=-1), named


class _Data:
    """Draws batches and computes the loss."""

    def __init__(self, features: Features) -> None:
        vocabulary = load_vocabulary()
        self._prompts = [
            [torch.from_numpy(texts.encode_texts(list(sentences))) for sentences in groups]
            for groups in (
                texts.room_sentences(vocabulary),
                texts.style_sentences(vocabulary),
                texts.category_sentences(vocabulary),
            )
        ]  # fmt: skip
        rooms = [room.id for room in vocabulary.rooms]
        self._unknown = len(rooms)
        self._photos = torch.from_numpy(features.photos)
        self._photo_rooms = torch.tensor([rooms.index(room) for room in features.rooms])
        weight = np.where(features.held_out, 0.0, features.weight)
        share = np.bincount(self._photo_rooms.numpy(), weights=weight, minlength=len(rooms))
        self._photo_weight = torch.from_numpy(weight) / torch.from_numpy(np.maximum(share, 1e-9))[self._photo_rooms]
        renders, is_room = features.renders, features.renders.room >= 0
        self._renders = torch.from_numpy(features.render_rooms)
        self._render_rooms = torch.from_numpy(renders.room[is_room])
        self._render_styles = torch.from_numpy(renders.style[is_room])
        self._render_texts = _first_captions(renders.captions, is_room)
        self._packshots = torch.from_numpy(np.concatenate([features.packshots, features.cut_outs]))
        self._packshot_categories = torch.from_numpy(np.tile(renders.category[~is_room], 2))
        self._packshot_texts = _first_captions(renders.captions, ~is_room).repeat(2, 1)
        self._negatives = torch.from_numpy(features.negatives)
        self.typical = torch.cat([self._photos[: len(features.photos) // 10], self._renders, self._packshots])

    def loss(self, meaning: Any) -> torch.Tensor:
        """Return the loss of one batch: rooms, styles, categories, captions, and what ImageNet's names say."""
        photo = torch.multinomial(self._photo_weight, 256, replacement=True)
        room = torch.randint(len(self._renders), (128,))
        pack = torch.randint(len(self._packshots), (160,))
        other = torch.randint(len(self._negatives), (96,))
        rooms, styles, categories = (_prototypes(groups) for groups in self._prompts)
        photos, _ = meaning(self._photos[photo])
        renders, _ = meaning(self._renders[room])
        packshots, named = meaning(self._packshots[pack])
        negatives, _ = meaning(self._negatives[other])
        unknown = torch.full((256,), self._unknown)
        return (
            _cross_entropy(photos, rooms, self._photo_rooms[photo])
            + 0.5 * _cross_entropy(renders, rooms, self._render_rooms[room])
            + 0.5 * _cross_entropy(renders, styles, self._render_styles[room])
            + 0.5 * _cross_entropy(packshots, categories, self._packshot_categories[pack])
            + 0.3 * _cross_entropy(packshots, rooms, unknown[: len(pack)])
            + 0.5 * _cross_entropy(negatives, rooms, unknown[: len(other)])
            + 0.5 * (1 - (renders * self._render_texts[room]).sum(-1)).mean()
            + 0.5 * (1 - (packshots * self._packshot_texts[pack]).sum(-1)).mean()
            + 0.5 * (1 - functional.cosine_similarity(packshots - packshots.mean(0), named - named.mean(0))).mean()
        )


def _first_captions(captions: Sequence[Sequence[str]], chosen: np.ndarray) -> torch.Tensor:
    firsts = [lines[0] for lines, wanted in zip(captions, chosen, strict=True) if wanted]
    return torch.from_numpy(texts.encode_texts(firsts))


def _prototypes(groups: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return a unit vector a group from a random half of its sentences, so that no one wording is learned."""
    means = [group[torch.randperm(len(group))[: max(1, len(group) // 2)]].mean(0) for group in groups]
    return functional.normalize(torch.stack(means), dim=-1)


def _cross_entropy(vectors: torch.Tensor, prototypes: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(vectors @ prototypes.T / TEMPERATURE, labels, label_smoothing=SMOOTHING)
