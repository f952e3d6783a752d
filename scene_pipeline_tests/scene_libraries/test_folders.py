"""What counts as a scene of a library, and what is named instead of being passed over in silence."""

import os
from pathlib import Path

import pytest

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.scene_libraries.folders import (
    HEIF,
    SUFFIXES,
    is_text,
    libraries_under,
    list_libraries,
    look_at_folder,
    look_at_scenes,
    shown,
    unnamed_under,
)

LATIN = os.fsdecode(b"caf\xe9.jpg")  # as an old Windows archive leaves it


def test_hidden_files_are_no_scenes_and_the_rest_is_named(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.JFIF", "._a.jpg", ".hidden.png", "notes.txt", "phone.HEIC"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "more").mkdir()
    found = look_at_folder(tmp_path)
    heic = {"phone.HEIC"} if not HEIF <= SUFFIXES else set()
    assert [path.name for path in found.pictures] == ["a.jpg", "b.JFIF", *({"phone.HEIC"} - heic)]
    assert set(found.not_looked_at) == {"more", *heic}
    assert "sub-folder" in found.not_looked_at["more"]


def test_what_could_be_a_scene_and_is_not_read_is_named(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpe", "raw.DNG", "layers.psd", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.jpg")  # to read it would wait for a writer
    found = look_at_folder(tmp_path)
    assert [path.name for path in found.pictures] == ["a.jpg", "b.jpe"]
    assert found.not_looked_at == {
        "raw.DNG": ".dng is not read; save it as JPEG or PNG",
        "layers.psd": ".psd is not read; save it as JPEG or PNG",
        "pipe.jpg": "no file but a pipe, socket or device",
    }


def test_one_entry_that_may_not_be_seen_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a link into a folder that this user may not enter."""
    for name in ("spring/a.jpg", "spring/secret.jpg", "secret/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    stat, listing = Path.stat, Path.iterdir

    def forbidden(real: object, path: Path, **options: object) -> object:
        if path.stem == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)  # type: ignore[operator]

    monkeypatch.setattr(Path, "stat", lambda path, **options: forbidden(stat, path, **options))
    monkeypatch.setattr(Path, "iterdir", lambda path: forbidden(listing, path))
    pictures = [tmp_path / "spring" / name for name in ("a.jpg", "secret.jpg")]
    assert libraries_under(tmp_path) == {"secret": None, "spring": pictures}


def test_a_name_that_is_no_utf_8_can_be_written() -> None:
    assert shown(LATIN) == "caf\\xe9.jpg"
    assert not is_text(LATIN)
    assert is_text("café.jpg")
    shown(LATIN).encode()


def test_a_library_that_cannot_be_read_is_known_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("spring", "locked", "empty", LATIN.removesuffix(".jpg")):
        (tmp_path / name).mkdir()
        if name != "empty":
            (tmp_path / name / "a.jpg").write_bytes(b"x")
    listing = Path.iterdir

    def locked(path: Path) -> object:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", locked)
    assert libraries_under(tmp_path) == {"locked": None, "spring": [tmp_path / "spring" / "a.jpg"]}
    assert unnamed_under(tmp_path) == ["caf\\xe9"]
    with pytest.raises(ScenePipelineError, match=r"locked: cannot be read \(Permission denied\)"):
        list_libraries(tmp_path)
    assert libraries_under(tmp_path / "unmounted") is None


def test_a_folder_without_pictures_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "._a.jpg").write_bytes(b"x")
    for find in (look_at_scenes, list_libraries):
        with pytest.raises(ScenePipelineError, match="holds no picture; put"):
            find(tmp_path)
        with pytest.raises(ScenePipelineError, match="cannot be read"):
            find(tmp_path / "nowhere")
