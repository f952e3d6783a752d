"""A service over the sample's bundle, in this process and as a process of its own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")

from starlette.testclient import TestClient

from scene_pipeline.sample import sample_photographs
from scene_pipeline.service.app import create_app
from scene_pipeline.service.settings import ServiceSettings
from scene_pipeline.service.tokens import new_token

ROOT = Path(__file__).parents[2]
BASE = "http://127.0.0.1"
SCENE = sample_photographs()[0]
LIBRARY_SCENE = f"{SCENE.parent.name}/{SCENE.name}"


@pytest.fixture(scope="session")
def promoted(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts of the service's own: the demo's bundle and pictures."""
    artifacts = tmp_path_factory.mktemp("served")
    shutil.copytree(demo / "bundles", artifacts / "bundles")
    shutil.copytree(demo / "images", artifacts / "images")
    return artifacts


@pytest.fixture(scope="session")
def client(promoted: Path) -> Iterator[TestClient]:
    """The application on one worker, without tokens."""
    app = create_app(ServiceSettings(artifacts=promoted, workers=1, max_wait_s=60, deadline_s=60))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A token file, and a token of each scope."""
    made = {scope: new_token([scope], f"test {scope}") for scope in ("recommend", "feedback", "profile", "admin")}
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text("# test\n" + "\n".join(line for _, line in made.values()) + "\n")
    return path, {scope: secret for scope, (secret, _) in made.items()}


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., tuple[str, subprocess.Popen[str]]]]:
    """Start `scene-pipeline serve` on a free port: serve(artifacts, **settings) -> (address, process)."""
    started: list[subprocess.Popen[str]] = []

    def start(artifacts: Path, **settings: object) -> tuple[str, subprocess.Popen[str]]:
        environment = {f"SCENE_PIPELINE_SERVE_{name.upper()}": str(value) for name, value in settings.items()}
        process = subprocess.Popen(
            [sys.executable, "-m", "scene_pipeline.cli", "serve", "--artifacts", str(artifacts), "--port", "0"],
            env={**os.environ, **environment},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"listens on (http://\S+)", line):
                address = found[1]
                break
        else:
            raise AssertionError("the server did not start")
        _drain(process)
        wait_for(address)
        return address, process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _drain(process: subprocess.Popen[str]) -> None:
    def read() -> None:
        assert process.stderr is not None
        for _ in process.stderr:
            pass

    threading.Thread(target=read, daemon=True).start()


def wait_for(address: str) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{address}/livez", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
