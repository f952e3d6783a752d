"""The store: named by content, never half written, free of strangers' metadata."""

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from scene_pipeline.errors import ImageError
from scene_pipeline.images.store import ImageStore


def test_a_picture_is_named_by_the_hash_of_its_file(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    sha256 = store.add(Image.new("RGB", (400, 336), (10, 120, 200)))
    path = store.path(sha256)
    assert path == tmp_path / "store" / sha256[:2] / f"{sha256}.jpg"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert store.add(Image.new("RGB", (400, 336), (10, 120, 200))) == sha256
    assert store.intact(sha256)
    assert not list((tmp_path / "store" / ".partial").iterdir())


def test_originals_are_kept_as_they_came(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    sha256 = store.add_original(b"any bytes")
    assert store.original(sha256).read_bytes() == b"any bytes"
    assert sha256 == hashlib.sha256(b"any bytes").hexdigest()


@pytest.mark.parametrize("damage", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0 cut", b"\0" * 900])
def test_a_copy_lost_in_a_power_cut_is_not_intact(tmp_path: Path, damage: bytes) -> None:
    store = ImageStore(tmp_path)
    sha256 = store.add(Image.new("RGB", (40, 40)))
    store.path(sha256).write_bytes(damage)
    assert not store.intact(sha256)
    assert store.add(Image.new("RGB", (40, 40))) == sha256
    assert store.intact(sha256)


def test_sweep_removes_only_what_is_half_written(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    store.sweep()
    sha256 = store.add(Image.new("RGB", (40, 40)))
    left = tmp_path / "store" / ".partial" / "left-behind"
    left.write_bytes(b"half")
    store.sweep()
    assert not left.exists()
    assert store.intact(sha256)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "a" * 63])
def test_refuses_a_name_that_is_no_hash(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError, match="64 hexadecimal digits"):
        ImageStore(tmp_path).path(name)
