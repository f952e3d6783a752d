"""Measure what rooms in general look like: `python -m training.scene_mean [--out FOLDER]`.

Writes the reference of the compact encoder's present weights (the mean vectors of the training photographs and of the
training renders, each kind of room counting alike, and the temperatures that make room and style probabilities honest
for both) and the colors of typical rooms, the main ones of some and the density of all over many. Temperatures are
fitted on pictures the encoder was not trained on: for photographs on those held out, for renders on some of other seeds
and shapes (`python -m training.studio dataset`, see docs). To be run after each training of the encoder, before
`python -m training.calibrate`.
"""

import argparse
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file
from timm.data.imagenet_info import ImageNetInfo

from scene_pipeline.color.density import log_density
from scene_pipeline.color.dominant import dominant_colors
from scene_pipeline.color.lab import rgb_to_lab
from scene_pipeline.encoders.loading import load_image_tower
from scene_pipeline.encoders.prompts import PromptVectors, build_prompts
from scene_pipeline.encoders.spec import EncoderSpec, compact_spec, slug
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.files import atomic_path, write_bytes
from scene_pipeline.scenes.light import reduced, remove_color_cast
from scene_pipeline.scenes.reference import (
    REFERENCE_COLORS,
    USUAL_DENSITY,
    ImageDomain,
    SceneReference,
)
from scene_pipeline.scenes.scene import SCENE_COLORS
from scene_pipeline.scenes.signs import CLASSES, TAIL, NamedClasses
from scene_pipeline.vocabulary import load_vocabulary
from training.compact import paths
from training.compact.features import Features, read_features
from training.compact.photos import Photos, load_photos
from training.compact.reader import Reader
from training.compact.studio import read_studio
from training.compact.temperature import min_loss

PER_ROOM = 1000
COLOR_ROOMS = 48
DENSITY_ROOMS = 600
WINDOW_SCENES = 360


