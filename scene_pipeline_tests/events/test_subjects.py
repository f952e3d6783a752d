"""Subjects cannot be turned back, and their key stays outside the store."""

from pathlib import Path

import pytest

from scene_pipeline.errors import EventError
from scene_pipeline.events.subjects import SubjectIds, subject_ids
from scene_pipeline.settings import SUBJECT_KEY_FILE


def test_a_subject_depends_on_id_and_key() -> None:
    ids = SubjectIds(b"k" * 32)
    assert ids.subject("anna") == ids.subject("anna") != ids.subject("ben")
    assert ids.subject("anna") != SubjectIds(b"l" * 32).subject("anna")
    assert len(ids.subject("anna")) == 32
    assert ids.subject("") == ""
    assert "kkkk" not in repr(ids)


def test_the_key_is_read_from_a_file_outside_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "events"
    store.mkdir()
    monkeypatch.delenv(SUBJECT_KEY_FILE, raising=False)
    assert subject_ids(store) is None
    (tmp_path / "key").write_bytes(b"a" * 32 + b"\n")
    monkeypatch.setenv(SUBJECT_KEY_FILE, str(tmp_path / "key"))
    assert subject_ids(store) == SubjectIds(b"a" * 32)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("events/key", b"a" * 32, "inside the event store"), ("short", b"abc", "3 bytes"), ("none", None, "be read")],
)
def test_a_key_that_protects_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, said: str
) -> None:
    (tmp_path / "events").mkdir()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv(SUBJECT_KEY_FILE, str(tmp_path / name))
    with pytest.raises(EventError, match=said):
        subject_ids(tmp_path / "events")
