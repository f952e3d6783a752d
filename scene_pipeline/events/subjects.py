"""Pseudonymous subjects: an HMAC of the shop's own id, with a key that is kept outside the event store."""

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

from scene_pipeline.errors import EventError
from scene_pipeline.settings import SUBJECT_KEY_FILE, text

MIN_KEY_BYTES = 16


@dataclass(frozen=True)
class SubjectIds:
    """Turns a shop's customer or session ids into subjects: equal ids give equal subjects; it is one-way."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Raise EventError for a key that is short enough to guess."""
        if len(self.key) < MIN_KEY_BYTES:
            raise EventError(f"the subject key has {len(self.key)} bytes; use at least {MIN_KEY_BYTES} random ones")

    def subject(self, shop_id: str) -> str:
        """Return the subject of a shop's id: 32 hexadecimal digits; empty for an empty id."""
        if not shop_id:
            return ""
        return hmac.new(self.key, shop_id.encode(), hashlib.sha256).hexdigest()[:32]


def subject_ids(store: Path) -> SubjectIds | None:
    """Return the pseudonymizer of the key file named by SCENE_PIPELINE_SUBJECT_KEY_FILE, None where none is named.

    Raises EventError when the key is unreadable, too short, or lies inside the folder of the store.
    """
    name = text(SUBJECT_KEY_FILE)
    if not name:
        return None
    path = Path(name).expanduser().resolve()
    if path.is_relative_to(store.resolve()):
        raise EventError(f"the subject key {path} lies inside the event store; keep it elsewhere")
    try:
        return SubjectIds(path.read_bytes().strip())
    except OSError as error:
        raise EventError(f"the subject key {path} cannot be read: {error.strerror}; set {SUBJECT_KEY_FILE}") from error