def per_room(photos: Photos, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return room -> up to PER_ROOM row numbers of photographs that are not held out."""
    rows = {}
    for room in sorted(set(photos.rooms.tolist())):
        own = np.flatnonzero((photos.rooms == room) & ~photos.held_out)
        rows[room] = np.sort(rng.permutation(own)[:PER_ROOM])
    return rows


def evenly(rows: dict[str, np.ndarray], count: int) -> list[int]:
    """Return about `count` of the row numbers, each room as often; those of a room lie evenly over its own."""
    return [row for own in rows.values() for row in own[:: max(len(own) // (count // len(rows)), 1)].tolist()]


def typical_colors(photos: Photos, rows: dict[str, np.ndarray]) -> list[list[tuple[float, ...]]]:
    """Return the dominant colors (L, a, b, share) of COLOR_ROOMS photographs, each room as often."""
    result = []
    for row in evenly(rows, COLOR_ROOMS)[:COLOR_ROOMS]:
        colors = dominant_colors(remove_color_cast(reduced(Image.fromarray(photos.pixels[row]))), count=SCENE_COLORS)
        result.append([(round(c[0], 1), round(c[1], 1), round(c[2], 1), round(share, 3)) for c, share in colors])
    return result


def usual_density(photos: Photos, rows: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of the log density of every cell of color over DENSITY_ROOMS photographs."""
    pictures = [Image.fromarray(photos.pixels[row]) for row in evenly(rows, DENSITY_ROOMS)]
    seen = [rgb_to_lab(np.asarray(remove_color_cast(reduced(picture)))) for picture in pictures]
    densities = np.stack([log_density(lab.reshape(-1, 3)) for lab in seen])
    return densities.mean(axis=0).astype(np.float16), densities.std(axis=0).astype(np.float16)


def domain_of_renders(reader: Reader, prompts: PromptVectors) -> ImageDomain:
    """Return the mean of the training renders, each room and style counting alike, and temperatures for renders.

    These are fitted on the held-out ones.
    """
    renders = read_studio(paths.STUDIO)
    rooms = np.flatnonzero(renders.room >= 0)
    vectors = reader.scenes([renders.files[row] for row in rooms])
    kinds = np.stack([renders.room[rooms], renders.style[rooms]], axis=1)
    means = [vectors[(kinds == kind).all(axis=1)].mean(axis=0) for kind in np.unique(kinds, axis=0)]
    mean = np.mean(means, axis=0).astype(np.float32)
    held_out = read_studio(paths.HELD_OUT_RENDERS)
    own = np.flatnonzero(held_out.room >= 0)
    centered = reader.scenes([held_out.files[row] for row in own]) - mean
    return ImageDomain(
        name="renders",
        mean=rounded(mean),
        temperature=round(min_loss(centered @ prompts.room[:-1].T, held_out.room[own]), 5),
        style_temperature=round(min_loss(centered @ prompts.style.T, held_out.style[own]), 5),
        scenes=len(rooms),
    )


def rounded(vector: np.ndarray) -> tuple[float, ...]:
    """Return a vector as it is written."""
    return tuple(round(float(value), 6) for value in vector)


def reference_windows(features: Features, heads: dict[str, np.ndarray]) -> np.ndarray:
    """Return the looks [s, 35, look] of the windows of WINDOW_SCENES photographs, each room as often, in float16."""
    rooms = np.unique(features.window_rooms)
    each = WINDOW_SCENES // len(rooms)
    chosen = np.concatenate([np.flatnonzero(features.window_rooms == room)[:each] for room in rooms])
    looks = (features.windows[chosen] - heads["window_mean"]) @ heads["projection"]
    return (looks / np.linalg.norm(looks, axis=-1, keepdims=True)).astype(np.float16)


def tails_of_classes(named: np.ndarray) -> NamedClasses:
    """Return ImageNet's classes and how clearly photographs of rooms show each, from log probabilities [n, 1000]."""
    info = ImageNetInfo()
    names = tuple(info.index_to_description(index).split(",")[0] for index in range(named.shape[1]))
    tails = np.quantile(named.astype(np.float32), 1 - np.array(TAIL), axis=0).T
    for at in range(1, len(TAIL)):  # np.interp needs them to rise
        tails[:, at] = np.maximum(tails[:, at], tails[:, at - 1] + 1e-3)
    return NamedClasses(names, tuple(tuple(round(float(value), 3) for value in tail) for tail in tails))


def main() -> None:
    """Measure and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=paths.WEIGHTS, help="folder for what is the encoder's")
    options = parser.parse_args()
    spec, vocabulary = compact_spec(), load_vocabulary()
    features = read_features(paths.SHARED / "rooms", paths.STUDIO, paths.OUT)
    heads = {
        name: value.astype(np.float32)
        for name, value in load_file(paths.WEIGHTS / f"{spec.weights}.safetensors").items()
    }
    prompts = build_prompts(spec, TextEncoder.open(), vocabulary)
    large = features.weight == features.weight.max()  # those at the size at which scenes are read
    vectors = meaning(features.photos[large], load_tower(spec))
    rooms, held = features.rooms[large], features.held_out[large]
    mean = np.mean([vectors[~held & (rooms == room)].mean(axis=0) for room in np.unique(rooms)], axis=0)
    ids = list(prompts.room_ids)
    labels = np.array([ids.index(room) for room in rooms[held].tolist()])
    temperature = min_loss((vectors[held] - mean) @ prompts.room[:-1].T, labels)
    renders = domain_of_renders(Reader(paths.WEIGHTS), prompts)
    reference = SceneReference(
        encoder_id=spec.id,
        revision=spec.revision,
        mean=rounded(mean),
        temperature=round(temperature, 5),
        style_temperature=round(temperature, 5),  # of no photograph that may train is the style known
        scenes=int((~held).sum()),
        source="photographs the encoder was trained on, each kind of room counting alike",
        others=(renders,),
    )
    print(f"photographs: room temperature {temperature:.4f} on {held.sum()} held out, taken for styles too")
    print(f"renders: room temperature {renders.temperature:.4f}, style temperature {renders.style_temperature:.4f}")
    for kind in ("reference.json", "windows.npy"):
        for old in options.out.glob(f"compact@*.{kind}"):
            old.unlink()
    reference.save(options.out / f"{slug(spec)}.reference.json")
    np.save(options.out / f"{slug(spec)}.windows.npy", reference_windows(features, heads))
    write_bytes(CLASSES, msgspec.json.encode(tails_of_classes(features.named)))
    photos = load_photos(paths.PHOTOS, paths.OUT)
    rows = per_room(photos, np.random.default_rng(0))
    write_bytes(REFERENCE_COLORS, msgspec.json.encode(typical_colors(photos, rows)))
    usual, deviation = usual_density(photos, rows)
    with atomic_path(USUAL_DENSITY) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, mean=usual, deviation=deviation)
    own = f"{slug(spec)}.reference.json, {slug(spec)}.windows.npy"
    print(f"wrote {own}, {REFERENCE_COLORS.name}, {USUAL_DENSITY.name} and {CLASSES.name}")


def load_tower(spec: EncoderSpec) -> Any:
    """Return the tower with its heads, inside the wrapper that normalizes vectors."""
    return load_image_tower(spec).tower


def meaning(features: np.ndarray, tower: Any) -> np.ndarray:
    """Return meaning vectors [n, 384] of pooled features [n, 1280]."""
    with torch.inference_mode():
        pooled = torch.from_numpy(features)
        return tower.heads.meaning(pooled, tower.backbone.classifier(pooled)).numpy()


if __name__ == "__main__":
    main()
