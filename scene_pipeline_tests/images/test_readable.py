"""Pictures that cannot be read are named with their reason; the others are read and counted all the same."""

from pathlib import Path

import pytest

from scene_pipeline.errors import BundleError, ImageError
from scene_pipeline.images.readable import read_each

PATHS = [Path("b"), Path("broken"), Path("a")]


def name_of(path: Path) -> str:
    if path.name == "broken":
        raise ImageError("broken: is not a picture")
    return path.name


def test_what_cannot_be_read_is_left_out_with_its_reason() -> None:
    seen: list[tuple[int, int]] = []
    found, failures = read_each(PATHS, name_of, lambda done, total: seen.append((done, total)))
    assert list(found.values()) == ["b", "a"]
    assert failures == {Path("broken"): "broken: is not a picture"}
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_another_error_ends_the_reading() -> None:
    def fail(path: Path) -> None:
        raise BundleError("the bundle is gone")

    with pytest.raises(BundleError):
        read_each(PATHS, fail)
