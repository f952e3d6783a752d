"""Two builds of the same artifacts never write each other's tables."""

from pathlib import Path

import dagster as dg
import pytest

from scene_pipeline.bundle.layout import writer_lock
from scene_pipeline.definitions import defs
from scene_pipeline.defs import run
from scene_pipeline.errors import BundleError


def test_a_second_build_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WAIT_S", 0.1)
    with writer_lock(tmp_path, 0), dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(BundleError, match="another process is writing a bundle"):
            run.build_bundle(defs, instance, {"store": {"root": str(tmp_path)}})
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]
