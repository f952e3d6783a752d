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

import msgspec
import numpy as np
from PIL import Image
from torch import nn

from scene_pipeline.color.density import log_density
from scene_pipeline.color.dominant import dominant_colors
from scene_pipeline.color.lab import rgb_to_lab
from scene_pipeline.encoders.prompts import PromptVectors, build_prompts
from scene_pipeline.encoders.spec import compact_spec, slug
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.files import atomic_path, write_bytes
from scene_pipeline.scenes.light import reduced, remove_color_cast
from scene_pipeline.scenes.reference import (
    REFERENCES,
    USUAL_DENSITY,
    ImageDomain,
    SceneReference,
)
from scene_pipeline.scenes.scene import SCENE_COLORS
from scene_pipeline.vocabulary import load_vocabulary
from training.compact import paths
from training.compact.embedding import embed, embed_files
from training.compact.export import load
from training.compact.photos import Photos, load_photos
from training.compact.studio import read_studio
from training.compact.temperature import min_loss

PER_ROOM = 1000
COLOR_ROOMS = 48
DENSITY_ROOMS = 600


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


def render_kind(tower: nn.Module, size: int, prompts: PromptVectors) -> ImageDomain:
    """Return the mean of the training renders, each room and style counting alike, and temperatures for renders.

    These are fitted on the held-out ones.
    """
    renders = read_studio(paths.STUDIO)
    rooms = np.flatnonzero(renders.room >= 0)
    vectors = embed_files(tower, [renders.files[row] for row in rooms], size)
    kinds = np.stack([renders.room[rooms], renders.style[rooms]], axis=1)
    means = [vectors[(kinds == kind).all(axis=1)].mean(axis=0) for kind in np.unique(kinds, axis=0)]
    mean = np.mean(means, axis=0).astype(np.float32)
    held_out = read_studio(paths.HELD_OUT_RENDERS)
    own = np.flatnonzero(held_out.room >= 0)
    centered = embed_files(tower, [held_out.files[row] for row in own], size) - mean
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


def main() -> None:
    """Measure and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REFERENCES, help="folder to write to")
    options = parser.parse_args()
    spec, vocabulary = compact_spec(), load_vocabulary()
    tower, size = load(paths.WEIGHTS)
    photos = load_photos(paths.PHOTOS, paths.OUT)
    rows = per_room(photos, np.random.default_rng(0))
    means = [embed(tower, photos.pixels[own], size).mean(axis=0) for own in rows.values()]
    mean = np.mean(means, axis=0).astype(np.float32)
    prompts = build_prompts(spec, TextEncoder.open(), vocabulary)
    offset = prompts.room[:-1] @ mean

    held = np.flatnonzero(photos.held_out)
    vectors = embed(tower, photos.pixels[held], size)
    ids = list(prompts.room_ids)
    labels = np.array([ids.index(room) for room in photos.rooms[held].tolist()])
    temperature = min_loss(vectors @ prompts.room[:-1].T - offset, labels)
    renders = render_kind(tower, size, prompts)
    reference = SceneReference(
        encoder_id=spec.id,
        revision=spec.revision,
        mean=rounded(mean),
        temperature=round(temperature, 5),
        style_temperature=round(temperature, 5),  # of no photograph that may train is the style known
        scenes=sum(len(own) for own in rows.values()),
        source="photographs the encoder was trained on, each kind of room counting alike",
        others=(renders,),
    )
    print(f"photographs: room temperature {temperature:.4f} on {len(held)} held out, taken for styles too")
    print(f"renders: room temperature {renders.temperature:.4f}, style temperature {renders.style_temperature:.4f}")
    for old in options.out.glob("compact@*.json"):
        old.unlink()
    reference.save(options.out / f"{slug(spec)}.json")
    write_bytes(options.out / "colors.json", msgspec.json.encode(typical_colors(photos, rows)))
    usual, deviation = usual_density(photos, rows)
    with atomic_path(options.out / USUAL_DENSITY.name) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, mean=usual, deviation=deviation)
    print(f"wrote {slug(spec)}.json, colors.json and {USUAL_DENSITY.name}")


if __name__ == "__main__":
    main()
