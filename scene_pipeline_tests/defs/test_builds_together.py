"""Two builds of the same artifacts never write each other's tables."""

import errno
import os
from pathlib import Path

import dagster as dg
import pytest

from scene_pipeline.bundle.layout import writer_lock
from scene_pipeline.definitions import defs
from scene_pipeline.defs import launch
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.requests import BuildRequest
from scene_pipeline.errors import BundleError


def test_a_second_build_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "WAIT_S", 0.1)
    with writer_lock(tmp_path, 0), dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(BundleError, match="another process is writing a bundle"):
            launch.run_bundle_build(defs, instance, BuildRequest(tmp_path))
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_cannot_be_written_is_one_clear_line(number: int) -> None:
    @user_errors_as_failures
    def asset() -> None:
        raise OSError(number, "as the system says", "artifacts/catalog/products.parquet")

    with pytest.raises(dg.Failure) as caught:
        asset()
    assert str(caught.value.description).startswith(f"artifacts/catalog/products.parquet: {os.strerror(number)}; free")
    assert caught.value.allow_retries is False


def test_other_errors_of_the_system_stay_what_they_are() -> None:
    @user_errors_as_failures
    def asset() -> None:
        raise FileNotFoundError(errno.ENOENT, "no such file", "lost.parquet")

    with pytest.raises(FileNotFoundError):
        asset()
