"""Long work says where it is: in a file or log, a line at least every half minute."""

import io
import time

import pytest
from rich.console import Console

from scene_pipeline import progress


def test_a_log_is_reported_where_the_work_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert progress.EVERY_S <= 30
    monkeypatch.setattr(progress, "EVERY_S", 0.05)
    log = io.StringIO()
    with progress.bars(Console(file=log)):
        report = progress.track("Fetching pictures")
        report(1200, 4000, "9 a second")
        time.sleep(0.2)
        report(4000, 4000)
        time.sleep(0.2)
        progress.track("Exporting the encoder")
        time.sleep(0.2)
    said = log.getvalue().splitlines()
    assert any(line.startswith("Fetching pictures: 1,200 of 4,000 (9 a second), ") for line in said)
    assert any(line.startswith("Fetching pictures: 4,000 of 4,000 done, on to the next step, ") for line in said)
    assert any(line.startswith("Exporting the encoder, ") for line in said)
    count = len(said)
    time.sleep(0.1)
    assert len(log.getvalue().splitlines()) == count


def test_short_work_says_nothing() -> None:
    log = io.StringIO()
    with progress.bars(Console(file=log)):
        progress.track("Reading")(1, 1)
    assert log.getvalue() == ""
