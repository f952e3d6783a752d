"""Measure what rooms in general look like: `python -m training.scene_mean [--out FOLDER]`.

Writes the reference of the compact encoder's present weights (the mean vector of the training photographs, each of
their rooms counting alike, and the temperatures that make its room and style probabilities honest) and the colours of
typical rooms, the main ones of some and the density of all over many. Temperatures are fitted on pictures the encoder
was not trained on: rooms on the photographs held out, styles on renders of other seeds and shapes
(`python -m training.studio dataset`, see docs). To be run after each training of the encoder, before
`python -m training.calibrate`.
"""

import argparse
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from scene_pipeline.encoders.prompts import build_prompts
from scene_pipeline.encoders.spec import compact_spec, slug
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.files import atomic_path, write_bytes
from scene_pipeline.images.palette import dominant_colors, rgb_to_lab
from scene_pipeline.matching.light import neutralise, reduced
from scene_pipeline.matching.presence import log_density
from scene_pipeline.matching.reference import FITTED, USUAL_DENSITY, SceneReference
from scene_pipeline.matching.scene import SCENE_COLORS
from scene_pipeline.vocabulary import load_vocabulary
from training.compact import paths
from training.compact.embedding import embed, embed_files
from training.compact.export import load
from training.compact.photos import Photos, load_photos
from training.compact.studio import read_studio
from training.compact.temperature import least_loss

PER_ROOM = 1000
COLOR_ROOMS = 48
DENSITY_ROOMS = 600
HELD_OUT_RENDERS = paths.ROOT / "training" / "out" / "studio_test"


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
    """Return the dominant colours (L, a, b, share) of COLOR_ROOMS photographs, each room as often."""
    result = []
    for row in evenly(rows, COLOR_ROOMS)[:COLOR_ROOMS]:
        colors = dominant_colors(neutralise(reduced(Image.fromarray(photos.pixels[row]))), count=SCENE_COLORS)
        result.append([(round(c[0], 1), round(c[1], 1), round(c[2], 1), round(share, 3)) for c, share in colors])
    return result


def usual_density(photos: Photos, rows: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of the log density of every cell of colour over DENSITY_ROOMS photographs."""
    pictures = [Image.fromarray(photos.pixels[row]) for row in evenly(rows, DENSITY_ROOMS)]
    seen = [rgb_to_lab(np.asarray(neutralise(reduced(picture)))) for picture in pictures]
    densities = np.stack([log_density(lab.reshape(-1, 3)) for lab in seen])
    return densities.mean(axis=0).astype(np.float16), densities.std(axis=0).astype(np.float16)


def main() -> None:
    """Measure and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FITTED, help="folder to write to")
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
    temperature = least_loss(vectors @ prompts.room[:-1].T - offset, labels)
    style_temperature = temperature
    if HELD_OUT_RENDERS.is_dir():
        renders = read_studio(HELD_OUT_RENDERS)
        rooms = np.flatnonzero(renders.room >= 0)
        seen = embed_files(tower, [renders.files[row] for row in rooms], size)
        style_temperature = least_loss((seen - mean) @ prompts.style.T, renders.style[rooms])
        print(f"style temperature {style_temperature:.4f} on {len(rooms)} renders")
    else:
        print("no held-out renders found: the style temperature is that of rooms")
    print(f"room temperature {temperature:.4f} on {len(held)} photographs")
    reference = SceneReference(
        encoder_id=spec.id,
        revision=spec.revision,
        mean=tuple(round(float(value), 6) for value in mean),
        temperature=round(temperature, 5),
        style_temperature=round(style_temperature, 5),
        scenes=sum(len(own) for own in rows.values()),
        source="photographs the encoder was trained on, each kind of room counting alike",
    )
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
