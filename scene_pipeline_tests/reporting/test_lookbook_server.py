"""The lookbooks that links lead to: served under the names that are meant, and nothing beside them."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.reporting.lookbook_server import lookbook_link, lookbook_server


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    for name in ("spring", "été 1"):
        (tmp_path / "scenes" / name).mkdir(parents=True)
        (tmp_path / "scenes" / name / "lookbook.html").write_text(f"<h1>{name}</h1>", encoding="utf-8")
    (tmp_path / "scenes" / "spring" / "results.json").write_text("{}")
    (tmp_path / "secret.html").write_text("secret")
    (tmp_path / "scenes" / "unscored").mkdir()
    return tmp_path


@pytest.fixture
def port(artifacts: Path) -> Iterator[int]:
    server = lookbook_server(artifacts, "127.0.0.1", 0, "http://books.example:3001")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), dict(answer.headers)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:3001", "books.example", "BOOKS.example:3001", "[::1]:3001"])
def test_a_lookbook_opens_under_the_names_that_are_meant(port: int, host: str) -> None:
    status, body, headers = ask(port, "/lookbooks/spring", Host=host)
    assert (status, body) == (200, "<h1>spring</h1>")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "books.example.evil:80"])
def test_another_name_is_refused(port: int, host: str) -> None:
    status, body, _ = ask(port, "/lookbooks/spring", Host=host)
    assert status == 403
    assert "spring" not in body


@pytest.mark.parametrize(
    "path",
    [
        "/lookbooks/unscored",
        "/lookbooks/..",
        "/lookbooks/../../secret.html",
        "/lookbooks/%2e%2e%2f%2e%2e%2fsecret.html",
        "/lookbooks/spring/results.json",
        "/secret.html",
        "/lookbooks/",
        "/lookbooks",
    ],
)
def test_nothing_else_is_served(port: int, path: str) -> None:
    status, body, _ = ask(port, path)
    assert status == 404
    assert "secret" not in body


def test_the_list_leads_to_each_lookbook(port: int) -> None:
    status, body, _ = ask(port, "/")
    assert status == 200
    assert body.count("<li>") == 2
    assert 'href="/lookbooks/%C3%A9t%C3%A9%201"' in body
    assert ask(port, "/lookbooks/%C3%A9t%C3%A9%201")[:2] == (200, "<h1>été 1</h1>")


def test_an_unchanged_page_is_not_sent_again(port: int, artifacts: Path) -> None:
    _, _, headers = ask(port, "/lookbooks/spring")
    assert ask(port, "/lookbooks/spring", "HEAD")[1] == ""
    assert ask(port, "/lookbooks/spring", **{"If-None-Match": headers["ETag"]})[:2] == (304, "")
    (artifacts / "scenes" / "spring" / "lookbook.html").write_text("<h1>another</h1>")
    assert ask(port, "/lookbooks/spring", **{"If-None-Match": headers["ETag"]})[:2] == (200, "<h1>another</h1>")


def test_a_link_names_the_address_that_people_reach() -> None:
    assert lookbook_link("http://books.example/", "été 1/2") == "http://books.example/lookbooks/%C3%A9t%C3%A9%201%2F2"


def test_a_port_in_use_is_one_line(port: int, artifacts: Path) -> None:
    with pytest.raises(ScenePipelineError, match=rf"127\.0\.0\.1:{port} \(.*\); give another port"):
        lookbook_server(artifacts, "127.0.0.1", port)


def test_the_command_serves_until_it_is_stopped(artifacts: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "scene_pipeline.cli", "lookbooks", "--port", "0"]
    environment = {**os.environ, "SCENE_PIPELINE_LOOKBOOK_URL": "http://books.example:3001"}
    with subprocess.Popen(
        [*command, "--artifacts", str(artifacts)], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "listens on http://127.0.0.1:" in line
        assert ask(int(line.rsplit(":", 1)[1]), "/lookbooks/spring", Host="books.example:3001")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
