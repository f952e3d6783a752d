"""Where events are stored: a folder with store and compacted partitions, or a Postgres database beside the folder."""

from pathlib import Path

from scene_pipeline.events.postgres import PostgresEventStore
from scene_pipeline.events.sqlite import SqliteEventStore
from scene_pipeline.events.store import EventStore
from scene_pipeline.paths import EVENT_DATABASE, EVENTS_FOLDER


def events_folder(artifacts: Path) -> Path:
    """Return the folder of events below the artifacts folder."""
    return artifacts / EVENTS_FOLDER


def open_store(artifacts: Path, url: str = "") -> EventStore:
    """Open the event store of an artifacts folder, or the Postgres database of `url`. Raises EventError."""
    if url:
        return PostgresEventStore(url)
    return SqliteEventStore(artifacts / EVENT_DATABASE)
