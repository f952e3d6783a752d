"""A real tiny vision server, a server that answers as a test says, and an advisor over either."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.reasoning.advisor import Advisor, ScenePicture
from scene_pipeline.reasoning.settings import LlmSettings
from scene_pipeline.sample import sample_photographs
from scene_pipeline.scenes.analysis import Classification, SceneAnalysis, SceneColor
from scene_pipeline.vocabulary import Vocabulary, load_vocabulary

SCENES = sample_photographs()
TINY: dict[str, Any] = {"model": "tiny", "side": 112, "max_tokens": 2500, "timeout_s": 60.0, "retries": 0}

GOOD = {
    "enhance": [
        {"category": "lighting_accents", "type": "floor_lamps", "materials": ["brass"], "colors": [], "size": "any",
         "place": "any"},
    ],
    "missing": [],
    "colors": ["green"],
    "avoid_colors": ["red"],
    "materials": ["wood"],
    "size": "any",
    "summary": "A lamp <b>would</b>\u202e help.",
}  # fmt: skip


@pytest.fixture(scope="session")
def tiny() -> Iterator[str]:
    """The base URL of llama.cpp's server with a random vision model of 1 MB."""
    for package in ("xllamacpp", "gguf", "openai"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    from benchmarks._tiny_vlm import tiny_server

    with tiny_server() as url:
        yield url


class Stub:
    """A server whose answers are a list of (status, headers, document); the last one is repeated."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], Any]] = []
        self.requests: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append(json.loads(body))
                status, headers, document = outer.answers[min(len(outer.requests), len(outer.answers)) - 1]
                content = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def says(self, text: str | None, finish: str = "stop", **message: Any) -> None:
        """Answer with a chat completion of this text."""
        choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
        usage = {"prompt_tokens": 400, "completion_tokens": 100, "total_tokens": 500}
        completion = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        self.answers.append((200, {}, completion | {"usage": usage}))


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return load_vocabulary()


@pytest.fixture(scope="session")
def analysis() -> SceneAnalysis:
    def trait(value: str) -> Classification:
        return Classification(value, 0.9, 0.1, {value: 0.9})

    colors = (SceneColor((96.0, 0.0, 1.0), "#f4f2f0", 0.6), SceneColor((44.0, 2.0, -42.0), "#2f66a8", 0.4))
    return SceneAnalysis(
        trait("living_room"), trait("boho"), trait("neutral_warm"), colors, present={"soft_textiles": 0.8}
    )


@pytest.fixture
def advisor(tmp_path: Path, vocabulary: Vocabulary) -> Callable[..., Advisor]:
    """Make an advisor of an endpoint: advisor(url, **settings)."""

    def make(url: str, **settings: Any) -> Advisor:
        return Advisor(LlmSettings(url=url, key="secret-key", **settings), tmp_path / "artifacts", vocabulary)

    return make


@pytest.fixture(scope="session")
def scenes(analysis: SceneAnalysis) -> dict[str, ScenePicture]:
    """Twenty scenes to ask about."""
    return {path.name: ScenePicture(path, f"{at:064x}", analysis) for at, path in enumerate(SCENES[:20])}
