"""Events are looked after from the command line."""

import datetime as dt
from pathlib import Path

from typer.testing import CliRunner

from scene_pipeline.cli import app
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.events.partitions import EXPOSURES, partition_days
from scene_pipeline_tests.events.conftest import exposure


def test_old_days_are_dropped_when_days_are_compacted(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    store = open_store(tmp_path)
    store.append([exposure(f"r{days}", (now - dt.timedelta(days=days)).timestamp()) for days in (2, 40, 50)])
    store.close()
    words = ["events", "compact", "--keep-days", "30", "--artifacts", str(tmp_path)]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "2 events older than 30 days dropped" in result.output
    assert partition_days(events_folder(tmp_path), EXPOSURES) == [now.date() - dt.timedelta(days=2)]
