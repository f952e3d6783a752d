"""Near-duplicates: found after scaling, recompressing and brightening; exact for the search among hashes."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from scene_pipeline.images.phash import NEAR, duplicate_groups, near_pairs, perceptual_hash


def scene(seed: int) -> Image.Image:
    """A smooth random picture: low frequencies like those of a photograph."""
    noise = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((480, 360), Image.Resampling.BICUBIC)


def distance(first: Image.Image, second: Image.Image) -> int:
    return (perceptual_hash(first) ^ perceptual_hash(second)).bit_count()


def recompressed(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=40)
    return Image.open(stream).convert("RGB")


@pytest.mark.parametrize("seed", range(8))
def test_the_same_picture_in_other_clothes_is_near(seed: int) -> None:
    image = scene(seed)
    assert distance(image, image.resize((200, 150))) <= NEAR
    assert distance(image, recompressed(image)) <= NEAR
    assert distance(image, ImageEnhance.Brightness(image).enhance(0.9)) <= NEAR


def test_different_pictures_are_far() -> None:
    distances = [distance(scene(a), scene(b)) for a, b in itertools.combinations(range(12), 2)]
    assert min(distances) > 2 * NEAR


def test_the_hash_is_half_ones() -> None:
    assert perceptual_hash(scene(1)).bit_count() == 32


def test_groups_are_named_by_their_smallest_member_and_chain() -> None:
    same = 0xFFFFF << 30
    hashes = {"d": 0b0, "c": 0b1111, "b": 0b11111111, "far": 2**64 - 1, "same1": same, "same2": same}
    assert duplicate_groups(hashes) == {"d": "b", "c": "b", "b": "b", "same1": "same1", "same2": "same1"}
    assert duplicate_groups({}) == {}
    assert duplicate_groups({"a": 5}) == {}


@given(
    base=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12),
    flips=st.lists(st.tuples(st.integers(0, 11), st.lists(st.integers(0, 63), max_size=7)), max_size=20),
)
def test_every_near_pair_is_found_and_no_other(base: list[int], flips: list[tuple[int, list[int]]]) -> None:
    values = set(base)
    for index, bits in flips:
        value = base[index % len(base)]
        for bit in bits:
            value ^= 1 << bit
        values.add(value)
    ordered = sorted(values)
    expected = {
        (i, j)
        for i, j in itertools.combinations(range(len(ordered)), 2)
        if (ordered[i] ^ ordered[j]).bit_count() <= NEAR
    }
    found = near_pairs(np.array(ordered, dtype=np.uint64))
    assert {(min(i, j), max(i, j)) for i, j in found.tolist()} == expected
